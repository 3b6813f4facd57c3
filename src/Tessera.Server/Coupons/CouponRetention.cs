using Tessera.Server.Platform.Retention;

namespace Tessera.Server.Coupons;

/// <summary>What the room keeps that ages. Units have a time to live of their own, by coupon (EXP-16).</summary>
internal static class CouponRetention
{
    public static IReadOnlyList<RetainedKind> Kinds { get; } =
    [
        new(
            "bulk_change",
            "Bulk changes that can no longer be undone, with what was there before.",
            1095,
            "coupons.bulk_plan",
            "greatest(d.undo_until, d.created_at) < $1"
        )
        {
            FewestDays = 30,
            MayArchive = true,
            Parts = [new("coupons.bulk_part", "p.plan_id = d.id"), new("coupons.issued_part", "p.plan_id = d.id")],
        },
    ];

    /// <summary>Words that may name a person.</summary>
    public static IReadOnlyList<KeptWords> Words { get; } =
    [
        new(
            "coupons.coupon",
            "t.notes",
            $"notes = '{KeptWords.Erased}', version = t.version + 1, updated_at = platform.clock()"
        ),
        new(
            "coupons.coupon",
            "t.internal_name || ' ' || t.description::text",
            $"""
            internal_name = left(regexp_replace(t.internal_name, $2, '{KeptWords.Erased}', 'gi'), 100),
            description = platform.without(t.description, $2), version = t.version + 1, updated_at = platform.clock()
            """
        )
        {
            IsShown = true,
        },
        new("coupons.template", "t.name", $"name = '{KeptWords.Erased} ' || t.id, version = t.version + 1")
        {
            IsShown = true,
        },
        KeptWords.Within("coupons.template", json: "fields", also: "version = t.version + 1") with
        {
            IsShown = true,
        },
        KeptWords.Within("coupons.service", "name", also: "version = t.version + 1") with
        {
            IsShown = true,
        },
        KeptWords.Within("coupons.bulk_plan", json: "input"),
        KeptWords.Within("coupons.bulk_part", json: "befores"),
    ];
}
