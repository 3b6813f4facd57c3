using System.Globalization;
using Npgsql;
using NpgsqlTypes;
using Tessera.Server.Connectors;
using Tessera.Server.Platform;

namespace Tessera.Server.Operations;

/// <summary>A live unit that is ended by hand.</summary>
/// <param name="Id">Its id.</param>
/// <param name="ValidUntil">Its end: part of its key.</param>
/// <param name="State">Before.</param>
/// <param name="Version">Before.</param>
/// <param name="Channel">Where it was given out.</param>
/// <param name="CouponId">Of the definition.</param>
internal readonly record struct EndedUnit(
    long Id,
    DateTimeOffset ValidUntil,
    string State,
    long Version,
    string? Channel,
    long CouponId
);

/// <summary>Writes that units under their locks are cancelled or revoked: state, events, and the partners told.</summary>
internal static class UnitEndings
{
    /// <summary>Writes them, set-based.</summary>
    public static async Task WriteAsync(
        UnitOfWork work,
        string to,
        Guid? merchant,
        IReadOnlyCollection<EndedUnit> units,
        OverrideDeed deed,
        DateTimeOffset now,
        CancellationToken cancel
    )
    {
        await work.ExecuteAsync(
            """
            update coupons.instance i set state = $3, prior_state = null, version = i.version + 1
            from unnest($1::bigint[], $2::timestamptz[]) as d (id, valid_until)
            where i.id = d.id and i.valid_until = d.valid_until
            """,
            [
                units.Select(static u => u.Id).ToArray(),
                new NpgsqlParameter<DateTimeOffset[]>
                {
                    TypedValue = [.. units.Select(static u => u.ValidUntil)],
                    NpgsqlDbType = NpgsqlDbType.Array | NpgsqlDbType.TimestampTz,
                },
                to,
            ],
            cancel
        );
        var cause = to == "cancelled" ? "cancellation" : "grant_withdrawn";
        List<EventEntry> entries =
        [
            .. units.Select(u => new EventEntry(
                "instance",
                u.Id.ToString(CultureInfo.InvariantCulture),
                "coupon.state_changed",
                u.Version + 1,
                deed.Actor,
                deed.Payload(("from", u.State), ("to", to), ("cause", cause), ("coupon_id", u.CouponId)),
                deed.RequestId
            )),
        ];
        await EventLog.AppendAsync(work, now, entries, cancel);
        var told = units
            .GroupBy(static u => u.Channel)
            .Select(g => new CommandBatch(
                CommandKind.Disable,
                merchant,
                g.Key,
                CommandBatch.Instance,
                [.. g.Select(static u => u.Id)],
                now,
                IsEarly: true
            ));
        await CommandStream.AppendAsync(work, [.. told], cancel);
    }
}
