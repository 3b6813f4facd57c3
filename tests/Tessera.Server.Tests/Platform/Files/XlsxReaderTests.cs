using System.Text;
using Tessera.Server.Platform.Files;
using Xunit;

namespace Tessera.Server.Tests.Platform.Files;

public sealed class XlsxReaderTests
{
    [Fact]
    public async Task Texts_numbers_and_days_are_read_as_a_person_sees_them()
    {
        var file = Workbook.Of(
            ["code", "discount_value", "valid_from"],
            ["SUMMER", 12.5m, new DateOnly(2027, 6, 1)],
            [],
            ["=1+1", 100, "2027-06-01T08:00:00Z"]
        );
        using var reader = XlsxReader.Open(new MemoryStream(file));
        var rows = new List<string>();
        while (await reader.ReadAsync(default))
        {
            rows.Add(reader.Line + "|" + string.Join('|', reader.Cells));
        }

        Assert.Equal(
            ["1|code|discount_value|valid_from", "2|SUMMER|12.5|2027-06-01", "4|=1+1|100|2027-06-01T08:00:00Z"],
            rows
        );
    }

    [Fact]
    public void An_archive_that_unpacks_to_far_more_than_it_is_refused()
    {
        var file = Workbook.Zip(new string(' ', 64 * 1024 * 1024));
        Assert.InRange(file.Length, 1, 200_000);
        var error = Assert.Throws<UnreadableFileException>(() => XlsxReader.Open(new MemoryStream(file)));
        Assert.Equal("unpacks_too_large", error.Code);
    }

    [Theory]
    [InlineData("code,discount_type\n")]
    [InlineData("PK\u0003\u0004 and then nothing")]
    [InlineData("")]
    public void What_is_no_workbook_is_refused(string text)
    {
        var stream = new MemoryStream(Encoding.UTF8.GetBytes(text));
        Assert.Equal("not_a_workbook", Assert.Throws<UnreadableFileException>(() => XlsxReader.Open(stream)).Code);
    }

    [Fact]
    public async Task A_broken_sheet_is_refused()
    {
        var file = Workbook.Zip(
            "<worksheet xmlns='http://schemas.openxmlformats.org/spreadsheetml/2006/main'><sheetData><row r='1'><c r='A1'>"
        );
        await Assert.ThrowsAsync<UnreadableFileException>(async () =>
        {
            using var reader = XlsxReader.Open(new MemoryStream(file));
            while (await reader.ReadAsync(default)) { }
        });
    }
}
