using System.Collections.Frozen;
using System.Text.Json;
using Npgsql;
using NpgsqlTypes;
using Tessera.Core.Promotions;
using Tessera.Server.Privacy;
using Tessera.Server.Promotions.Segments;

namespace Tessera.Server.Promotions;

/// <summary>What the house knows of a customer.</summary>
/// <param name="Groups">Of the directory.</param>
/// <param name="Region">Of the directory.</param>
/// <param name="Orders">Orders that stand.</param>
/// <param name="Attributes">
/// Numbers, by the names rules use; spend in the currency of the cart. None of a customer who objects to be judged by them.
/// </param>
/// <param name="Spent">What was paid for orders that stand, by currency; null of a customer who objects.</param>
/// <param name="Lists">Ids of the segments that list the customer.</param>
/// <param name="IsBlocked">Whether staff has blocked the customer from using coupons.</param>
internal sealed record KnownCustomer(
    IReadOnlyList<string> Groups,
    string? Region,
    int Orders,
    IReadOnlyDictionary<string, decimal> Attributes,
    IReadOnlyDictionary<string, decimal>? Spent,
    IReadOnlyList<string> Lists,
    bool IsBlocked
);

/// <summary>
/// The facts of buyers, found in one way wherever they are asked for: prices, decisions, and the sizes of segments.
/// </summary>
internal static class Buyers
{
    /// <summary>
    /// The orders of a customer that stand, in one row: <c>orders</c>, <c>spent</c> by currency, <c>last_at</c>. An order
    /// counts once, however many codes it had, and whether it had any; what was given back of it was not spent.
    /// </summary>
    /// <param name="customer">An expression of the customer's id.</param>
    /// <param name="exceptChannel">A parameter of the channel of an order that does not count.</param>
    /// <param name="exceptReference">A parameter of its reference; null counts all.</param>
    public static string Orders(string customer, string exceptChannel = "null", string exceptReference = "null") =>
        $"""
            select coalesce(sum(n), 0)::bigint as orders, max(last_at) as last_at,
                coalesce(jsonb_object_agg(currency, paid) filter (where currency is not null), '{"{}"}') as spent
            from (
                select currency, count(*) as n, sum(paid) as paid, max(at) as last_at
                from (
                    select distinct on (channel, reference) currency, paid, at
                    from (
                        select coalesce(p.channel, '') as channel, p.reference, p.currency, p.placed_at as at,
                            1 as rank, p.total_minor - coalesce((select sum(b.paid_minor)
                                from redemptions.order_return b where b.order_id = p.id), 0) as paid
                        from redemptions.placed_order p where p.customer_id = {customer} and p.ended_at is null
                        union all
                        select coalesce(s.channel, ''), s.order_reference, s.currency, s.decided_at, 2,
                            s.order_minor - s.discount_minor
                        from redemptions.redemption s where s.customer_id = {customer} and s.rolled_back_at is null
                    ) u
                    where {exceptReference}::text is null or reference <> {exceptReference}::text
                        or channel <> coalesce({exceptChannel}::text, '')
                    order by channel, reference, rank, at
                ) o
                group by currency
            ) t
            """;

    /// <summary>
    /// Uses of promotions by a customer under whichever name, by promotion: of the ids <c>$1</c>, by the customer <c>$2</c> or
    /// the hash of the address <c>$3</c>, but for the order <c>$4</c>.
    /// </summary>
    public const string UsesSql = """
        select promotion_id, count(distinct order_id) from redemptions.promotion_use
        where promotion_id = any($1) and (customer_id = $2 or email_hash = $3) and not use_returned
            and order_id is distinct from $4
        group by promotion_id
        """;

    /// <summary>Asks for one customer.</summary>
    /// <param name="customer">The id.</param>
    /// <param name="except">Channel and reference of an order that is priced anew: it does not count for itself.</param>
    public static NpgsqlBatchCommand Command(Guid customer, (string? Channel, string Reference)? except) =>
        new(
            $"""
            select c.groups, c.attributes::text, r.orders, r.spent::text, r.last_at,
                array(select m.segment_id::text from promotions.segment_member m where m.customer_id = c.id),
                c.blocked_at is not null, {Objections.Of(Objections.Profiling, "c.id")}
            from access.customer c cross join lateral ({Orders("c.id", "$2", "$3")}) r
            where c.id = $1
            """
        )
        {
            Parameters =
            {
                new NpgsqlParameter { Value = customer },
                Text(except?.Channel),
                Text(except?.Reference),
            },
        };

    /// <summary>Reads the row of <see cref="Command"/>.</summary>
    public static KnownCustomer Read(NpgsqlDataReader row, string currency, DateTimeOffset now)
    {
        using var own = JsonDocument.Parse(row.GetString(1));
        using var paid = JsonDocument.Parse(row.GetString(3));
        var orders = row.GetInt64(2);
        var spent = paid
            .RootElement.EnumerateObject()
            .ToDictionary(static m => m.Name, static m => m.Value.GetDecimal(), StringComparer.Ordinal);
        var attributes = new Dictionary<string, decimal>(StringComparer.Ordinal)
        {
            ["orders"] = orders,
            [CustomerRule.Spend] = spent.GetValueOrDefault(currency),
        };
        var isJudged = !row.GetBoolean(7);
        if (!row.IsDBNull(4))
        {
            attributes["days_since_order"] = Math.Floor(
                (decimal)(now - row.GetFieldValue<DateTimeOffset>(4)).TotalDays
            );
        }

        string? region = null;
        foreach (var member in own.RootElement.EnumerateObject())
        {
            if (member.Value.ValueKind == JsonValueKind.Number && member.Value.TryGetDecimal(out var number))
            {
                attributes[PromotionReading.OwnAttribute + member.Name] = number;
                if (PromotionReading.Scores.Contains(member.Name, StringComparer.Ordinal))
                {
                    attributes[member.Name] = number;
                }
            }
            else if (member is { Name: "region", Value.ValueKind: JsonValueKind.String })
            {
                region = member.Value.GetString();
            }
        }

        return new KnownCustomer(
            row.GetFieldValue<string[]>(0),
            region,
            (int)Math.Min(orders, int.MaxValue),
            // What is unknown lies in no range.
            isJudged ? attributes : FrozenDictionary<string, decimal>.Empty,
            isJudged ? spent : null,
            row.GetFieldValue<string[]>(5),
            row.GetBoolean(6)
        );
    }

    /// <summary>
    /// The cart with what the house knows of its customer beside what the caller says; the house's count of orders is the
    /// least. Segments follow from what the house knows alone, so that nobody talks himself into one.
    /// </summary>
    public static Cart Known(Cart cart, KnownCustomer? known, SegmentBook segments, DateTimeOffset now)
    {
        if (known is null || cart.Customer is not { } customer)
        {
            return cart;
        }

        var house = new Shopper(customer.Id)
        {
            Groups = known.Groups,
            CompletedOrders = known.Orders,
            Region = known.Region,
            Attributes = known.Attributes,
        };
        return cart with
        {
            Customer = customer with
            {
                Groups = [.. customer.Groups.Union(known.Groups, StringComparer.Ordinal)],
                Segments = segments.Of(house, known.Lists, known.Spent, now),
                CompletedOrders = Math.Max(customer.CompletedOrders, known.Orders),
                Region = customer.Region ?? known.Region,
                Attributes = known.Attributes,
            },
        };
    }

    private static NpgsqlParameter Text(string? value) =>
        new() { Value = value ?? (object)DBNull.Value, NpgsqlDbType = NpgsqlDbType.Text };
}
