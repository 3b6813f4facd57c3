using System.Globalization;
using System.Text;
using System.Text.Json;
using Npgsql;
using NpgsqlTypes;
using Tessera.Core;
using Tessera.Core.Codes;
using Tessera.Core.Coupons;
using Tessera.Server.Coupons;
using Tessera.Server.Platform;
using Tessera.Server.Platform.Files;
using Tessera.Server.Platform.Http;

namespace Tessera.Server.Operations.Units;

/// <summary>Which units are meant: a coupon's, some of them by id, or those of a list as CSV.</summary>
/// <param name="CouponId">Of the units; null for a list.</param>
/// <param name="InstanceIds">One by one; null for all of the coupon.</param>
/// <param name="State">Only those that are shown in this state.</param>
/// <param name="List">CSV with a header.</param>
internal sealed record UnitSelection(long? CouponId, long[]? InstanceIds, string? State, string? List)
{
    /// <summary>The most units one change may have.</summary>
    public const int MaximumUnits = 100_000;

    /// <summary>The most that may be named one by one.</summary>
    public const int MaximumNamed = 10_000;

    /// <summary>Columns of a list; the first is one of the first two.</summary>
    internal static readonly string[] Columns =
    [
        "code",
        "instance_id",
        "redeemed_at",
        "order_reference",
        "order_minor",
        "discount_minor",
        "currency",
        "customer_id",
    ];

    private static readonly Refusal TooMany = new(
        "too_many_units",
        $"These are more than {MaximumUnits:maximum} units. Narrow it down."
    );

    /// <summary>Reads the member <c>selection</c>; what is wrong is in the fields.</summary>
    public static UnitSelection? Read(Fields fields)
    {
        if (fields.Object("selection") is not { } selection)
        {
            return null;
        }

        var coupon = selection.Integer("coupon_id", 1, Fields.MaximumInteger, required: false);
        var ids = selection.List<object>(
            "instance_ids",
            MaximumNamed,
            static (item, place) => item.Integer(place, 1, Fields.MaximumInteger),
            required: false
        );
        var state = selection.Word("state", [.. Enum.GetValues<InstanceState>().Select(static s => s.Name())], false);
        var list = ListOf(selection);
        if (coupon is null == list is null)
        {
            selection.Add("coupon_id", "one_of", "Name either a coupon, with or without units, or a list.");
        }
        else if (list is not null && (ids is not null || state is not null))
        {
            selection.Add("list", "excludes", "A list names its units itself.");
        }

        return new UnitSelection(coupon, ids is null ? null : [.. ids.Select(static id => (long)id)], state, list);
    }

    /// <summary>The lines of it, with the units as they are now; or why it cannot be had.</summary>
    public async Task<(IReadOnlyList<UnitLine> Lines, Refusal? Refusal)> LinesAsync(
        UnitOfWork work,
        Guid? merchant,
        CancellationToken cancel
    )
    {
        if (List is not null)
        {
            var (named, wrong) = await ParseAsync(List, cancel);
            return wrong is null ? (await ResolveAsync(work, named, merchant, cancel), null) : ([], wrong);
        }

        if (InstanceIds is { } ids)
        {
            var named = ids.Distinct()
                .Select((id, at) => new Named(at + 1, null, id, TookPlace.Unknown, null))
                .ToList();
            var lines = await ResolveAsync(work, named, merchant, cancel, CouponId);
            return (lines, null);
        }

        return await OfCouponAsync(work, merchant, cancel);
    }

