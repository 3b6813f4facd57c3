using Microsoft.Extensions.Logging;
using Tessera.Server.Platform;
using Tessera.Server.Platform.Jobs;

namespace Tessera.Server.Audit;

/// <summary>
/// Makes one chunk of the index of mentions out of four that are full, a bounded step at a time
/// (<c>audit.merge_mentions</c>). It is in no hurry: after each step it rests as long as the step took.
/// </summary>
public sealed class ChunkMerger(Database database, TimeProvider clock, ILogger<ChunkMerger> log)
    : Worker(clock, log, TimeSpan.FromSeconds(30))
{
    private readonly TimeProvider _clock = clock;

    /// <inheritdoc/>
    public override async Task<bool> RunOnceAsync(CancellationToken cancel)
    {
        var since = _clock.GetTimestamp();
        await using (var work = await database.BeginAsync(cancel))
        {
            await using var step = work.Command("select audit.merge_mentions()");
            if (!(bool)(await step.ExecuteScalarAsync(cancel))!)
            {
                return false;
            }

            await work.CommitAsync(cancel);
        }

        await Task.Delay(_clock.GetElapsedTime(since), _clock, cancel);
        return true;
    }
}
