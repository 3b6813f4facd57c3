using System.Runtime.InteropServices;
using System.Text;
using System.Text.Json;

namespace Tessera.Server.Platform.Http;

/// <summary>
/// Names of members as text. Requests name the same few things again and again, so what was met lately is kept and not
/// made anew: a fixed number of short names, each in the one place it can have.
/// </summary>
internal static class MemberNames
{
    private const int Places = 1024;
    private const int MaximumKept = 40;

    private static readonly string?[] Kept = new string?[Places];

    /// <summary>The name of a member; null when it is no text, as a lone surrogate is.</summary>
    public static string? Of(JsonProperty member)
    {
        var raw = JsonMarshal.GetRawUtf8PropertyName(member);
        if (raw.Length is 0 or > MaximumKept || raw.Contains((byte)'\\'))
        {
            return Made(member);
        }

        var hash = new HashCode();
        hash.AddBytes(raw);
        ref var place = ref Kept[hash.ToHashCode() & (Places - 1)];
        if (place is { } known && Ascii.Equals(raw, known))
        {
            return known;
        }

        return place = Made(member);
    }

    private static string? Made(JsonProperty member)
    {
        try
        {
            return member.Name;
        }
        catch (InvalidOperationException)
        {
            return null;
        }
    }
}
