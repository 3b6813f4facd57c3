namespace Tessera.Server.Expiration.Schedules;

/// <summary>Work that is done at times, by one node of all. Doing it twice does no harm; tests call the pass.</summary>
internal interface IScheduledPass
{
    /// <summary>Its name, the same on all nodes and in all versions.</summary>
    string Name { get; }

    /// <summary>When, as Quartz writes cron: second, minute, hour, day of month, month, day of week; UTC.</summary>
    string Cron { get; }

    /// <summary>One pass. What goes wrong is logged, and tried again when its time comes again.</summary>
    Task RunOnceAsync(CancellationToken cancel);
}
