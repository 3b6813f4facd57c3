using Microsoft.AspNetCore.Builder;
using Npgsql;
using Tessera.Core;
using Tessera.Core.Coupons;
using Tessera.Server.Access;
using Tessera.Server.Platform;
using Tessera.Server.Platform.Http;

namespace Tessera.Server.Regions;

/// <summary>What a region asks of the end of coupons.</summary>
/// <param name="MinimumDays">Fewest days from the issue to the end; 0 to 3650, 0 for any.</param>
/// <param name="MayShorten">Whether an end that was promised may be brought forward.</param>
/// <param name="ShorteningDays">How many days ahead the earlier end has to be then; 0 to 3650, 0 for none.</param>
/// <param name="NoticeDays">How many days before the end customers have to be told; 0 to 365, 0 for no notice.</param>
internal sealed record CouponExpiryRule(
    int MinimumDays = 0,
    bool MayShorten = true,
    int ShorteningDays = 0,
    int NoticeDays = 0
);

/// <summary>A region, as written.</summary>
/// <param name="Id">A country (ISO 3166-1), a part of one (ISO 3166-2), or <c>default</c> for all others; cannot change.</param>
/// <param name="Coupons">What it asks of the end of coupons.</param>
internal sealed record RegionWanted(string Id, CouponExpiryRule Coupons);

/// <summary>A region with rules of its own.</summary>
/// <param name="Id">A country (ISO 3166-1), a part of one (ISO 3166-2), or <c>default</c> for all others.</param>
/// <param name="Coupons">What it asks of the end of coupons.</param>
/// <param name="Version">Counts its changes.</param>
/// <param name="CreatedAt">When it was made.</param>
internal sealed record Region(string Id, CouponExpiryRule Coupons, int Version, DateTimeOffset CreatedAt) : IRecord
{
    string IRecord.Key => Id;
}

/// <summary>The regions with rules of their own. They are the law, so everybody who may read the directory sees them.</summary>
internal sealed class RegionDirectory : Directory<RegionWanted, Region>
{
    private const int LongestDays = 3650;
    private const int LongestNotice = 365;

    private static readonly Refusal Exists = new("region_exists", "This region has its rules already.");

    protected override bool IsSetting => true;

    protected override string Schema => "regions";

    protected override string Writing => Permissions.RegionsManage;

    protected override string Name => "region";

    protected override string Plural => "regions";

    protected override string Route => "";

    protected override string Columns =>
        "id, coupon_minimum_days, coupon_may_shorten, coupon_shortening_days, coupon_notice_days, version, created_at";

    protected override string IdType => "text";

    protected override IReadOnlyDictionary<string, (string Column, string Type)> Sorts { get; } =
        new Dictionary<string, (string, string)>
        {
            ["created_at"] = ("created_at", "timestamptz"),
            ["id"] = ("id", "text"),
        };

    protected override Refusal Taken => Exists;

    protected override (RegionWanted Wanted, Region View) Example
    {
        get
        {
            var rule = new CouponExpiryRule(365, true, 30, 14);
            return (new RegionWanted("AT", rule), new Region("AT", rule, 1, Samples.At));
        }
    }

    protected override Region Read(NpgsqlDataReader row) =>
        new(
            row.GetString(0),
            new CouponExpiryRule(row.GetInt32(1), row.GetBoolean(2), row.GetInt32(3), row.GetInt32(4)),
            row.GetInt32(5),
            row.GetFieldValue<DateTimeOffset>(6)
        );

    protected override RegionWanted? Parse(Fields fields, Region? present)
    {
        var isPatch = present is not null;
        var id = isPatch && !fields.Names("id") ? present!.Id : fields.Text("id", 10);
        if (id is not null && id != RegionNames.Default && !RegionNames.IsRegion(id))
        {
            fields.Add(
                "id",
                "unknown_region",
                "This has to be a country such as AT, a part of one such as AT-9, or default."
            );
        }

        var coupons =
            isPatch && !fields.Names("coupons") ? present!.Coupons
            : fields.Object("coupons") is { } rule ? RuleOf(rule, isPatch ? present!.Coupons : new CouponExpiryRule())
            : null;
        return id is null || coupons is null ? null : new RegionWanted(id, coupons);
    }

    protected override void Compare(Fields fields, Region present, RegionWanted wanted)
    {
        if (wanted.Id != present.Id)
        {
            fields.Add("id", "immutable", "The id of a region cannot change.");
        }
    }

    protected override async Task<Region?> InsertAsync(UnitOfWork work, RegionWanted wanted)
    {
        await using var command = work.Command(
            $"""
            insert into regions.region
                (id, coupon_minimum_days, coupon_may_shorten, coupon_shortening_days, coupon_notice_days)
            values ($1, $2, $3, $4, $5) on conflict do nothing returning {Columns}
            """,
            ValuesOf(wanted.Id, wanted.Coupons)
        );
        return await OneAsync(command);
    }

    protected override async Task<Region?> UpdateAsync(UnitOfWork work, Region present, RegionWanted wanted)
    {
        await using var command = work.Command(
            $"""
            update regions.region set coupon_minimum_days = $2, coupon_may_shorten = $3, coupon_shortening_days = $4,
                coupon_notice_days = $5, version = version + 1
            where id = $1 returning {Columns}
            """,
            ValuesOf(present.Id, wanted.Coupons)
        );
        return await OneAsync(command);
    }

    protected override (string Name, object? Value)[] Told(Region? before, Region? after, EventWords words) =>
        [
            ("before", before is null ? null : Words(before.Coupons)),
            ("after", after is null ? null : Words(after.Coupons)),
        ];

    protected override string Filter(Query query, List<object?> values) => "true";

    protected override string Scope(Caller caller, List<object?> values) => "true";

    protected override string SortKey(Region view, string sort) => sort == "id" ? view.Id : base.SortKey(view, sort);

    protected override RouteHandlerBuilder Describe(RouteHandlerBuilder list) => list;

    private static CouponExpiryRule? RuleOf(Fields fields, CouponExpiryRule present)
    {
        var errors = fields.Errors.Count;
        var minimum = Days(fields, "minimum_days", LongestDays, present.MinimumDays);
        var mayShorten = fields.Flag("may_shorten", required: false) ?? present.MayShorten;
        var shortening = Days(fields, "shortening_days", LongestDays, present.ShorteningDays);
        var notice = Days(fields, "notice_days", LongestNotice, present.NoticeDays);
        if (!mayShorten && shortening > 0)
        {
            fields.Add(
                "shortening_days",
                "not_expected",
                "An end that may not be brought forward needs no days ahead."
            );
        }

        return fields.Errors.Count == errors ? new CouponExpiryRule(minimum, mayShorten, shortening, notice) : null;
    }

    private static int Days(Fields fields, string name, int most, int present) =>
        (int)(fields.Integer(name, 0, most, required: false) ?? present);

    private static object?[] ValuesOf(string id, CouponExpiryRule rule) =>
        [id, rule.MinimumDays, rule.MayShorten, rule.ShorteningDays, rule.NoticeDays];

    private static Dictionary<string, object> Words(CouponExpiryRule rule) =>
        new()
        {
            ["coupon_minimum_days"] = rule.MinimumDays,
            ["coupon_may_shorten"] = rule.MayShorten,
            ["coupon_shortening_days"] = rule.ShorteningDays,
            ["coupon_notice_days"] = rule.NoticeDays,
        };
}
