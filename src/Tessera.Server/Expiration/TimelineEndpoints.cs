using Microsoft.AspNetCore.Builder;
using Microsoft.AspNetCore.Http;
using Microsoft.AspNetCore.Routing;
using Tessera.Server.Access;
using Tessera.Server.Connectors;
using Tessera.Server.Platform;
using Tessera.Server.Platform.Http;

namespace Tessera.Server.Expiration;

/// <summary>The way of one unit from its end to what its partners confirmed (EXP-06, EXP-17).</summary>
internal static class TimelineEndpoints
{
    private static readonly InstanceTimeline Sample = new(
        17,
        1024,
        "issued",
        Samples.At,
        [
            new InstanceStep(Samples.At.AddHours(-48), "enqueued", "schedule", null, 7),
            new InstanceStep(Samples.At, "ended", null, null, null),
            new InstanceStep(Samples.At.AddSeconds(1.2), "expired", "end_reached", Samples.Id, 7),
        ],
        [
            new CommandStory(
                Samples.Id,
                "Corner Shops Ltd",
                4711,
                "disable",
                "acknowledged",
                Samples.At.AddSeconds(1.2),
                Samples.At.AddSeconds(1.2),
                Samples.At.AddSeconds(1.3),
                Samples.At.AddSeconds(1.5),
                Samples.At.AddSeconds(2.6),
                1,
                null,
                [new CommandCall(Samples.At.AddSeconds(1.3), 184, 200, "ok")]
            ),
        ],
        1.5
    );

    public static void Map(IEndpointRouteBuilder expiry) =>
        expiry
            .MapGet("/coupons/{couponId:long}/instances/{id:long}/timeline", ReadAsync)
            .WithName("getInstanceTimeline")
            .WithSummary(
                "The way of an instance: due, enqueued, expired, each partner's command with its calls, acknowledged"
            )
            .RequirePermission(Permissions.ExpiryRead)
            .WithAnswer(200, Sample, "As of now.")
            .WithRefusals(ConsoleEndpoints.Scoped);

    private static async Task ReadAsync(HttpContext context, long couponId, long id, Database database)
    {
        if (Caller.Of(context).MerchantId is not null)
        {
            await Problems.WriteAsync(context, ConsoleEndpoints.Scoped);
            return;
        }

        var cancel = context.RequestAborted;
        await using var work = await database.BeginAsync(cancel);
        if (await UnitAsync(work, couponId, id, cancel) is not { } unit)
        {
            await Problems.WriteAsync(context, Entry.NotFound);
            return;
        }

        var steps = await StepsAsync(work, couponId, id, unit.EndsAt, cancel);
        if (unit.HasEnded)
        {
            steps.Add(new InstanceStep(unit.EndsAt, "ended", null, null, null));
        }

        steps.Sort(static (one, other) => one.At.CompareTo(other.At));
        var partners = await CommandHistory.OfUnitAsync(
            work,
            id,
            [.. steps.Where(static s => s.EventId is not null).Select(static s => s.At)],
            [unit.EndsAt, .. await ChangeStore.EndsAsync(work, couponId, cancel)],
            cancel
        );
        var confirmed = partners
            .Where(p => p.Kind == "disable" && p.CreatedAt >= unit.EndsAt)
            .Max(static p => p.AcknowledgedAt);
        double? seconds = unit.HasEnded && confirmed is { } last ? (last - unit.EndsAt).TotalSeconds : null;
        await HttpAnswer
            .Json(200, new InstanceTimeline(couponId, id, unit.State, unit.EndsAt, steps, partners, seconds))
            .SendAsync(context);
    }

    private static async Task<(string State, DateTimeOffset EndsAt, bool HasEnded)?> UnitAsync(
        UnitOfWork work,
        long coupon,
        long id,
        CancellationToken cancel
    )
    {
        await using var query = work.Command(
            "select state, valid_until, valid_until <= platform.clock() from coupons.instance where coupon_id = $1 and id = $2",
            coupon,
            id
        );
        await using var row = await query.ExecuteReaderAsync(cancel);
        return await row.ReadAsync(cancel)
            ? (row.GetString(0), row.GetFieldValue<DateTimeOffset>(1), row.GetBoolean(2))
            : null;
    }

    private static async Task<List<InstanceStep>> StepsAsync(
        UnitOfWork work,
        long coupon,
        long id,
        DateTimeOffset end,
        CancellationToken cancel
    )
    {
        await using var query = work.Command(
            """
            select b.created_at, case when b.units > 0 then 'expired' else 'returned' end, b.cause, b.id, b.job_id
            from expiration.batch b
            where b.coupon_id = $1 and b.first_id <= $2 and b.last_id >= $2 and b.runs @> $2
            union all
            select detected_at, 'enqueued', detected_by, null, null from expiration.bucket
            where starts_at = case when isfinite($3::timestamptz) then date_trunc('hour', $3::timestamptz, 'UTC') end
            """,
            coupon,
            id,
            end
        );
        await using var rows = await query.ExecuteReaderAsync(cancel);
        var steps = new List<InstanceStep>();
        while (await rows.ReadAsync(cancel))
        {
            steps.Add(
                new InstanceStep(
                    rows.GetFieldValue<DateTimeOffset>(0),
                    rows.GetString(1),
                    rows.Object<string>(2),
                    rows.Value<Guid>(3),
                    rows.Value<long>(4)
                )
            );
        }

        return steps;
    }

    /// <summary>A step of the pipeline.</summary>
    /// <param name="At">When.</param>
    /// <param name="Step">enqueued, ended, expired, or returned by the undo of a change of many.</param>
    /// <param name="Cause">Of the path that enqueued it, or of the expiry: end_reached, forced, cancellation or undo.</param>
    /// <param name="EventId">Of its event.</param>
    /// <param name="JobId">Of the job that swept it.</param>
    private sealed record InstanceStep(DateTimeOffset At, string Step, string? Cause, Guid? EventId, long? JobId);

    /// <summary>The way of an instance.</summary>
    /// <param name="CouponId">Its coupon.</param>
    /// <param name="InstanceId">Its id.</param>
    /// <param name="State">Of its row: what the clock has ended is not rewritten.</param>
    /// <param name="EndsAt">Its present end.</param>
    /// <param name="Steps">In order.</param>
    /// <param name="Partners">What each was told, in order.</param>
    /// <param name="SecondsToAcknowledged">From its end to the last confirmation so far; null before the first.</param>
    private sealed record InstanceTimeline(
        long CouponId,
        long InstanceId,
        string State,
        DateTimeOffset EndsAt,
        IReadOnlyList<InstanceStep> Steps,
        IReadOnlyList<CommandStory> Partners,
        double? SecondsToAcknowledged
    );
}
