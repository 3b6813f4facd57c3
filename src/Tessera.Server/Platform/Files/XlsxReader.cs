using System.Globalization;
using System.IO.Compression;
using System.Text;
using System.Xml;
using ExcelDataReader;
using ExcelDataReader.Exceptions;

namespace Tessera.Server.Platform.Files;

/// <summary>
/// The first sheet of an Excel workbook, streamed (convention 63). Before anything is parsed the archive is unpacked to
/// nowhere and counted, so that a small file cannot become a large one. Formulas give their last value, as text.
/// </summary>
public sealed class XlsxReader : IRowReader
{
    /// <summary>The most a workbook may unpack to, in bytes.</summary>
    public const long MaximumUnpacked = 256L * 1024 * 1024;

    /// <summary>The most it may unpack to for each byte it has.</summary>
    public const int MaximumRatio = 200;

    private const int MaximumEntries = 1000;
    private const int MaximumCellLength = 32 * 1024;

    private readonly IExcelDataReader _sheet;
    private readonly List<string> _cells = [];

    // The parser asks for Windows-1252 when it starts, although only the old binary workbooks have it.
    static XlsxReader() => Encoding.RegisterProvider(CodePagesEncodingProvider.Instance);

    private XlsxReader(IExcelDataReader sheet) => _sheet = sheet;

    /// <inheritdoc/>
    public long Line { get; private set; }

    /// <inheritdoc/>
    public IReadOnlyList<string> Cells => _cells;

    /// <inheritdoc/>
    public string? Fault { get; private set; }

    /// <inheritdoc/>
    public string? Broken => null;

    /// <summary>Checks a workbook against the bounds and opens it.</summary>
    /// <param name="stream">Can seek; the reader takes it over.</param>
    /// <exception cref="UnreadableFileException">It is no workbook, or beyond a bound.</exception>
    public static XlsxReader Open(Stream stream)
    {
        ArgumentNullException.ThrowIfNull(stream);
        CheckBounds(stream);
        stream.Position = 0;
        try
        {
            return new XlsxReader(ExcelReaderFactory.CreateOpenXmlReader(stream));
        }
        catch (Exception error) when (IsBroken(error))
        {
            throw NotAWorkbook();
        }
    }

    /// <inheritdoc/>
    public ValueTask<bool> ReadAsync(CancellationToken cancel)
    {
        while (true)
        {
            cancel.ThrowIfCancellationRequested();
            try
            {
                if (!_sheet.Read())
                {
                    return new(false);
                }
            }
            catch (Exception error) when (IsBroken(error))
            {
                throw NotAWorkbook();
            }

            Line++;
            Fault = null;
            _cells.Clear();
            if (_sheet.FieldCount > CsvReader.MaximumCells)
            {
                throw new UnreadableFileException(
                    "too_many_columns",
                    $"The sheet has more than {CsvReader.MaximumCells:maximum} columns."
                );
            }

            for (var i = 0; i < _sheet.FieldCount; i++)
            {
                _cells.Add(Text(_sheet.GetValue(i)));
            }

            if (_cells.Exists(static cell => cell.Length > MaximumCellLength))
            {
                Fault = "A cell is too long.";
                _cells.Clear();
                return new(true);
            }

            if (_cells.Exists(static cell => cell.Length > 0))
            {
                return new(true);
            }
        }
    }

    /// <inheritdoc/>
    public void Dispose() => _sheet.Dispose();

    private static void CheckBounds(Stream stream)
    {
        try
        {
            using var archive = new ZipArchive(stream, ZipArchiveMode.Read, leaveOpen: true);
            if (archive.Entries.Count > MaximumEntries || archive.GetEntry("xl/workbook.xml") is null)
            {
                throw NotAWorkbook();
            }

            // What an entry says of its size is not believed.
            var limit = Math.Min(MaximumUnpacked, Math.Max(1024 * 1024, stream.Length * MaximumRatio));
            var buffer = new byte[64 * 1024];
            long total = 0;
            foreach (var entry in archive.Entries)
            {
                using var content = entry.Open();
                for (int read; (read = content.Read(buffer)) > 0; )
                {
                    total += read;
                    if (total > limit)
                    {
                        throw new UnreadableFileException(
                            "unpacks_too_large",
                            "The workbook unpacks to more than is accepted."
                        );
                    }
                }
            }
        }
        catch (InvalidDataException)
        {
            throw NotAWorkbook();
        }
    }

    private static bool IsBroken(Exception error) =>
        error
            is ExcelReaderException
                or InvalidDataException
                or XmlException
                or FormatException
                or OverflowException
                or ArgumentException
                or IndexOutOfRangeException
                or NullReferenceException
                or KeyNotFoundException;

    private static UnreadableFileException NotAWorkbook() =>
        new("not_a_workbook", "The file is not an Excel workbook (.xlsx).");

    private static string Text(object? value) =>
        value switch
        {
            null => "",
            string text => text,
            bool flag => flag ? "true" : "false",
            double number when Math.Abs(number) < 1e15 => ((decimal)number).ToString(CultureInfo.InvariantCulture),
            double number => number.ToString("R", CultureInfo.InvariantCulture),
            DateTime { TimeOfDay.Ticks: 0 } day => day.ToString("yyyy-MM-dd", CultureInfo.InvariantCulture),
            DateTime at => at.ToString("yyyy-MM-dd'T'HH:mm:ss'Z'", CultureInfo.InvariantCulture),
            _ => Convert.ToString(value, CultureInfo.InvariantCulture) ?? "",
        };
}
