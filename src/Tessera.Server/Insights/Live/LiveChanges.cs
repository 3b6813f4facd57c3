using System.Text.Json;
using Npgsql;
using Tessera.Server.Coupons;
using Tessera.Server.Platform;
using Tessera.Server.Platform.Http;

namespace Tessera.Server.Insights.Live;

/// <summary>What happened to one coupon in a stretch of the log, and how it stands now.</summary>
/// <param name="Coupon">As the list shows it; null for one that was deleted.</param>
/// <param name="CouponId">Its id.</param>
/// <param name="MerchantId">Whose it is; null for the deployment's own.</param>
/// <param name="Counts">How often what happened: the words of A.13 and those beside them.</param>
internal sealed record LiveChange(
    Coupon? Coupon,
    long CouponId,
    Guid? MerchantId,
    IReadOnlyList<(string Name, long Count)> Counts
);

/// <summary>A stretch of the log as those who look at coupons are told of it.</summary>
/// <param name="Seq">Of its last event.</param>
/// <param name="Changes">Coupon by coupon, the busiest first.</param>
/// <param name="IsPart">Whether more coupons changed than are named: lists have to be asked for again.</param>
/// <param name="HasAlerts">Whether alerts were raised, noted or cleared.</param>
/// <param name="HasMore">Whether the log goes on.</param>
internal sealed record LiveStretch(
    long Seq,
    IReadOnlyList<LiveChange> Changes,
    bool IsPart,
    bool HasAlerts,
    bool HasMore
)
{
    /// <summary>The message to a caller of one scope; null when nothing in it is the caller's.</summary>
    /// <param name="merchant">The caller's merchant; null for the whole deployment.</param>
    public ReadOnlyMemory<byte>? MessageTo(Guid? merchant)
    {
        var own = merchant is null ? Changes : [.. Changes.Where(c => c.MerchantId == merchant)];
        // A merchant's alerts come with its coupons.
        var hasAlerts = HasAlerts && merchant is null;
        if (own.Count == 0 && !IsPart && !hasAlerts)
        {
            return null;
        }

        return JsonOut.Bytes(json =>
        {
            json.WriteStartObject();
            json.WriteString("type"u8, "changes"u8);
            json.WriteNumber("seq"u8, Seq);
            json.WriteBoolean("is_part"u8, IsPart);
            json.WriteBoolean("has_alerts"u8, hasAlerts);
            json.WriteStartArray("changes"u8);
            foreach (var change in own)
            {
                Write(json, change);
            }

            json.WriteEndArray();
            json.WriteEndObject();
        });
    }

    private static void Write(Utf8JsonWriter json, LiveChange change)
    {
        json.WriteStartObject();
        json.WriteNumber("coupon_id"u8, change.CouponId);
        json.WriteStartObject("events"u8);
        foreach (var (name, count) in change.Counts)
        {
            json.WriteNumber(name, count);
        }

        json.WriteEndObject();
        json.WritePropertyName("coupon"u8);
        if (change.Coupon is { } coupon)
        {
            coupon.Write(json);
        }
        else
        {
            json.WriteNullValue();
        }

        json.WriteEndObject();
    }
}

/// <summary>Reads stretches of the sealed log, coupon by coupon: thousands of uses of one coupon are one change.</summary>
internal static class LiveChanges
{
    /// <summary>Events of one stretch.</summary>
    public const int Step = 5_000;

    /// <summary>Coupons that one message names.</summary>
    private const int MostCoupons = 100;

    private static readonly string[] Names =
    [
        "coupon_used",
        "fraud_detected",
        "limit_reached",
        "expired",
        "rolled_back",
        "reserved",
        "changed",
    ];

