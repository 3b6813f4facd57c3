using System.Globalization;
using Tessera.Core;
using Tessera.Core.Coupons;
using Tessera.Server.Platform.Files;

namespace Tessera.Server.Coupons;

/// <summary>How an import is done (A.11).</summary>
/// <param name="SkipDuplicates">Rows whose code exists are left out without an error.</param>
/// <param name="UpdateExisting">Rows whose code exists change that coupon, in the columns the file has.</param>
/// <param name="ActivateImmediately">The coupons are switched on.</param>
/// <param name="SendNotifications">Kept with the operation, for whoever sends messages about new coupons.</param>
/// <param name="DryRun">Nothing is written but the errors.</param>
public sealed record ImportOptions(
    bool SkipDuplicates = false,
    bool UpdateExisting = false,
    bool ActivateImmediately = false,
    bool SendNotifications = false,
    bool DryRun = false
);

/// <summary>One row as a coupon.</summary>
/// <param name="Line">In the file.</param>
/// <param name="Draft">The completed row .</param>
/// <param name="Errors">What is wrong with it; empty when it can be stored.</param>
/// <param name="Source">Its cells as they are in the file, in the order of <see cref="ImportRows.Columns"/>.</param>
internal sealed record ImportRow(
    long Line,
    CouponDraft Draft,
    IReadOnlyList<FieldError> Errors,
    IReadOnlyList<string> Source
);

/// <summary>Reads a file of coupons (A.11): its columns by name, in any order; each row completed and checked .</summary>
internal sealed class ImportRows : IDisposable
{
    public static readonly IReadOnlyList<string> Required = ["code", "discount_type", "discount_value", "valid_from"];

    public static readonly IReadOnlyList<string> Optional =
    [
        "internal_name",
        "description_en",
        "max_uses_total",
        "valid_until",
        "applicable_to",
        "campaign_source",
    ];

    /// <summary>Columns of the file of refused rows that say why; a file that is imported again may still have them.</summary>
    public static readonly IReadOnlyList<string> Remarks = ["error_line", "error"];

    private const int ValueShown = 100;

    private readonly IRowReader _reader;
    private readonly Dictionary<string, int> _places;
    private readonly int _width;
    private readonly bool _isActive;
    private readonly bool _startsAreNew;
    private readonly Guid? _merchant;
    private readonly int[] _own;

    private ImportRows(
        IRowReader reader,
        int width,
        Dictionary<string, int> places,
        (string Name, int Place)[] columns,
        IReadOnlyList<string> unknown,
        ImportOptions options,
        Guid? merchant
    )
    {
        (_reader, _width, _places, UnknownColumns, _merchant) = (reader, width, places, unknown, merchant);
        _own = [.. columns.Select(static c => c.Place)];
        Columns = [.. columns.Select(static c => c.Name)];
        _isActive = options.ActivateImmediately;

        // a start that a coupon has already does not bind; whether it has is known when the row is written.
        _startsAreNew = !options.UpdateExisting;
    }

    /// <summary>Of the file, but for remarks of an earlier import.</summary>
    public IReadOnlyList<string> Columns { get; }

    /// <summary>Columns that are not read.</summary>
    public IReadOnlyList<string> UnknownColumns { get; }

    /// <summary>Opens a file and reads its header.</summary>
    /// <param name="name">Its name ends in .csv or .xlsx.</param>
    /// <param name="file">Can seek; it is taken over.</param>
    /// <param name="options">How the coupons are made.</param>
    /// <param name="merchant">Whose coupons they are; null for the deployment's own.</param>
    /// <param name="cancel">Cancels.</param>
    /// <exception cref="UnreadableFileException">It is not what its name says, or its header is wrong.</exception>
    public static async Task<ImportRows> OpenAsync(
        string name,
        Stream file,
        ImportOptions options,
        Guid? merchant,
        CancellationToken cancel
    )
    {
        var reader = await ReaderOfAsync(name, file, cancel);
        try
        {
            var header = await reader.ReadAsync(cancel) && reader.Fault is null ? reader.Cells : [];
            var places = new Dictionary<string, int>(StringComparer.Ordinal);
            var unknown = new List<string>();
            var columns = new List<(string, int)>();
            for (var i = 0; i < header.Count; i++)
            {
                var column = header[i].Trim().ToLowerInvariant();
                if (Remarks.Contains(column))
                {
                    continue;
                }

                columns.Add((header[i], i));
                if (!Required.Contains(column) && !Optional.Contains(column))
                {
                    unknown.Add(header[i]);
                }
                else if (!places.TryAdd(column, i))
                {
                    throw new UnreadableFileException("wrong_header", $"The column {column:column} comes twice.");
                }
            }

            var missing = Required.Where(column => !places.ContainsKey(column)).ToList();
            return missing.Count == 0
                ? new ImportRows(reader, header.Count, places, [.. columns], unknown, options, merchant)
                : throw new UnreadableFileException(
                    "wrong_header",
                    $"The first row has to name the columns; missing: {missing:columns}."
                );
        }
        catch
        {
            reader.Dispose();
            throw;
        }
    }

