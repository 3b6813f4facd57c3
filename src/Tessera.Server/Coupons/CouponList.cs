using System.Globalization;
using Npgsql;
using NpgsqlTypes;
using Tessera.Core;
using Tessera.Core.Coupons;
using Tessera.Server.Platform;
using Tessera.Server.Platform.Http;

namespace Tessera.Server.Coupons;

/// <summary>The list of coupons: filters of A.3 and A.14, several sorts, pages by keyset.</summary>
internal sealed class CouponList
{
    private const int MaximumSorts = 5;

    /// <summary>The shortest text of which similar words are looked for.</summary>
    private const int MinimumFuzzy = 4;

    public static readonly string[] Statuses =
    [
        "all",
        "active",
        "inactive",
        "expired",
        "scheduled",
        "limit_reached",
        "flagged",
    ];

    public static readonly string[] Presets = ["today", "yesterday", "last_7_days", "last_30_days", "last_quarter"];

    /// <summary>
    /// What can be sorted by (A.2, A.14), as an expression that is never null, and its type. Figures come from
    /// coupons.total, which has an index for each and may be seconds behind.
    /// </summary>
    private static readonly Dictionary<string, (string Sql, string Type)> Sorts = new(StringComparer.Ordinal)
    {
        ["code"] = ("c.code", "text"),
        ["internal_name"] = ("c.internal_name", "text"),
        ["discount_type"] = ("c.discount_type", "text"),
        ["discount_value"] = ("coalesce(c.discount_percent, c.discount_minor)", "numeric"),
        ["status"] = (Coupon.StatusSql, "text"),
        ["usage"] = ("t.redeemed_count", "bigint"),
        ["usage_count"] = ("t.redeemed_count", "bigint"),
        ["revenue"] = ("t.revenue_minor", "bigint"),
        ["revenue_generated"] = ("t.revenue_minor", "bigint"),
        ["conversion"] = ("t.conversion", "numeric"),
        ["conversion_rate"] = ("t.conversion", "numeric"),
        ["created"] = ("c.created_at", "timestamptz"),
        ["created_at"] = ("c.created_at", "timestamptz"),
        ["expires"] = ("c.valid_until", "timestamptz"),
        ["lastUsed"] = ("t.last_used_at", "timestamptz"),
    };

    /// <summary>The fields of a sort.</summary>
    public static string SortNames => string.Join(", ", Sorts.Keys);

    private const string Conversion =
        "coalesce(round(u.redeemed_count / nullif(u.redeemed_count + u.refused_count, 0)::numeric, 4), 0)";

    private const string Words =
        "(c.code || ' ' || c.internal_name || ' ' || coalesce(c.description ->> 'en', '') || ' ' || coalesce(c.campaign_source, ''))";

    private readonly List<string> _conditions = ["c.deleted_at is null"];
    private readonly List<NpgsqlParameter> _parameters = [];
    private readonly List<(string Sql, string Type, bool Descending)> _order = [];
    private bool _descendingId;
    private string? _search;

    /// <summary>Limit, place and cursors.</summary>
    public PageRequest Page { get; private set; } = null!;

    /// <summary>Whether the caller wants the rows of all pages counted.</summary>
    public bool WithTotal { get; private set; }

    /// <summary>Reads the parameters of a request; what is wrong with them is in the query afterwards.</summary>
    public static async ValueTask<CouponList> ReadAsync(
        Query query,
        Cursors cursors,
        Guid? merchant,
        CancellationToken cancel
    )
    {
        var list = new CouponList();
        var sort = query.Text("sort", 200) ?? "created_at_desc";
        list.ReadSort(query, sort);
        list.Page = await cursors.ReadAsync(query, sort, merchant, list._order.Count + 1, cancel);
        list.WithTotal = query.Flag("count") ?? false;
        list.ReadFilters(query, merchant);
        return list;
    }

    /// <summary>Reads the filters alone, for what is done to all that match.</summary>
    /// <param name="query">The filters; what is wrong with them is in it afterwards.</param>
    /// <param name="merchant">Whose coupons alone; null for all.</param>
    /// <param name="sort">A sort of the list.</param>
    public static CouponList Matching(Query query, Guid? merchant, string sort = "created_at_desc")
    {
        var list = new CouponList();
        list.ReadSort(query, sort);
        list.ReadFilters(query, merchant);
        return list;
    }

