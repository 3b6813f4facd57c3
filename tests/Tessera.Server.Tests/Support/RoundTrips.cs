using System.Collections.Concurrent;
using System.Diagnostics;

namespace Tessera.Server.Tests.Support;

/// <summary>
/// What is sent to the database while this lives, by the request it is sent for: two requests that are to take equal time
/// are compared by their work, which no busy machine disturbs (convention 53).
/// </summary>
internal sealed class RoundTrips : IDisposable
{
    /// <summary>In the look-up of a key, which is remembered for seconds: the clock decides which request makes it.</summary>
    private const string KeyLookUp = "access.api_key set last_used_on";

    private readonly ConcurrentQueue<(ActivityTraceId Request, string Sql)> _sent = [];
    private readonly ConcurrentQueue<ActivityTraceId> _requests = [];
    private readonly ActivityListener _listener;

    public RoundTrips()
    {
        _listener = new ActivityListener
        {
            ShouldListenTo = static source => source.Name is "Npgsql" or "Microsoft.AspNetCore",
            Sample = static (ref ActivityCreationOptions<ActivityContext> _) =>
                ActivitySamplingResult.AllDataAndRecorded,
            ActivityStarted = activity =>
            {
                if (activity.Source.Name == "Microsoft.AspNetCore")
                {
                    _requests.Enqueue(activity.TraceId);
                }
            },
            ActivityStopped = activity =>
            {
                if ((activity.GetTagItem("db.query.text") ?? activity.GetTagItem("db.statement")) is string sql)
                {
                    _sent.Enqueue((activity.TraceId, sql));
                }
            },
        };
        ActivitySource.AddActivityListener(_listener);
    }

    /// <summary>
    /// What one request has sent, in order, and what lanes have sent for it: statements with one of the words. Who a key is, is
    /// asked for beside it.
    /// </summary>
    /// <param name="request">Sends one request and waits for its answer.</param>
    /// <param name="laneWords">Words of statements that only lanes send.</param>
    public async Task<IReadOnlyList<string>> OfAsync(Func<Task> request, params string[] laneWords)
    {
        _sent.Clear();
        _requests.Clear();
        await request();
        var own = _requests.ToHashSet();
        return
        [
            .. _sent
                .Where(static s => !s.Sql.Contains(KeyLookUp, StringComparison.Ordinal))
                .Where(s => own.Contains(s.Request) || laneWords.Any(w => s.Sql.Contains(w, StringComparison.Ordinal)))
                .Select(static s => s.Sql),
        ];
    }

    public void Dispose() => _listener.Dispose();
}
