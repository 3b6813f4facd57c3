using System.Globalization;
using System.Security.Cryptography;
using Microsoft.AspNetCore.Builder;
using Microsoft.AspNetCore.Http;
using Microsoft.AspNetCore.Routing;
using Npgsql;
using Tessera.Core;
using Tessera.Server.Access;
using Tessera.Server.Platform;
using Tessera.Server.Platform.Http;

namespace Tessera.Server.Connectors.Webhooks;

/// <summary>Beside the subscriptions themselves: their secrets, the log of deliveries, and sending again (API-04).</summary>
internal static class WebhookEndpoints
{
    private static readonly Listed<DeliveryView> Deliveries = Listed.ByNumber(
        $"select {Columns} from connectors.webhook_delivery",
        "id",
        Read,
        static d => d.Id
    );

    private const int MaximumResent = 10_000;

    private static readonly string[] States = ["pending", "delivered", "failed"];

    private static readonly DeliveryView Delivery = new(
        4711,
        Samples.Id,
        "coupon.expired",
        "delivered",
        1,
        null,
        Samples.At,
        Samples.At
    );

    public static void Map(IEndpointRouteBuilder api)
    {
        var one = api.MapGroup("/webhooks/{id:guid}").WithTags("Webhooks");
        one.MapPost("/secret", RotateAsync)
            .WithName("rotateWebhookSecret")
            .WithSummary("Make a new signing secret; it is shown once, and the old one signs along for 24 hours")
            .WithRemark(
                "Nothing is sent before there is one. A repeat with the same idempotency key does not show it again."
            )
            .RequirePermission(Permissions.WebhooksWrite)
            .WithIdempotencyKey(required: false)
            .WithAnswer(
                201,
                new WebhookSecretMade("whsec_Qm93aGF0IGEgc2VjcmV0IHRoaXMgd291bGQgYmUgICA="),
                "Made; the secret is shown this once."
            );
        one.MapGet("/deliveries", ListAsync)
            .WithName("listWebhookDeliveries")
            .WithSummary("The delivery log of a subscription, the latest first")
            .RequirePermission(Permissions.WebhooksRead)
            .WithPages(["id"])
            .WithQuery("state", "string", "Only those in this state.", States)
            .WithAnswer(200, new Page<DeliveryView>([Delivery], false, null), "A page.");
        one.MapGet("/deliveries/{delivery:long}", GetAsync)
            .WithName("getWebhookDelivery")
            .WithSummary("A delivery with each attempt: time, status, latency, the first KiB of the answer")
            .RequirePermission(Permissions.WebhooksRead)
            .WithAnswer(
                200,
                new DeliveryDetail(Delivery, [new DeliveryAttempt(Samples.At, 84, 204, "ok", "")]),
                "The delivery and its attempts, in order."
            );
        one.MapPost("/resends", ResendAsync)
            .WithName("resendWebhookDeliveries")
            .WithSummary(
                $"Send deliveries again under the same webhook-id: some, or all of a time, at most {MaximumResent}"
            )
            .RequirePermission(Permissions.WebhooksWrite)
            .WithBody(new ResendWanted([4711]))
            .WithIdempotencyKey(required: false)
            .WithAnswer(200, new ResendResult(1), "How many are sent again.");
    }

    private static async Task<Webhook?> HoldAsync(UnitOfWork work, Guid id, Caller caller, bool forUpdate = true)
    {
        if (caller.MerchantId is not null)
        {
            return null;
        }

        await using var command = work.Command(
            $"select {WebhookDirectory.ColumnList} from connectors.webhook where id = $1 {(forUpdate ? "for update" : "")}",
            id
        );
        await using var rows = await command.ExecuteReaderAsync();
        return await rows.ReadAsync() ? WebhookDirectory.Of(rows) : null;
    }