    /// <summary>
    /// Turns the words searched for into a condition: those that hold them, and only where none does, those with similar
    /// words, so that a typo still finds its coupon. Similarity is dear; most searches do without it.
    /// </summary>
    public async Task SearchAsync(NpgsqlDataSource source, CancellationToken cancel)
    {
        if (_search is not { } search)
        {
            return;
        }

        var pattern = "%" + search.Replace("\\", "\\\\").Replace("%", "\\%").Replace("_", "\\_") + "%";
        await using var probe = source.CreateCommand(
            $"select exists (select from coupons.coupon c where c.deleted_at is null and {Words} ilike $1)"
        );
        probe.Parameters.Add(new NpgsqlParameter { Value = pattern });
        if (search.Length < MinimumFuzzy || (bool)(await probe.ExecuteScalarAsync(cancel))!)
        {
            Where($"{Words} ilike {{0}}", pattern);
        }
        else
        {
            Where($"{Words} %> {{0}}", search);
        }
    }

    /// <summary>The statement of one page and one row more.</summary>
    public NpgsqlCommand Command(NpgsqlDataSource source)
    {
        var conditions = new List<string>(_conditions);
        var parameters = new List<NpgsqlParameter>(_parameters);
        if (Page.After is { } after)
        {
            conditions.Add(Beyond(after, parameters));
        }

        var command = source.CreateCommand(Statement(conditions, Page.Fetch));
        parameters.ForEach(p => command.Parameters.Add(p));
        return command;
    }

    /// <summary>The statement of all that match, in order, with the columns of a page; to be read as it comes.</summary>
    public NpgsqlCommand Everything(UnitOfWork work)
    {
        var command = work.Command(Statement(_conditions, null));
        _parameters.ForEach(p => command.Parameters.Add(p.Clone()));
        return command;
    }

    private string Statement(List<string> conditions, int? limit)
    {
        // A selection has no order, and then no keys.
        var keys = string.Concat(_order.Select(static (o, place) => $", {o.Sql} as key_{place}"));
        var keyTexts = string.Join(", ", _order.Select(static (_, place) => $"c.key_{place}::text"));
        string OrderBy(Func<string, int, string> column) =>
            string.Join(
                ", ",
                Columns.Select((o, place) => $"{column(o.Sql, place)} {(o.Descending ? "desc" : "asc")}")
            );
        var rows = limit is { } most
            ? $"order by {OrderBy(static (sql, _) => sql)} limit {most.ToString(CultureInfo.InvariantCulture)}"
            : "";

        // The rows of the page are found first, the figures of these alone looked up then.
        return $"""
            select {Coupon.Columns}, array[{keyTexts}]::text[]
            from (select c.*{keys} from {Source(conditions)} where {string.Join(
                " and ",
                conditions
            )} {rows}) c {Coupon.Figures}
            order by {OrderBy((_, place) => place < _order.Count ? $"c.key_{place}" : "c.id")}
            """;
    }

    /// <summary>The statement that counts the rows of all pages.</summary>
    public NpgsqlCommand Count(NpgsqlDataSource source)
    {
        var command = source.CreateCommand(
            $"select count(*) from {Source(_conditions)} where {string.Join(" and ", _conditions)}"
        );
        _parameters.ForEach(p => command.Parameters.Add(p.Clone()));
        return command;
    }

    /// <summary>All that match, as what stands after <c>from</c>; its parameters are the first of the statement.</summary>
    public (string Sql, IReadOnlyList<NpgsqlParameter> Parameters) Selected() =>
        (
            $"{Source(_conditions)} where {string.Join(" and ", _conditions)}",
            _parameters.ConvertAll(static p => p.Clone())
        );

    /// <summary>Limits the list to coupons of these ids.</summary>
    public void Only(IReadOnlyCollection<long> ids) => Where("c.id = any({0})", (object)ids.ToArray());

