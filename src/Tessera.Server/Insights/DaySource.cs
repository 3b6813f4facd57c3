using Npgsql;
using NpgsqlTypes;
using Tessera.Server.Platform;

namespace Tessera.Server.Insights;

/// <summary>
/// Where sums over days come from: the days of all coupons together, which are as many with a million coupons as with one;
/// a merchant's from the days of its own coupons. Statements have the period as $1 and $2 and the merchant as $3.
/// </summary>
/// <param name="Merchant">Whose coupons alone; null for all.</param>
internal sealed record DaySource(Guid? Merchant)
{
    private const string All = "d where d.day between $1 and $2 and $3::uuid is null";
    private const string Own =
        "d where d.day between $1 and $2 and d.coupon_id in (select c.id from coupons.coupon c where c.merchant_id = $3)";

    /// <summary>Redemptions and what became of them, by day, currency and channel.</summary>
    public string Used => Merchant is null ? "insights.day_total " + All : UsedByCoupon;

    /// <summary>The same coupon by coupon.</summary>
    public string UsedByCoupon => "insights.coupon_day " + (Merchant is null ? All : Own);

    /// <summary>Refusals by day.</summary>
    public string Refused => Merchant is null ? "insights.refusal_total " + All : RefusedByCoupon;

    /// <summary>The same coupon by coupon.</summary>
    public string RefusedByCoupon => "insights.refusal_day " + (Merchant is null ? All : Own);

    /// <summary>Views by day and channel.</summary>
    public string Seen => Merchant is null ? "insights.view_total " + All : SeenByCoupon;

    /// <summary>The same coupon by coupon.</summary>
    public string SeenByCoupon => "insights.view_day " + (Merchant is null ? All : Own);

    /// <summary>A statement with its first three parameters.</summary>
    public NpgsqlCommand Command(Database database, string sql, Period period)
    {
        var command = database.Source.CreateCommand(sql);
        command.Parameters.Add(new() { Value = period.From });
        command.Parameters.Add(new() { Value = period.To });
        command.Parameters.Add(new() { Value = Merchant ?? (object)DBNull.Value, NpgsqlDbType = NpgsqlDbType.Uuid });
        return command;
    }
}
