using System.Globalization;
using System.IO.Compression;
using System.Xml;

namespace Tessera.Server.Platform.Files;

/// <summary>
/// Writes an Excel workbook row by row, straight into its archive: a million rows need no more memory than one. Text is
/// always text (inline strings, which no program runs), and what looks like a formula carries the mark by which
/// spreadsheets keep it text when it is edited or saved as CSV (convention 63).
/// </summary>
public sealed class XlsxWriter : IDisposable
{
    /// <summary>Rows of one sheet; further ones begin another. Excel takes 1048576.</summary>
    public const int RowsPerSheet = 1_000_000;

    private const string Main = "http://schemas.openxmlformats.org/spreadsheetml/2006/main";
    private const string Package = "http://schemas.openxmlformats.org/package/2006/";
    private const string Office = "http://schemas.openxmlformats.org/officeDocument/2006/relationships";
    private const string Excel = "application/vnd.openxmlformats-officedocument.spreadsheetml.";
    private const string QuotedStyle = "1";
    private const string InstantStyle = "2";
    private const string HeadStyle = "3";

    private static readonly DateTime Epoch = new(1899, 12, 30, 0, 0, 0, DateTimeKind.Utc);

    private readonly ZipArchive _archive;
    private readonly string _name;
    private readonly IReadOnlyList<string> _header;
    private XmlWriter? _sheet;
    private int _sheets;
    private int _rows;

    /// <summary>Begins a workbook.</summary>
    /// <param name="to">Gets the archive; stays open.</param>
    /// <param name="name">Of the sheet.</param>
    /// <param name="header">The first row of each sheet.</param>
    public XlsxWriter(Stream to, string name, IReadOnlyList<string> header)
    {
        (_archive, _name, _header) = (new ZipArchive(to, ZipArchiveMode.Create, leaveOpen: true), name, header);
        BeginSheet();
    }

    /// <summary>Writes a row.</summary>
    /// <param name="cells">Texts, flags, numbers, instants and nulls.</param>
    public void Write(params ReadOnlySpan<object?> cells)
    {
        if (_rows >= RowsPerSheet)
        {
            EndSheet();
            BeginSheet();
        }

        _rows++;
        _sheet!.WriteStartElement("row", Main);
        foreach (var cell in cells)
        {
            Cell(cell);
        }

        _sheet.WriteEndElement();
    }

    /// <summary>Ends the workbook; without it there is none.</summary>
    public void Finish()
    {
        EndSheet();
        Part("xl/styles.xml", Styles);
        Part(
            "xl/workbook.xml",
            xml =>
            {
                xml.WriteStartElement("workbook", Main);
                xml.WriteAttributeString("xmlns", "r", null, Office);
                xml.WriteStartElement("sheets", Main);
                for (var i = 1; i <= _sheets; i++)
                {
                    xml.WriteStartElement("sheet", Main);
                    xml.WriteAttributeString("name", i == 1 ? _name : $"{_name} {Text(i)}");
                    xml.WriteAttributeString("sheetId", Text(i));
                    xml.WriteAttributeString("r", "id", Office, "r" + Text(i));
                    xml.WriteEndElement();
                }

                xml.WriteEndElement();
                xml.WriteEndElement();
            }
        );
        List<(string Id, string Type, string Target)> parts =
        [
            .. Enumerable
                .Range(1, _sheets)
                .Select(static i => ("r" + Text(i), "worksheet", $"worksheets/sheet{Text(i)}.xml")),
            ("s", "styles", "styles.xml"),
        ];
        Part("xl/_rels/workbook.xml.rels", xml => Relationships(xml, parts));
        Part("_rels/.rels", static xml => Relationships(xml, [("w", "officeDocument", "xl/workbook.xml")]));
        Part("[Content_Types].xml", ContentTypes);
        _archive.Dispose();
    }

    /// <inheritdoc/>
    public void Dispose()
    {
        _sheet?.Dispose();
        _archive.Dispose();
    }

    private static string Text(int number) => number.ToString(CultureInfo.InvariantCulture);

    private static void Relationships(XmlWriter xml, List<(string Id, string Type, string Target)> parts)
    {
        xml.WriteStartElement("Relationships", Package + "relationships");
        foreach (var (id, type, target) in parts)
        {
            xml.WriteStartElement("Relationship", Package + "relationships");
            xml.WriteAttributeString("Id", id);
            xml.WriteAttributeString("Type", $"{Office}/{type}");
            xml.WriteAttributeString("Target", target);
            xml.WriteEndElement();
        }

        xml.WriteEndElement();
    }

