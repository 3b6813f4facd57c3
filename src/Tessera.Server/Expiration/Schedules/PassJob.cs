using Quartz;
using Quartz.Extensibility;

namespace Tessera.Server.Expiration.Schedules;

/// <summary>What Quartz sees of a pass.</summary>
internal sealed class PassJob(IScheduledPass pass, CancellationToken stopping) : IJob
{
    /// <inheritdoc/>
    public async ValueTask Execute(IJobExecutionContext context, CancellationToken cancellationToken = default)
    {
        using var either = CancellationTokenSource.CreateLinkedTokenSource(stopping, cancellationToken);
        try
        {
            await pass.RunOnceAsync(either.Token);
        }
        catch (OperationCanceledException) when (either.IsCancellationRequested)
        {
            // The node stops; the next time is another node's.
            return;
        }
    }
}

/// <summary>Hands Quartz the passes by the name of their job.</summary>
internal sealed class PassFactory(IEnumerable<IScheduledPass> passes, CancellationToken stopping) : IJobFactory
{
    private readonly Dictionary<string, IScheduledPass> _passes = passes.ToDictionary(static p => p.Name);

    /// <inheritdoc/>
    public ValueTask<JobScope> CreateJob(
        TriggerFiredBundle bundle,
        IScheduler scheduler,
        CancellationToken cancellationToken = default
    ) => new(new JobScope(new PassJob(_passes[bundle.JobDetail.Key.Name], stopping), null));

    /// <inheritdoc/>
    public ValueTask ReturnJob(JobScope scope, CancellationToken cancellationToken = default) => default;
}
