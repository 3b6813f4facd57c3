using Microsoft.AspNetCore.Builder;
using Microsoft.AspNetCore.Http;
using Microsoft.AspNetCore.Routing;
using Npgsql;
using Tessera.Core;
using Tessera.Server.Access;
using Tessera.Server.Platform;
using Tessera.Server.Platform.Http;

namespace Tessera.Server.Notifications;

/// <summary>Messages to customers over HTTP: what became of each, and sending again (NTF-07). Never to whom by address.</summary>
internal static class NotificationEndpoints
{
    private const string Select = """
        select m.id, m.kind, m.state, m.cause, m.smtp_status, m.customer_id, m.coupon_id, c.internal_name, m.units[1:100],
            m.ends_at, m.due_at, m.region, m.attempts, case when m.state = 'queued' then m.next_attempt_at end, m.sent_at,
            m.created_at, m.state <> 'suppressed' and coalesce(m.sent_at, platform.clock()) > m.due_at
        from notifications.message m join coupons.coupon c on c.id = m.coupon_id
        """;

    private static readonly Listed<NotificationView> Messages = Listed.ByTime(
        Select,
        "m.created_at",
        "m.id",
        Read,
        static m => (m.CreatedAt, m.Id)
    );

    private static readonly string[] States = ["queued", "sent", "bounced", "failed", "suppressed"];
    private static readonly string[] Kinds = ["coupon_expiry"];

    /// <summary>There is nothing to send again.</summary>
    private static readonly Refusal NotGivenUp = new(
        "not_given_up",
        "This message is sent, or still to be; only one that was given up is sent again."
    );

    private static readonly NotificationView Sample = new(
        Samples.Id,
        "coupon_expiry",
        "sent",
        null,
        "250 2.0.0",
        Samples.Id,
        17,
        "Spring 10 %",
        [4711],
        Samples.At.AddDays(15),
        Samples.At.AddDays(1),
        "AT",
        1,
        null,
        Samples.At,
        Samples.At,
        false
    );

    public static void Map(IEndpointRouteBuilder api)
    {
        var group = api.MapGroup("/admin/notifications").WithTags("Notifications");
        group
            .MapGet("", ListAsync)
            .WithName("listNotifications")
            .WithSummary("List messages to customers and what became of them, the latest first")
            .RequirePermission(Permissions.NotificationsRead)
            .WithPages(["created_at"])
            .WithQuery("state", "string", "Only those in this state.", States)
            .WithQuery("kind", "string", "Only those of this kind.", Kinds)
            .WithQuery(
                "late",
                "boolean",
                "Only those that were, or are, not sent by the day of the law, or only the others."
            )
            .WithQuery("customer_id", "string", "Only those to this customer.")
            .WithQuery("coupon_id", "integer", "Only those about this coupon.")
            .WithQuery("from", "string", "Only those queued from then on.")
            .WithQuery("to", "string", "Only those queued before.")
            .WithAnswer(200, new Page<NotificationView>([Sample], false, null), "A page.");
        group
            .MapPost("/{id:guid}/replay", ReplayAsync)
            .WithName("replayNotification")
            .WithSummary("Send a message again that failed, bounced or was suppressed; its Message-ID stays")
            .RequirePermission(Permissions.NotificationsManage)
            .WithIdempotencyKey(required: false)
            .WithAnswer(
                200,
                Sample with
                {
                    State = "queued",
                    SmtpStatus = null,
                    SentAt = null,
                    NextAttemptAt = Samples.At,
                },
                "The message, queued."
            )
            .WithRefusals(NotGivenUp);
    }

