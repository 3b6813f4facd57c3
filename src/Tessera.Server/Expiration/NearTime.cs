using System.Globalization;
using System.Text.Json;
using Microsoft.Extensions.Logging;
using Npgsql;
using NpgsqlTypes;
using Tessera.Core.Expiration;
using Tessera.Server.Platform;
using Tessera.Server.Platform.Jobs;

namespace Tessera.Server.Expiration;

/// <summary>
/// The near-time path (EXP-01, EXP-13): follows the sealed log, which skips no committed change. What was issued or extended
/// has its hours enqueued; what became live again after its end is told at once. One node follows at a time: whoever
/// holds its place, by lock or by lease.
/// </summary>
public sealed class NearTime(Database database, NodeClock nodeClock, TimeProvider clock, ILogger<NearTime> log)
    : Worker(clock, log, TimeSpan.FromSeconds(1))
{
    /// <summary>Places of the log that one pass reads.</summary>
    private const int PlacesPerPass = 20_000;

    /// <summary>A unit may have been passed by its job if it ended before its issue was committed: within this of its event.</summary>
    private static readonly TimeSpan IssuedLate = TimeSpan.FromMinutes(10);

    /// <summary>Units that are looked at in one transaction.</summary>
    private const int UnitsPerBatch = 5000;

    /// <summary>Keeps the place for longer than one part takes; a node that hangs is replaced within the minute of PERF-03.</summary>
    private const string Hold =
        "update expiration.follower set leased_until = platform.clock() + interval '20 seconds' where place = $1 and $2 > $1";

    private const string Advance =
        "update expiration.follower set place = $2, leased_until = '-infinity' where place = $1";

    /// <inheritdoc/>
    public override async Task<bool> RunOnceAsync(CancellationToken cancel)
    {
        if ((await nodeClock.CheckAsync(cancel)).IsStopped)
        {
            return false;
        }

        await using var work = await database.BeginAsync(cancel);
        if (await PlaceAsync(work, cancel) is not { } place)
        {
            return false;
        }

        var now = await work.ClockAsync(cancel);
        List<Run[]> parts = [];
        if (place.Until > place.From)
        {
            var said = await ReadAsync(work, place.From, place.Until, cancel);
            var ended = await ExpectAsync(work, said, cancel);
            parts = [.. Parts(ended), .. said.Again.Chunk(UnitsPerBatch)];
            await work.ExecuteAsync(parts.Count == 0 ? Advance : Hold, [place.From, place.Until], cancel);
        }

        foreach (var hour in await DueHoursAsync(work, Buckets.Of(now + place.LookAhead), cancel))
        {
            await Planning.TryPlanAsync(work, hour, "stream", cancel);
        }

        await work.CommitAsync(CancellationToken.None);
        return await TellLateAsync(place.From, place.Until, parts, cancel) && place.Until - place.From == PlacesPerPass;
    }

    /// <summary>
    /// Tells of what may be late, and only then goes on in the log. It may take longer than a transaction may wait, so none is
    /// held: hours are enqueued before, and the place is this node's by lease.
    /// </summary>
    /// <returns>Whether the place was this node's to the end.</returns>
    private async Task<bool> TellLateAsync(long from, long until, List<Run[]> parts, CancellationToken cancel)
    {
        for (var n = 0; n < parts.Count; n++)
        {
            await TellLateAsync(parts[n], cancel);
            await using var work = await database.BeginAsync(cancel);
            var isHeld = await work.ExecuteAsync(n == parts.Count - 1 ? Advance : Hold, [from, until], cancel) == 1;
            await work.CommitAsync(CancellationToken.None);
            if (!isHeld)
            {
                return false;
            }
        }

        return true;
    }

    private static async Task<(long From, long Until, TimeSpan LookAhead)?> PlaceAsync(
        UnitOfWork work,
        CancellationToken cancel
    )
    {
        await using var query = work.Command(
            """
            select f.place, least(s.seq, f.place + $1), extract(epoch from c.look_ahead)::bigint
            from expiration.follower f cross join audit.seal s cross join expiration.control c
            where c.mode = 'running' and f.leased_until <= platform.clock() for update of f skip locked
            """,
            (long)PlacesPerPass
        );
        await using var row = await query.ExecuteReaderAsync(cancel);
        return await row.ReadAsync(cancel)
            ? (row.GetInt64(0), row.GetInt64(1), TimeSpan.FromSeconds(row.GetInt64(2)))
            : null;
    }

    /// <summary>What the log says of ends: units that were issued, ends that were given, units that are live again.</summary>
    private static async Task<Said> ReadAsync(UnitOfWork work, long from, long until, CancellationToken cancel)
    {
        await using var query = work.Command(
            $"""
            select e.type, e.aggregateid, e.payload::text, e.created_at from audit.entry a
            {EventLog.OfEntry}
            where a.seq > $1 and a.seq <= $2 and (e.type in ('coupon.instances_issued', 'coupon.extended')
                or (e.aggregatetype = 'instance' and e.payload ->> 'from' in ('redeemed', 'reserved', 'expired')
                    and e.payload ->> 'to' in ('issued', 'paid', 'extended', 'pending_expiration')))
            """,
            from,
            until
        );
        await using var rows = await query.ExecuteReaderAsync(cancel);
        var said = new Said([], [], []);
        while (await rows.ReadAsync(cancel))
        {
            using var json = JsonDocument.Parse(rows.GetString(2));
            var payload = json.RootElement;
            var subject = long.Parse(rows.GetString(1), CultureInfo.InvariantCulture);
            switch (rows.GetString(0))
            {
                case "coupon.instances_issued":
                    said.Issued.Add(
                        new Run(
                            subject,
                            payload.GetProperty("first_id").GetInt64(),
                            payload.GetProperty("last_id").GetInt64(),
                            rows.GetFieldValue<DateTimeOffset>(3) + IssuedLate
                        )
                    );
                    break;
                case "coupon.extended" when payload.TryGetProperty("valid_until", out var end):
                    said.Hours.Add(Buckets.Of(end.GetDateTimeOffset()));
                    break;
                default:
                    if (payload.TryGetProperty("coupon_id", out var coupon))
                    {
                        said.Again.Add(new Run(coupon.GetInt64(), subject, subject, DateTimeOffset.MaxValue));
                    }

                    break;
            }
        }

        return said;
    }

    /// <summary>Remembers the hours of ends that the log has named, until they come within the look-ahead.</summary>
    /// <returns>The runs that were issued into the past, or nearly: a job may have passed them.</returns>
    private static async Task<List<Run>> ExpectAsync(UnitOfWork work, Said said, CancellationToken cancel)
    {
        var hours = new HashSet<DateTimeOffset>(said.Hours);
        var ended = new List<Run>();

        // Units of one run were issued with one end; the first and the last of them say it.
        await using (
            var query = RunsCommand(
                work,
                """
                select r.place, u.valid_until
                from unnest($1::bigint[], $2::bigint[], $3::bigint[]) with ordinality r (coupon_id, first, last, place)
                cross join lateral (
                    (select valid_until from coupons.instance i where i.coupon_id = r.coupon_id and i.id between r.first and r.last
                        order by i.id limit 1)
                    union
                    (select valid_until from coupons.instance i where i.coupon_id = r.coupon_id and i.id between r.first and r.last
                        order by i.id desc limit 1)
                ) u
                where isfinite(u.valid_until) order by r.place
                """,
                said.Issued
            )
        )
        await using (var rows = await query.ExecuteReaderAsync(cancel))
        {
            while (await rows.ReadAsync(cancel))
            {
                var run = said.Issued[(int)rows.GetInt64(0) - 1];
                var end = rows.GetFieldValue<DateTimeOffset>(1);
                hours.Add(Buckets.Of(end));
                if (end <= run.Until && (ended.Count == 0 || ended[^1] != run))
                {
                    ended.Add(run);
                }
            }
        }

        await work.ExecuteAsync(
            "insert into expiration.expected_hour (starts_at) select unnest($1::timestamptz[]) on conflict do nothing",
            [
                new NpgsqlParameter<DateTimeOffset[]>
                {
                    TypedValue = [.. hours.Order()],
                    NpgsqlDbType = NpgsqlDbType.Array | NpgsqlDbType.TimestampTz,
                },
            ],
            cancel
        );
        return ended;
    }

    /// <summary>Runs cut and put together so that each part has at most so many units as one transaction looks at.</summary>
    private static IEnumerable<Run[]> Parts(IEnumerable<Run> runs)
    {
        var part = new List<Run>();
        var room = (long)UnitsPerBatch;
        foreach (var run in runs)
        {
            for (var first = run.First; first <= run.Last; )
            {
                var last = Math.Min(run.Last, first + room - 1);
                part.Add(run with { First = first, Last = last });
                room -= last - first + 1;
                first = last + 1;
                if (room == 0)
                {
                    yield return [.. part];
                    part.Clear();
                    room = UnitsPerBatch;
                }
            }
        }

        if (part.Count > 0)
        {
            yield return [.. part];
        }
    }

    /// <summary>
    /// Tells of the late units of runs, in a transaction of its own: whoever waits for their jobs does not wait for a whole
    /// pass. A pass that is run again finds them told.
    /// </summary>
    private async Task TellLateAsync(Run[] runs, CancellationToken cancel)
    {
        await using var work = await database.BeginAsync(cancel);
        if (await LateUnits.TellAsync(work, await EndedAsync(work, runs, cancel), cancel) > 0)
        {
            await work.CommitAsync(CancellationToken.None);
        }
    }

    /// <summary>Takes the expected hours that are near enough; those that another path has enqueued are done with.</summary>
    private static async Task<List<DateTimeOffset>> DueHoursAsync(
        UnitOfWork work,
        DateTimeOffset until,
        CancellationToken cancel
    )
    {
        await using var query = work.Command(
            "delete from expiration.expected_hour where starts_at < $1 returning starts_at",
            until
        );
        await using var rows = await query.ExecuteReaderAsync(cancel);
        var hours = new List<DateTimeOffset>();
        while (await rows.ReadAsync(cancel))
        {
            hours.Add(rows.GetFieldValue<DateTimeOffset>(0));
        }

        return [.. hours.Order()];
    }

    /// <summary>Keys of the units of runs that have ended, and so may be late ones.</summary>
    private static async Task<List<UnitKey>> EndedAsync(UnitOfWork work, Run[] runs, CancellationToken cancel)
    {
        await using var query = RunsCommand(
            work,
            """
            select distinct i.valid_until, i.id from unnest($1::bigint[], $2::bigint[], $3::bigint[]) r (coupon_id, first, last)
            join coupons.instance i on i.coupon_id = r.coupon_id and i.id between r.first and r.last
            where i.valid_until <= (select platform.clock())
            """,
            runs
        );
        await using var rows = await query.ExecuteReaderAsync(cancel);
        var keys = new List<UnitKey>();
        while (await rows.ReadAsync(cancel))
        {
            keys.Add(new UnitKey(rows.GetFieldValue<DateTimeOffset>(0), rows.GetInt64(1)));
        }

        return keys;
    }

    private static NpgsqlCommand RunsCommand(UnitOfWork work, string sql, IReadOnlyCollection<Run> runs) =>
        work.Command(
            sql,
            new NpgsqlParameter<long[]> { TypedValue = [.. runs.Select(static r => r.CouponId)] },
            new NpgsqlParameter<long[]> { TypedValue = [.. runs.Select(static r => r.First)] },
            new NpgsqlParameter<long[]> { TypedValue = [.. runs.Select(static r => r.Last)] }
        );

    /// <summary>What the log said of ends.</summary>
    /// <param name="Issued">Runs that were issued.</param>
    /// <param name="Hours">Of the ends that were given.</param>
    /// <param name="Again">Units that are live again.</param>
    private sealed record Said(List<Run> Issued, List<DateTimeOffset> Hours, List<Run> Again);

    /// <summary>Units of one coupon; those that ended before an instant may be late.</summary>
    private readonly record struct Run(long CouponId, long First, long Last, DateTimeOffset Until);
}
