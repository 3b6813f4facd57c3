using Tessera.Server.Platform.Http;

namespace Tessera.Server.Platform.Retention;

/// <summary>What the platform keeps that ages.</summary>
internal static class PlatformRetention
{
    private const string IsOver = "o.status in ('succeeded', 'failed', 'cancelled') and o.updated_at < $1";

    public static IReadOnlyList<RetainedKind> Kinds { get; } =
    [
        // What the keys guarded stays guarded by the unique business keys (convention 17).
        new(
            "idempotent_answer",
            "Answers kept for requests that are sent again with the same key.",
            IdempotencyKey.KeptDays,
            "platform.idempotency",
            "d.created_at < $1"
        )
        {
            FewestDays = IdempotencyKey.KeptDays,
        },
        new(
            "operation_file",
            "Files of exports, generated codes and uploads, once their operation is over.",
            90,
            "platform.operation_chunk",
            $"exists (select from platform.operation o where o.id = d.operation_id and {IsOver})"
        ),
        new(
            "operation",
            "Operations that are over, with their errors.",
            1095,
            "platform.operation",
            "d.status in ('succeeded', 'failed', 'cancelled') and d.updated_at < $1"
        )
        {
            FewestDays = 30,
            Parts =
            [
                new("platform.operation_error", "p.operation_id = d.id"),
                new("platform.operation_chunk", "p.operation_id = d.id"),
            ],
        },
    ];

    /// <summary>Words that may name a person.</summary>
    public static IReadOnlyList<KeptWords> Words { get; } =
    [
        new(
            "platform.operation_error",
            "t.value || ' ' || t.message",
            $"value = '{KeptWords.Erased}', message = '{KeptWords.Erased}'"
        ),
        KeptWords.Within("platform.operation", json: "input result cursor"),
        // Words of the log lie beside it, by a mark that only the whole of them has.
        new("platform.event_word", "case when not t.is_shown then t.words else '' end", null),
        new("platform.event_word", "case when t.is_shown then t.words else '' end", null) { IsShown = true },
        // An answer that is kept for repeats shows what was written.
        new("platform.idempotency", "convert_from(t.body, 'UTF8')", null),
    ];
}
