using Tessera.Server.Connectors;
using Tessera.Server.Platform;

namespace Tessera.Server.Expiration;

/// <summary>
/// What is out of the ordinary in the pipeline's own figures (EXP-17) and with partners (CON-03): raised as alerts, cleared
/// when it is over.
/// </summary>
internal static class Anomalies
{
    /// <summary>Jobs that are further behind than this will miss the minute of PERF-03.</summary>
    private const int BehindSeconds = 45;

    /// <summary>An hour with so many times the units of the same hour of other days is unusual.</summary>
    private const int UnusualFactor = 5;

    /// <summary>Below so many units an hour is too small to be unusual.</summary>
    private const int UnusualFrom = 10_000;

    /// <summary>Compares, raises and clears.</summary>
    public static async Task CheckAsync(UnitOfWork work, CancellationToken cancel)
    {
        await using var query = work.Command(
            $"""
            select
                (select coalesce(extract(epoch from k.now - min(done_at)), 0)::bigint from expiration.job
                    where state = 'waiting' and done_at < k.now),
                (select count(*) from expiration.job where state = 'failed'),
                (select coalesce(max(b.planned), 0)::bigint from expiration.bucket b
                    where b.starts_at > k.now - interval '1 hour' and b.planned >= {UnusualFrom}
                        and b.planned > {UnusualFactor} * (select coalesce(avg(o.planned), b.planned) from expiration.bucket o
                            where o.starts_at < k.now - interval '20 hours' and o.starts_at > k.now - interval '15 days'
                                and extract(hour from o.starts_at) = extract(hour from b.starts_at))),
                (select mode from expiration.control)
            from (select platform.clock() as now) k
            """
        );
        long behind;
        long failed;
        long unusual;
        string mode;
        await using (var row = await query.ExecuteReaderAsync(cancel))
        {
            await row.ReadAsync(cancel);
            (behind, failed, unusual, mode) = (row.GetInt64(0), row.GetInt64(1), row.GetInt64(2), row.GetString(3));
        }

        await SetAsync(work, "behind", mode != "paused" && behind > BehindSeconds, ("lag_seconds", behind), cancel);
        await SetAsync(work, "failing", failed > 0, ("failed_jobs", failed), cancel);
        await SetAsync(work, "unusual_volume", unusual > 0, ("planned_units", unusual), cancel);
        await CheckPartnersAsync(work, cancel);
    }

    private static async Task CheckPartnersAsync(UnitOfWork work, CancellationToken cancel)
    {
        var breaches = (await Breaches.ReadAsync(work, cancel)).ToDictionary(
            static b => (b.Kind, Subject: $"connector:{b.ConnectorId}"),
            static b => b.Since
        );
        foreach (var alert in await Alerts.OpenAsync(work, ["partner_late", "quota_exhausted"], cancel))
        {
            if (!breaches.ContainsKey(alert))
            {
                await Alerts.ClearAsync(work, alert.Kind, alert.Subject, cancel);
            }
        }

        foreach (var ((kind, subject), since) in breaches)
        {
            await Alerts.RaiseAsync(work, kind, subject, EventLog.Payload(("since", since)), cancel);
        }
    }

    private static Task SetAsync(
        UnitOfWork work,
        string kind,
        bool stands,
        (string Name, object? Value) measured,
        CancellationToken cancel
    ) =>
        stands
            ? Alerts.RaiseAsync(work, kind, Alerts.Pipeline, EventLog.Payload(measured), cancel)
            : Alerts.ClearAsync(work, kind, Alerts.Pipeline, cancel);
}
