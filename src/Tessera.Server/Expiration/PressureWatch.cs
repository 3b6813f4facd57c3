using Microsoft.Extensions.Logging;
using Tessera.Core.Expiration;
using Tessera.Server.Connectors;
using Tessera.Server.Platform;
using Tessera.Server.Platform.Jobs;

namespace Tessera.Server.Expiration;

/// <summary>
/// Looks whether the pipeline is behind, and has partners that are not critical wait until it is not (EXP-12). Every node
/// looks, but one at a time: who acted on what it had seen before another moved them would take that back.
/// </summary>
internal sealed partial class PressureWatch(Database database, TimeProvider clock, ILogger<PressureWatch> log)
    : Worker(clock, log, TimeSpan.FromSeconds(5))
{
    /// <inheritdoc/>
    public override async Task<bool> RunOnceAsync(CancellationToken cancel)
    {
        await using var work = await database.BeginAsync(cancel);
        await using (
            var alone = work.Command("select pg_try_advisory_xact_lock(hashtextextended('expiration.pressure', 0))")
        )
        {
            if (await alone.ExecuteScalarAsync(cancel) is not true)
            {
                return false;
            }
        }

        var lag = await LagAsync(work, cancel);
        var (share, stood) = await Deferral.ReadAsync(work, cancel);
        var stands = Pressure.Stands(lag, share, stood);
        var moved = await Deferral.MoveAsync(work, stands, cancel);
        await work.CommitAsync(CancellationToken.None);
        if (moved > 0)
        {
            LogMoved(log, moved, stands ? "wait" : "go on", lag.TotalSeconds, share);
        }

        return false;
    }

    /// <summary>How far behind the sweep is; a pipeline that is paused is held back on purpose, and presses nobody.</summary>
    private static async Task<TimeSpan> LagAsync(UnitOfWork work, CancellationToken cancel)
    {
        await using var query = work.Command(
            """
            select coalesce(k.now - min(j.done_at), interval '0') from (select platform.clock() as now) k
            cross join expiration.job j
            where j.state = 'waiting' and j.done_at < k.now and j.try_after <= k.now
                and exists (select from expiration.control where mode <> 'paused')
            group by k.now
            """
        );
        return await query.ExecuteScalarAsync(cancel) is TimeSpan lag ? lag : TimeSpan.Zero;
    }

    [LoggerMessage(
        4304,
        LogLevel.Warning,
        "{Partners} partners that are not critical {Move}: the sweep is {Lag:F0} s behind, critical partners have waited {Share:P0} of their time"
    )]
    private static partial void LogMoved(ILogger log, int partners, string move, double lag, double share);
}