    private static async Task RotateAsync(HttpContext context, Guid id, Database database, WebhookSecrets secrets)
    {
        var caller = Caller.Of(context);
        await Idempotent.RunAsync(
            context,
            database,
            caller.ClientId,
            default,
            async work =>
            {
                if (await HoldAsync(work, id, caller) is not { } webhook)
                {
                    return HttpAnswer.Refused(context, Entry.NotFound);
                }

                var secret = StandardWebhooks.Prefix + Convert.ToBase64String(RandomNumberGenerator.GetBytes(32));
                await secrets.SetAsync(work, id, secret);
                await TellAsync(context, work, webhook, "webhook.secret_rotated", webhook.Version + 1, "{}");
                var answer = HttpAnswer.Json(201, new WebhookSecretMade(secret), $"/api/v1/webhooks/{id}");
                return answer with { Kept = HttpAnswer.Json(201, new WebhookSecretMade(null)).Body };
            }
        );
    }

    private const string Columns =
        "id, event_id, event_type, state, attempts, case when state = 'pending' then next_attempt_at end, delivered_at, created_at";

    private static async Task ListAsync(HttpContext context, Guid id, Database database, Cursors cursors)
    {
        var cancel = context.RequestAborted;
        var caller = Caller.Of(context);
        var query = new Query(context.Request);
        var page = await cursors.ReadAsync(query, ["id"], "-id", caller.MerchantId, cancel);
        var rows = new PageRows("true");
        rows.Equal("webhook_id", id);
        rows.Equal("state", query.Word("state", States));
        Refusal? refused;
        await using (var work = await database.BeginAsync(cancel))
        {
            refused = await HoldAsync(work, id, caller, forUpdate: false) is null ? Entry.NotFound : null;
        }

        await rows.AnswerAsync(context, database, query, page, Deliveries, refused);
    }

    private static async Task GetAsync(HttpContext context, Guid id, long delivery, Database database)
    {
        var cancel = context.RequestAborted;
        await using var work = await database.BeginAsync(cancel);
        DeliveryView? view = null;
        if (await HoldAsync(work, id, Caller.Of(context), forUpdate: false) is not null)
        {
            await using var command = work.Command(
                $"select {Columns} from connectors.webhook_delivery where webhook_id = $1 and id = $2",
                id,
                delivery
            );
            await using var row = await command.ExecuteReaderAsync(cancel);
            view = await row.ReadAsync(cancel) ? Read(row) : null;
        }

        if (view is null)
        {
            await Problems.WriteAsync(context, Entry.NotFound);
            return;
        }

        var attempts = new List<DeliveryAttempt>();
        await using (
            var command = work.Command(
                """
                select at, milliseconds, status, outcome, answer from connectors.webhook_attempt
                where delivery_id = $1 order by id limit 100
                """,
                delivery
            )
        )
        await using (var row = await command.ExecuteReaderAsync(cancel))
        {
            while (await row.ReadAsync(cancel))
            {
                attempts.Add(
                    new DeliveryAttempt(
                        row.GetFieldValue<DateTimeOffset>(0),
                        row.GetInt32(1),
                        row.Value<int>(2),
                        row.GetString(3),
                        row.GetString(4)
                    )
                );
            }
        }

        await HttpAnswer.Json(200, new DeliveryDetail(view, attempts)).SendAsync(context);
    }

    private static async Task ResendAsync(HttpContext context, Guid id, Database database)
    {
        var caller = Caller.Of(context);
        await Idempotent.RunAsync(
            context,
            database,
            caller.ClientId,
            async (work, fields) =>
            {
                var cancel = CancellationToken.None;
                var ids = fields.List(
                    "delivery_ids",
                    1000,
                    static (item, place) => item.Integer(place, 1, Fields.MaximumInteger),
                    required: false
                );
                var from = fields.Instant("from", required: ids is null);
                var to = fields.Instant("to", required: ids is null);
                if (await HoldAsync(work, id, caller) is not { } webhook)
                {
                    return HttpAnswer.Refused(context, Entry.NotFound);
                }

                if (fields.Finish() is { } wrong)
                {
                    return HttpAnswer.Refused(context, wrong);
                }

                var count = await work.ExecuteAsync(
                    """
                    update connectors.webhook_delivery set state = 'pending', tries = 0, delivered_at = null,
                        next_attempt_at = platform.clock()
                    where id in (select id from connectors.webhook_delivery
                        where webhook_id = $1 and ($2::bigint[] is null or id = any($2))
                            and ($3::timestamptz is null or created_at >= $3)
                            and ($4::timestamptz is null or created_at < $4)
                        order by id limit $5)
                    """,
                    [
                        id,
                        new NpgsqlParameter
                        {
                            Value = (object?)ids?.Select(static i => i!.Value).ToArray() ?? DBNull.Value,
                            NpgsqlDbType = NpgsqlTypes.NpgsqlDbType.Array | NpgsqlTypes.NpgsqlDbType.Bigint,
                        },
                        At(from),
                        At(to),
                        MaximumResent,
                    ],
                    cancel
                );
                // A resend is no change of the subscription: its event bears the present version.
                var payload = EventLog.Payload(("count", count));
                await TellAsync(context, work, webhook, "webhook.resent", webhook.Version, payload);
                return HttpAnswer.Json(200, new ResendResult(count));
            }
        );
    }

