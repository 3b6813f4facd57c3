using System.Globalization;
using Tessera.Core.Expiration;
using Tessera.Server.Platform;

namespace Tessera.Server.Expiration;

/// <summary>Makes jobs of an hour of ends (EXP-01, EXP-02). Any path may ask for any hour at any time: only the first does it.</summary>
internal static class Planning
{
    /// <summary>Enqueues one hour in the caller's transaction.</summary>
    /// <param name="work">The transaction.</param>
    /// <param name="hour">First instant of the hour.</param>
    /// <param name="detectedBy"><c>schedule</c>, <c>stream</c>, <c>catch_up</c> or <c>hand</c>.</param>
    /// <param name="cancel">Cancels.</param>
    /// <returns>Whether it was this call that enqueued it.</returns>
    public static async Task<bool> TryPlanAsync(
        UnitOfWork work,
        DateTimeOffset hour,
        string detectedBy,
        CancellationToken cancel
    )
    {
        var now = await work.ClockAsync(cancel);
        if (!await PlanStore.TryEnqueueAsync(work, hour, 0, detectedBy, now, cancel))
        {
            return false;
        }

        var shares = await PlanStore.SharesAsync(work, hour, cancel);
        var jobs = await CutAsync(work, hour, shares, cancel);
        var ids = await PlanStore.AddJobsAsync(work, hour, jobs, now, cancel);
        await work.ExecuteAsync(
            "update expiration.bucket set planned = $2 where starts_at = $1",
            [hour, shares.Sum(static s => s.Units)],
            cancel
        );
        var events = new List<EventEntry>(2 * jobs.Count);
        for (var i = 0; i < jobs.Count; i++)
        {
            events.AddRange(JobBundle.Events(ids[i], hour, jobs[i]));
        }

        await EventLog.AppendAsync(work, now, events, cancel);
        return true;
    }

    private static async Task<IReadOnlyList<NewJob>> CutAsync(
        UnitOfWork work,
        DateTimeOffset hour,
        IReadOnlyList<MerchantShare> shares,
        CancellationToken cancel
    )
    {
        var jobs = new List<NewJob>();
        var (from, until) = (UnitKey.Before(hour), UnitKey.Before(hour + Buckets.Length));
        foreach (var share in shares.Where(static s => s.Priority != 0))
        {
            jobs.Add(
                new NewJob(
                    share.MerchantId,
                    [],
                    from,
                    until,
                    share.Priority,
                    share.Channels,
                    share.Coupons,
                    share.Units
                )
            );
        }

        var rest = shares.Where(static s => s.Priority == 0).ToList();
        Guid[] except = [.. jobs.Select(static j => j.MerchantId!.Value)];
        var units = rest.Sum(static s => s.Units);
        var channels = rest.Exists(static s => s.Channels is null)
            ? null
            : rest.SelectMany(static s => s.Channels!).Distinct(StringComparer.Ordinal).ToArray();
        long[] coupons = [.. rest.SelectMany(static s => s.Coupons).Distinct().Order()];
        var left = units;

        // The last part has no upper key of its own, so what is issued into the hour later falls into some part.
        foreach (var cut in await PlanStore.CutsAsync(work, hour, shares.Sum(static s => s.Units), cancel))
        {
            var size = Math.Min(left, Buckets.UnitsPerJob);
            jobs.Add(new NewJob(null, except, from, cut, 0, channels, coupons, size));
            (from, left) = (cut, left - size);
        }

        jobs.Add(new NewJob(null, except, from, until, 0, channels, coupons, left));
        return jobs;
    }
}

/// <summary>What the log says of a job that was enqueued (A.17).</summary>
internal static class JobBundle
{
    /// <summary>The most coupon ids that are named in a bundle; the range of ends says the rest.</summary>
    public const int MaximumCoupons = 500;

    public static IEnumerable<EventEntry> Events(long id, DateTimeOffset hour, NewJob job)
    {
        var key = id.ToString(CultureInfo.InvariantCulture);
        yield return new EventEntry(
            "expiry_job",
            key,
            "coupon.expiration-enqueue",
            1,
            Sweeper.Actor,
            EventLog.Payload(
                ("bucket", Wire(hour)),
                ("units", job.Planned),
                ("merchant_id", job.MerchantId),
                ("merchant_priority", job.Priority),
                ("channels", job.Channels),
                ("coupon_ids", job.Coupons.Take(MaximumCoupons).ToArray()),
                ("has_more_coupons", job.Coupons.Length > MaximumCoupons)
            ),
            null
        );
        yield return new EventEntry(
            "expiry_job",
            key,
            "coupon.pending_expiration",
            2,
            Sweeper.Actor,
            EventLog.Payload(
                ("ends_from", Wire(hour)),
                ("ends_until", Wire(hour + Buckets.Length)),
                ("units", job.Planned)
            ),
            null
        );
    }

    private static string Wire(DateTimeOffset at) =>
        at.UtcDateTime.ToString("yyyy-MM-ddTHH:mm:ssZ", CultureInfo.InvariantCulture);
}