    private async Task<(IReadOnlyList<UnitLine> Lines, Refusal? Refusal)> OfCouponAsync(
        UnitOfWork work,
        Guid? merchant,
        CancellationToken cancel
    )
    {
        await using var query = work.Command(
            $"""
            select i.id, i.version from coupons.instance i join coupons.coupon c on c.id = i.coupon_id
            where i.coupon_id = $1 and ($2::text is null or {Instance.StateSql} = $2)
                and ($3::uuid is null or c.merchant_id = $3)
            order by i.id limit {MaximumUnits + 1}
            """,
            CouponId,
            new NpgsqlParameter { Value = State ?? (object)DBNull.Value, NpgsqlDbType = NpgsqlDbType.Text },
            new NpgsqlParameter { Value = merchant ?? (object)DBNull.Value, NpgsqlDbType = NpgsqlDbType.Uuid }
        );
        await using var rows = await query.ExecuteReaderAsync(cancel);
        var lines = new List<UnitLine>();
        while (await rows.ReadAsync(cancel))
        {
            lines.Add(
                new UnitLine(lines.Count + 1, CouponId, rows.GetInt64(0), rows.GetInt64(1), TookPlace.Unknown, null)
            );
        }

        return lines.Count > MaximumUnits ? ([], TooMany) : (lines, null);
    }

    /// <summary>Finds the units that are named. Of lines that name one unit, the first counts.</summary>
    private static async Task<IReadOnlyList<UnitLine>> ResolveAsync(
        UnitOfWork work,
        IReadOnlyList<Named> named,
        Guid? merchant,
        CancellationToken cancel,
        long? coupon = null
    )
    {
        var found = new Dictionary<long, (long Coupon, long Unit, long Version)>(named.Count);
        await using (
            var query = work.Command(
                """
                with named as (
                    select n.line, coalesce(m.instance_id, n.unit) as unit
                    from unnest($1::bigint[], $2::text[], $3::bigint[]) n (line, code, unit)
                    left join coupons.code m on m.code = n.code
                )
                select n.line, i.coupon_id, i.id, i.version
                from named n join coupons.instance i on i.id = n.unit join coupons.coupon c on c.id = i.coupon_id
                where ($4::uuid is null or c.merchant_id = $4) and ($5::bigint is null or i.coupon_id = $5)
                """,
                new NpgsqlParameter<long[]> { TypedValue = [.. named.Select(static n => n.Line)] },
                new NpgsqlParameter<string?[]>
                {
                    TypedValue = [.. named.Select(static n => n.Code)],
                    NpgsqlDbType = NpgsqlDbType.Array | NpgsqlDbType.Text,
                },
                new NpgsqlParameter<long?[]> { TypedValue = [.. named.Select(static n => n.Unit)] },
                new NpgsqlParameter { Value = merchant ?? (object)DBNull.Value, NpgsqlDbType = NpgsqlDbType.Uuid },
                new NpgsqlParameter { Value = coupon ?? (object)DBNull.Value, NpgsqlDbType = NpgsqlDbType.Bigint }
            )
        )
        await using (var rows = await query.ExecuteReaderAsync(cancel))
        {
            while (await rows.ReadAsync(cancel))
            {
                found[rows.GetInt64(0)] = (rows.GetInt64(1), rows.GetInt64(2), rows.GetInt64(3));
            }
        }

        var seen = new HashSet<long>(found.Count);
        var lines = new List<UnitLine>(named.Count);
        foreach (var name in named)
        {
            lines.Add(
                name.Refused is not null ? new UnitLine(name.Line, null, null, null, name.Redemption, name.Refused)
                : !found.TryGetValue(name.Line, out var unit)
                    ? new UnitLine(name.Line, null, null, null, name.Redemption, UnitRefusals.Gone.Code)
                : !seen.Add(unit.Unit) ? new UnitLine(name.Line, null, null, null, name.Redemption, "named_twice")
                : new UnitLine(name.Line, unit.Coupon, unit.Unit, unit.Version, name.Redemption, null)
            );
        }

        return lines;
    }

    private static async Task<(List<Named> Named, Refusal? Refusal)> ParseAsync(string list, CancellationToken cancel)
    {
        using var text = new MemoryStream(Encoding.UTF8.GetBytes(list));
        using var rows = new CsvReader(text);
        var named = new List<Named>();
        try
        {
            if (!await rows.ReadAsync(cancel) || HeaderOf(rows.Cells) is not { } header)
            {
                return ([], Wrong("no_header", "The first line has to name the columns: code or instance_id first."));
            }

            while (await rows.ReadAsync(cancel))
            {
                if (named.Count == MaximumNamed)
                {
                    return ([], Wrong("too_many", $"A list has at most {MaximumNamed:maximum} lines."));
                }

                named.Add(LineOf(rows, header));
            }
        }
        catch (UnreadableFileException error)
        {
            return ([], Wrong(error.Code, error.Sentence));
        }

        return (named, null);
    }