    private static NpgsqlParameter At(DateTimeOffset? at) =>
        new() { Value = (object?)at ?? DBNull.Value, NpgsqlDbType = NpgsqlTypes.NpgsqlDbType.TimestampTz };

    private static DeliveryView Read(NpgsqlDataReader row) =>
        new(
            row.GetInt64(0),
            row.GetGuid(1),
            row.GetString(2),
            row.GetString(3),
            row.GetInt32(4),
            row.Value<DateTimeOffset>(5),
            row.Value<DateTimeOffset>(6),
            row.GetFieldValue<DateTimeOffset>(7)
        );

    private static async Task TellAsync(
        HttpContext context,
        UnitOfWork work,
        Webhook webhook,
        string type,
        int version,
        string payload
    )
    {
        var actor = Caller.Of(context).Actor;
        var entry = new EventEntry(
            "webhook",
            webhook.Id.ToString(),
            type,
            version,
            actor,
            payload,
            RequestIds.Of(context)
        );
        var now = await work.ClockAsync(CancellationToken.None);
        await EventLog.AppendAsync(work, now, [entry], CancellationToken.None);
    }

    /// <summary>A secret that was made.</summary>
    /// <param name="Secret">Shown once; null when the request is repeated.</param>
    private sealed record WebhookSecretMade(string? Secret);

    /// <summary>An event on its way to a receiver.</summary>
    /// <param name="Id">Of the delivery.</param>
    /// <param name="EventId">The webhook-id of every attempt.</param>
    /// <param name="EventType">What happened.</param>
    /// <param name="State">pending, delivered or failed.</param>
    /// <param name="Attempts">How often it was tried.</param>
    /// <param name="NextAttemptAt">When it is tried next.</param>
    /// <param name="DeliveredAt">When the receiver took it.</param>
    /// <param name="CreatedAt">When it was noted.</param>
    private sealed record DeliveryView(
        long Id,
        Guid EventId,
        string EventType,
        string State,
        int Attempts,
        DateTimeOffset? NextAttemptAt,
        DateTimeOffset? DeliveredAt,
        DateTimeOffset CreatedAt
    );

    /// <summary>One attempt.</summary>
    /// <param name="At">When it began.</param>
    /// <param name="Milliseconds">How long it took.</param>
    /// <param name="Status">HTTP status, where one came.</param>
    /// <param name="Outcome">ok, or what was wrong.</param>
    /// <param name="Answer">The first KiB of it, as text.</param>
    private sealed record DeliveryAttempt(
        DateTimeOffset At,
        int Milliseconds,
        int? Status,
        string Outcome,
        string Answer
    );

    /// <summary>A delivery with its attempts.</summary>
    /// <param name="Delivery">As it stands.</param>
    /// <param name="Attempts">In order; the first hundred.</param>
    private sealed record DeliveryDetail(DeliveryView Delivery, IReadOnlyList<DeliveryAttempt> Attempts);

    /// <summary>What is to be sent again.</summary>
    /// <param name="DeliveryIds">Up to 1000 of them; or a time.</param>
    /// <param name="From">Those noted from then on.</param>
    /// <param name="To">Those noted before.</param>
    private sealed record ResendWanted(
        IReadOnlyList<long>? DeliveryIds = null,
        DateTimeOffset? From = null,
        DateTimeOffset? To = null
    );

    /// <summary>What is sent again.</summary>
    /// <param name="Count">How many deliveries.</param>
    private sealed record ResendResult(int Count);
}
