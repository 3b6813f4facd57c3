using System.Globalization;
using Npgsql;
using Tessera.Core;
using Tessera.Core.Coupons;
using Tessera.Server.Coupons;
using Tessera.Server.Platform;

namespace Tessera.Server.Replay;

/// <summary>Loads the campaigns, audiences, coupons and product lists of the complete-journey data in bulk.</summary>
/// <remarks>
/// A coupon is a UPC within a campaign, private to the campaign's audience. The data gives no face values, so each takes
/// one dollar off.
/// </remarks>
internal sealed class CompleteJourneyWorld
{
    public const string ZoneName = "America/New_York";

    private const int Batch = 200;

    private static readonly CatalogueActor Actor = new("job:replay", "replay");

    private readonly Dictionary<string, Guid> _households = new(StringComparer.Ordinal);
    private readonly Dictionary<string, string> _firstProduct = new(StringComparer.Ordinal);

    public static TimeZoneInfo Zone { get; } = TimeZoneInfo.FindSystemTimeZoneById(ZoneName);

    public Guid Household(string id) => _households[id];

    /// <summary>A product the coupon is good for.</summary>
    public string ProductOf(string code) => _firstProduct[code];

    public static string CodeOf(string upc, string campaign) => $"{upc}-{campaign}";

    public static DateOnly DayOf(string text) => DateOnly.ParseExact(text, "yyyy-MM-dd", CultureInfo.InvariantCulture);

    /// <summary>Loads it all. The clock is moved to the day before the first campaign starts.</summary>
    public static async Task<CompleteJourneyWorld> LoadAsync(
        SimulationDatabase simulation,
        string directory,
        CancellationToken cancel
    )
    {
        var world = new CompleteJourneyWorld();
        var campaigns = new Dictionary<string, (DateTimeOffset Start, DateTimeOffset End)>(StringComparer.Ordinal);
        var types = new List<string>();
        await foreach (
            var row in DataFile.ReadAsync(
                directory,
                "campaign_descriptions.csv",
                ["campaign_id", "campaign_type", "start_date", "end_date"],
                cancel
            )
        )
        {
            // The last day counts whole: the window ends with the first instant of the next (convention 2).
            campaigns[row[0]] = (Zones.StartOf(DayOf(row[2]), Zone), Zones.StartOf(DayOf(row[3]).AddDays(1), Zone));
            types.Add(row[1]);
        }

        await simulation.SetClockAsync(campaigns.Values.Min(static c => c.Start).AddDays(-1), cancel);
        await simulation.ExecuteAsync(
            """
            insert into campaigns.campaign (id, name, description, start_at, end_at, time_zone, created_by)
            select id, 'Campaign ' || id, type, start_at, end_at, $5, 'job:replay'
            from unnest($1::text[], $2::text[], $3::timestamptz[], $4::timestamptz[]) as c (id, type, start_at, end_at)
            """,
            cancel,
            campaigns.Keys.ToArray(),
            types.ToArray(),
            Instants(campaigns.Values.Select(static c => c.Start)),
            Instants(campaigns.Values.Select(static c => c.End)),
            ZoneName
        );
        await world.LoadAudiencesAsync(simulation, directory, cancel);
        await world.LoadCouponsAsync(simulation, directory, campaigns, cancel);
        return world;
    }

    private async Task LoadAudiencesAsync(SimulationDatabase simulation, string directory, CancellationToken cancel)
    {
        var members = new List<(string Campaign, Guid Customer)>();
        await foreach (
            var row in DataFile.ReadAsync(directory, "campaigns.csv", ["campaign_id", "household_id"], cancel)
        )
        {
            if (!_households.TryGetValue(row[1], out var customer))
            {
                _households[row[1]] = customer = Guid.CreateVersion7();
            }

            members.Add((row[0], customer));
        }

        await simulation.ExecuteAsync(
            "insert into access.customer (id, external_id) select * from unnest($1::uuid[], $2::text[])",
            cancel,
            _households.Values.ToArray(),
            _households.Keys.ToArray()
        );
        await simulation.ExecuteAsync(
            "insert into campaigns.audience (campaign_id, customer_id) select * from unnest($1::text[], $2::uuid[])",
            cancel,
            members.Select(static m => m.Campaign).ToArray(),
            members.Select(static m => m.Customer).ToArray()
        );
    }

    private async Task LoadCouponsAsync(
        SimulationDatabase simulation,
        string directory,
        Dictionary<string, (DateTimeOffset Start, DateTimeOffset End)> campaigns,
        CancellationToken cancel
    )
    {
        var coupons = new Dictionary<(string Upc, string Campaign), HashSet<string>>();
        await foreach (
            var row in DataFile.ReadAsync(directory, "coupons.csv", ["coupon_upc", "product_id", "campaign_id"], cancel)
        )
        {
            if (!coupons.TryGetValue((row[0], row[2]), out var products))
            {
                coupons[(row[0], row[2])] = products = new HashSet<string>(StringComparer.Ordinal);
                _firstProduct[CodeOf(row[0], row[2])] = row[1];
            }

            products.Add(row[1]);
        }

        foreach (var some in coupons.Chunk(Batch))
        {
            await using var work = await simulation.Database.BeginAsync(cancel);
            var now = await work.ClockAsync(cancel);
            var drafts = some.Select(c => Draft(c.Key.Upc, c.Key.Campaign, campaigns[c.Key.Campaign], c.Value))
                .ToList();
            if (
                drafts.Select(d => CouponRules.Validate(d, now, startIsNew: true)).FirstOrDefault(e => e.Count > 0) is
                { } wrong
            )
            {
                throw new InvalidOperationException($"{wrong[0].Field}: {wrong[0].Message}");
            }

            await CouponStore.InsertAsync(work, drafts, Actor, now, cancel);
            await work.CommitAsync(cancel);
        }
    }

    private static CouponDraft Draft(
        string upc,
        string campaign,
        (DateTimeOffset Start, DateTimeOffset End) window,
        HashSet<string> products
    ) =>
        new()
        {
            Code = CodeOf(upc, campaign),
            Distribution = "private",
            InternalName = $"UPC {upc} in campaign {campaign}",
            Description = new Dictionary<string, string> { ["en"] = $"UPC {upc}" },
            DiscountType = "fixed_amount",
            DiscountValue = 1,
            MaxUsesPerUser = 10,
            ValidFrom = window.Start,
            ValidUntil = window.End,
            TimeZone = ZoneName,
            CampaignId = campaign,
            CampaignRole = "primary",
            Products = [.. products],
            IsActive = true,
        };

    private static NpgsqlParameter Instants(IEnumerable<DateTimeOffset> instants) =>
        new NpgsqlParameter<DateTimeOffset[]>
        {
            TypedValue = [.. instants],
            NpgsqlDbType = NpgsqlTypes.NpgsqlDbType.Array | NpgsqlTypes.NpgsqlDbType.TimestampTz,
        };
}
