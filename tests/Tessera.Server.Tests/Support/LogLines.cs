using System.Collections.Concurrent;
using Microsoft.Extensions.Logging;

namespace Tessera.Server.Tests.Support;

/// <summary>Keeps what is logged, so that a test can say what was.</summary>
public sealed class LogLines : ILoggerProvider
{
    private readonly ConcurrentQueue<(int Event, LogLevel Level, string Text)> _lines = new();

    public IReadOnlyList<(int Event, LogLevel Level, string Text)> All => [.. _lines];

    public void Clear() => _lines.Clear();

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
