using System.Buffers.Binary;
using System.Globalization;
using System.Security.Cryptography;
using System.Text;
using System.Text.Json;

namespace Tessera.Server.Audit;

/// <summary>The things an event speaks of, by name: <c>coupon:17</c>, <c>actor:key:…</c>, <c>type:coupon.expired</c>.</summary>
internal static class Mentions
{
    /// <summary>Units are numbered in blocks; an event about many of them is found by their blocks.</summary>
    public const int UnitsOfBlock = 1024;

    private const int OnStack = 512;
    private const int MaximumBlocks = 4096;
    private const int MaximumDepth = 6;
    private const string Suffix = "_id";

    /// <summary>The key of a thing: the first 64 bits of SHA-256 over its name.</summary>
    public static long KeyOf(string thing)
    {
        Span<byte> hash = stackalloc byte[SHA256.HashSizeInBytes];
        var size = Encoding.UTF8.GetMaxByteCount(thing.Length);
        var name = size <= OnStack ? stackalloc byte[OnStack] : new byte[size];
        SHA256.HashData(name[..Encoding.UTF8.GetBytes(thing, name)], hash);
        return BinaryPrimitives.ReadInt64BigEndian(hash);
    }

    /// <summary>The block a unit is in.</summary>
    public static string BlockOf(long unit) =>
        string.Create(CultureInfo.InvariantCulture, $"block:{unit / UnitsOfBlock}");

    /// <summary>All things an event speaks of.</summary>
    /// <param name="subject">Kind and id of its aggregate.</param>
    /// <param name="actor">Who caused it.</param>
    /// <param name="type">What happened.</param>
    /// <param name="payload">Its payload.</param>
    public static HashSet<string> Of(string subject, string actor, string type, JsonElement payload)
    {
        var things = new HashSet<string>(StringComparer.Ordinal);
        Add(subject, actor, type, payload, things);
        return things;
    }

    /// <summary>Adds all things an event speaks of, as <see cref="Of"/> finds them.</summary>
    public static void Add(string subject, string actor, string type, JsonElement payload, HashSet<string> things)
    {
        things.Add(subject);
        things.Add("actor:" + actor);
        things.Add("type:" + type);
        Collect(payload, things, 0);
        AddBlocks(payload, things);
    }

    /// <summary>Ids of transfers an event may stand for: what they moved is mentioned too.</summary>
    public static IEnumerable<Guid> TransfersOf(IEnumerable<string> things) =>
        things
            .Where(static t =>
                t.StartsWith("redemption:", StringComparison.Ordinal)
                || t.StartsWith("reservation:", StringComparison.Ordinal)
                || t.StartsWith("rollback:", StringComparison.Ordinal)
                || t.StartsWith("transfer:", StringComparison.Ordinal)
                || t.StartsWith("approval:", StringComparison.Ordinal)
                || t.StartsWith("withdrawal:", StringComparison.Ordinal)
            )
            .Select(static t =>
                Guid.TryParse(t.AsSpan(t.IndexOf(':', StringComparison.Ordinal) + 1), out var id) ? id : default
            )
            .Where(static id => id != default);

    private static void Collect(JsonElement value, HashSet<string> things, int depth)
    {
        if (value.ValueKind != JsonValueKind.Object || depth > MaximumDepth)
        {
            return;
        }

        foreach (var member in value.EnumerateObject())
        {
            if (member.Value.ValueKind == JsonValueKind.Object)
            {
                Collect(member.Value, things, depth + 1);
            }
            else if (member.Name is "subject" && member.Value.ValueKind == JsonValueKind.String)
            {
                things.Add(member.Value.GetString()!);
            }
            else if (
                member.Name.EndsWith(Suffix, StringComparison.Ordinal)
                && member.Name is not ("first_id" or "last_id")
                && member.Value.ValueKind is JsonValueKind.String or JsonValueKind.Number
            )
            {
                things.Add(
                    string.Concat(
                        member.Name.AsSpan(0, member.Name.Length - Suffix.Length),
                        ":",
                        member.Value.ToString()
                    )
                );
            }
        }
    }

    private static void AddBlocks(JsonElement payload, HashSet<string> things)
    {
        if (payload.ValueKind != JsonValueKind.Object)
        {
            return;
        }

        foreach (var (first, last) in RunsOf(payload))
        {
            for (var unit = first; unit <= last && things.Count < MaximumBlocks; unit += UnitsOfBlock)
            {
                things.Add(BlockOf(unit));
            }

            if (things.Count < MaximumBlocks)
            {
                things.Add(BlockOf(last));
            }
        }
    }

    /// <summary>Whether an event that names a block of units concerns one of them.</summary>
    public static bool Concerns(JsonElement payload, long unit) =>
        RunsOf(payload).Any(run => unit >= run.First && unit <= run.Last);

    /// <summary>Units named by an event: <c>runs</c> of consecutive ids, or one run, or a list.</summary>
    private static IEnumerable<(long First, long Last)> RunsOf(JsonElement payload)
    {
        if (payload.TryGetProperty("runs", out var runs) && runs.ValueKind == JsonValueKind.Array)
        {
            foreach (var run in runs.EnumerateArray())
            {
                if (
                    run.ValueKind == JsonValueKind.Array
                    && run.GetArrayLength() == 2
                    && run[0].TryGetInt64(out var first)
                    && run[1].TryGetInt64(out var last)
                )
                {
                    yield return (first, last);
                }
            }
        }
        else if (IdOf(payload, "first_id") is { } first && IdOf(payload, "last_id") is { } last)
        {
            yield return (first, last);
        }

        if (payload.TryGetProperty("ids", out var ids) && ids.ValueKind == JsonValueKind.Array)
        {
            foreach (var id in ids.EnumerateArray())
            {
                if (id.ValueKind == JsonValueKind.Number && id.TryGetInt64(out var unit))
                {
                    yield return (unit, unit);
                }
            }
        }
    }

    private static long? IdOf(JsonElement payload, string name) =>
        payload.TryGetProperty(name, out var value)
        && value.ValueKind == JsonValueKind.Number
        && value.TryGetInt64(out var id)
            ? id
            : null;
}
