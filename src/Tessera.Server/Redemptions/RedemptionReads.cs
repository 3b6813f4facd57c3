using Microsoft.AspNetCore.Builder;
using Microsoft.AspNetCore.Http;
using Microsoft.AspNetCore.Routing;
using Npgsql;
using Tessera.Core;
using Tessera.Server.Access;
using Tessera.Server.Platform;
using Tessera.Server.Platform.Http;

namespace Tessera.Server.Redemptions;

/// <summary>Reading redemptions and reservations back.</summary>
internal static class RedemptionReads
{
    private static readonly string[] Sorts = ["redeemed_at"];

    private const string RedemptionSql = """
        select r.id, r.coupon_id, r.instance_id, r.customer_id, r.channel, r.order_reference, r.order_minor, r.discount_minor,
            r.currency, r.decided_at, r.rolled_back_at, r.booking_status, r.reservation_id, a.attempt_id is not null,
            a.campaign_source, a.utm_source, a.utm_medium, a.utm_campaign, c.code
        from redemptions.redemption r join coupons.coupon c on c.id = r.coupon_id
        left join redemptions.arrival a on a.attempt_id = r.id
        """;

    private static readonly RedemptionTotals SampleTotals = new(
        120,
        4,
        [new("EUR", 120, new Money(1_180_000, "EUR"), new Money(96_000, "EUR"))]
    );

    public static void Map(IEndpointRouteBuilder api)
    {
        api.MapGet("/redemptions", ListAsync)
            .WithName("listRedemptions")
            .DescribeRedemptionList()
            .WithSummary("List redemptions, newest first, by what they used, when, where and what became of them")
            .WithTags("Redemptions")
            .WithPages(Sorts)
            .WithRedemptionFilter()
            .RequirePermission(Permissions.RedemptionsRead);
        api.MapGet("/redemptions/totals", TotalsAsync)
            .WithName("getRedemptionTotals")
            .WithSummary("Count redemptions and add up their amounts, with the filters of the list")
            .WithTags("Redemptions")
            .WithRedemptionFilter()
            .WithAnswer(200, SampleTotals, "Of all pages together; amounts are those of redemptions that stand.")
            .RequirePermission(Permissions.RedemptionsRead);
        api.MapGet("/redemptions/{id:guid}", GetAsync)
            .WithName("getRedemption")
            .DescribeRedemption()
            .WithSummary("Read one redemption")
            .WithTags("Redemptions")
            .RequirePermission(Permissions.RedemptionsRead);
        api.MapGet("/reservations/{id:guid}", GetReservationAsync)
            .WithName("getReservation")
            .DescribeReservation()
            .WithSummary("Read one reservation")
            .WithTags("Redemptions")
            .RequirePermission(Permissions.RedemptionsRead);
        api.MapGet("/admin/coupons/{id:long}/usage", UsageAsync)
            .WithName("getCouponUsage")
            .DescribeUsage()
            .WithSummary("Page through a coupon's redemptions")
            .WithTags("Coupons")
            .WithPages(Sorts)
            .RequirePermission(Permissions.RedemptionsRead);
    }

    private static Task ListAsync(HttpContext context, Database database, Cursors cursors) =>
        PageAsync(context, database, cursors, null, static row => RedemptionView.Read(row));

    /// <summary>RED-15: with the plain decimals of the admin endpoints.</summary>
    private static async Task UsageAsync(HttpContext context, long id, Database database, Cursors cursors)
    {
        // Also of a coupon that was taken out of use: its history stays.
        await using (
            var command = database.Source.CreateCommand(
                "select exists (select from coupons.coupon where id = $1 and ($2::uuid is null or merchant_id = $2))"
            )
        )
        {
            command.Parameters.Add(new NpgsqlParameter { Value = id });
            AddMerchant(command, Caller.Of(context).MerchantId);
            if (!(bool)(await command.ExecuteScalarAsync(context.RequestAborted))!)
            {
                await Problems.WriteAsync(context, Entry.NotFound);
                return;
            }
        }

        await PageAsync(context, database, cursors, id, static row => UsageView.Of(RedemptionView.Read(row)));
    }

    private static async Task PageAsync<TView>(
        HttpContext context,
        Database database,
        Cursors cursors,
        long? ofCoupon,
        Func<NpgsqlDataReader, TView> view
    )
        where TView : IPlaced
    {
        var merchant = Caller.Of(context).MerchantId;
        var query = new Query(context.Request);
        var page = await cursors.ReadAsync(query, Sorts, "-redeemed_at", merchant, context.RequestAborted);
        var filter = ofCoupon is { } coupon
            ? RedemptionFilter.OfCoupon(coupon, merchant)
            : RedemptionFilter.Read(query, merchant);
        var list = new Listed<TView>(
            RedemptionSql + filter.Joins,
            ("r.decided_at", "timestamptz"),
            ("r.id", "uuid"),
            view,
            static row => row.Place
        );
        await filter.Rows.AnswerAsync(context, database, query, page, list);
    }

