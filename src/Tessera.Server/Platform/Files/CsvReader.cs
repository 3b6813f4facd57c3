using System.Text;

namespace Tessera.Server.Platform.Files;

/// <summary>
/// CSV by RFC 4180 (convention 63), streamed: UTF-8 or UTF-16 by its mark, else UTF-8; LF or CRLF; quoted cells may hold
/// commas, quotes and line breaks. What a cell holds is text, never a formula.
/// </summary>
/// <remarks>A row with a stray quote has a fault and the next line is read on; a row beyond the bound ends the file.</remarks>
public sealed class CsvReader : IRowReader
{
    /// <summary>The longest row, in characters.</summary>
    public const int MaximumRow = 256 * 1024;

    /// <summary>The most cells of a row.</summary>
    public const int MaximumCells = 256;

    private const int FirstBuffer = 32 * 1024;

    private readonly StreamReader _text;
    private readonly List<string> _cells = [];
    private readonly StringBuilder _quoted = new();
    private char[] _buffer = new char[FirstBuffer];
    private int _start;
    private int _end;
    private bool _isEnded;
    private long _nextLine = 1;

    /// <summary>Takes the stream over.</summary>
    public CsvReader(Stream stream)
    {
        var strict = new UTF8Encoding(encoderShouldEmitUTF8Identifier: false, throwOnInvalidBytes: true);
        _text = new StreamReader(stream, strict, detectEncodingFromByteOrderMarks: true, FirstBuffer);
    }

    /// <inheritdoc/>
    public long Line { get; private set; }

    /// <inheritdoc/>
    public IReadOnlyList<string> Cells => _cells;

    /// <inheritdoc/>
    public string? Fault { get; private set; }

    /// <inheritdoc/>
    public string? Broken { get; private set; }

    /// <inheritdoc/>
    public async ValueTask<bool> ReadAsync(CancellationToken cancel)
    {
        while (true)
        {
            if (_start == _end && _isEnded)
            {
                return false;
            }

            if (TryReadRow())
            {
                if (Fault is null && _cells.Count == 1 && _cells[0].Length == 0)
                {
                    continue;
                }

                return true;
            }

            await FillAsync(cancel);
        }
    }

    /// <inheritdoc/>
    public void Dispose() => _text.Dispose();

    /// <summary>Reads a row out of the buffer; false if its end is not in there yet.</summary>
    private bool TryReadRow()
    {
        _cells.Clear();
        (Fault, Broken) = (null, null);
        var place = _start;
        var lines = 0;
        while (true)
        {
            if (place < _end && _buffer[place] == '"')
            {
                if (!TryReadQuoted(ref place, ref lines))
                {
                    return false;
                }
            }
            else if (!TryReadPlain(ref place))
            {
                return false;
            }

            if (_cells.Count > MaximumCells)
            {
                throw new UnreadableFileException(
                    "too_many_columns",
                    $"Line {_nextLine:line} has more than {MaximumCells:maximum} columns."
                );
            }

            if (Fault is not null)
            {
                return TrySkipLine(place, lines);
            }

            if (place < _end && _buffer[place] == ',')
            {
                place++;
                continue;
            }

            return TryEndRow(place, lines);
        }
    }

    private bool TryReadPlain(ref int place)
    {
        var rest = _buffer.AsSpan(place, _end - place);
        var length = rest.IndexOfAny(",\"\r\n");
        if (length < 0)
        {
            if (!_isEnded)
            {
                return false;
            }

            length = rest.Length;
        }

        if (length < rest.Length && rest[length] == '"')
        {
            Fault = "A quote inside a cell that does not begin with one.";
        }

        _cells.Add(new string(rest[..length]));
        place += length;
        return true;
    }

    private bool TryReadQuoted(ref int place, ref int lines)
    {
        _quoted.Clear();
        var at = place + 1;
        while (true)
        {
            var rest = _buffer.AsSpan(at, _end - at);
            var length = rest.IndexOf('"');
            if (length < 0 || (length + 1 == rest.Length && !_isEnded))
            {
                if (!_isEnded)
                {
                    return false;
                }

                throw new UnreadableFileException(
                    "unclosed_quote",
                    $"The quote opened in line {_nextLine + lines:line} is never closed."
                );
            }

            _quoted.Append(rest[..length]);
            lines += rest[..length].Count('\n');
            at += length + 1;
            if (at < _end && _buffer[at] == '"')
            {
                _quoted.Append('"');
                at++;
                continue;
            }

            if (at < _end && _buffer[at] is not (',' or '\r' or '\n'))
            {
                Fault = "Text after the closing quote of a cell.";
            }

            _cells.Add(_quoted.ToString());
            place = at;
            return true;
        }
    }

    /// <summary>After a fault: on to the next line, so that one bad row costs only itself.</summary>
    private bool TrySkipLine(int place, int lines)
    {
        var length = _buffer.AsSpan(place, _end - place).IndexOf('\n');
        if (length < 0 && !_isEnded)
        {
            return false;
        }

        _cells.Clear();
        Broken = new string(_buffer.AsSpan(_start, (length < 0 ? _end : place + length) - _start).TrimEnd('\r'));
        Take(length < 0 ? _end : place + length + 1, lines + 1);
        return true;
    }

    private bool TryEndRow(int place, int lines)
    {
        if (place < _end && _buffer[place] == '\r')
        {
            if (place + 1 == _end && !_isEnded)
            {
                return false;
            }

            place++;
        }

        if (place < _end && _buffer[place] == '\n')
        {
            place++;
        }
        else if (place == _end && !_isEnded)
        {
            return false;
        }

        Take(place, lines + 1);
        return true;
    }

    private void Take(int next, int lines)
    {
        Line = _nextLine;
        _nextLine += lines;
        _start = next;
    }

    private async ValueTask FillAsync(CancellationToken cancel)
    {
        if (_start > 0)
        {
            _buffer.AsSpan(_start, _end - _start).CopyTo(_buffer);
            _end -= _start;
            _start = 0;
        }

        if (_end == _buffer.Length)
        {
            if (_buffer.Length >= MaximumRow)
            {
                throw new UnreadableFileException(
                    "row_too_long",
                    $"The row that begins in line {_nextLine:line} is longer than {MaximumRow:maximum} characters."
                );
            }

            Array.Resize(ref _buffer, _buffer.Length * 2);
        }

        try
        {
            var read = await _text.ReadAsync(_buffer.AsMemory(_end), cancel);
            if (_buffer.AsSpan(_end, read).Contains('\0'))
            {
                throw new UnreadableFileException("not_text", "The file is not a text file.");
            }

            _end += read;
            _isEnded = read == 0;
        }
        catch (DecoderFallbackException)
        {
            throw new UnreadableFileException(
                "not_utf8",
                $"The file is not UTF-8 text, at or after line {_nextLine:line}."
            );
        }
    }
}
