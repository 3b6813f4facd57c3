using Microsoft.AspNetCore.Builder;
using Microsoft.AspNetCore.Http;
using Microsoft.AspNetCore.Routing;
using Npgsql;
using NpgsqlTypes;
using Tessera.Core;
using Tessera.Server.Access;
using Tessera.Server.Platform;
using Tessera.Server.Platform.Http;

namespace Tessera.Server.Redemptions;

/// <summary>What the booking system says became of the booking behind a redemption (RED-15).</summary>
internal static class BookingEndpoints
{
    private static readonly string[] Statuses = ["pending", "completed", "cancelled"];

    private static readonly Refusal RolledBack = new(
        "redemption_rolled_back",
        "This redemption was given back; its booking counts no more."
    );

    private static readonly Booking Sample = new(Samples.Id, "completed", true, Samples.At);

    public static void Map(IEndpointRouteBuilder api) =>
        api.MapPost("/redemptions/{id:guid}/booking", TellAsync)
            .WithName("reportBooking")
            .WithSummary("Tell what became of the booking behind a redemption: completed, attended, cancelled")
            .WithRemark("What happened before what is known already changes nothing, whatever order it is told in.")
            .WithTags("Redemptions")
            .WithBody(new BookingWanted("completed", Samples.At, true))
            .WithIdempotencyKey(required: true)
            .WithAnswer(200, Sample, "The booking as it is known now.")
            .WithRefusals(Entry.NotFound, RolledBack)
            .RequirePermission(Permissions.IngestionWrite);

    private static async Task TellAsync(HttpContext context, Guid id, Database database)
    {
        var caller = Caller.Of(context);
        await Idempotent.RunAsync(
            context,
            database,
            caller.ClientId,
            async (work, fields) =>
            {
                var cancel = CancellationToken.None;
                var status = fields.Word("status", Statuses);
                var occurred = fields.Instant("occurred_at");
                var attended = fields.Flag("attended", required: false);
                if (attended is not null && status is not (null or "completed"))
                {
                    fields.Add("attended", "not_completed", "Only who was at a completed booking can be told.");
                }

                if (fields.Finish() is { } wrong)
                {
                    return HttpAnswer.Refused(context, wrong);
                }

                if (await HoldAsync(work, id, caller.MerchantId, cancel) is not { } held)
                {
                    return HttpAnswer.Refused(context, Entry.NotFound);
                }

                if (held.RolledBackAt is not null)
                {
                    return HttpAnswer.Refused(context, RolledBack);
                }

                var told = new Booking(id, status!, attended, occurred!.Value);
                if (held.Known is { } known)
                {
                    // Nothing is forgotten by a word that leaves it out.
                    told = told with
                    {
                        Attended = attended ?? (status == "completed" ? known.Attended : null),
                    };
                    if (told.OccurredAt <= known.OccurredAt)
                    {
                        return HttpAnswer.Json(200, known);
                    }
                }

                await WriteAsync(work, held, told, caller.Actor, RequestIds.Of(context), cancel);
                return HttpAnswer.Json(200, told);
            },
            required: true
        );
    }

    /// <summary>Locks a redemption for a word about its booking; null for one that is not there, or not the merchant's.</summary>
    internal static async Task<Held?> HoldAsync(UnitOfWork work, Guid id, Guid? merchant, CancellationToken cancel)
    {
        // The lock alone first: the booking is then read as it is after the wait.
        await work.ExecuteAsync("select from redemptions.redemption where id = $1 for no key update", [id], cancel);
        await using var query = work.Command(
            """
            select r.coupon_id, r.rolled_back_at, r.booking_status, b.status, b.attended, b.occurred_at, coalesce(b.version, 0)
            from redemptions.redemption r join coupons.coupon c on c.id = r.coupon_id
            left join redemptions.booking b on b.redemption_id = r.id
            where r.id = $1 and ($2::uuid is null or c.merchant_id = $2)
            """,
            id,
            new NpgsqlParameter { Value = merchant ?? (object)DBNull.Value, NpgsqlDbType = NpgsqlDbType.Uuid }
        );
        await using var row = await query.ExecuteReaderAsync(cancel);
        if (!await row.ReadAsync(cancel))
        {
            return null;
        }

        var known = row.Object<string>(3) is { } status
            ? new Booking(id, status, row.Value<bool>(4), row.GetFieldValue<DateTimeOffset>(5))
            : null;
        return new Held(row.GetInt64(0), row.Value<DateTimeOffset>(1), row.Object<string>(2), known, row.GetInt32(6));
    }

