using Microsoft.Extensions.Logging;
using Tessera.Server.Platform;
using Tessera.Server.Platform.Jobs;

namespace Tessera.Server.Redemptions;

/// <summary>
/// Tidies reservations whose time is over (RED-05). Nothing waits for it: a lapsed hold counts no more in any decision;
/// this only writes down that it ended. The lane decides each under its lock, so any number of nodes may run it.
/// </summary>
public sealed class LapseWorker(
    Database database,
    RedemptionService redemptions,
    TimeProvider clock,
    ILogger<LapseWorker> log
) : Worker(clock, log, TimeSpan.FromSeconds(1))
{
    private const int BatchLimit = 500;

    private static readonly Asker Job = new(Guid.Empty, null, "job:lapse", true, Guid.Empty, Guid.Empty, "lapse", "/");

    /// <inheritdoc/>
    public override async Task<bool> RunOnceAsync(CancellationToken cancel)
    {
        var due = new List<Guid>();
        await using (
            var command = database.Source.CreateCommand(
                """
                select id from redemptions.reservation
                where ended_at is null and expires_at <= platform.clock()
                order by expires_at limit $1
                """
            )
        )
        {
            command.Parameters.Add(new() { Value = BatchLimit });
            await using var rows = await command.ExecuteReaderAsync(cancel);
            while (await rows.ReadAsync(cancel))
            {
                due.Add(rows.GetGuid(0));
            }
        }

        await Task.WhenAll(due.Select(id => redemptions.RunAsync(new ReleaseCommand(Job, id, Lapse: true))));
        return due.Count == BatchLimit;
    }
}
