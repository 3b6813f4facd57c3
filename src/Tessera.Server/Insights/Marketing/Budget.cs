using Tessera.Core.Limits;
using Tessera.Server.Platform;

namespace Tessera.Server.Insights.Marketing;

/// <summary>A budget of a campaign and what stands on its account, in minor units or uses.</summary>
/// <param name="Campaign">Whose.</param>
/// <param name="Unit">A currency, or use.</param>
/// <param name="Bound">The most there is.</param>
/// <param name="Posted">Spent.</param>
/// <param name="Held">Held by checkouts that are under way.</param>
/// <param name="First">First day of the campaign, UTC.</param>
/// <param name="End">The day its end falls on; null without one.</param>
internal sealed record Budget(
    string Campaign,
    string Unit,
    long Bound,
    long Posted,
    long Held,
    DateOnly First,
    DateOnly? End
)
{
    public const string Uses = "use";

    /// <summary>The budgets of one campaign, or of all that run now.</summary>
    public static async Task<IReadOnlyList<Budget>> OfAsync(UnitOfWork work, string? id, CancellationToken cancel)
    {
        var which = id is null ? "start_at <= platform.clock() and end_at > platform.clock()" : "id = $1";
        var found = new List<(Guid Account, Budget Budget)>();
        await using (
            var command = work.Command(
                $"""
                select id, budget_minor, budget_currency, budget_uses, (start_at at time zone 'UTC')::date,
                    case when isfinite(end_at) then (end_at at time zone 'UTC')::date end
                from campaigns.campaign where deleted_at is null and {which}
                """,
                id is null ? [] : [id]
            )
        )
        await using (var row = await command.ExecuteReaderAsync(cancel))
        {
            while (await row.ReadAsync(cancel))
            {
                var campaign = row.GetString(0);
                var (first, end) = (row.GetFieldValue<DateOnly>(4), row.Value<DateOnly>(5));
                if (row.Value<long>(1) is { } money)
                {
                    var account = LimitAccount.OfBudget(campaign, "", 1).Id;
                    found.Add((account, new Budget(campaign, row.GetString(2), money, 0, 0, first, end)));
                }

                if (row.Value<long>(3) is { } uses)
                {
                    var account = LimitAccount.OfCampaignUses(campaign, 1).Id;
                    found.Add((account, new Budget(campaign, Uses, uses, 0, 0, first, end)));
                }
            }
        }

        var standings = await StandingAsync(work, [.. found.Select(static f => f.Account)], cancel);
        return
        [
            .. found.Select(f =>
                standings.TryGetValue(f.Account, out var s)
                    ? f.Budget with
                    {
                        Posted = s.Posted,
                        Held = s.Held,
                    }
                    : f.Budget
            ),
        ];
    }

    private static async Task<Dictionary<Guid, (long Posted, long Held)>> StandingAsync(
        UnitOfWork work,
        Guid[] accounts,
        CancellationToken cancel
    )
    {
        await using var command = work.Command(
            "select id, posted, pending from balances.account where id = any($1)",
            accounts
        );
        var standings = new Dictionary<Guid, (long Posted, long Held)>();
        await using var row = await command.ExecuteReaderAsync(cancel);
        while (await row.ReadAsync(cancel))
        {
            standings[row.GetGuid(0)] = (row.GetInt64(1), row.GetInt64(2));
        }

        return standings;
    }
}
