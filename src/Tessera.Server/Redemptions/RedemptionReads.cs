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
            r.currency, r.decided_at, r.rolled_back_at, r.booking_status, r.reservation_id
        from redemptions.redemption r join coupons.coupon c on c.id = r.coupon_id
        """;

    public static void Map(IEndpointRouteBuilder api)
    {
        api.MapGet("/redemptions", ListAsync)
            .WithName("listRedemptions")
            .DescribeRedemptionList()
            .WithSummary("List redemptions, newest first, by coupon, customer or order")
            .WithTags("Redemptions")
            .WithPages(Sorts)
            .WithQuery("coupon_id", "integer", "Redemptions of this coupon.")
            .WithQuery("customer_id", "string", "Redemptions of this customer.")
            .WithQuery("order_reference", "string", "Redemptions on this order.")
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
        var cancel = context.RequestAborted;
        var merchant = Caller.Of(context).MerchantId;
        var query = new Query(context.Request);
        var page = await cursors.ReadAsync(query, Sorts, "-redeemed_at", merchant, cancel);
        var values = new List<object?> { merchant };
        var conditions = new List<string> { "($1::uuid is null or c.merchant_id = $1)" };
        void Where(string condition, object? value)
        {
            if (value is not null)
            {
                values.Add(value);
                conditions.Add(condition + " = $" + values.Count);
            }
        }

        Where("r.coupon_id", ofCoupon ?? query.Integer("coupon_id", 1, long.MaxValue));
        if (ofCoupon is null)
        {
            Where("r.customer_id", query.Id("customer_id"));
            Where("r.order_reference", query.Text("order_reference", 100));
        }

        if (query.Finish() is { } refusal)
        {
            await Problems.WriteAsync(context, refusal);
            return;
        }

        conditions.Add(page.Where("r.decided_at", "timestamptz", "r.id", "uuid", values));
        await using var command = database.Source.CreateCommand(
            $"{RedemptionSql} where {string.Join(" and ", conditions)} {page.OrderBy("r.decided_at", "r.id")}"
        );
        values.ForEach(v =>
            command.Parameters.Add(
                v is null
                    ? new NpgsqlParameter { Value = DBNull.Value, NpgsqlDbType = NpgsqlTypes.NpgsqlDbType.Uuid }
                    : new NpgsqlParameter { Value = v }
            )
        );
        var rows = new List<TView>(page.Fetch);
        await using (var row = await command.ExecuteReaderAsync(cancel))
        {
            while (await row.ReadAsync(cancel))
            {
                rows.Add(view(row));
            }
        }

        await page.Answer(context, rows, static r => r, static r => r.Place).SendAsync(context);
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
        long InstanceId,
        Guid CustomerId,
        string? Channel,
        string OrderReference,
        Money OrderAmount,
        Money Discount,
        Money Payable,
        DateTimeOffset RedeemedAt,
        DateTimeOffset? RolledBackAt,
        string? BookingStatus,
        Guid? ReservationId
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
                row.Value<Guid>(12)
            );
        }
    }

    internal sealed record UsageView(
        Guid Id,
        DateTimeOffset Timestamp,
        Guid CustomerId,
        decimal AmountDiscounted,
        decimal OrderAmount,
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
        Money OrderAmount,
        Money Discount,
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
