using System.Diagnostics;
using System.Text;
using System.Text.Json;
using Microsoft.Extensions.Logging;
using Microsoft.Extensions.Logging.Abstractions;
using Microsoft.Extensions.Logging.Console;
using Tessera.Server.Platform.Http;

namespace Tessera.Server.Platform;

/// <summary>One JSON object per line (convention 36); JSON escapes control characters by itself.</summary>
internal sealed class JsonLog(TimeProvider clock) : ConsoleFormatter(FormatName)
{
    public const string FormatName = "tessera";

    public override void Write<TState>(
        in LogEntry<TState> logEntry,
        IExternalScopeProvider? scopeProvider,
        TextWriter textWriter
    )
    {
        using var stream = new MemoryStream();
        using (var json = new Utf8JsonWriter(stream))
        {
            json.WriteStartObject();
            json.WriteString("time"u8, clock.GetUtcNow().UtcDateTime);
            json.WriteString("level"u8, LevelOf(logEntry.LogLevel));
            json.WriteString("message"u8, logEntry.Formatter(logEntry.State, logEntry.Exception));
            json.WriteString("category"u8, logEntry.Category);
            if (logEntry.EventId.Id != 0)
            {
                json.WriteNumber("event_id"u8, logEntry.EventId.Id);
            }

            if (Activity.Current is { } activity)
            {
                json.WriteString("trace_id"u8, activity.TraceId.ToHexString());
                if (RequestOf(activity) is { } request)
                {
                    json.WriteString("request_id"u8, request);
                }
            }

            if (logEntry.Exception is { } error)
            {
                json.WriteString("error"u8, error.ToString());
            }

            json.WriteEndObject();
        }

        textWriter.WriteLine(Encoding.UTF8.GetString(stream.GetBuffer(), 0, (int)stream.Length));
    }

    private static string? RequestOf(Activity activity)
    {
        for (var at = activity; at is not null; at = at.Parent)
        {
            if (at.GetTagItem(RequestIds.Tag) is string id)
            {
                return id;
            }
        }

        return null;
    }

    private static string LevelOf(LogLevel level) =>
        level switch
        {
            LogLevel.Critical => "critical",
            LogLevel.Error => "error",
            LogLevel.Warning => "warning",
            LogLevel.Information => "information",
            _ => "debug",
        };
}