    private static async Task ListAsync(HttpContext context, Database database, Cursors cursors)
    {
        // Customers are nobody's in particular, so a merchant's key sees none of their messages.
        var merchant = Caller.Of(context).MerchantId;
        var query = new Query(context.Request);
        var page = await cursors.ReadAsync(query, ["created_at"], "-created_at", merchant, context.RequestAborted);
        var rows = new PageRows(merchant is null ? "true" : "false");
        rows.Equal("m.state", query.Word("state", States));
        rows.Equal("m.kind", query.Word("kind", Kinds));
        rows.Equal("m.customer_id", query.Id("customer_id"));
        rows.Equal("m.coupon_id", query.Integer("coupon_id", 1, long.MaxValue));
        rows.Where("m.created_at >= {}", query.Instant("from"));
        rows.Where("m.created_at < {}", query.Instant("to"));
        if (query.Flag("late") is { } isLate)
        {
            const string late = "m.state <> 'suppressed' and coalesce(m.sent_at, platform.clock()) > m.due_at";
            rows.Where(isLate ? late : $"not ({late})");
        }

        await rows.AnswerAsync(context, database, query, page, Messages);
    }

    private static async Task ReplayAsync(HttpContext context, Guid id, Database database)
    {
        var caller = Caller.Of(context);
        await Idempotent.RunAsync(
            context,
            database,
            caller.ClientId,
            default,
            async work =>
            {
                if (caller.MerchantId is not null || await FindAsync(work, id) is null)
                {
                    return HttpAnswer.Refused(context, Entry.NotFound);
                }

                var requestId = RequestIds.Of(context);
                return await NotificationStore.ReplayAsync(work, id, caller.Actor, requestId, CancellationToken.None)
                    ? HttpAnswer.Json(200, await FindAsync(work, id))
                    : HttpAnswer.Refused(context, NotGivenUp);
            }
        );
    }

    private static async Task<NotificationView?> FindAsync(UnitOfWork work, Guid id)
    {
        await using var query = work.Command(Select + " where m.id = $1", id);
        await using var row = await query.ExecuteReaderAsync();
        return await row.ReadAsync() ? Read(row) : null;
    }

    private static NotificationView Read(NpgsqlDataReader row) =>
        new(
            row.GetGuid(0),
            row.GetString(1),
            row.GetString(2),
            row.Object<string>(3),
            row.Object<string>(4),
            row.GetGuid(5),
            row.GetInt64(6),
            row.GetString(7),
            row.GetFieldValue<long[]>(8),
            row.GetFieldValue<DateTimeOffset>(9),
            row.GetFieldValue<DateTimeOffset>(10),
            row.GetString(11),
            row.GetInt32(12),
            row.Value<DateTimeOffset>(13),
            row.Value<DateTimeOffset>(14),
            row.GetFieldValue<DateTimeOffset>(15),
            row.GetBoolean(16)
        );

    /// <summary>A message to a customer.</summary>
    /// <param name="Id">Its Message-ID begins with it.</param>
    /// <param name="Kind">coupon_expiry: coupons end.</param>
    /// <param name="State">queued, sent (a mail server has it), bounced, failed or suppressed.</param>
    /// <param name="Cause">Why it is not sent, or why the last attempt was in vain.</param>
    /// <param name="SmtpStatus">What the mail server answered, in numbers.</param>
    /// <param name="CustomerId">To whom.</param>
    /// <param name="CouponId">About which coupon.</param>
    /// <param name="CouponName">Its name, for staff.</param>
    /// <param name="InstanceIds">The first hundred of its units; none for a shared code.</param>
    /// <param name="EndsAt">The first end it tells of.</param>
    /// <param name="DueAt">By when the customer has to be told.</param>
    /// <param name="Region">Whose rule asks for it.</param>
    /// <param name="Attempts">How often it was handed to a mail server.</param>
    /// <param name="NextAttemptAt">When it is tried next.</param>
    /// <param name="SentAt">When a mail server took it.</param>
    /// <param name="CreatedAt">When it was queued.</param>
    /// <param name="IsLate">Whether it was not sent by then.</param>
    private sealed record NotificationView(
        Guid Id,
        string Kind,
        string State,
        string? Cause,
        string? SmtpStatus,
        Guid CustomerId,
        long CouponId,
        string CouponName,
        IReadOnlyList<long> InstanceIds,
        DateTimeOffset EndsAt,
        DateTimeOffset DueAt,
        string Region,
        int Attempts,
        DateTimeOffset? NextAttemptAt,
        DateTimeOffset? SentAt,
        DateTimeOffset CreatedAt,
        bool IsLate
    );
}
