using Microsoft.Extensions.Logging;
using Tessera.Server.Access;
using Tessera.Server.Access.People;
using Tessera.Server.Platform;
using Tessera.Server.Platform.Jobs;

namespace Tessera.Server.Insights.Live;

/// <summary>
/// Follows the sealed log for all viewers of this node (ALR-01): one question for all of them, and none while nobody
/// looks. Twice in five seconds it asks whether the viewers' sessions still live and may still see coupons.
/// </summary>
public sealed class LiveFollower(
    Database database,
    Sessions sessions,
    ApiKeys keys,
    TimeProvider clock,
    ILogger<LiveFollower> log
) : Worker(clock, log, TimeSpan.FromMilliseconds(400))
{
    private static readonly TimeSpan CheckEvery = TimeSpan.FromSeconds(2);

    private readonly TimeProvider _clock = clock;
    private readonly HashSet<LiveViewer> _viewers = [];
    private readonly SemaphoreSlim _gate = new(1);
    private long _seq;
    private long _checkedAt;

    /// <inheritdoc/>
    public override async Task<bool> RunOnceAsync(CancellationToken cancel)
    {
        await _gate.WaitAsync(cancel);
        try
        {
            if (_viewers.Count == 0)
            {
                return false;
            }

            if (_clock.GetElapsedTime(_checkedAt) >= CheckEvery)
            {
                await CheckAsync(cancel);
                _checkedAt = _clock.GetTimestamp();
            }

            var stretch = await LiveChanges.ReadAsync(database, _seq, long.MaxValue, cancel);
            foreach (var scope in _viewers.GroupBy(static v => v.Caller.MerchantId))
            {
                if (stretch.MessageTo(scope.Key) is { } message)
                {
                    scope.ToList().ForEach(viewer => viewer.Send(message));
                }
            }

            _seq = stretch.Seq;
            return stretch.HasMore;
        }
        finally
        {
            _gate.Release();
        }
    }

    /// <summary>Begins to follow for a viewer.</summary>
    /// <returns>The place in the log after which it hears everything.</returns>
    internal async Task<long> JoinAsync(LiveViewer viewer, CancellationToken cancel)
    {
        await _gate.WaitAsync(cancel);
        try
        {
            if (_viewers.Count == 0)
            {
                _seq = await LiveChanges.HeadAsync(database, cancel);
                _checkedAt = _clock.GetTimestamp();
            }

            _viewers.Add(viewer);
            return _seq;
        }
        finally
        {
            _gate.Release();
        }
    }

    internal async Task LeaveAsync(LiveViewer viewer)
    {
        await _gate.WaitAsync();
        _viewers.Remove(viewer);
        _gate.Release();
    }

    /// <inheritdoc/>
    public override void Dispose()
    {
        _gate.Dispose();
        base.Dispose();
    }

    /// <summary>Ends the streams of sessions and keys that live no more, or have lost the right or moved.</summary>
    private async Task CheckAsync(CancellationToken cancel)
    {
        var ids = _viewers.Select(static v => v.Caller.SessionId).OfType<Guid>().Distinct().ToArray();
        var alive = await sessions.AliveAsync(ids, cancel);
        foreach (var viewer in _viewers)
        {
            var now =
                viewer.ApiKey is not null ? await keys.FindAsync(viewer.ApiKey, cancel)
                : viewer.Caller.SessionId is { } id ? alive.GetValueOrDefault(id)
                : null;
            if (now is null || !now.Can(Permissions.CouponsRead) || now.MerchantId != viewer.Caller.MerchantId)
            {
                viewer.End("session_ended");
            }
        }
    }
}