    private static async Task TotalsAsync(HttpContext context, Database database)
    {
        var cancel = context.RequestAborted;
        var query = new Query(context.Request);
        var filter = RedemptionFilter.Read(query, Caller.Of(context).MerchantId);
        if (query.Finish() is { } refusal)
        {
            await Problems.WriteAsync(context, refusal);
            return;
        }

        // Parts given back are summed apart: few have any, and to look for them row by row takes longer than all the rest.
        await using var command = filter.Rows.Over(
            database,
            where =>
                $"""
                    with found as (
                        select r.currency, count(*) as redemptions, count(r.rolled_back_at) as rolled_back,
                            sum(r.order_minor - r.discount_minor) filter (where r.rolled_back_at is null) as revenue_minor,
                            sum(r.discount_minor) filter (where r.rolled_back_at is null) as discount_minor
                        from redemptions.redemption r join coupons.coupon c on c.id = r.coupon_id{filter.Joins} {where} group by 1
                    ), given_back as (
                        select r.currency, sum(p.paid_minor) as revenue_minor, sum(p.discount_minor) as discount_minor
                        from redemptions.redemption r join coupons.coupon c on c.id = r.coupon_id
                        join redemptions.part_return p on p.redemption_id = r.id{filter.Joins}
                        {where} and r.rolled_back_at is null group by 1
                    )
                    select currency, f.redemptions, f.rolled_back,
                        (coalesce(f.revenue_minor, 0) - coalesce(g.revenue_minor, 0))::bigint,
                        (coalesce(f.discount_minor, 0) - coalesce(g.discount_minor, 0))::bigint
                    from found f left join given_back g using (currency) order by 2 desc, 1
                    """
        );
        var (rolledBack, sums) = (0L, new List<CurrencyTotals>());
        await using (var row = await command.ExecuteReaderAsync(cancel))
        {
            while (await row.ReadAsync(cancel))
            {
                var currency = row.GetString(0);
                rolledBack += row.GetInt64(2);
                sums.Add(
                    new CurrencyTotals(
                        currency,
                        row.GetInt64(1),
                        new Money(row.GetInt64(3), currency),
                        new Money(row.GetInt64(4), currency)
                    )
                );
            }
        }

        var totals = new RedemptionTotals(sums.Sum(static s => s.Count), rolledBack, sums);
        await HttpAnswer.Json(200, totals).SendAsync(context);
    }

    private static async Task GetAsync(HttpContext context, Guid id, Database database)
    {
        await using var command = database.Source.CreateCommand(
            RedemptionSql + " where r.id = $1 and ($2::uuid is null or c.merchant_id = $2)"
        );
        AddIds(command, id, Caller.Of(context).MerchantId);
        await using var row = await command.ExecuteReaderAsync(context.RequestAborted);
        var answer = await row.ReadAsync(context.RequestAborted)
            ? HttpAnswer.Json(200, RedemptionView.Read(row))
            : HttpAnswer.Refused(context, Entry.NotFound);
        await answer.SendAsync(context);
    }

    private static async Task GetReservationAsync(HttpContext context, Guid id, Database database)
    {
        await using var command = database.Source.CreateCommand(
            """
            select r.id, r.coupon_id, r.instance_id, r.customer_id, r.channel, r.order_reference, r.order_minor,
                r.discount_minor, r.currency, r.decided_at, r.expires_at,
                coalesce(r.ending, case when r.expires_at <= platform.clock() then 'lapsed' else 'reserved' end), r.ended_at
            from redemptions.reservation r join coupons.coupon c on c.id = r.coupon_id
            where r.id = $1 and ($2::uuid is null or c.merchant_id = $2)
            """
        );
        AddIds(command, id, Caller.Of(context).MerchantId);
        await using var row = await command.ExecuteReaderAsync(context.RequestAborted);
        var answer = await row.ReadAsync(context.RequestAborted)
            ? HttpAnswer.Json(200, ReservationView.Read(row))
            : HttpAnswer.Refused(context, Entry.NotFound);
        await answer.SendAsync(context);
    }

    private static void AddIds(NpgsqlCommand command, Guid id, Guid? merchant)
    {
        command.Parameters.Add(new NpgsqlParameter { Value = id });
        AddMerchant(command, merchant);
    }

    private static void AddMerchant(NpgsqlCommand command, Guid? merchant) =>
        command.Parameters.Add(
            new NpgsqlParameter
            {
                Value = merchant ?? (object)DBNull.Value,
                NpgsqlDbType = NpgsqlTypes.NpgsqlDbType.Uuid,
            }
        );

