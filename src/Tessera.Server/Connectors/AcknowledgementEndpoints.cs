using Microsoft.AspNetCore.Builder;
using Microsoft.AspNetCore.Http;
using Microsoft.AspNetCore.Routing;
using Tessera.Core;
using Tessera.Server.Access;
using Tessera.Server.Connectors.Partners;
using Tessera.Server.Platform;
using Tessera.Server.Platform.Http;

namespace Tessera.Server.Connectors;

/// <summary>
/// Callbacks by which partners confirm that they obeyed (CON-05). They show who they are by their signature (convention
/// 27), and not by an API key.
/// </summary>
internal static class AcknowledgementEndpoints
{
    private const int MaximumRejected = CommandBatch.MaximumIds;

    /// <summary>One answer, whether the connector is unknown, has no secret, or the signature is wrong or too old.</summary>
    private static readonly Refusal NotSigned = new(
        "signature_invalid",
        "The call is not signed as agreed, or its timestamp is more than five minutes off.",
        RefusalKind.Unauthenticated
    );

    private static readonly Refusal Replayed = new(
        "webhook_replayed",
        "A call with this webhook-id was accepted before."
    );

    private static readonly Refusal Unknown = new(
        "unknown_command",
        "No command was sent to this connector under this key.",
        RefusalKind.NotFound
    );

    private static readonly Refusal Late = new(
        "acknowledgement_late",
        "The command was not confirmed in time and is sent again under the same key. Confirm that."
    );

    private static readonly Refusal Known = new("already_acknowledged", "The command was acknowledged before.");

    public static void Map(IEndpointRouteBuilder api) =>
        api.MapPost("/connectors/{id:guid}/acknowledgements", AcknowledgeAsync)
            .WithName("acknowledgeCommand")
            .WithSummary("Confirm a command: the partner's callback, signed by Standard Webhooks")
            .WithRemark(
                "Headers webhook-id, webhook-timestamp and webhook-signature, made with the connector's signing secret. "
                    + "A webhook-id is accepted once. Needs no API key."
            )
            .WithTags("Connectors")
            .OpenToEveryone()
            .WithBody(new Acknowledgement("c4711-0", [new RejectedCoupon(12, "unknown")]))
            .WithAnswer(200, new Acknowledged("c4711-0", 1), "The command is confirmed, except for what was rejected.")
            .WithRefusals(NotSigned, Replayed, Unknown, Late, Known);

    private static async Task AcknowledgeAsync(
        HttpContext context,
        Guid id,
        Database database,
        ConnectorSecrets secrets,
        TimeProvider clock
    )
    {
        if (await RequestBody.TakeAsync(context) is not { } body)
        {
            return;
        }

        var headers = context.Request.Headers;
        var webhookId = headers[StandardWebhooks.IdHeader].ToString();
        var open = await secrets.OpenAsync(database.Source, id, context.RequestAborted);
        if (
            !StandardWebhooks.IsSigned(
                open.Signing,
                webhookId,
                headers[StandardWebhooks.TimestampHeader],
                headers[StandardWebhooks.SignatureHeader],
                body.Bytes.Span,
                clock.GetUtcNow()
            )
        )
        {
            await Problems.WriteAsync(context, NotSigned);
            return;
        }

        var fields = Fields.Of(body);
        var key = fields.Text("key", 100);
        var rejected = fields.List("rejected", MaximumRejected, RejectedOf, required: false) ?? [];
        if (fields.Finish() is { } wrong)
        {
            await Problems.WriteAsync(context, wrong);
            return;
        }

        await using var work = await database.BeginAsync(context.RequestAborted);
        var answer = await ApplyAsync(context, work, id, webhookId, key!, rejected);
        if (!answer.IsRefusal)
        {
            await work.CommitAsync(CancellationToken.None);
        }

        await answer.SendAsync(context);
    }

