using System.Globalization;
using Npgsql;
using NpgsqlTypes;
using Tessera.Core;
using Tessera.Core.Coupons;
using Tessera.Server.Platform;
using Tessera.Server.Platform.Http;

namespace Tessera.Server.Coupons;

/// <summary>The list of coupons: filters of A.3 and A.14, several sorts, pages by keyset.</summary>
/// <param name="withMoney">Whether the caller may see sums of money, and so select and sort by them (ACC-03).</param>
internal sealed partial class CouponList(bool withMoney)
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

    private const string RevenueSql = "t.revenue_minor";
    private const string MoneyCode = "permission_missing";
    private const string NeedsMoney = "This needs the permission " + Access.Permissions.FinanceRead + ".";

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
        ["revenue"] = (RevenueSql, "bigint"),
        ["revenue_generated"] = (RevenueSql, "bigint"),
        ["conversion"] = ("t.conversion", "numeric"),
        ["conversion_rate"] = ("t.conversion", "numeric"),
        ["created"] = ("c.created_at", "timestamptz"),
        ["created_at"] = ("c.created_at", "timestamptz"),
        ["expires"] = ("c.valid_until", "timestamptz"),
        ["lastUsed"] = ("t.last_used_at", "timestamptz"),
    };

    /// <summary>The fields of a sort.</summary>
    public static string SortNames => string.Join(", ", Sorts.Keys);

    private const string Words =
        "(c.code || ' ' || c.internal_name || ' ' || coalesce(c.description ->> 'en', '') || ' ' || coalesce(c.campaign_source, ''))";

    /// <summary>Coupons a customer holds a unit of, or has used: each part is answered by an index of its own.</summary>
    private const string OfCustomer = """
        c.id in (
            select i.coupon_id from coupons.instance i where i.customer_id = {0} and i.code is not null
            union all select r.coupon_id from redemptions.redemption r where r.customer_id = {0})
        """;

    private readonly List<string> _conditions = ["c.deleted_at is null"];

    /// <summary>The statuses asked for; null for all.</summary>
    private IReadOnlyList<string>? _statuses;

    private readonly List<NpgsqlParameter> _parameters = [];
    private readonly List<ListSort> _order = [];
    private bool _descendingId;
    private bool _needsTotals;
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
        CancellationToken cancel,
        bool withMoney = true
    )
    {
        var list = new CouponList(withMoney);
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
    /// <param name="withMoney">Whether the caller may see sums of money.</param>
    public static CouponList Matching(
        Query query,
        Guid? merchant,
        string sort = "created_at_desc",
        bool withMoney = true
    )
    {
        var list = new CouponList(withMoney);
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

    /// <summary>The statement of all that match, in order, with the columns of a page; to be read as it comes.</summary>
    public NpgsqlCommand Everything(UnitOfWork work)
    {
        var order = new ListOrder(_order, _descendingId);
        var command = work.Command(Statement(Conditions(_statuses), order, null, Clock, null));
        _parameters.ForEach(p => command.Parameters.Add(p.Clone()));
        return command;
    }

    private string Statement(List<string> conditions, ListOrder order, string? status, string clock, int? limit)
    {
        // A selection has no order, and then no keys.
        var keys = string.Concat(order.Sorts.Select(static (o, place) => $", {o.Sql} as key_{place}"));
        var texts = order.Sorts.Select(static (_, place) => $"c.key_{place}::text");
        var keyTexts = string.Join(", ", status is null ? texts : texts.Prepend($"'{status}'"));
        var rows = limit is { } most
            ? $"order by {order.By(static (sql, _) => sql)} limit {most.ToString(CultureInfo.InvariantCulture)}"
            : "";

        // The rows of the page are found first, the figures of these alone looked up then.
        return $"""
            select {Coupon.Columns}, array[{keyTexts}]::text[]
            from (select c.*{keys} from {Source(clock)} where {string.Join(
                " and ",
                conditions
            )} {rows}) c {Coupon.Figures}
            order by {order.By((_, place) => place < order.Sorts.Count ? $"c.key_{place}" : "c.id")}
            """;
    }

    /// <summary>The statement that counts the rows of all pages.</summary>
    public NpgsqlCommand Count(NpgsqlDataSource source)
    {
        var command = source.CreateCommand(
            $"select count(*) from {Source(Clock)} where {string.Join(" and ", Conditions(_statuses))}"
        );
        _parameters.ForEach(p => command.Parameters.Add(p.Clone()));
        return command;
    }

    /// <summary>All that match, as what stands after <c>from</c>; its parameters are the first of the statement.</summary>
    public (string Sql, IReadOnlyList<NpgsqlParameter> Parameters) Selected() =>
        (
            $"{Source(Clock)} where {string.Join(" and ", Conditions(_statuses))}",
            _parameters.ConvertAll(static p => p.Clone())
        );

    /// <summary>Limits the list to coupons of these ids.</summary>
    public void Only(IReadOnlyCollection<long> ids) => Where("c.id = any({0})", (object)ids.ToArray());

    /// <summary>Where rows are found: with the totals, which may be seconds old, only if they are asked for.</summary>
    private string Source(string clock) =>
        "coupons.coupon c "
        + (_needsTotals || ListOrder.IsByTotals(_order) ? "join coupons.total t on t.coupon_id = c.id " : "")
        + $"cross join (select {clock} as now) k";

    private const string Clock = "platform.clock()";

    /// <summary>All conditions, with that of a status: one of these; any if null.</summary>
    private List<string> Conditions(IReadOnlyList<string>? statuses)
    {
        var either = Coupon
            .StatusConditions.Where(s => statuses?.Contains(s.Status) ?? false)
            .Select(static s => $"({s.Sql})");
        return statuses is null ? [.. _conditions] : [.. _conditions, $"({string.Join(" or ", either)})"];
    }

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
                _statuses = statuses;
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

        if (query.Text("offer", 100) is { } offer)
        {
            Where("c.external_id = {0}", offer);
        }

        if (query.Id("customer") is { } customer)
        {
            Where(OfCustomer, customer);
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
            "lastUsed" => "t.last_used_at",
            _ => "c.created_at",
        };
        _needsTotals |= field.StartsWith("t.", StringComparison.Ordinal);

        // The end is the first instant after the last day: a coupon that ends with the day "to" ends in the range.
        var (atLeast, below) = field == "c.valid_until" ? (">", "<=") : (">=", "<");
        var from = query.Instant("dateRange.from");
        var to = query.Instant("dateRange.to", isEnd: true);
        if (from is { } start)
        {
            Where($"{field} {atLeast} {{0}}", start);
        }

        if (to is { } end)
        {
            Where($"{field} {below} {{0}}", end);
            if (_needsTotals)
            {
                // What was never used was not used before either.
                _conditions.Add("t.last_used_at > '-infinity'");
            }
        }

        if (to <= from)
        {
            query.Add("dateRange.to", "not_after_start", "The end of a range has to be after its start.");
        }

        if (query.Word("dateRange.preset", Presets) is { } preset)
        {
            var (first, last) = preset switch
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
                    : $"{field} >= date_trunc('day', k.now) - interval '{first}' and {field} < date_trunc('day', k.now) - interval '{last}'"
            );
        }

        Range(query, "usageRange", "t.redeemed_count", isMoney: false);
        Range(query, "revenueRange", RevenueSql, isMoney: true);
        Range(query, "conversionRange", "t.conversion", isMoney: false);
    }

    private void Range(Query query, string name, string sql, bool isMoney)
    {
        // Revenue is asked for in major units, whatever the digits of the coupon's currency.
        var unit = isMoney ? " * " + MinorUnits : "";
        var (least, most) = (query.Decimal(name + ".min"), query.Decimal(name + ".max"));
        if (isMoney && !withMoney && (least ?? most) is not null)
        {
            query.Add(least is null ? name + ".max" : name + ".min", MoneyCode, NeedsMoney);
        }

        if (least is { } minimum)
        {
            _needsTotals = true;
            Where($"{sql} >= {{0}}{unit}", minimum);
        }

        if (most is { } maximum)
        {
            _needsTotals = true;
            Where($"{sql} <= {{0}}{unit}", maximum);
        }

        if (most < least)
        {
            query.Add(name + ".max", "below_minimum", "The greatest value of a range cannot be below its least.");
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
                _order.Add(new ListSort(field.Sql, field.Type, direction == "desc"));
                if (!withMoney && field.Sql == RevenueSql)
                {
                    query.Add("sort", MoneyCode, NeedsMoney);
                }
            }
            else
            {
                query.Add(
                    "sort",
                    "unknown_sort",
                    $"A sort is a field with _asc or _desc; fields are: {Sorts.Keys:values}."
                );
            }
        }

        if (_order.Count > MaximumSorts)
        {
            query.Add("sort", "too_many", $"At most {MaximumSorts:maximum} sorts.");
        }

        _descendingId = _order.Count > 0 && _order[^1].Descending;
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