    /// <summary>Where rows are found: with the figures of all coupons only if they are asked for.</summary>
    private string Source(List<string> conditions)
    {
        var needsFigures = conditions
            .Concat(_order.Select(static o => o.Sql))
            .Any(static sql => Figures.Any(figure => sql.Contains(figure, StringComparison.Ordinal)));
        return "coupons.coupon c "
            + (IsByTotals ? "join coupons.total t on t.coupon_id = c.id " : "")
            + (needsFigures ? "left join coupons.usage_total u on u.coupon_id = c.id " : "")
            + "cross join (select platform.clock() as now) k";
    }

    private bool IsByTotals => _order.Exists(static o => o.Sql.StartsWith("t.", StringComparison.Ordinal));

    /// <summary>The order, ended by the id so that it is one; the id of the table whose index has the order.</summary>
    private IReadOnlyList<(string Sql, string Type, bool Descending)> Columns =>
        [.. _order, (IsByTotals ? "t.coupon_id" : "c.id", "bigint", _descendingId)];

    private static readonly string[] Figures =
    [
        "u.redeemed_count",
        "u.refused_count",
        "u.revenue_minor",
        "u.last_used_at",
    ];

    private void ReadFilters(Query query, Guid? merchant)
    {
        if (merchant is { } own)
        {
            Where("c.merchant_id = {0}", own);
        }

        ReadWords(query);
        ReadRanges(query);
    }

    private void ReadWords(Query query)
    {
        if (query.Words("status", Statuses) is { } statuses)
        {
            if (statuses.Contains("all"))
            {
                if (statuses.Count > 1)
                {
                    query.Add("status", "not_combinable", "\"all\" stands alone.");
                }
            }
            else
            {
                Where($"({Coupon.StatusSql}) = any({{0}})", (object)statuses.ToArray());
            }
        }

        if (query.Word("discountType", ["all", .. CouponRules.DiscountTypes]) is { } type and not "all")
        {
            Where("c.discount_type = {0}", type);
        }

        if (query.Word("applicableTo", CouponRules.Applicability) is { } applicable and not "all")
        {
            Where("c.applicable_to = {0}", applicable);
        }

        if (query.Text("campaign", 200) is { } campaign)
        {
            Where("(c.campaign_source = {0} or c.campaign_id = {0})", campaign);
        }

        if (query.Id("merchant") is { } merchant)
        {
            Where("c.merchant_id = {0}", merchant);
        }

        if (query.Text("search", 200) is { } search)
        {
            _search = search;
        }
    }

    private void ReadRanges(Query query)
    {
        var field = query.Word("dateRange.field", ["created", "expires", "lastUsed"]) switch
        {
            "expires" => "c.valid_until",
            "lastUsed" => "u.last_used_at",
            _ => "c.created_at",
        };
        // The end is the first instant after the last day: a coupon that ends with the day "to" ends in the range.
        var (atLeast, below) = field == "c.valid_until" ? (">", "<=") : (">=", "<");
        if (query.Instant("dateRange.from") is { } from)
        {
            Where($"{field} {atLeast} {{0}}", from);
        }

        if (query.Instant("dateRange.to") is { } to)
        {
            // A date as the end means the whole of it.
            var isDate = to.TimeOfDay == TimeSpan.Zero;
            Where($"{field} {below} {{0}}", isDate ? to.AddDays(1) : to);
        }

        if (query.Word("dateRange.preset", Presets) is { } preset)
        {
            var (start, end) = preset switch
            {
                "today" => ("0 days", "-1 day"),
                "yesterday" => ("1 day", "0 days"),
                "last_7_days" => ("6 days", "-1 day"),
                "last_30_days" => ("29 days", "-1 day"),
                _ => ("3 months", ""),
            };
            _conditions.Add(
                preset == "last_quarter"
                    ? $"{field} >= date_trunc('quarter', k.now) - interval '3 months' and {field} < date_trunc('quarter', k.now)"
                    : $"{field} >= date_trunc('day', k.now) - interval '{start}' and {field} < date_trunc('day', k.now) - interval '{end}'"
            );
        }

        Range(query, "usageRange", "coalesce(u.redeemed_count, 0)", isMoney: false);
        Range(query, "revenueRange", "coalesce(u.revenue_minor, 0)", isMoney: true);
        Range(query, "conversionRange", Conversion, isMoney: false);
    }

