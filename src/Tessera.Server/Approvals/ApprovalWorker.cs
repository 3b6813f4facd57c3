using Microsoft.Extensions.Logging;
using Tessera.Server.Platform;
using Tessera.Server.Platform.Jobs;

namespace Tessera.Server.Approvals;

/// <summary>
/// Writes down which requests nobody decided in time. Nothing waits for it: a request whose time is over cannot be
/// approved, and is shown as expired, whether or not this has run.
/// </summary>
public sealed class ApprovalWorker(
    Database database,
    ApprovalService approvals,
    TimeProvider clock,
    ILogger<ApprovalWorker> log
) : Worker(clock, log, TimeSpan.FromSeconds(30))
{
    private const int BatchLimit = 200;

    /// <inheritdoc/>
    public override async Task<bool> RunOnceAsync(CancellationToken cancel)
    {
        await using var work = await database.BeginAsync(cancel);
        var expired = await approvals.ExpireAsync(work, BatchLimit, cancel);
        await work.CommitAsync(cancel);
        return expired == BatchLimit;
    }
}
