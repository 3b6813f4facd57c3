using Tessera.Core;

namespace Tessera.Server.Platform.Files;

/// <summary>Reads a table row by row in flat memory, whatever the file is.</summary>
public interface IRowReader : IDisposable
{
    /// <summary>Where the current row begins, from 1: the line of a CSV, the row of a sheet.</summary>
    long Line { get; }

    /// <summary>The cells of the current row; empty when it has a fault.</summary>
    IReadOnlyList<string> Cells { get; }

    /// <summary>Why the current row cannot be read; the rows after it can.</summary>
    string? Fault { get; }

    /// <summary>The current row as it is in the file, when it has a fault; null where the file has no text of its own.</summary>
    string? Broken { get; }

    /// <summary>Goes to the next row that is not empty.</summary>
    /// <returns>False at the end.</returns>
    /// <exception cref="UnreadableFileException">The file cannot be read any further.</exception>
    ValueTask<bool> ReadAsync(CancellationToken cancel);
}

/// <summary>A file that is broken, beyond a bound, or not what it claims to be.</summary>
/// <param name="code">Stable, machine-readable.</param>
/// <param name="message">A sentence for people.</param>
public sealed class UnreadableFileException(string code, Sentence message) : Exception(message.Text)
{
    /// <summary>The message with its values.</summary>
    public Sentence Sentence { get; } = message;

    /// <summary>Stable, machine-readable.</summary>
    public string Code { get; } = code;
}