    /// <summary>The next row; null at the end.</summary>
    /// <param name="now">The database clock, for the rules.</param>
    /// <param name="cancel">Cancels.</param>
    public async ValueTask<ImportRow?> ReadAsync(DateTimeOffset now, CancellationToken cancel)
    {
        if (!await _reader.ReadAsync(cancel))
        {
            return null;
        }

        if ((_reader.Fault ?? Excess()) is { } fault)
        {
            return new ImportRow(
                _reader.Line,
                new CouponDraft(),
                [new FieldError("", "", "broken_row", fault)],
                [_reader.Broken ?? string.Join(',', _reader.Cells)]
            );
        }

        var errors = new List<FieldError>();
        var draft = Draft(errors);
        var broken = CouponRules.Validate(draft, now, _startsAreNew);
        if (broken.Count > 0)
        {
            var unreadable = errors.Select(static e => e.Field).ToHashSet(StringComparer.Ordinal);
            errors.AddRange(broken.Where(e => !unreadable.Contains(e.Field)));
        }

        return new ImportRow(_reader.Line, draft, errors, Source());
    }

    /// <summary>How many rows are left.</summary>
    public async Task<long> CountAsync(CancellationToken cancel)
    {
        var count = 0L;
        while (await _reader.ReadAsync(cancel))
        {
            count++;
        }

        return count;
    }

    /// <summary>Skips to the row after a line that has been dealt with.</summary>
    /// <returns>False at the end.</returns>
    public async Task<bool> SkipToAsync(long line, CancellationToken cancel)
    {
        while (_reader.Line < line)
        {
            if (!await _reader.ReadAsync(cancel))
            {
                return false;
            }
        }

        return true;
    }

    /// <summary>A cell of the current row as it is shown beside its error.</summary>
    public string? Shown(string field)
    {
        var cell = Cell(field.StartsWith("description", StringComparison.Ordinal) ? "description_en" : field);
        return cell is null || cell.Length <= ValueShown ? cell : cell[..ValueShown];
    }

    /// <summary>What a coupon becomes by a row: the columns the file has, over what it is.</summary>
    public CouponDraft Over(Coupon before, CouponDraft row)
    {
        bool Has(string column) => _places.ContainsKey(column);
        var draft = before.ToDraft();
        var description = new Dictionary<string, string>(draft.Description);
        if (Has("description_en"))
        {
            description["en"] = row.Description["en"];
        }

        return draft with
        {
            Code = row.Code,
            DiscountType = row.DiscountType,
            DiscountValue = row.DiscountValue,
            ValidFrom = row.ValidFrom,
            InternalName = Has("internal_name") ? row.InternalName : draft.InternalName,
            Description = description,
            MaxUsesTotal = Has("max_uses_total") ? row.MaxUsesTotal : draft.MaxUsesTotal,
            ValidUntil = Has("valid_until") ? row.ValidUntil : draft.ValidUntil,
            ApplicableTo = Has("applicable_to") ? row.ApplicableTo : draft.ApplicableTo,
            CampaignSource = Has("campaign_source") ? row.CampaignSource : draft.CampaignSource,
            IsActive = _isActive || before.IsActive,
        };
    }

    public void Dispose() => _reader.Dispose();

