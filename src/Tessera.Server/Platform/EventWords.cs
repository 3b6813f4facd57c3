using System.Security.Cryptography;
using System.Text;

namespace Tessera.Server.Platform;

/// <summary>
/// Words of people that events tell of: names, notes, reasons. They may speak of somebody, and the log is for ever, so the event
/// holds a mark, SHA-256 over salt and words, and the words lie beside it, where an erasure can take them out. The mark
/// proves them as long as they are there. Readers of the log see the words: <c>platform.spoken</c>.
/// </summary>
public sealed class EventWords
{
    private const int SaltLength = 16;

    private readonly List<(byte[] Mark, byte[] Salt, string Words, bool IsShown)> _kept = [];

    /// <summary>Keeps words, to be written with the event.</summary>
    /// <param name="words">What was written.</param>
    /// <param name="isShown">Whether customers read it too, so that a surname in it is likely a word of the language.</param>
    /// <returns>What the payload has in their place; the words themselves where there are none.</returns>
    public string? Keep(string? words, bool isShown = false)
    {
        if (string.IsNullOrEmpty(words))
        {
            return words;
        }

        // Without salt whoever has the log could try out names.
        var salt = RandomNumberGenerator.GetBytes(SaltLength);
        var mark = SHA256.HashData([.. salt, .. Encoding.UTF8.GetBytes(words)]);
        _kept.Add((mark, salt, words, isShown));
        return "words:" + Convert.ToHexStringLower(mark);
    }

    /// <summary>Writes the words, in the transaction of the event.</summary>
    public async Task WriteAsync(UnitOfWork work, CancellationToken cancel)
    {
        ArgumentNullException.ThrowIfNull(work);
        if (_kept.Count > 0)
        {
            await work.ExecuteAsync(
                """
                insert into platform.event_word (mark, salt, words, is_shown)
                select * from unnest($1::bytea[], $2::bytea[], $3::text[], $4::boolean[])
                """,
                [
                    _kept.Select(static w => w.Mark).ToArray(),
                    _kept.Select(static w => w.Salt).ToArray(),
                    _kept.Select(static w => w.Words).ToArray(),
                    _kept.Select(static w => w.IsShown).ToArray(),
                ],
                cancel
            );
        }
    }
}