    /// <summary>Plain; text kept as text; an instant; a heading.</summary>
    private static void Styles(XmlWriter xml) =>
        xml.WriteRaw(
            $"""
            <styleSheet xmlns="{Main}"><numFmts count="1"><numFmt numFmtId="164" formatCode="yyyy\-mm\-dd\ hh:mm"/></numFmts>
            <fonts count="2"><font><sz val="11"/><name val="Calibri"/></font><font><b/><sz val="11"/><name val="Calibri"/></font></fonts>
            <fills count="2"><fill><patternFill patternType="none"/></fill><fill><patternFill patternType="gray125"/></fill></fills>
            <borders count="1"><border/></borders><cellStyleXfs count="1"><xf numFmtId="0" fontId="0" fillId="0" borderId="0"/></cellStyleXfs>
            <cellXfs count="4"><xf numFmtId="0" fontId="0" fillId="0" borderId="0" xfId="0"/>
            <xf numFmtId="49" fontId="0" fillId="0" borderId="0" xfId="0" quotePrefix="1" applyNumberFormat="1"/>
            <xf numFmtId="164" fontId="0" fillId="0" borderId="0" xfId="0" applyNumberFormat="1"/>
            <xf numFmtId="0" fontId="1" fillId="0" borderId="0" xfId="0" applyFont="1"/></cellXfs></styleSheet>
            """
        );

    private void ContentTypes(XmlWriter xml)
    {
        void Type(string element, string key, string value, string type)
        {
            xml.WriteStartElement(element, Package + "content-types");
            xml.WriteAttributeString(key, value);
            xml.WriteAttributeString("ContentType", type);
            xml.WriteEndElement();
        }

        xml.WriteStartElement("Types", Package + "content-types");
        Type("Default", "Extension", "rels", "application/vnd.openxmlformats-package.relationships+xml");
        Type("Override", "PartName", "/xl/workbook.xml", Excel + "sheet.main+xml");
        Type("Override", "PartName", "/xl/styles.xml", Excel + "styles+xml");
        for (var i = 1; i <= _sheets; i++)
        {
            Type("Override", "PartName", $"/xl/worksheets/sheet{Text(i)}.xml", Excel + "worksheet+xml");
        }

        xml.WriteEndElement();
    }

    private void Part(string name, Action<XmlWriter> write)
    {
        using var xml = XmlWriter.Create(_archive.CreateEntry(name, CompressionLevel.Fastest).Open(), Settings());
        xml.WriteStartDocument(standalone: true);
        write(xml);
    }

    private static XmlWriterSettings Settings() => new() { CloseOutput = true, CheckCharacters = false };

    private void BeginSheet()
    {
        _sheets++;
        _rows = 0;
        var entry = _archive.CreateEntry($"xl/worksheets/sheet{Text(_sheets)}.xml", CompressionLevel.Fastest);
        _sheet = XmlWriter.Create(entry.Open(), Settings());
        _sheet.WriteStartDocument(standalone: true);
        _sheet.WriteStartElement("worksheet", Main);
        _sheet.WriteStartElement("sheetData", Main);
        _sheet.WriteStartElement("row", Main);
        foreach (var name in _header)
        {
            InlineText(name, HeadStyle);
        }

        _sheet.WriteEndElement();
    }

    private void EndSheet()
    {
        _sheet!.WriteEndElement();
        _sheet.WriteEndElement();
        _sheet.Dispose();
        _sheet = null;
    }

    private void Cell(object? value)
    {
        switch (value)
        {
            case null:
                _sheet!.WriteStartElement("c", Main);
                _sheet.WriteEndElement();
                break;
            case string text:
                InlineText(text, CsvText.IsFormula(text) ? QuotedStyle : null);
                break;
            case bool flag:
                Typed("b", flag ? "1" : "0", null);
                break;
            case DateTimeOffset at:
                var days = (at.UtcDateTime - Epoch).TotalDays;
                Typed("n", days.ToString("0.########", CultureInfo.InvariantCulture), InstantStyle);
                break;
            default:
                Typed("n", Convert.ToString(value, CultureInfo.InvariantCulture)!, null);
                break;
        }
    }

    private void Typed(string type, string value, string? style)
    {
        _sheet!.WriteStartElement("c", Main);
        _sheet.WriteAttributeString("t", type);
        if (style is not null)
        {
            _sheet.WriteAttributeString("s", style);
        }

        _sheet.WriteElementString("v", Main, value);
        _sheet.WriteEndElement();
    }

    private void InlineText(string text, string? style)
    {
        _sheet!.WriteStartElement("c", Main);
        _sheet.WriteAttributeString("t", "inlineStr");
        if (style is not null)
        {
            _sheet.WriteAttributeString("s", style);
        }

        _sheet.WriteStartElement("is", Main);
        _sheet.WriteStartElement("t", Main);
        _sheet.WriteAttributeString("xml", "space", null, "preserve");
        _sheet.WriteString(Printable(text));
        _sheet.WriteEndElement();
        _sheet.WriteEndElement();
        _sheet.WriteEndElement();
    }

    /// <summary>XML has no way to say most control characters and lone surrogates.</summary>
    private static string Printable(string text)
    {
        for (var i = 0; i < text.Length; i++)
        {
            if (!XmlConvert.IsXmlChar(text[i]))
            {
                if (i + 1 < text.Length && XmlConvert.IsXmlSurrogatePair(text[i + 1], text[i]))
                {
                    i++;
                    continue;
                }

                return string.Concat(
                    text.EnumerateRunes()
                        .Select(static r => r.Value >= 0x20 || r.Value is 9 or 10 or 13 ? r.ToString() : "")
                );
            }
        }

        return text;
    }
}