    /// <summary>A row that knows its place in the list.</summary>
    private interface IPlaced
    {
        IReadOnlyList<string?> Place { get; }
    }

    internal sealed record RedemptionView(
        Guid Id,
        string Status,
        long CouponId,
        string CouponCode,
        long InstanceId,
        Guid CustomerId,
        string? Channel,
        string OrderReference,
        [property: SingleAmount] Money OrderAmount,
        [property: SingleAmount] Money Discount,
        [property: SingleAmount] Money Payable,
        DateTimeOffset RedeemedAt,
        DateTimeOffset? RolledBackAt,
        string? BookingStatus,
        Guid? ReservationId,
        Arrival? Attribution
    ) : IPlaced
    {
        [System.Text.Json.Serialization.JsonIgnore]
        public IReadOnlyList<string?> Place => [PageRequest.KeyOf(RedeemedAt), Id.ToString()];

        public static RedemptionView Read(NpgsqlDataReader row)
        {
            var currency = row.GetString(8);
            var rolledBack = row.Value<DateTimeOffset>(10);
            return new RedemptionView(
                row.GetGuid(0),
                rolledBack is null ? "redeemed" : "rolled_back",
                row.GetInt64(1),
                row.GetString(18),
                row.GetInt64(2),
                row.GetGuid(3),
                row.Object<string>(4),
                row.GetString(5),
                new Money(row.GetInt64(6), currency),
                new Money(row.GetInt64(7), currency),
                new Money(row.GetInt64(6) - row.GetInt64(7), currency),
                row.GetFieldValue<DateTimeOffset>(9),
                rolledBack,
                row.Object<string>(11),
                row.Value<Guid>(12),
                row.GetBoolean(13)
                    ? new Arrival(
                        row.Object<string>(14),
                        row.Object<string>(15),
                        row.Object<string>(16),
                        row.Object<string>(17)
                    )
                    : null
            );
        }
    }

    /// <summary>What a list of redemptions adds up to (MET-24).</summary>
    /// <param name="Count">Rows of all pages.</param>
    /// <param name="RolledBack">Of these, given back.</param>
    /// <param name="Amounts">By currency, the most used first.</param>
    internal sealed record RedemptionTotals(long Count, long RolledBack, IReadOnlyList<CurrencyTotals> Amounts);

    /// <summary>What the redemptions of one currency add up to.</summary>
    /// <param name="Currency">ISO 4217.</param>
    /// <param name="Count">Rows in it.</param>
    /// <param name="Revenue">Net paid and not given back, of those that stand.</param>
    /// <param name="Discounts">Given by those that stand, less what came back of their orders.</param>
    internal sealed record CurrencyTotals(
        string Currency,
        long Count,
        [property: Guarded(Permissions.FinanceRead)] Money Revenue,
        [property: Guarded(Permissions.FinanceRead)] Money Discounts
    );

    internal sealed record UsageView(
        Guid Id,
        DateTimeOffset Timestamp,
        Guid CustomerId,
        [property: SingleAmount] decimal AmountDiscounted,
        [property: SingleAmount] decimal OrderAmount,
        string Currency,
        string OrderReference,
        string? BookingStatus,
        string Status
    ) : IPlaced
    {
        [System.Text.Json.Serialization.JsonIgnore]
        public IReadOnlyList<string?> Place => [PageRequest.KeyOf(Timestamp), Id.ToString()];

        public static UsageView Of(RedemptionView view) =>
            new(
                view.Id,
                view.RedeemedAt,
                view.CustomerId,
                Currencies.ToMajor(view.Discount.Minor, view.Discount.Currency),
                Currencies.ToMajor(view.OrderAmount.Minor, view.OrderAmount.Currency),
                view.Discount.Currency,
                view.OrderReference,
                view.BookingStatus,
                view.Status
            );
    }

    internal sealed record ReservationView(
        Guid Id,
        string Status,
        long CouponId,
        long InstanceId,
        Guid CustomerId,
        string? Channel,
        string OrderReference,
        [property: SingleAmount] Money OrderAmount,
        [property: SingleAmount] Money Discount,
        DateTimeOffset ReservedAt,
        DateTimeOffset ExpiresAt,
        DateTimeOffset? EndedAt
    )
    {
        public static ReservationView Read(NpgsqlDataReader row)
        {
            var currency = row.GetString(8);
            return new ReservationView(
                row.GetGuid(0),
                row.GetString(11),
                row.GetInt64(1),
                row.GetInt64(2),
                row.GetGuid(3),
                row.Object<string>(4),
                row.GetString(5),
                new Money(row.GetInt64(6), currency),
                new Money(row.GetInt64(7), currency),
                row.GetFieldValue<DateTimeOffset>(9),
                row.GetFieldValue<DateTimeOffset>(10),
                row.Value<DateTimeOffset>(12)
            );
        }
    }
}
