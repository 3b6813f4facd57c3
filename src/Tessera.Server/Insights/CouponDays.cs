using Microsoft.AspNetCore.Builder;
using Microsoft.AspNetCore.Http;
using Tessera.Server.Access;
using Tessera.Server.Platform;
using Tessera.Server.Platform.Http;

namespace Tessera.Server.Insights;

/// <summary>What is asked for by days, and of one coupon or all.</summary>
/// <param name="Merchant">Whose; null for all.</param>
/// <param name="Period">The days.</param>
/// <param name="CouponId">Of this coupon alone; null for all.</param>
internal sealed record CouponDays(Guid? Merchant, Period Period, long? CouponId)
{
    /// <summary>Reads what a request asks for; it has been answered where this is null.</summary>
    public static async Task<CouponDays?> ReadAsync(HttpContext context, Database database)
    {
        var merchant = Caller.Of(context).MerchantId;
        var query = new Query(context.Request);
        var today = await new InsightReads(database, merchant).TodayAsync(context.RequestAborted);
        var period = Period.Read(query, today);
        var coupon = query.Integer("coupon_id", 1, Fields.MaximumInteger);
        if (query.Finish() is not { } refusal)
        {
            return new CouponDays(merchant, period, coupon);
        }

        await Problems.WriteAsync(context, refusal);
        return null;
    }
}

/// <summary>How operations say that they take days and a coupon.</summary>
internal static class CouponDaysExtensions
{
    /// <summary>Describes what <see cref="CouponDays.ReadAsync"/> reads.</summary>
    /// <param name="builder">The operation.</param>
    /// <param name="coupon">What the coupon is asked for.</param>
    public static TBuilder WithCouponDays<TBuilder>(this TBuilder builder, string coupon)
        where TBuilder : IEndpointConventionBuilder =>
        builder
            .WithQuery("from", "string", "First day, UTC; thirty days unless given.")
            .WithQuery("to", "string", "Last day, UTC; today unless given.")
            .WithQuery("coupon_id", "integer", coupon);
}
