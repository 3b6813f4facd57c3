using System.IO.Compression;
using System.Security;
using System.Text;

namespace Tessera.Server.Tests.Platform.Files;

/// <summary>A small Excel workbook, written by hand: texts inline, numbers, and days in the date format.</summary>
internal static class Workbook
{
    private const string Main = "http://schemas.openxmlformats.org/spreadsheetml/2006/main";
    private const string Package = "http://schemas.openxmlformats.org/package/2006/";
    private const string Office = "http://schemas.openxmlformats.org/officeDocument/2006/relationships";
    private const string Excel = "application/vnd.openxmlformats-officedocument.spreadsheetml.";

    public static byte[] Of(params object?[][] rows)
    {
        var sheet = new StringBuilder($"<worksheet xmlns='{Main}'><sheetData>");
        for (var r = 0; r < rows.Length; r++)
        {
            sheet.Append($"<row r='{r + 1}'>");
            for (var c = 0; c < rows[r].Length; c++)
            {
                sheet.Append(Cell($"{(char)('A' + c)}{r + 1}", rows[r][c]));
            }

            sheet.Append("</row>");
        }

        return Zip(sheet.Append("</sheetData></worksheet>").ToString());
    }

    public static byte[] Zip(string sheet)
    {
        using var stream = new MemoryStream();
        using (var archive = new ZipArchive(stream, ZipArchiveMode.Create, leaveOpen: true))
        {
            void Add(string name, string content)
            {
                using var entry = archive.CreateEntry(name).Open();
                entry.Write(Encoding.UTF8.GetBytes("<?xml version='1.0' encoding='UTF-8'?>" + content));
            }

            Add(
                "[Content_Types].xml",
                $"<Types xmlns='{Package}content-types'><Default Extension='rels' ContentType='application/vnd.openxmlformats-package.relationships+xml'/>"
                    + $"<Override PartName='/xl/workbook.xml' ContentType='{Excel}sheet.main+xml'/>"
                    + $"<Override PartName='/xl/worksheets/sheet1.xml' ContentType='{Excel}worksheet+xml'/>"
                    + $"<Override PartName='/xl/styles.xml' ContentType='{Excel}styles+xml'/></Types>"
            );
            Add(
                "_rels/.rels",
                $"<Relationships xmlns='{Package}relationships'><Relationship Id='r1' Type='{Office}/officeDocument' Target='xl/workbook.xml'/></Relationships>"
            );
            Add(
                "xl/workbook.xml",
                $"<workbook xmlns='{Main}' xmlns:r='{Office}'><sheets><sheet name='Coupons' sheetId='1' r:id='r1'/></sheets></workbook>"
            );
            Add(
                "xl/_rels/workbook.xml.rels",
                $"<Relationships xmlns='{Package}relationships'><Relationship Id='r1' Type='{Office}/worksheet' Target='worksheets/sheet1.xml'/>"
                    + $"<Relationship Id='r2' Type='{Office}/styles' Target='styles.xml'/></Relationships>"
            );
            Add(
                "xl/styles.xml",
                $"<styleSheet xmlns='{Main}'><cellXfs count='2'><xf numFmtId='0'/><xf numFmtId='14' applyNumberFormat='1'/></cellXfs></styleSheet>"
            );
            Add("xl/worksheets/sheet1.xml", sheet);
        }

        return stream.ToArray();
    }

    private static string Cell(string place, object? value) =>
        value switch
        {
            null => "",
            string text => $"<c r='{place}' t='inlineStr'><is><t>{SecurityElement.Escape(text)}</t></is></c>",
            DateOnly day => $"<c r='{place}' s='1'><v>{day.DayNumber - new DateOnly(1899, 12, 30).DayNumber}</v></c>",
            _ => FormattableString.Invariant($"<c r='{place}'><v>{value}</v></c>"),
        };
}
