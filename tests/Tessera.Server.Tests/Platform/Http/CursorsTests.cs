using System.Security.Cryptography;
using Tessera.Server.Platform.Http;
using Xunit;

namespace Tessera.Server.Tests.Platform.Http;

public sealed class CursorsTests
{
    private static readonly byte[] Key = RandomNumberGenerator.GetBytes(32);

    [Fact]
    public void A_cursor_gives_back_what_was_sealed()
    {
        var cursor = Cursors.Seal(Key, "scope", ["Zoë \"x\"", null, "7"]);
        Assert.Equal(["Zoë \"x\"", null, "7"], Cursors.Open(Key, "scope", cursor)!);
    }

    [Fact]
    public void A_cursor_is_good_for_its_own_scope_and_key_only()
    {
        var cursor = Cursors.Seal(Key, "scope", ["a"]);
        Assert.Null(Cursors.Open(Key, "other", cursor));
        Assert.Null(Cursors.Open(RandomNumberGenerator.GetBytes(32), "scope", cursor));
    }

    [Fact]
    public void Any_changed_character_breaks_a_cursor()
    {
        var cursor = Cursors.Seal(Key, "scope", ["2026-11-27T00:00:00.000000Z", "0197"]);
        for (var i = 0; i < cursor.Length; i++)
        {
            var changed = cursor[..i] + (cursor[i] == 'A' ? 'B' : 'A') + cursor[(i + 1)..];
            Assert.Null(Cursors.Open(Key, "scope", changed));
        }

        Assert.All(
            (string[])["", "A", "AAAA", cursor + "A", cursor + "=", cursor[1..], "ü€", new string('A', 500)],
            bad => Assert.Null(Cursors.Open(Key, "scope", bad))
        );
    }
}