    private static Refusal Wrong(string code, Sentence message) =>
        Problems.Invalid([new FieldError("selection.list", "#/selection/list", code, message)]);

    private static string[]? HeaderOf(IReadOnlyList<string> cells)
    {
        string[] header = [.. cells.Select(static c => c.Trim().ToLowerInvariant())];
        return
            header.Length > 0
            && header[0] is "code" or "instance_id"
            && header.Skip(1).All(Columns[2..].Contains)
            && header.Distinct().Count() == header.Length
            ? header
            : null;
    }

    private static Named LineOf(CsvReader row, string[] header)
    {
        var line = new Named(row.Line, null, null, TookPlace.Unknown, null);
        if (row.Fault is not null || row.Cells.Count > header.Length)
        {
            return line with { Refused = "unreadable" };
        }

        for (var i = 0; i < row.Cells.Count && line.Refused is null; i++)
        {
            line = With(line, header[i], CsvText.Unmarked(row.Cells[i]).Trim());
        }

        return line;
    }

    /// <summary>A line with one more of its cells. Only the first cell, which names the unit, may not be empty.</summary>
    private static Named With(Named line, string column, string cell)
    {
        var took = line.Redemption;
        return (column, cell) switch
        {
            ("code", _) => CouponCode.TryNormalise(cell, out var code)
                ? line with
                {
                    Code = code,
                }
                : line with
                {
                    Refused = "invalid_code",
                },
            ("instance_id", _) => NumberOf(cell) is > 0 and var id
                ? line with
                {
                    Unit = id,
                }
                : line with
                {
                    Refused = "invalid_id",
                },
            (_, "") => line,
            ("redeemed_at", _) => Instants.TryParse(cell, out var at)
                ? line with
                {
                    Redemption = took with { At = at },
                }
                : line with
                {
                    Refused = "invalid_instant",
                },
            ("order_reference", _) => cell.Length <= StatusOverride.MaximumReference && !cell.Any(char.IsControl)
                ? line with
                {
                    Redemption = took with { OrderReference = cell },
                }
                : line with
                {
                    Refused = "invalid_reference",
                },
            ("currency", _) => Currencies.IsKnown(cell)
                ? line with
                {
                    Redemption = took with { Currency = cell },
                }
                : line with
                {
                    Refused = "invalid_currency",
                },
            ("customer_id", _) => Guid.TryParseExact(cell, "D", out var customer)
                ? line with
                {
                    Redemption = took with { CustomerId = customer },
                }
                : line with
                {
                    Refused = "invalid_customer",
                },
            _ => NumberOf(cell) is not { } minor ? line with { Refused = "invalid_amount" }
            : column == "order_minor" ? line with { Redemption = took with { OrderMinor = minor } }
            : line with { Redemption = took with { DiscountMinor = minor } },
        };
    }

    private static long? NumberOf(string cell) =>
        long.TryParse(cell, NumberStyles.None, CultureInfo.InvariantCulture, out var number)
        && number <= Fields.MaximumInteger
            ? number
            : null;

    /// <summary>The list as it came: a file has line ends that other texts may not have.</summary>
    private static string? ListOf(Fields selection)
    {
        if (!selection.Has("list"))
        {
            selection.Skip("list");
            return null;
        }

        var raw = selection.Raw("list");
        if (raw.ValueKind != JsonValueKind.String || Fields.TextOf(raw) is not { } list)
        {
            return selection.Text("list", RequestBody.MaximumBytes);
        }

        selection.Skip("list");
        return list;
    }

    private sealed record Named(long Line, string? Code, long? Unit, TookPlace Redemption, string? Refused);
}
