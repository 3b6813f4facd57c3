using Microsoft.AspNetCore.Builder;
using Microsoft.AspNetCore.Http;
using Microsoft.AspNetCore.Routing;
using Npgsql;
using Tessera.Core;
using Tessera.Server.Access;
using Tessera.Server.Coupons;
using Tessera.Server.Platform;
using Tessera.Server.Platform.Http;

namespace Tessera.Server.Redemptions;

/// <summary>What people tried to do with coupons: held, redeemed or refused. The rows behind rates and refusals (MET-24).</summary>
internal static class AttemptReads
{
    private static readonly string[] Sorts = ["attempted_at"];
    private static readonly string[] Results = ["held", "redeemed", "refused"];

    private const string Select = """
        select a.id, a.result, a.reason, a.coupon_id, c.code, a.customer_id, a.channel, a.order_reference, a.order_minor, a.currency,
            a.decided_at, a.discount_minor
        """;

    /// <summary>Refusals of codes that do not exist have no coupon.</summary>
    private const string Source = """
        from (
            select r.id, 'redeemed' as result, null::text as reason, r.coupon_id, r.customer_id, r.channel, r.order_reference,
                r.order_minor, r.currency, r.decided_at, r.reservation_id is not null as was_held, false as stands,
                r.discount_minor
            from redemptions.redemption r
            union all
            select v.id, 'held', null, v.coupon_id, v.customer_id, v.channel, v.order_reference, v.order_minor, v.currency,
                v.decided_at, false, v.ended_at is null, v.discount_minor
            from redemptions.reservation v
            union all
            select f.id, 'refused', f.reason, f.coupon_id, f.customer_id, f.channel, f.order_reference, f.order_minor, f.currency,
                f.decided_at, false, false, null
            from redemptions.refusal f
        ) a left join coupons.coupon c on c.id = a.coupon_id
        """;

    private static readonly CouponAttempt Sample = new(
        Samples.Id,
        "refused",
        "limit_reached",
        17,
        "SPRING27",
        Samples.Id,
        "web",
        "order-1",
        new Money(8_000, "EUR"),
        Samples.At,
        null
    );

    private static readonly Listed<CouponAttempt> Attempts = Listed.ByTime(
        Select + " " + Source,
        "a.decided_at",
        "a.id",
        Read,
        static a => (a.AttemptedAt, a.Id)
    );

    public static void Map(IEndpointRouteBuilder api)
    {
        api.MapGet("/attempts", ListAsync)
            .WithName("listAttempts")
            .WithSummary("List what was held, redeemed or refused, newest first")
            .WithTags("Redemptions")
            .WithPages(Sorts)
            .WithAttemptFilter()
            .WithAnswer(200, new Page<CouponAttempt>([Sample], false, null), "A page.")
            .RequirePermission(Permissions.RedemptionsRead);
        api.MapGet("/attempts/totals", TotalsAsync)
            .WithName("getAttemptTotals")
            .WithSummary("Count attempts, with the filters of the list")
            .WithTags("Redemptions")
            .WithAttemptFilter()
            .WithAnswer(200, new AttemptTotals(310, [new("EUR", new Money(96_000, "EUR"))]), "Of all pages together.")
            .RequirePermission(Permissions.RedemptionsRead);
    }

    private static RouteHandlerBuilder WithAttemptFilter(this RouteHandlerBuilder builder) =>
        builder
            .WithQuery("result", "string", "One or more of: held, redeemed, refused.")
            .WithQuery("reason", "string", "Refused for this reason.")
            .WithQuery("once", "boolean", "Whether a hold and its redemption are one attempt: the hold.")
            .WithQuery("standing", "boolean", "Whether only holds that stand: not redeemed, released or lapsed.")
            .WithQuery("coupon_id", "integer", "With this coupon.")
            .WithQuery("coupon_code", "string", "With the coupon of this code, in any case.")
            .WithQuery("campaign_id", "string", "With coupons of this campaign.")
            .WithQuery("customer_id", "string", "Of this customer.")
            .WithQuery("from", "string", "Only from this instant, or the beginning of this day, UTC, on.")
            .WithQuery("to", "string", "Only before this instant, or the end of this day.");

    private static async Task ListAsync(HttpContext context, Database database, Cursors cursors)
    {
        var merchant = Caller.Of(context).MerchantId;
        var query = new Query(context.Request);
        var page = await cursors.ReadAsync(query, Sorts, "-attempted_at", merchant, context.RequestAborted);
        await Matching(query, merchant).AnswerAsync(context, database, query, page, Attempts);
    }

