using Tessera.Core;
using Tessera.Server.Platform.Http;

namespace Tessera.Server.Connectors.Ingestion;

/// <summary>Who hands something in: an API key, a partner, a queue.</summary>
/// <param name="Name">Events are known by it and their id: <c>key:…</c>, <c>connector:…</c>, <c>queue:…</c>.</param>
/// <param name="ClientId">Under which the answers of the lanes are kept.</param>
/// <param name="MerchantId">The merchant it acts for; null for the whole deployment.</param>
internal sealed record IngestionSource(string Name, Guid ClientId, Guid? MerchantId);

/// <summary>What became of an event.</summary>
/// <param name="Id">Of the event, as its source calls it.</param>
/// <param name="State">applied; known when it had been applied before or says nothing new; parked when it was refused.</param>
/// <param name="Reason">Why it was parked.</param>
internal sealed record IngestionResult(string Id, string State, string? Reason = null);

/// <summary>An event of an outside system, in the shape of CloudEvents 1.0.</summary>
/// <param name="Id">Unique to its source.</param>
/// <param name="Type">One of <see cref="Types"/>.</param>
/// <param name="Data">By type.</param>
/// <param name="Bytes">As it came.</param>
internal sealed record OutsideEvent(string Id, string Type, Fields Data, ReadOnlyMemory<byte> Bytes)
{
    public const string Reserved = "coupon.reserved";
    public const string Redeemed = "coupon.redeemed";
    public const string Cancelled = "coupon.cancelled";
    public const string Defined = "coupon.defined";

    public static readonly string[] Types = [Reserved, Redeemed, Cancelled, Defined];

    /// <summary>The attributes of CloudEvents that are taken and not needed.</summary>
    private static readonly string[] Attributes =
    [
        "specversion",
        "source",
        "subject",
        "time",
        "datacontenttype",
        "dataschema",
        "traceparent",
    ];

    /// <summary>Reads an event.</summary>
    /// <returns>What is wrong with it instead, and its id where that can be read.</returns>
    public static (OutsideEvent? Event, string? Id, Refusal? Refusal) Read(ReadOnlyMemory<byte> bytes)
    {
        var (body, malformed) = RequestBody.Parse(bytes);
        if (malformed is not null)
        {
            return (null, null, malformed);
        }

        var fields = Fields.Of(body!);
        var id = fields.Text("id", 200);
        var type = fields.Word("type", Types);
        var data = fields.Object("data");
        foreach (var attribute in Attributes)
        {
            fields.Text(attribute, 2000, required: false);
        }

        fields.Integer("sequence", 0, Fields.MaximumInteger, required: false);
        if (id is not null && type is not null && data is not null)
        {
            // What is wrong with the data, whoever applies it finds.
            return (new OutsideEvent(id, type, data, bytes), id, fields.Errors.Count == 0 ? null : fields.Finish());
        }

        return (null, id, fields.Finish());
    }
}