    private static RejectedCoupon? RejectedOf(Fields fields, string place)
    {
        if (fields.Object(place) is not { } item)
        {
            return null;
        }

        var id = item.Integer("id", 1, Fields.MaximumInteger);
        var reason = item.Text("reason", 200, required: false);
        return id is { } number ? new RejectedCoupon(number, reason ?? "rejected") : null;
    }

    private static async Task<HttpAnswer> ApplyAsync(
        HttpContext context,
        UnitOfWork work,
        Guid id,
        string webhookId,
        string key,
        IReadOnlyList<RejectedCoupon?> rejected
    )
    {
        var cancel = CancellationToken.None;
        // The row of the lane orders this and the round that sent the command (see LaneStore.RecordAsync).
        await work.ExecuteAsync("select from connectors.lane where connector_id = $1 for update", [id], cancel);
        var accepted = await work.ExecuteAsync(
            """
            insert into connectors.accepted_callback (connector_id, webhook_id) values ($1, $2) on conflict do nothing
            """,
            [id, webhookId],
            cancel
        );
        if (accepted == 0)
        {
            return HttpAnswer.Refused(context, Replayed);
        }

        long from;
        long to;
        await using (
            var find = work.Command(
                """
                select from_position, to_position, acknowledged_at is not null,
                    lapsed_at is not null or expires_at <= platform.clock()
                from connectors.awaited where key = $1 and connector_id = $2
                """,
                key,
                id
            )
        )
        await using (var row = await find.ExecuteReaderAsync(cancel))
        {
            if (!await row.ReadAsync(cancel))
            {
                return HttpAnswer.Refused(context, Unknown);
            }

            if (row.GetBoolean(2) || row.GetBoolean(3))
            {
                return HttpAnswer.Refused(context, row.GetBoolean(2) ? Known : Late);
            }

            (from, to) = (row.GetInt64(0), row.GetInt64(1));
        }

        await ConfirmAsync(work, id, key, from, to);
        var tasks =
            from coupon in rejected
            group coupon.Id by coupon.Reason into same
            select new NewTask(to, [.. same.Distinct()], "rejected: " + RestPartner.Clean(same.Key));
        await TaskStore.OpenAsync(work, id, [.. tasks], await work.ClockAsync(cancel), cancel);
        return HttpAnswer.Json(200, new Acknowledged(key, rejected.Count));
    }

    private static async Task ConfirmAsync(UnitOfWork work, Guid id, string key, long from, long to)
    {
        var cancel = CancellationToken.None;
        await work.ExecuteAsync(
            "update connectors.awaited set acknowledged_at = platform.clock() where key = $1",
            [key],
            cancel
        );
        await work.ExecuteAsync(
            """
            update connectors.command c set state = 'acknowledged', acknowledged_at = platform.clock()
            where connector_id = $1 and position between $2 and $3 and state = 'sent'
                and not exists (select from connectors.awaited a
                    where a.connector_id = $1 and c.position between a.from_position and a.to_position
                        and a.acknowledged_at is null and a.lapsed_at is null)
            """,
            [id, from, to],
            cancel
        );
        await work.ExecuteAsync(
            """
            update connectors.lane l set last_acknowledged_at = platform.clock(), mark = greatest(l.mark, a.mark)
            from connectors.awaited a where l.connector_id = $1 and a.key = $2
            """,
            [id, key],
            cancel
        );
    }

    /// <summary>A partner's confirmation.</summary>
    /// <param name="Key">Of the command, as it was sent.</param>
    /// <param name="Rejected">Coupons the partner did not take.</param>
    private sealed record Acknowledgement(string Key, IReadOnlyList<RejectedCoupon>? Rejected = null);

    /// <summary>A coupon a partner did not take.</summary>
    /// <param name="Id">Of the coupon.</param>
    /// <param name="Reason">In the partner's words; up to 200 characters.</param>
    private sealed record RejectedCoupon(long Id, string Reason = "rejected");

    /// <summary>What was noted.</summary>
    /// <param name="Key">Of the command.</param>
    /// <param name="Rejected">How many coupons were rejected; they are tasks now.</param>
    private sealed record Acknowledged(string Key, int Rejected);
}