    private static async Task TotalsAsync(HttpContext context, Database database)
    {
        var query = new Query(context.Request);
        var rows = Matching(query, Caller.Of(context).MerchantId);
        if (query.Finish() is { } refusal)
        {
            await Problems.WriteAsync(context, refusal);
            return;
        }

        await using var command = rows.Over(
            database,
            static where =>
                $"select a.currency, count(*), sum(a.discount_minor)::bigint {Source} {where} group by 1 order by 2 desc, 1"
        );
        var (count, sums) = (0L, new List<AttemptSum>());
        await using (var row = await command.ExecuteReaderAsync(context.RequestAborted))
        {
            while (await row.ReadAsync(context.RequestAborted))
            {
                count += row.GetInt64(1);
                if (row.Value<long>(2) is { } discounts && !row.IsDBNull(0))
                {
                    sums.Add(new AttemptSum(row.GetString(0), new Money(discounts, row.GetString(0))));
                }
            }
        }

        await HttpAnswer.Json(200, new AttemptTotals(count, sums)).SendAsync(context);
    }

    private static PageRows Matching(Query query, Guid? merchant)
    {
        var rows = new PageRows("true");
        rows.Equal("c.merchant_id", merchant);
        rows.Where("a.result = any({})", query.Words("result", Results)?.ToArray());
        rows.Equal("a.reason", query.Text("reason", 100));
        rows.Equal("a.coupon_id", query.Integer("coupon_id", 1, long.MaxValue));
        rows.Where($"a.coupon_id = {CouponCodes.Coupon}", CouponCodes.Read(query));
        rows.Equal("c.campaign_id", query.Text("campaign_id", 64));
        rows.Equal("a.customer_id", query.Id("customer_id"));
        rows.Where("a.decided_at >= {}", query.Instant("from"));
        rows.Where("a.decided_at < {}", query.Instant("to", isEnd: true));
        if (query.Flag("once") ?? false)
        {
            rows.Where("not a.was_held");
        }

        if (query.Flag("standing") ?? false)
        {
            rows.Where("a.stands");
        }

        return rows;
    }

    /// <summary>How many there are.</summary>
    /// <param name="Count">Rows of all pages.</param>
    /// <param name="Amounts">By currency, the most used first; of refusals there are none.</param>
    internal sealed record AttemptTotals(long Count, IReadOnlyList<AttemptSum> Amounts);

    /// <summary>What the attempts of one currency add up to.</summary>
    /// <param name="Currency">ISO 4217.</param>
    /// <param name="Discounts">Held or given, whatever became of it later.</param>
    internal sealed record AttemptSum(string Currency, [property: Guarded(Permissions.FinanceRead)] Money Discounts);

    private static CouponAttempt Read(NpgsqlDataReader row) =>
        new(
            row.GetGuid(0),
            row.GetString(1),
            row.Object<string>(2),
            row.Value<long>(3),
            row.Object<string>(4),
            row.Value<Guid>(5),
            row.Object<string>(6),
            row.Object<string>(7),
            row.IsDBNull(8) || row.IsDBNull(9) ? null : new Money(row.GetInt64(8), row.GetString(9)),
            row.GetFieldValue<DateTimeOffset>(10),
            row.Value<long>(11) is { } discount ? new Money(discount, row.GetString(9)) : null
        );

    /// <summary>Something that was tried.</summary>
    /// <param name="Id">Of the redemption, the reservation or the refusal; of its receipt too.</param>
    /// <param name="Result">held, redeemed or refused.</param>
    /// <param name="Reason">Why it was refused; null otherwise.</param>
    /// <param name="CouponId">With which coupon; null for a code that does not exist.</param>
    /// <param name="CouponCode">The coupon's code.</param>
    /// <param name="CustomerId">Who tried; null where nobody said.</param>
    /// <param name="Channel">Where.</param>
    /// <param name="OrderReference">On which order.</param>
    /// <param name="OrderAmount">Of the order, before the discount.</param>
    /// <param name="AttemptedAt">When, by the database clock.</param>
    /// <param name="Discount">Held or given; null of a refusal.</param>
    internal sealed record CouponAttempt(
        Guid Id,
        string Result,
        string? Reason,
        long? CouponId,
        string? CouponCode,
        Guid? CustomerId,
        string? Channel,
        string? OrderReference,
        [property: SingleAmount] Money? OrderAmount,
        DateTimeOffset AttemptedAt,
        [property: SingleAmount] Money? Discount
    );
}
