using System.Text.Json.Serialization;
using Tessera.Core.Promotions;

namespace Tessera.Core;

/// <summary>What kind of no it is; the HTTP status follows from it (convention 11).</summary>
public enum RefusalKind
{
    /// <summary>The request itself is wrong: 400.</summary>
    Invalid,

    /// <summary>A valid request that the present state refuses: 409.</summary>
    Conflict,

    /// <summary>Unknown, or not the caller's: 404.</summary>
    NotFound,

    /// <summary>Signed in, not allowed: 403.</summary>
    Forbidden,

    /// <summary>The key was used for another request: 422.</summary>
    KeyReused,

    /// <summary>A precondition failed: 412.</summary>
    Stale,

    /// <summary>A precondition is missing: 428.</summary>
    PreconditionRequired,

    /// <summary>A dependency is away: 503 with Retry-After.</summary>
    Unavailable,

    /// <summary>Not signed in: 401.</summary>
    Unauthenticated,

    /// <summary>The resource does not take this method: 405.</summary>
    MethodNotAllowed,

    /// <summary>The body is beyond its bound: 413.</summary>
    TooLarge,

    /// <summary>The body is of another type: 415.</summary>
    UnsupportedMedia,

    /// <summary>More requests than a limit allows: 429 with Retry-After.</summary>
    TooManyRequests,

    /// <summary>A defect of ours: 500.</summary>
    Defect,
}

/// <summary>One bad field of a request, by the caller's own name (convention 10).</summary>
/// <param name="Field">As the caller wrote it: <c>order.amount</c>.</param>
/// <param name="Pointer">RFC 6901 into the body: <c>#/order/amount</c>.</param>
/// <param name="Code">Stable, machine-readable.</param>
/// <param name="Message">A sentence for people.</param>
public sealed record FieldError(string Field, string Pointer, string Code, string Message)
{
    /// <summary>With a sentence that has values.</summary>
    public FieldError(string field, string pointer, string code, Sentence message)
        : this(field, pointer, code, message.Text) => Params = message.Values;

    /// <summary>The values of the message by name, for saying it in another language.</summary>
    [JsonIgnore(Condition = JsonIgnoreCondition.WhenWritingNull)]
    public IReadOnlyDictionary<string, object>? Params { get; init; }

    /// <summary>The smallest change that would make it pass, where there is one (RUL-13).</summary>
    public Remedy? Change { get; init; }
}

/// <summary>An expected no, with a stable code (RUL-13). Exceptions mean a bug or an outage, never this.</summary>
/// <param name="Code">Stable, machine-readable: part of the API.</param>
/// <param name="Message">One sentence for people.</param>
/// <param name="Kind">Decides the status.</param>
/// <param name="Errors">The bad fields, where the input is at fault.</param>
public sealed record Refusal(
    string Code,
    string Message,
    RefusalKind Kind = RefusalKind.Conflict,
    IReadOnlyList<FieldError>? Errors = null
)
{
    /// <summary>With a sentence that has values.</summary>
    public Refusal(
        string code,
        Sentence message,
        RefusalKind kind = RefusalKind.Conflict,
        IReadOnlyList<FieldError>? errors = null
    )
        : this(code, message.Text, kind, errors) => Params = message.Values;

    /// <summary>The values of the message by name, for saying it in another language.</summary>
    public IReadOnlyDictionary<string, object>? Params { get; init; }

    /// <summary>The smallest change that would make it pass, where there is one (RUL-13).</summary>
    public Remedy? Change { get; init; }
}
