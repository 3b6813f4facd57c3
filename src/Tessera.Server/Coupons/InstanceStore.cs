using Npgsql;
using NpgsqlTypes;
using Tessera.Server.Platform;

namespace Tessera.Server.Coupons;

/// <summary>A unit to be issued.</summary>
/// <param name="Id">From a block taken for it.</param>
/// <param name="Code">In its normal form.</param>
/// <param name="CustomerId">Its holder; null for nobody yet.</param>
public readonly record struct NewInstance(long Id, string Code, Guid? CustomerId = null);

/// <summary>What the units of one batch share.</summary>
/// <param name="CouponId">The definition.</param>
/// <param name="ValidFrom">First instant.</param>
/// <param name="ValidUntil">First instant after it.</param>
/// <param name="MerchantId">Who offers it.</param>
/// <param name="CampaignId">Its campaign.</param>
/// <param name="Channel">Where it was given out.</param>
public sealed record InstanceTerms(
    long CouponId,
    DateTimeOffset ValidFrom,
    DateTimeOffset ValidUntil,
    Guid? MerchantId = null,
    string? CampaignId = null,
    string? Channel = null
);

/// <summary>The SQL of issuing units by the million (CPN-03, CPN-17).</summary>
public static class InstanceStore
{
    /// <summary>Ids of one block of the sequence.</summary>
    public const int BlockSize = 1024;

    /// <summary>Takes ids: runs of consecutive numbers, in order. What is not used is lost.</summary>
    public static async Task<IReadOnlyList<long>> TakeIdsAsync(UnitOfWork work, int count, CancellationToken cancel)
    {
        ArgumentNullException.ThrowIfNull(work);
        var ids = new List<long>(count);
        await using var command = work.Command(
            "select nextval('coupons.instance_block') from generate_series(1, $1) order by 1",
            (count + BlockSize - 1) / BlockSize
        );
        await using var rows = await command.ExecuteReaderAsync(cancel);
        while (await rows.ReadAsync(cancel))
        {
            var first = rows.GetInt64(0) * BlockSize;
            for (var i = 0; i < BlockSize && ids.Count < count; i++)
            {
                ids.Add(first + i);
            }
        }

        return ids;
    }

    /// <summary>Issues units with their codes and events in the caller's transaction.</summary>
    /// <param name="work">The transaction.</param>
    /// <param name="terms">What they share.</param>
    /// <param name="units">In order of id.</param>
    /// <param name="actor">Who causes it.</param>
    /// <param name="now">The database clock.</param>
    /// <param name="cancel">Cancels.</param>
    /// <exception cref="PostgresException">23505: a code is taken. The transaction is to be rolled back.</exception>
    public static async Task IssueAsync(
        UnitOfWork work,
        InstanceTerms terms,
        IReadOnlyList<NewInstance> units,
        CatalogueActor actor,
        DateTimeOffset now,
        CancellationToken cancel
    )
    {
        ArgumentNullException.ThrowIfNull(work);
        ArgumentNullException.ThrowIfNull(terms);
        ArgumentNullException.ThrowIfNull(units);
        ArgumentNullException.ThrowIfNull(actor);
        await work.ExecuteAsync(
            "select coupons.ensure_instance_months($1)",
            [new NpgsqlParameter<DateTimeOffset[]> { TypedValue = [terms.ValidUntil] }],
            cancel
        );
        await CopyInstancesAsync(work.Connection, terms, units, cancel);
        await CopyCodesAsync(work.Connection, terms, units, cancel);
        await EventLog.AppendAsync(work, now, [.. Runs(terms, units, actor)], cancel);
    }

    private static async Task CopyInstancesAsync(
        NpgsqlConnection connection,
        InstanceTerms terms,
        IReadOnlyList<NewInstance> units,
        CancellationToken cancel
    )
    {
        await using var copy = await connection.BeginBinaryImportAsync(
            "copy coupons.instance (id, valid_until, coupon_id, code, customer_id, merchant_id, campaign_id, channel, valid_from) "
                + "from stdin (format binary)",
            cancel
        );
        foreach (var unit in units)
        {
            await copy.StartRowAsync(cancel);
            await copy.WriteAsync(unit.Id, cancel);
            await copy.WriteAsync(terms.ValidUntil, NpgsqlDbType.TimestampTz, cancel);
            await copy.WriteAsync(terms.CouponId, cancel);
            await copy.WriteAsync(unit.Code, cancel);
            await WriteAsync(copy, unit.CustomerId, cancel);
            await WriteAsync(copy, terms.MerchantId, cancel);
            await copy.WriteAsync(terms.CampaignId, cancel);
            await copy.WriteAsync(terms.Channel, cancel);
            await copy.WriteAsync(terms.ValidFrom, NpgsqlDbType.TimestampTz, cancel);
        }

        await copy.CompleteAsync(cancel);
    }

    private static async Task CopyCodesAsync(
        NpgsqlConnection connection,
        InstanceTerms terms,
        IReadOnlyList<NewInstance> units,
        CancellationToken cancel
    )
    {
        await using var copy = await connection.BeginBinaryImportAsync(
            "copy coupons.code (code, coupon_id, instance_id, valid_until) from stdin (format binary)",
            cancel
        );

        // In order of the code: neighbours in the index are written together.
        foreach (var unit in units.OrderBy(static u => u.Code, StringComparer.Ordinal))
        {
            await copy.StartRowAsync(cancel);
            await copy.WriteAsync(unit.Code, cancel);
            await copy.WriteAsync(terms.CouponId, cancel);
            await copy.WriteAsync(unit.Id, cancel);
            await copy.WriteAsync(terms.ValidUntil, NpgsqlDbType.TimestampTz, cancel);
        }

        await copy.CompleteAsync(cancel);
    }

    /// <summary>One event for each run of consecutive ids.</summary>
    private static IEnumerable<EventEntry> Runs(
        InstanceTerms terms,
        IReadOnlyList<NewInstance> units,
        CatalogueActor actor
    )
    {
        for (var first = 0; first < units.Count; )
        {
            var last = first;
            while (last + 1 < units.Count && units[last + 1].Id == units[last].Id + 1)
            {
                last++;
            }

            yield return new EventEntry(
                "coupon",
                terms.CouponId.ToString(System.Globalization.CultureInfo.InvariantCulture),
                "coupon.instances_issued",
                units[first].Id,
                actor.Actor,
                EventLog.Payload(("first_id", units[first].Id), ("last_id", units[last].Id)),
                actor.RequestId
            );
            first = last + 1;
        }
    }

    private static Task WriteAsync(NpgsqlBinaryImporter copy, Guid? value, CancellationToken cancel) =>
        value is { } id ? copy.WriteAsync(id, cancel) : copy.WriteNullAsync(cancel);
}