    private static async Task<IRowReader> ReaderOfAsync(string name, Stream file, CancellationToken cancel)
    {
        // Extension, signature and parser have to agree (convention 63).
        var start = new byte[4];
        var read = await file.ReadAtLeastAsync(start, start.Length, throwOnEndOfStream: false, cancel);
        file.Position = 0;
        var isArchive = start.AsSpan(0, read).SequenceEqual("PK\u0003\u0004"u8);
        return System.IO.Path.GetExtension(name).ToLowerInvariant() switch
        {
            ".csv" when !isArchive => new CsvReader(file),
            ".xlsx" when isArchive => XlsxReader.Open(file),
            ".csv" or ".xlsx" => throw new UnreadableFileException(
                "wrong_file_type",
                "The file is not what its name says it is."
            ),
            _ => throw new UnreadableFileException("wrong_file_type", "The file has to be a .csv or an .xlsx."),
        };
    }

    /// <summary>
    /// What a row says beyond its columns. A comma that was not quoted moves every cell after it: such a row is not read as
    /// something that nobody wrote.
    /// </summary>
    private Sentence? Excess()
    {
        for (var i = _width; i < _reader.Cells.Count; i++)
        {
            if (!string.IsNullOrWhiteSpace(_reader.Cells[i]))
            {
                return $"This row has {_reader.Cells.Count:cells} cells; the first row names {_width:columns}. A comma in a text needs quotes.";
            }
        }

        return null;
    }

    private string? Cell(string column) =>
        _places.TryGetValue(column, out var place) && place < _reader.Cells.Count
            ? CsvText.Unmarked(_reader.Cells[place])
            : null;

    private string[] Source()
    {
        var source = new string[_own.Length];
        for (var i = 0; i < source.Length; i++)
        {
            source[i] = _own[i] < _reader.Cells.Count ? CsvText.Unmarked(_reader.Cells[_own[i]]) : "";
        }

        return source;
    }

    private string? Given(string column) => Cell(column)?.Trim() is { Length: > 0 } text ? text : null;

    private CouponDraft Draft(List<FieldError> errors)
    {
        var code = Given("code") is null ? null : CouponRequests.CodeOf(Cell("code"));
        var name = Given("internal_name") ?? code;
        var type = Given("discount_type");
        var amount = Given("discount_value");
        decimal? value = null;
        if (amount is not null)
        {
            const NumberStyles plain = NumberStyles.AllowDecimalPoint | NumberStyles.AllowLeadingSign;
            if (decimal.TryParse(amount, plain, CultureInfo.InvariantCulture, out var number) && amount.Length <= 30)
            {
                value = number;
            }
            else
            {
                Add(errors, "discount_value", "not_a_number", "This has to be a number with a decimal point.");
            }
        }

        long? uses = null;
        if (Given("max_uses_total") is { } most)
        {
            if (long.TryParse(most, NumberStyles.AllowLeadingSign, CultureInfo.InvariantCulture, out var count))
            {
                uses = count;
            }
            else
            {
                Add(errors, "max_uses_total", "not_an_integer", "This has to be a whole number.");
            }
        }

        return new CouponDraft
        {
            Code = code,
            InternalName = name,
            Description = new Dictionary<string, string> { ["en"] = Given("description_en") ?? name ?? "" },
            DiscountType = type,
            DiscountValue = value,
            MaxUsesTotal = uses,
            ValidFrom = Instant(errors, "valid_from", isEnd: false),
            ValidUntil = Instant(errors, "valid_until", isEnd: true),
            ApplicableTo = Given("applicable_to") ?? "all",
            CampaignSource = Given("campaign_source"),
            IsActive = _isActive,
            MerchantId = _merchant,
        };
    }

    private DateTimeOffset? Instant(List<FieldError> errors, string column, bool isEnd)
    {
        if (Given(column) is not { } text)
        {
            if (!isEnd)
            {
                Add(errors, column, "required", "This is required.");
            }

            return null;
        }

        if (CouponRequests.TryParseInstant(text, TimeZoneInfo.Utc, isEnd, out var at))
        {
            return at;
        }

        Add(errors, column, "not_an_instant", "This has to be a date, or a time with its offset.");
        return null;
    }

    private static void Add(List<FieldError> errors, string field, string code, Sentence message) =>
        errors.Add(new FieldError(field, "#/" + field, code, message));
}
