using System.Net.Http.Headers;
using System.Text.Json;
using Tessera.Server.Platform.Http;

namespace Tessera.Server.Connectors.Partners;

/// <summary>
/// The words of one kind of REST partner: where a message goes, how we show who we are, and what its members are called.
/// </summary>
internal abstract class Dialect
{
    private static readonly Dialect Ecommerce = new EcommerceDialect();
    private static readonly Dialect PosProxy = new PosProxyDialect();
    private static readonly Dialect General = new GeneralDialect();

    /// <summary>The dialect of a connector's kind.</summary>
    public static Dialect Of(string kind) =>
        kind switch
        {
            "ecommerce" => Ecommerce,
            "pos_proxy" => PosProxy,
            _ => General,
        };

    /// <summary>Path below the partner's address.</summary>
    public abstract string PathOf(MessageKind kind);

    /// <summary>Path of questions.</summary>
    public abstract string QueryPath { get; }

    /// <summary>Shows the partner who we are.</summary>
    public virtual void Authenticate(HttpRequestHeaders headers, string credential) =>
        headers.Authorization = new AuthenticationHeaderValue("Bearer", credential);

    /// <summary>The body of a message.</summary>
    public ReadOnlyMemory<byte> Encode(Message message) =>
        JsonOut.Bytes(json =>
        {
            json.WriteStartObject();
            json.WriteString("key"u8, message.Key);
            json.WriteNumber("sequence"u8, message.Sequence);
            Write(json, message);
            json.WriteEndObject();
        });

    /// <summary>Writes what is particular.</summary>
    protected abstract void Write(Utf8JsonWriter json, Message message);

    protected static void WriteIds(Utf8JsonWriter json, string name, IReadOnlyList<long> ids)
    {
        json.WriteStartArray(name);
        foreach (var id in ids)
        {
            json.WriteNumberValue(id);
        }

        json.WriteEndArray();
    }

    protected static void WriteInstant(Utf8JsonWriter json, string name, DateTimeOffset at) =>
        json.WriteString(name, Instants.Format(at));

    /// <summary>Any partner that can be programmed to ours: one address, the kind in the body.</summary>
    private sealed class GeneralDialect : Dialect
    {
        public override string QueryPath => "/queries";

        public override string PathOf(MessageKind kind) => "";

        protected override void Write(Utf8JsonWriter json, Message message)
        {
            json.WriteString("type"u8, "coupons." + message.Kind.ToString().ToLowerInvariant());
            if (message.Kind == MessageKind.Test)
            {
                return;
            }

            if (message.Kind == MessageKind.Watermark)
            {
                if (message.Mark is { } mark)
                {
                    WriteInstant(json, "mark", mark);
                }

                json.WriteStartArray("exceptions"u8);
                foreach (var exception in message.Exceptions ?? [])
                {
                    json.WriteStartObject();
                    json.WriteString("type"u8, exception.Kind == CommandKind.Disable ? "disable" : "enable");
                    WritePart(json, exception.Kind, exception.Subject, exception.Ids, exception.At, false);
                    json.WriteEndObject();
                }

                json.WriteEndArray();
                return;
            }

            var kind = message.Kind == MessageKind.Disable ? CommandKind.Disable : CommandKind.Enable;
            WritePart(json, kind, message.Subject, message.Ids, message.At, message.IsSingle);
        }

        private static void WritePart(
            Utf8JsonWriter json,
            CommandKind kind,
            string subject,
            IReadOnlyList<long> ids,
            DateTimeOffset at,
            bool isSingle
        )
        {
            json.WriteString("subject"u8, subject);
            WriteInstant(json, kind == CommandKind.Disable ? "effective_at" : "valid_until", at);
            if (isSingle)
            {
                json.WriteNumber("id"u8, ids[0]);
            }
            else
            {
                WriteIds(json, "ids", ids);
            }
        }
    }

    /// <summary>A shop system: an address a verb, an API key, members that say coupon.</summary>
    private sealed class EcommerceDialect : Dialect
    {
        public override string QueryPath => "/coupons/query";

        public override string PathOf(MessageKind kind) =>
            kind == MessageKind.Test ? "/ping" : "/coupons/" + kind.ToString().ToLowerInvariant();

        public override void Authenticate(HttpRequestHeaders headers, string credential) =>
            headers.TryAddWithoutValidation("X-Api-Key", credential);

        protected override void Write(Utf8JsonWriter json, Message message)
        {
            switch (message.Kind)
            {
                case MessageKind.Disable:
                    WriteInstant(json, "ends_at", message.At);
                    WriteCoupons(json, message);
                    break;
                case MessageKind.Enable:
                    WriteInstant(json, "valid_until", message.At);
                    WriteCoupons(json, message);
                    break;
                case MessageKind.Watermark:
                    if (message.Mark is { } mark)
                    {
                        WriteInstant(json, "ended_before", mark);
                    }

                    foreach (var kind in (CommandKind[])[CommandKind.Disable, CommandKind.Enable])
                    {
                        json.WriteStartArray(kind == CommandKind.Disable ? "disable" : "enable");
                        foreach (var exception in (message.Exceptions ?? []).Where(e => e.Kind == kind))
                        {
                            json.WriteStartObject();
                            WriteInstant(json, kind == CommandKind.Disable ? "ends_at" : "valid_until", exception.At);
                            WriteIds(json, "coupon_ids", exception.Ids);
                            json.WriteEndObject();
                        }

                        json.WriteEndArray();
                    }

                    break;
                default:
                    break;
            }
        }

        private static void WriteCoupons(Utf8JsonWriter json, Message message)
        {
            if (message.IsSingle)
            {
                json.WriteNumber("coupon_id"u8, message.Ids[0]);
            }
            else
            {
                WriteIds(json, "coupon_ids", message.Ids);
            }
        }
    }

    /// <summary>The proxy of a chain's tills: one block list that tills ask while they are offline.</summary>
    private sealed class PosProxyDialect : Dialect
    {
        public override string QueryPath => "/blocklist/query";

        public override string PathOf(MessageKind kind) => kind == MessageKind.Test ? "/health" : "/blocklist";

        protected override void Write(Utf8JsonWriter json, Message message)
        {
            if (message.Mark is { } mark)
            {
                WriteInstant(json, "block_ended_before", mark);
            }

            IReadOnlyList<MarkException> entries = message.Kind switch
            {
                MessageKind.Watermark => message.Exceptions ?? [],
                MessageKind.Test => [],
                _ =>
                [
                    new MarkException(
                        message.Kind == MessageKind.Disable ? CommandKind.Disable : CommandKind.Enable,
                        message.Subject,
                        message.Ids,
                        message.At
                    ),
                ],
            };
            json.WriteStartArray("entries"u8);
            foreach (var entry in entries)
            {
                json.WriteStartObject();
                json.WriteString("action"u8, entry.Kind == CommandKind.Disable ? "block" : "unblock");
                WriteInstant(json, entry.Kind == CommandKind.Disable ? "from" : "until", entry.At);
                WriteIds(json, "ids", entry.Ids);
                json.WriteEndObject();
            }

            json.WriteEndArray();
        }
    }
}
