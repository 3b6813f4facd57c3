using System.Text;
using Tessera.Server.Platform.Files;
using Xunit;

namespace Tessera.Server.Tests.Platform.Files;

public sealed class CsvReaderTests
{
    [Fact]
    public async Task Quoted_cells_hold_commas_quotes_and_line_breaks()
    {
        var rows = await ReadAsync("a,b\r\n\"x,\"\"y\"\"\nz\",2\r\n\n,\n=1+1,-2");
        Assert.Equal(["1|a|b", "2|x,\"y\"\nz|2", "5||", "6|=1+1|-2"], rows);
    }

    [Theory]
    [InlineData("utf-8")]
    [InlineData("utf-16")]
    [InlineData("utf-16BE")]
    public async Task A_mark_tells_the_encoding_and_is_no_part_of_the_first_cell(string name)
    {
        var encoding = Encoding.GetEncoding(name);
        byte[] bytes = [.. encoding.GetPreamble(), .. encoding.GetBytes("code,name\nX,Käse")];
        Assert.Equal(["1|code|name", "2|X|Käse"], await ReadAsync(new MemoryStream(bytes)));
    }

    [Fact]
    public async Task A_stray_quote_costs_its_own_line_only()
    {
        var rows = await ReadAsync("a,b\nx\"y,1\n\"x\"y,2\nok,3\n");
        Assert.Equal(["1|a|b", "2!", "3!", "4|ok|3"], rows);
    }

    [Theory]
    [InlineData("a\n\"never closed,1\nx,2\n", "unclosed_quote")]
    [InlineData("a\0b", "not_text")]
    public async Task What_cannot_be_read_any_further_says_why(string text, string code)
    {
        var error = await Assert.ThrowsAsync<UnreadableFileException>(() => ReadAsync(text));
        Assert.Equal(code, error.Code);
    }

    [Fact]
    public async Task Bytes_that_are_no_UTF_8_are_refused()
    {
        var error = await Assert.ThrowsAsync<UnreadableFileException>(() =>
            ReadAsync(new MemoryStream([(byte)'a', 0xE4, (byte)'\n']))
        );
        Assert.Equal("not_utf8", error.Code);
    }

    [Theory]
    [InlineData(false)]
    [InlineData(true)]
    public async Task A_line_of_two_gigabytes_is_refused_after_its_first_megabyte(bool quoted)
    {
        using var stream = new Endless(2L << 30, quoted);
        var error = await Assert.ThrowsAsync<UnreadableFileException>(() => ReadAsync(stream));
        Assert.Equal("row_too_long", error.Code);
        Assert.InRange(stream.Position, 1, 1024 * 1024);
    }

    [Fact]
    public async Task Rows_longer_than_the_buffer_are_read_whole()
    {
        var cell = new string('x', 100_000);
        Assert.Equal(["1|a", "2|" + cell, "3|b"], await ReadAsync($"a\n\"{cell}\"\nb"));
    }

    private static Task<List<string>> ReadAsync(string text) =>
        ReadAsync(new MemoryStream(Encoding.UTF8.GetBytes(text)));

    private static async Task<List<string>> ReadAsync(Stream stream)
    {
        using var reader = new CsvReader(stream);
        var rows = new List<string>();
        while (await reader.ReadAsync(default))
        {
            rows.Add(reader.Line + (reader.Fault is null ? "|" + string.Join('|', reader.Cells) : "!"));
        }

        return rows;
    }

    /// <summary>One line without an end.</summary>
    private sealed class Endless(long length, bool quoted) : Stream
    {
        public override bool CanRead => true;

        public override bool CanSeek => false;

        public override bool CanWrite => false;

        public override long Length => length;

        public override long Position { get; set; }

        public override int Read(byte[] buffer, int offset, int count)
        {
            buffer.AsSpan(offset, count).Fill((byte)'x');
            if (Position == 0 && quoted)
            {
                buffer[offset] = (byte)'"';
            }

            var read = (int)Math.Min(count, length - Position);
            Position += read;
            return read;
        }

        public override void Flush() { }

        public override long Seek(long offset, SeekOrigin origin) => throw new NotSupportedException();

        public override void SetLength(long value) => throw new NotSupportedException();

        public override void Write(byte[] buffer, int offset, int count) => throw new NotSupportedException();
    }
}