    private void Range(Query query, string name, string sql, bool isMoney)
    {
        // Revenue is asked for in major units, whatever the digits of the coupon's currency.
        var unit = isMoney ? " * " + MinorUnits : "";
        if (query.Decimal(name + ".min") is { } minimum)
        {
            Where($"{sql} >= {{0}}{unit}", minimum);
        }

        if (query.Decimal(name + ".max") is { } maximum)
        {
            Where($"{sql} <= {{0}}{unit}", maximum);
        }
    }

    private static readonly string MinorUnits =
        "(case "
        + string.Join(
            " ",
            Currencies
                .ByDigits.Where(static d => d.Digits != 2)
                .Select(static d =>
                    $"when c.currency in ({string.Join(", ", d.Codes.Select(static c => $"'{c}'"))}) then {(long)Math.Pow(10, d.Digits)}"
                )
        )
        + " else 100 end)";

    private void ReadSort(Query query, string wanted)
    {
        foreach (var sort in wanted.Split(',', StringSplitOptions.TrimEntries | StringSplitOptions.RemoveEmptyEntries))
        {
            var cut = sort.LastIndexOf('_');
            var direction = cut > 0 ? sort[(cut + 1)..] : "";
            if (direction is "asc" or "desc" && Sorts.TryGetValue(sort[..cut], out var field))
            {
                _order.Add((field.Sql, field.Type, direction == "desc"));
            }
            else
            {
                query.Add(
                    "sort",
                    "unknown_sort",
                    "A sort is a field with _asc or _desc; fields are: " + string.Join(", ", Sorts.Keys) + "."
                );
            }
        }

        if (_order.Count > MaximumSorts)
        {
            query.Add("sort", "too_many", $"At most {MaximumSorts} sorts.");
        }

        _descendingId = _order.Count > 0 && _order[^1].Descending;
    }

    /// <summary>Rows after the one with the given values, in this order.</summary>
    private string Beyond(IReadOnlyList<string?> after, List<NpgsqlParameter> parameters)
    {
        var columns = Columns;
        if (columns.All(c => c.Descending == _descendingId))
        {
            // All the same way: an index goes straight to the place, however many rows are equal.
            var values = columns.Select(
                (column, i) =>
                {
                    parameters.Add(new NpgsqlParameter { Value = after[i]!, NpgsqlDbType = NpgsqlDbType.Text });
                    return $"${parameters.Count}::{column.Type}";
                }
            );
            var place = string.Join(", ", values);
            return $"({string.Join(", ", columns.Select(static c => c.Sql))}) {(_descendingId ? "<" : ">")} ({place})";
        }

        var alternatives = new List<string>();
        var equal = "";
        for (var i = 0; i < columns.Count; i++)
        {
            var (sql, type, descending) = columns[i];
            parameters.Add(new NpgsqlParameter { Value = after[i]!, NpgsqlDbType = NpgsqlDbType.Text });
            var value = $"${parameters.Count}::{type}";
            alternatives.Add($"({equal}{sql} {(descending ? "<" : ">")} {value})");
            equal += $"{sql} = {value} and ";
        }

        // The first column alone lets an index find the place; the alternatives say the rest.
        var (first, firstType, firstDescending) = columns[0];
        var firstValue = $"${parameters.Count - columns.Count + 1}::{firstType}";
        return $"{first} {(firstDescending ? "<=" : ">=")} {firstValue} and ({string.Join(" or ", alternatives)})";
    }

    private void Where(string condition, params object[] values)
    {
        var places = new object[values.Length];
        for (var i = 0; i < values.Length; i++)
        {
            _parameters.Add(
                values[i] is DateTimeOffset at
                    ? new NpgsqlParameter { Value = at, NpgsqlDbType = NpgsqlDbType.TimestampTz }
                    : new NpgsqlParameter { Value = values[i] }
            );
            places[i] = "$" + _parameters.Count.ToString(CultureInfo.InvariantCulture);
        }

        _conditions.Add(string.Format(CultureInfo.InvariantCulture, condition, places));
    }
}