    private const string CountSql = $$"""
        with next as materialized (
            select a.seq, e.type, e.aggregatetype, e.aggregateid, e.payload
            from audit.entry a
            {{EventLog.OfEntry}}
            where a.seq > $1 and a.seq <= $2
            order by a.seq limit $3
        ), told as (
            select type, aggregatetype = 'coupon' as is_coupon, payload ->> 'to' as state, payload ? 'redemption_id' as is_use,
                case when aggregatetype = 'coupon' and aggregateid ~ '^\d{1,18}$' then aggregateid::bigint
                    when payload ->> 'coupon_id' ~ '^\d{1,18}$' then (payload ->> 'coupon_id')::bigint end as coupon_id
            from next
        )
        select (select count(*) from next), (select coalesce(max(seq), $1) from next),
            exists (select from next where aggregatetype in ('coupon_alert', 'expiry_alert', 'security_alert')), t.*
        from (select true) one left join (
            select coupon_id,
                count(*) filter (where type = 'coupon.state_changed' and state = 'redeemed' and is_use) as used,
                count(*) filter (where type = 'coupon_alert.raised') as fraud_detected,
                count(*) filter (where type = 'coupon.limit_reached') as limit_reached,
                count(*) filter (where type = 'coupon.expired' and is_coupon) as expired,
                count(*) filter (where type = 'redemption.rolled_back') as rolled_back,
                count(*) filter (where state = 'reserved') as reserved,
                count(*) filter (where is_coupon and type <> 'coupon.expired') as changed
            from told where coupon_id is not null group by coupon_id
            order by count(*) desc, coupon_id limit $4
        ) t on true
        """;

    /// <summary>The end of the sealed log.</summary>
    public static async Task<long> HeadAsync(Database database, CancellationToken cancel)
    {
        await using var command = database.Source.CreateCommand("select seq from audit.seal");
        return (long)(await command.ExecuteScalarAsync(cancel))!;
    }

    /// <summary>The stretch after a place, not beyond another.</summary>
    public static async Task<LiveStretch> ReadAsync(Database database, long after, long until, CancellationToken cancel)
    {
        await using var command = database.Source.CreateCommand(CountSql);
        foreach (var value in (object[])[after, until, Step, MostCoupons + 1])
        {
            command.Parameters.Add(new NpgsqlParameter { Value = value });
        }

        long read = 0;
        var (seq, hasAlerts) = (after, false);
        var counted = new List<(long Id, List<(string, long)> Counts)>();
        await using (var rows = await command.ExecuteReaderAsync(cancel))
        {
            while (await rows.ReadAsync(cancel))
            {
                (read, seq, hasAlerts) = (rows.GetInt64(0), rows.GetInt64(1), rows.GetBoolean(2));
                if (!rows.IsDBNull(3))
                {
                    var counts = Names.Select((name, place) => (name, rows.GetInt64(4 + place)));
                    counted.Add((rows.GetInt64(3), [.. counts.Where(static c => c.Item2 > 0)]));
                }
            }
        }

        var isPart = counted.Count > MostCoupons;
        var known = await CouponsAsync(database, [.. counted.Take(MostCoupons).Select(static c => c.Id)], cancel);
        var changes = new List<LiveChange>();
        foreach (var (id, counts) in counted.Take(MostCoupons))
        {
            if (known.TryGetValue(id, out var one))
            {
                changes.Add(new LiveChange(one.IsDeleted ? null : one.Coupon, id, one.Coupon.MerchantId, counts));
            }
        }

        return new LiveStretch(seq, changes, isPart, hasAlerts, read == Step);
    }

    private static async Task<Dictionary<long, (Coupon Coupon, bool IsDeleted)>> CouponsAsync(
        Database database,
        long[] ids,
        CancellationToken cancel
    )
    {
        var known = new Dictionary<long, (Coupon, bool)>();
        if (ids.Length == 0)
        {
            return known;
        }

        await using var command = database.Source.CreateCommand(
            $"select {Coupon.Columns}, c.deleted_at is not null from {Coupon.From} where c.id = any($1)"
        );
        command.Parameters.Add(new NpgsqlParameter<long[]> { TypedValue = ids });
        await using var rows = await command.ExecuteReaderAsync(cancel);
        while (await rows.ReadAsync(cancel))
        {
            var coupon = Coupon.Read(rows);
            known[coupon.Id] = (coupon, rows.GetBoolean(Coupon.After));
        }

        return known;
    }
}
