using Npgsql;
using Tessera.Core.Expiration;
using Tessera.Server.Platform;

namespace Tessera.Server.Expiration;

/// <summary>
/// The part that sweep, late units and forced expiry share: units grouped by what their event says, their ids as runs,
/// one event and one trace a group (EXP-11).
/// </summary>
internal static class BatchSql
{
    /// <summary>Units that may expire; those a checkout holds are not among them.</summary>
    public const string Live = "state in ('issued', 'paid', 'extended', 'pending_expiration')";

    /// <summary>What <see cref="Read"/> takes, of alias <c>b</c>.</summary>
    public const string Columns =
        "b.coupon_id, b.merchant_id, b.campaign_id, b.channel, b.first, b.last, b.units, b.ends_until, b.budget_minor, b.currency";

    private const string Common = "coupon_id, merchant_id, campaign_id, channel, state, version";

    /// <summary>Groups the rows of a common table expression with the columns id, valid_until and those of the key.</summary>
    /// <param name="rows">Its name.</param>
    /// <param name="condition">On its rows.</param>
    /// <param name="isReturn">Whether the rows say what was freed of them (freed_minor, freed_currency) and is taken back.</param>
    public static string Of(string rows, string condition, bool isReturn = false)
    {
        var key = isReturn ? Common + ", freed_minor, freed_currency" : Common;
        var price = isReturn
            ? "b.freed_currency as currency, -b.units * b.freed_minor as budget_minor from batch b"
            : """
                m.budget_currency as currency, case when m.budget_currency = c.currency
                    then b.units * coalesce(c.discount_minor, c.max_discount_minor, 0) else 0 end as budget_minor
                from batch b join coupons.coupon c on c.id = b.coupon_id
                left join campaigns.campaign m on m.id = b.campaign_id
                """;
        return $"""
            run as (
                select {key}, min(id) as first, max(id) as last, count(*) as units, min(valid_until) as ends_from,
                    max(valid_until) as ends_until
                from (select *, id - row_number() over (partition by {key} order by id) as island from {rows}
                    where {condition}) i
                group by {key}, island
            ), cut as (
                select *, (row_number() over (partition by {key} order by first) - 1) / {Buckets.RunsPerEvent} as part from run
            ), batch as materialized (
                select gen_random_uuid() as event_id, {key}, array_agg(first order by first) as first,
                    array_agg(last order by first) as last, sum(units)::bigint as units, min(first) as first_id,
                    max(last) as last_id, min(ends_from) as ends_from, max(ends_until) as ends_until,
                    jsonb_agg(jsonb_build_array(first, last) order by first) as list, range_agg(int8range(first, last + 1)) as runs
                from cut group by {key}, part
            ), priced as materialized (
                select b.*, {price}
            )
            """;
    }

    /// <summary>Writes events and traces of <c>priced</c>; needs <c>k.now</c>. What was written is in <c>priced</c>.</summary>
    public static string Write(BatchWords words) =>
        (words.IsTraced ? Trace(words) : "")
        + $"""
            event as (
                insert into platform.event (id, aggregatetype, aggregateid, type, sequence, actor, correlation_id, payload, created_at)
                select event_id, 'coupon', coupon_id::text, '{words.Type}', first_id, {words.Actor}, {words.Correlation},
                    jsonb_build_object(
                        'from', state, 'to', '{words.To}', 'cause', {words.Cause}, 'version', version, 'units', units, 'runs', list,
                        'ends_from', {Wire("ends_from")}, 'ends_until', {Wire(
                "ends_until"
            )}, 'merchant_id', merchant_id,
                        'campaign_id', campaign_id, 'channel', channel, 'budget_minor', {(
                words.IsTraced ? "budget_minor" : "0"
            )},
                        'currency', currency)
                    || jsonb_strip_nulls(jsonb_build_object('job_id', {words.Job}, 'change_id', {words.Change},
                        'undo_of', {words.UndoOf}, 'valid_until', {Wire(words.NewEnd)})), now
                from priced cross join k
            )
            """;

    private static string Trace(BatchWords words) =>
        $"""
            told as (
                insert into expiration.batch (id, job_id, coupon_id, merchant_id, campaign_id, channel, from_state, version, runs,
                    first_id, last_id, units, budget_minor, currency, ends_from, ends_until, cause, created_at)
                select event_id, {words.Job}, coupon_id, merchant_id, campaign_id, channel, state, version, runs, first_id,
                    last_id, {(
                words.IsReturn ? "-units" : "units"
            )}, budget_minor, currency, ends_from, ends_until, {words.Cause}, now
                from priced cross join k
            ),
            """;

    /// <summary>A batch of a row.</summary>
    public static ExpiredBatch Read(NpgsqlDataReader row, int at) =>
        new(
            row.GetInt64(at),
            row.Value<Guid>(at + 1),
            row.Object<string>(at + 2),
            row.Object<string>(at + 3),
            row.GetFieldValue<long[]>(at + 4),
            row.GetFieldValue<long[]>(at + 5),
            row.GetInt64(at + 6),
            row.GetFieldValue<DateTimeOffset>(at + 7),
            row.GetInt64(at + 8),
            row.Object<string>(at + 9)
        );

    /// <summary>An instant as events have it.</summary>
    public static string Wire(string column) =>
        $"""to_char({column} at time zone 'UTC', 'YYYY-MM-DD"T"HH24:MI:SS.US"Z"')""";
}

/// <summary>What an event of many units says; each is an SQL expression unless it is a plain word.</summary>
/// <param name="Actor">Who.</param>
/// <param name="Cause">Why.</param>
/// <param name="Job">Of the sweep; null for none.</param>
/// <param name="Type">A plain word: of the event.</param>
/// <param name="To">A plain word: the state after.</param>
/// <param name="Correlation">Of the request.</param>
/// <param name="Change">Of the change that was asked for.</param>
/// <param name="NewEnd">Of an extension.</param>
/// <param name="IsTraced">Whether something is freed, or taken back, and so has a trace.</param>
/// <param name="UndoOf">The operation that is undone.</param>
/// <param name="IsReturn">Whether what was freed is taken back.</param>
internal sealed record BatchWords(
    string Actor,
    string Cause = "'end_reached'",
    string Job = "null::bigint",
    string Type = "coupon.expired",
    string To = "expired",
    string Correlation = "null",
    string Change = "null::uuid",
    string NewEnd = "null::timestamptz",
    bool IsTraced = true,
    string UndoOf = "null::uuid",
    bool IsReturn = false
);
