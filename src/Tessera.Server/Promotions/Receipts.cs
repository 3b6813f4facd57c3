using Tessera.Core.Promotions;
using Tessera.Server.Platform;

namespace Tessera.Server.Promotions;

/// <summary>Receipts for the command line, whose user may see all of them.</summary>
public static class Receipts
{
    /// <summary>A receipt in plain sentences.</summary>
    /// <param name="Sentences">What was given and what was refused.</param>
    /// <param name="Difference">Of a replay: the first thing that came out otherwise; null when nothing did.</param>
    /// <param name="IsWhole">Of a replay: false when the search had been cut short, so that a better price may come out.</param>
    public sealed record Told(IReadOnlyList<string> Sentences, string? Difference, bool IsWhole);

    /// <summary>Reads a receipt, and computes it again if asked.</summary>
    /// <param name="database">Where it is kept.</param>
    /// <param name="id">Of the receipt, or of what it explains.</param>
    /// <param name="german">The language of the sentences; else English.</param>
    /// <param name="replay">Whether it is computed again from its input and the versions it names.</param>
    /// <param name="cancel">Cancels.</param>
    /// <returns>Null when there is none.</returns>
    public static async Task<Told?> TellAsync(
        Database database,
        Guid id,
        bool german,
        bool replay,
        CancellationToken cancel
    )
    {
        ArgumentNullException.ThrowIfNull(database);
        await using var work = await database.BeginAsync(cancel);
        if (await ReceiptStore.FindAsync(work, id, merchant: null, cancel) is not { } stored)
        {
            return null;
        }

        var names = await ReceiptStore.NamesAsync(work, stored, cancel);
        var sentences = german ? ReceiptText.German(stored.Receipt, names) : ReceiptText.English(stored.Receipt, names);
        if (!replay)
        {
            return new Told(sentences, null, true);
        }

        if (stored.Single is { } single)
        {
            return new Told(sentences, await SingleReceipts.ReplayAsync(work, single, cancel), true);
        }

        if (stored.Input.Erased is true)
        {
            return new Told(sentences, "What was known of the customer has been erased.", true);
        }

        var replayed = await Replaying.RunAsync(work, stored, cancel);
        return new Told(sentences, replayed.Difference, replayed.Whole);
    }
}
