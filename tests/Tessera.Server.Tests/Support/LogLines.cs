using System.Collections.Concurrent;
using Microsoft.Extensions.Logging;
using Xunit;

namespace Tessera.Server.Tests.Support;

/// <summary>Keeps what is logged, so that a test can say what was.</summary>
public sealed class LogLines : ILoggerProvider
{
    private readonly ConcurrentQueue<(int Event, LogLevel Level, string Text)> _lines = new();

    public IReadOnlyList<(int Event, LogLevel Level, string Text)> All => [.. _lines];

    public void Clear() => _lines.Clear();

    /// <summary>One security event of the kind for the request, which says why, and none of a defect.</summary>
    public void AssertToldOnce(int kind, Reply reply, string why = "")
    {
        // By request: a client whose connection breaks asks again by itself.
        var request = reply.Header("X-Request-Id")!;
        (int Event, LogLevel Level, string Text)[] Told() =>
            [.. All.Where(l => l.Event is > 3000 and < 3100 && l.Text.Contains(request, StringComparison.Ordinal))];

        // It is written when the request is over, which the client may hear of a moment before.
        SpinWait.SpinUntil(() => Told().Length > 0, Patience.Limit);
        var told = Told();
        Assert.True(
            told is [{ } one] && one.Event == kind && one.Text.Contains(why, StringComparison.Ordinal),
            $"{kind} {why}: {string.Join('\n', told.Select(static l => l.Text))}"
        );
        Assert.DoesNotContain(All, static l => l.Level >= LogLevel.Error);
    }

    public ILogger CreateLogger(string categoryName) => new Logger(_lines);

    public void Dispose() => _lines.Clear();

    private sealed class Logger(ConcurrentQueue<(int, LogLevel, string)> lines) : ILogger
    {
        public IDisposable? BeginScope<TState>(TState state)
            where TState : notnull => null;

        public bool IsEnabled(LogLevel logLevel) => true;

        public void Log<TState>(
            LogLevel logLevel,
            EventId eventId,
            TState state,
            Exception? exception,
            Func<TState, Exception?, string> formatter
        ) => lines.Enqueue((eventId.Id, logLevel, formatter(state, exception) + exception));
    }
}
