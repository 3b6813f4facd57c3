using System.Globalization;
using Tessera.Core.Coupons;
using Tessera.Server.Redemptions;

namespace Tessera.Server.Replay;

/// <summary>
/// Runs the redemptions of the complete-journey data through the real path, in order, each on its day (DEP-04): once as
/// they happened, once with one use a household, once with a cap of 100 uses a campaign.
/// </summary>
public static class CompleteJourneyReplay
{
    private const int CampaignCap = 100;

    private static readonly TimeSpan Noon = TimeSpan.FromHours(12);

    /// <summary>Runs it.</summary>
    /// <param name="server">A login that may create databases.</param>
    /// <param name="directory">Of the data set.</param>
    /// <param name="cancel">Cancels; the simulation databases are removed.</param>
    /// <param name="look">Looks at the redemptions as they happened, before their database is removed.</param>
    public static async Task<Figures> RunAsync(
        string server,
        string directory,
        CancellationToken cancel,
        Func<SimulationDatabase, Task>? look = null
    )
    {
        var uses = new List<Use>();
        await foreach (
            var row in DataFile.ReadAsync(
                directory,
                "coupon_redemptions.csv",
                ["household_id", "coupon_upc", "campaign_id", "redemption_date"],
                cancel
            )
        )
        {
            uses.Add(new Use(row[0], row[1], row[2], CompleteJourneyWorld.DayOf(row[3])));
        }

        await using var asItWas = await SimulationDatabase.MakeAsync(server, cancel);
        var world = await CompleteJourneyWorld.LoadAsync(asItWas, directory, cancel);
        await using var oneUse = await asItWas.CopyAsync(cancel);
        await using var capped = await asItWas.CopyAsync(cancel);
        await oneUse.ExecuteAsync("update coupons.coupon set max_uses_per_user = 1", cancel);
        await capped.ExecuteAsync("update campaigns.campaign set budget_uses = $1", cancel, (long)CampaignCap);

        // Copying has closed the first database; it is opened again under its name.
        await using var first = await asItWas.CopyAsync(cancel);
        var figures = new Figures();
        await RunAsync(first, world, uses, cancel);
        await CompleteJourneyFigures.OfRedemptionsAsync(first, figures, cancel);
        await RunAsync(oneUse, world, uses, cancel);
        await CompleteJourneyFigures.OfOneUseAsync(oneUse, figures, cancel);
        await RunAsync(capped, world, uses, cancel);
        await CompleteJourneyFigures.OfCapAsync(capped, figures, cancel);
        await CompleteJourneyFigures.OfFilesAsync(first, directory, figures, cancel);
        if (look is not null)
        {
            await look(first);
        }

        return figures;
    }

    private static async Task RunAsync(
        SimulationDatabase simulation,
        CompleteJourneyWorld world,
        List<Use> uses,
        CancellationToken cancel
    )
    {
        await using var till = new Till(simulation);
        var place = 0;
        foreach (var day in uses.GroupBy(static u => u.Day))
        {
            // Days of the shop: noon by its clock.
            await simulation.SetClockAsync(Zones.StartOf(day.Key, CompleteJourneyWorld.Zone) + Noon, cancel);
            var answers = new List<Task<Answer>>();
            foreach (var use in day)
            {
                var code = CompleteJourneyWorld.CodeOf(use.Upc, use.Campaign);
                var order = "receipt-" + (++place).ToString(CultureInfo.InvariantCulture);
                answers.Add(
                    till.RedeemAsync(code, world.Household(use.Household), order, 1000, "USD", [world.ProductOf(code)])
                );
            }

            await Task.WhenAll(answers);
        }
    }

    private sealed record Use(string Household, string Upc, string Campaign, DateOnly Day);
}
