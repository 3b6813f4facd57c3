using System.Text.Json;

namespace Tessera.Server.Audit;

/// <summary>An event as CloudEvents 1.0 has it, for the API description; <see cref="EventEndpoints"/> writes it.</summary>
/// <param name="Specversion">1.0.</param>
/// <param name="Id">UUIDv7.</param>
/// <param name="Source">The deployment.</param>
/// <param name="Type">What happened.</param>
/// <param name="Subject">What it happened to: its kind and id.</param>
/// <param name="Time">The database clock of the decision.</param>
/// <param name="Datacontenttype">application/json.</param>
/// <param name="Seq">Its place in the sealed log: follow it by this.</param>
/// <param name="Sequence">Counts the events of its subject.</param>
/// <param name="Actor">Who or what caused it.</param>
/// <param name="Data">Ids, integers and words; by type.</param>
/// <param name="CorrelationId">The request or job that caused it.</param>
internal sealed record EventShape(
    string Specversion,
    Guid Id,
    string Source,
    string Type,
    string Subject,
    DateTimeOffset Time,
    string Datacontenttype,
    long Seq,
    long Sequence,
    string Actor,
    JsonElement Data,
    string? CorrelationId = null
);

/// <summary>Events after a place in the log.</summary>
/// <param name="Data">In order, without gaps.</param>
/// <param name="HasMore">Whether more are there already.</param>
/// <param name="NextCursor">To give as <c>after</c> next time, also when there are no more yet.</param>
internal sealed record EventListShape(IReadOnlyList<EventShape> Data, bool HasMore, string NextCursor);

/// <summary>Examples of the API description.</summary>
internal static class EventShapes
{
    public static EventListShape Example { get; } =
        new(
            [
                new EventShape(
                    "1.0",
                    new Guid("01970f3e-8a00-7c3e-9d52-6f1b2a3c4d5e"),
                    "urn:tessera",
                    "merchant.created",
                    "merchant:01970f3e-8a00-7c3e-9d52-6f1b2a3c4d5f",
                    new DateTimeOffset(2026, 11, 2, 9, 30, 0, TimeSpan.Zero),
                    "application/json",
                    41,
                    1,
                    "job:import",
                    JsonDocument.Parse("{}").RootElement,
                    "0197c3a2b4c87d1e9f00a1b2c3d4e5f6"
                ),
            ],
            false,
            "41"
        );
}
