using Microsoft.AspNetCore.Builder;
using Microsoft.AspNetCore.Http;
using Microsoft.AspNetCore.Routing;
using Npgsql;
using Tessera.Server.Access;
using Tessera.Server.Platform;
using Tessera.Server.Platform.Http;

namespace Tessera.Server.Insights.Alerts;

/// <summary>A coupon that is used, or refused, far more often than usual (OPS-01).</summary>
/// <param name="Id">Of the alert.</param>
/// <param name="Kind">use_surge or refusal_surge.</param>
/// <param name="CouponId">Which coupon.</param>
/// <param name="Code">Its code.</param>
/// <param name="Measured">Uses or refusals of the day, when it was seen last.</param>
/// <param name="Usual">Of an ordinary day: the mean of the four weeks before.</param>
/// <param name="RaisedAt">When it was seen first.</param>
/// <param name="SeenAt">When it was seen last.</param>
/// <param name="ClearedAt">When it was over; null while it stands.</param>
/// <param name="AcknowledgedAt">When somebody took note; null while nobody has.</param>
/// <param name="AcknowledgedBy">Who did.</param>
/// <param name="AcknowledgedNote">What they said; null for nothing.</param>
internal sealed record CouponAlert(
    Guid Id,
    string Kind,
    long CouponId,
    string Code,
    long Measured,
    decimal Usual,
    DateTimeOffset RaisedAt,
    DateTimeOffset SeenAt,
    DateTimeOffset? ClearedAt,
    DateTimeOffset? AcknowledgedAt,
    string? AcknowledgedBy,
    string? AcknowledgedNote
);

/// <summary>The alerts of <see cref="UnusualWatch"/>: listed, and taken note of.</summary>
internal static class AlertEndpoints
{
    private static readonly string Select = $"""
        select a.id, a.kind, a.coupon_id, c.code, a.measured, a.usual, a.raised_at, a.seen_at, a.cleared_at,
            {Acknowledging.Columns("a")}
        from insights.alert a join coupons.coupon c on c.id = a.coupon_id
        """;

    private static readonly Acknowledging Taking = new(
        "insights.alert",
        "coupon_alert",
        "coupon_alert.acknowledged",
        "($4::uuid is null or merchant_id = $4)"
    );

    private static readonly CouponAlert Sample = new(
        Samples.Id,
        "refusal_surge",
        17,
        "SPRING27",
        420,
        3.25m,
        Samples.At,
        Samples.At,
        null,
        null,
        null,
        null
    );

    private static readonly Listed<CouponAlert> Alerts = Listed.ByTime(
        Select,
        "a.raised_at",
        "a.id",
        Read,
        static a => (a.RaisedAt, a.Id)
    );

    public static void Map(IEndpointRouteBuilder api)
    {
        var alerts = api.MapGroup("/insights/alerts").WithTags("Insights");
        alerts
            .MapGet("", ListAsync)
            .WithName("listCouponAlerts")
            .WithSummary("List coupons that are used, or refused, far more often than usual")
            .WithPages(["raised_at"])
            .WithQuery("is_open", "boolean", "Only those that stand, or are over.")
            .WithQuery("coupon_id", "integer", "Only those of this coupon.")
            .WithAnswer(200, new Page<CouponAlert>([Sample], false, null), "A page.")
            .RequirePermission(Permissions.CouponsRead);
        alerts
            .MapPost("/{id:guid}/acknowledge", AcknowledgeAsync)
            .WithName("acknowledgeCouponAlert")
            .TakesNote()
            .WithAnswer(
                200,
                Sample with
                {
                    AcknowledgedAt = Samples.At,
                    AcknowledgedBy = "person:ada",
                },
                "Somebody has."
            )
            .RequirePermission(Permissions.CouponsWrite);
    }

    private static async Task ListAsync(HttpContext context, Database database, Cursors cursors)
    {
        var merchant = Caller.Of(context).MerchantId;
        var query = new Query(context.Request);
        var page = await cursors.ReadAsync(query, ["raised_at"], "-raised_at", merchant, context.RequestAborted);
        var rows = new PageRows("true");
        rows.Equal("a.coupon_id", query.Integer("coupon_id", 1, Fields.MaximumInteger));
        rows.Equal("a.merchant_id", merchant);
        if (query.Flag("is_open") is { } isOpen)
        {
            rows.Where("a.cleared_at is " + (isOpen ? "null" : "not null"));
        }

        await rows.AnswerAsync(context, database, query, page, Alerts);
    }

    private static Task AcknowledgeAsync(HttpContext context, Guid id, Database database) =>
        Taking.RunAsync(
            context,
            database,
            id,
            work => FindAsync(work, id, Caller.Of(context), CancellationToken.None),
            static alert =>
                (alert.ClearedAt is null ? 2 : 4, EventLog.Payload(("coupon_id", alert.CouponId), ("kind", alert.Kind)))
        );

    private static async Task<CouponAlert?> FindAsync(UnitOfWork work, Guid id, Caller caller, CancellationToken cancel)
    {
        await using var query = work.Command(
            Select + " where a.id = $1 and ($2::uuid is null or a.merchant_id = $2)",
            id,
            Acknowledging.MerchantOf(caller)
        );
        await using var row = await query.ExecuteReaderAsync(cancel);
        return await row.ReadAsync(cancel) ? Read(row) : null;
    }

    private static CouponAlert Read(NpgsqlDataReader row) =>
        new(
            row.GetGuid(0),
            row.GetString(1),
            row.GetInt64(2),
            row.GetString(3),
            row.GetInt64(4),
            row.GetDecimal(5),
            row.GetFieldValue<DateTimeOffset>(6),
            row.GetFieldValue<DateTimeOffset>(7),
            row.Value<DateTimeOffset>(8),
            row.Value<DateTimeOffset>(9),
            row.Object<string>(10),
            row.Object<string>(11)
        );
}