    /// <summary>Writes what was told of the booking of a redemption under its lock, with its event.</summary>
    internal static async Task WriteAsync(
        UnitOfWork work,
        Held held,
        Booking told,
        string actor,
        string requestId,
        CancellationToken cancel
    )
    {
        await work.ExecuteAsync(
            """
            insert into redemptions.booking as b (redemption_id, began_as, status, attended, occurred_at)
            values ($1, $2, $3, $4, $5)
            on conflict (redemption_id) do update set status = excluded.status, attended = excluded.attended,
                occurred_at = excluded.occurred_at, version = b.version + 1
            """,
            [
                told.RedemptionId,
                new NpgsqlParameter
                {
                    Value = held.Known is null && held.Status is { } began ? began : DBNull.Value,
                    NpgsqlDbType = NpgsqlDbType.Text,
                },
                told.Status,
                new NpgsqlParameter
                {
                    Value = told.Attended ?? (object)DBNull.Value,
                    NpgsqlDbType = NpgsqlDbType.Boolean,
                },
                told.OccurredAt,
            ],
            cancel
        );
        await work.ExecuteAsync(
            "update redemptions.redemption set booking_status = nullif($2, 'cancelled') where id = $1",
            [told.RedemptionId, told.Status],
            cancel
        );
        var entry = new EventEntry(
            "redemption",
            told.RedemptionId.ToString(),
            "redemption.booking_changed",
            held.Version + 1,
            actor,
            EventLog.Payload(
                ("coupon_id", held.CouponId),
                ("from", held.Known?.Status ?? held.Status),
                ("to", told.Status),
                ("occurred_at", Instants.Format(told.OccurredAt)),
                // What it adds to the figures of the redemption's day, so that they can be counted again from the log.
                ("booked", Change(held.Status is not null, told.Status != "cancelled")),
                ("completed", Change(held.Known?.Status == "completed", told.Status == "completed")),
                ("attended", Change(held.Known?.Attended ?? false, told.Attended ?? false))
            ),
            requestId
        );
        await EventLog.AppendAsync(work, await work.ClockAsync(cancel), [entry], cancel);
    }

    private static int Change(bool was, bool isNow) => (isNow ? 1 : 0) - (was ? 1 : 0);

    /// <summary>A redemption under its lock, with what is known of its booking.</summary>
    internal sealed record Held(
        long CouponId,
        DateTimeOffset? RolledBackAt,
        string? Status,
        Booking? Known,
        int Version
    );

    /// <summary>What became of a booking.</summary>
    /// <param name="Status">pending, completed or cancelled.</param>
    /// <param name="OccurredAt">When, by the booking system.</param>
    /// <param name="Attended">Whether the customer came; only of a completed one.</param>
    private sealed record BookingWanted(string Status, DateTimeOffset OccurredAt, bool? Attended = null);

    /// <summary>A booking as it is known.</summary>
    /// <param name="RedemptionId">Behind it.</param>
    /// <param name="Status">pending, completed or cancelled.</param>
    /// <param name="Attended">Whether the customer came; null while that is not known.</param>
    /// <param name="OccurredAt">When that happened, by the booking system.</param>
    internal sealed record Booking(Guid RedemptionId, string Status, bool? Attended, DateTimeOffset OccurredAt);
}
