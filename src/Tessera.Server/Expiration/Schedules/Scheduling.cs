using Microsoft.Extensions.DependencyInjection;
using Microsoft.Extensions.Logging;
using Quartz;
using Tessera.Server.Platform;
using Tessera.Server.Platform.Jobs;

namespace Tessera.Server.Expiration.Schedules;

/// <summary>
/// Runs the schedules of the pipeline on Quartz, clustered in PostgreSQL (EXP-01, EXP-12): each time comes once for all
/// nodes, and what a dead node had begun comes again. It starts behind the node, which waits for nothing of it, and stands by
/// while the node's clock is off (EXP-14).
/// </summary>
internal sealed class Scheduling(
    Database database,
    NodeClock nodeClock,
    IEnumerable<IScheduledPass> passes,
    TimeProvider clock,
    ILoggerFactory loggers
) : Worker(clock, loggers.CreateLogger<Scheduling>(), TimeSpan.FromSeconds(5))
{
    /// <summary>Of the tables; the schema is theirs alone.</summary>
    internal const string TablePrefix = "quartz.qrtz_";

    private static readonly TimeSpan CheckIn = TimeSpan.FromSeconds(5);

    /// <summary>
    /// A node with nothing to do looks again after so long: nobody tells it of a time that another gave back when it left.
    /// </summary>
    private static readonly TimeSpan LookAgain = TimeSpan.FromSeconds(2);

    private readonly DatabaseTime _time = new(nodeClock, clock);
    private readonly IReadOnlyList<IScheduledPass> _passes = [.. passes];
    private readonly CancellationTokenSource _stopping = new();
    private StandaloneSchedulerFactory? _factory;
    private IScheduler? _scheduler;

    /// <inheritdoc/>
    public override async Task<bool> RunOnceAsync(CancellationToken cancel)
    {
        var isStopped = (await nodeClock.CheckAsync(cancel)).IsStopped;
        if (_scheduler is null)
        {
            _factory ??= Build();
            var scheduler = await _factory.GetScheduler(cancel);
            await ScheduleAsync(scheduler, cancel);
            _scheduler = scheduler;
        }

        if (isStopped && _scheduler.Status == SchedulerStatus.Running)
        {
            await _scheduler.Standby(cancel);
        }
        else if (!isStopped && _scheduler.Status != SchedulerStatus.Running)
        {
            await _scheduler.Start(cancel);
        }

        return false;
    }

    /// <inheritdoc/>
    public override async Task StopAsync(CancellationToken cancellationToken)
    {
        await _stopping.CancelAsync();
        await base.StopAsync(cancellationToken);
        if (_scheduler is not null)
        {
            await _scheduler.Shutdown(true, cancellationToken);
        }
    }

    /// <inheritdoc/>
    public override void Dispose()
    {
        _stopping.Dispose();
        base.Dispose();
    }

    private StandaloneSchedulerFactory Build() =>
        QuartzSchedulerBuilder
            .Create(quartz =>
            {
                quartz.Services.AddSingleton(loggers);
                quartz
                    .ConfigureScheduler(static scheduler =>
                    {
                        scheduler.InstanceName = "tessera";
                        scheduler.GenerateInstanceId = true;
                        scheduler.IdleWaitTime = LookAgain;
                    })
                    .UseTimeProvider(_time)
                    .UseDefaultThreadPool(_passes.Count)
                    .UseJobFactory(new PassFactory(_passes, _stopping.Token))
                    .UsePersistentStore(store =>
                        store
                            .UsePostgres(source => source.DataSourceFactory = _ => database.Source)
                            .UseClustering(static cluster => cluster.CheckinInterval = CheckIn)
                            .ConfigureStore(static options =>
                            {
                                options.TablePrefix = TablePrefix;
                                options.SchemaProvisioning = SchemaProvisioning.None;
                            })
                    );
            })
            .Build();

    /// <summary>
    /// Writes the schedules down, one node at a time: a node that found none and wrote what another had written meanwhile
    /// would begin it anew, and its first time would come twice.
    /// </summary>
    private async Task ScheduleAsync(IScheduler scheduler, CancellationToken cancel)
    {
        await using var alone = await database.BeginAsync(cancel);
        await alone.ExecuteAsync(
            "select pg_advisory_xact_lock(hashtextextended('expiration.schedules', 0))",
            [],
            cancel
        );
        foreach (var pass in _passes)
        {
            await ScheduleAsync(scheduler, pass, cancel);
        }

        // A node that hung for so long that the lock was taken from it hears so here, and looks again.
        await alone.CommitAsync(cancel);
    }

    /// <summary>Writes a schedule down, unless it is there as it is: what is there also knows what was missed.</summary>
    private async Task ScheduleAsync(IScheduler scheduler, IScheduledPass pass, CancellationToken cancel)
    {
        var key = new TriggerKey(pass.Name);
        if (
            await scheduler.GetTrigger(key, cancel) is ICronTrigger { CronExpressionString: var there }
            && there == pass.Cron
        )
        {
            return;
        }

        var job = JobBuilder.Create<PassJob>().WithIdentity(pass.Name).DisallowConcurrentExecution().Build();
        var trigger = TriggerBuilder
            .Create(_time)
            .WithIdentity(key)
            .ForJob(job)
            .WithCronSchedule(
                pass.Cron,
                static cron =>
                    cron.InTimeZone(TimeZoneInfo.Utc)
                        .WithMisfireInstruction(CronTriggerMisfireInstruction.FireAndProceed)
            )
            .Build();
        await scheduler.ScheduleJob(job, [trigger], new ScheduleJobOptions { Replace = true }, cancel);
    }
}
