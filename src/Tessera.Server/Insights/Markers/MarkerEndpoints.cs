using Microsoft.AspNetCore.Builder;
using Microsoft.AspNetCore.Http;
using Microsoft.AspNetCore.Routing;
using Npgsql;
using NpgsqlTypes;
using Tessera.Server.Access;
using Tessera.Server.Platform;
using Tessera.Server.Platform.Http;

namespace Tessera.Server.Insights.Markers;

/// <summary>
/// What happened on a day that may explain a chart (MET-04): posts, holidays and the like that people enter, and the
/// starts and ends of campaigns, which are known.
/// </summary>
internal static class MarkerEndpoints
{
    private const int MostShown = 200;

    private static readonly string[] Kinds = ["social_post", "holiday", "press", "other"];

    private static readonly Marker Sample = new(
        Samples.Id,
        "2027-01-31",
        "social_post",
        "Story with the baker",
        17,
        null,
        true
    );

    public static void Map(IEndpointRouteBuilder api)
    {
        var markers = api.MapGroup("/insights/markers").WithTags("Insights");
        markers
            .MapGet("", ListAsync)
            .WithName("listMarkers")
            .WithSummary("List what happened on the days of a period: markers, and starts and ends of campaigns")
            .WithCouponDays("Only those of this coupon, its campaign, and of everything.")
            .WithAnswer(200, new Page<Marker>([Sample], false, null), "By day, 200 at most.")
            .RequirePermission(Permissions.CouponsRead);
        markers
            .MapPost("", AddAsync)
            .WithName("addMarker")
            .WithSummary("Mark a day in the charts of all coupons, of a campaign's, or of one")
            .WithBody(new MarkerWanted(Sample.Day, Sample.Kind, Sample.Text, Sample.CouponId, Sample.CampaignId))
            .WithIdempotencyKey(required: false)
            .WithAnswer(201, Sample, "Marked.")
            .RequirePermission(Permissions.CampaignsWrite);
        markers
            .MapDelete("/{id:guid}", RemoveAsync)
            .WithName("removeMarker")
            .WithSummary("Remove a marker")
            .WithAnswer(204, "It is gone, or was before.")
            .RequirePermission(Permissions.CampaignsWrite);
    }

    private static async Task ListAsync(HttpContext context, Database database)
    {
        var cancel = context.RequestAborted;
        if (await CouponDays.ReadAsync(context, database) is not { } asked)
        {
            return;
        }

        await using var command = database.Source.CreateCommand(
            $"""
            with own as (
                select campaign_id from coupons.coupon where id = $4 and ($3::uuid is null or merchant_id = $3)
            ), happened as (
                select m.id, m.day, m.kind, m.text, m.coupon_id, m.campaign_id, true as is_entered from insights.marker m
                where m.merchant_id is not distinct from $3 or $3 is null
                union all
                select null, (e.at at time zone 'UTC')::date, e.kind, k.name, null, k.id, false
                from campaigns.campaign k
                cross join lateral (values (k.start_at, 'campaign_start'), (k.end_at, 'campaign_end')) e (at, kind)
                where k.deleted_at is null and isfinite(e.at) and ($3::uuid is null or k.merchant_id = $3)
            )
            select id, to_char(day, 'YYYY-MM-DD'), kind, text, coupon_id, campaign_id, is_entered from happened
            where day between $1 and $2 and ($4::bigint is null or (coupon_id is null or coupon_id = $4)
                and (campaign_id is null or campaign_id in (select campaign_id from own)))
            order by happened.day, kind, text limit {MostShown}
            """
        );
        command.Parameters.Add(new() { Value = asked.Period.From });
        command.Parameters.Add(new() { Value = asked.Period.To });
        command.Parameters.Add(Optional(asked.Merchant, NpgsqlDbType.Uuid));
        command.Parameters.Add(Optional(asked.CouponId, NpgsqlDbType.Bigint));
        var markers = new List<Marker>();
        await using var row = await command.ExecuteReaderAsync(cancel);
        while (await row.ReadAsync(cancel))
        {
            markers.Add(
                new Marker(
                    row.Value<Guid>(0),
                    row.GetString(1),
                    row.GetString(2),
                    row.GetString(3),
                    row.Value<long>(4),
                    row.Object<string>(5),
                    row.GetBoolean(6)
                )
            );
        }

        await HttpAnswer.Json(200, new Page<Marker>(markers, false, null)).SendAsync(context);
    }

    private static async Task AddAsync(HttpContext context, Database database)
    {
        var caller = Caller.Of(context);
        await Idempotent.RunAsync(
            context,
            database,
            caller.ClientId,
            async (work, fields) =>
            {
                var cancel = CancellationToken.None;
                var isDay = Instants.TryParseDay(fields.Text("day", 10) ?? "", out var day);
                if (!isDay && fields.Has("day"))
                {
                    fields.Add("day", "not_a_date", Instants.NotADay);
                }

                var kind = fields.Word("kind", Kinds);
                var text = fields.Text("text", 120);
                var coupon = fields.Integer("coupon_id", 1, Fields.MaximumInteger, required: false);
                var campaign = fields.Text("campaign_id", 64, required: false);
                await CheckAsync(work, fields, caller.MerchantId, coupon, campaign, cancel);
                if (fields.Finish() is { } wrong)
                {
                    return HttpAnswer.Refused(context, wrong);
                }

                var id = Guid.CreateVersion7();
                await work.ExecuteAsync(
                    """
                    insert into insights.marker (id, day, kind, text, coupon_id, campaign_id, merchant_id, created_by)
                    values ($1, $2, $3, $4, $5, $6, $7, $8)
                    """,
                    [
                        id,
                        day,
                        kind,
                        text,
                        Optional(coupon, NpgsqlDbType.Bigint),
                        Optional(campaign, NpgsqlDbType.Text),
                        Optional(caller.MerchantId, NpgsqlDbType.Uuid),
                        caller.Actor,
                    ],
                    cancel
                );
                var shown = Instants.Format(day);
                await TellAsync(work, context, id, "marker.added", ("day", shown), ("kind", kind));
                var marker = new Marker(id, shown, kind!, text!, coupon, campaign, true);
                return HttpAnswer.Json(201, marker, "/api/v1/insights/markers/" + id);
            }
        );
    }

    private static async Task RemoveAsync(HttpContext context, Guid id, Database database)
    {
        var caller = Caller.Of(context);
        await Idempotent.RunAsync(
            context,
            database,
            caller.ClientId,
            default,
            async work =>
            {
                var removed = await work.ExecuteAsync(
                    "delete from insights.marker where id = $1 and ($2::uuid is null or merchant_id = $2)",
                    [id, Optional(caller.MerchantId, NpgsqlDbType.Uuid)],
                    CancellationToken.None
                );
                if (removed > 0)
                {
                    await TellAsync(work, context, id, "marker.removed");
                }

                return HttpAnswer.NoContent;
            }
        );
    }

    /// <summary>What a marker belongs to has to be there, and the caller's.</summary>
    private static async Task CheckAsync(
        UnitOfWork work,
        Fields fields,
        Guid? merchant,
        long? coupon,
        string? campaign,
        CancellationToken cancel
    )
    {
        await using var command = work.Command(
            """
            select $1::bigint is null or exists (select from coupons.coupon
                    where id = $1 and deleted_at is null and ($3::uuid is null or merchant_id = $3)),
                $2::text is null or exists (select from campaigns.campaign
                    where id = $2 and deleted_at is null and ($3::uuid is null or merchant_id = $3))
            """,
            Optional(coupon, NpgsqlDbType.Bigint),
            Optional(campaign, NpgsqlDbType.Text),
            Optional(merchant, NpgsqlDbType.Uuid)
        );
        await using var row = await command.ExecuteReaderAsync(cancel);
        await row.ReadAsync(cancel);
        if (!row.GetBoolean(0))
        {
            fields.Add("coupon_id", "unknown_reference", "There is no coupon with this id.");
        }

        if (!row.GetBoolean(1))
        {
            fields.Add("campaign_id", "unknown_reference", "There is no campaign with this id.");
        }
    }

    private static async Task TellAsync(
        UnitOfWork work,
        HttpContext context,
        Guid id,
        string type,
        params (string Name, object? Value)[] facts
    )
    {
        var entry = new EventEntry(
            "marker",
            id.ToString(),
            type,
            type == "marker.added" ? 1 : 2,
            Caller.Of(context).Actor,
            EventLog.Payload(facts),
            RequestIds.Of(context)
        );
        await EventLog.AppendAsync(work, await work.ClockAsync(default), [entry], default);
    }

    private static NpgsqlParameter Optional(object? value, NpgsqlDbType type) =>
        new() { Value = value ?? DBNull.Value, NpgsqlDbType = type };

    /// <summary>A marker as it is entered.</summary>
    /// <param name="Day">When, as a date.</param>
    /// <param name="Kind">social_post, holiday, press or other.</param>
    /// <param name="Text">What; up to 120 characters.</param>
    /// <param name="CouponId">Only in the charts of this coupon.</param>
    /// <param name="CampaignId">Only in the charts of this campaign's coupons.</param>
    private sealed record MarkerWanted(string Day, string Kind, string Text, long? CouponId, string? CampaignId);

    /// <summary>What happened on a day (MET-04).</summary>
    /// <param name="Id">Null for what nobody entered.</param>
    /// <param name="Day">When, UTC.</param>
    /// <param name="Kind">social_post, holiday, press, other, campaign_start or campaign_end.</param>
    /// <param name="Text">What; the name of a campaign.</param>
    /// <param name="CouponId">Which it belongs to; null for all.</param>
    /// <param name="CampaignId">Which it belongs to; null for all.</param>
    /// <param name="IsEntered">By a person, who may remove it.</param>
    private sealed record Marker(
        Guid? Id,
        string Day,
        string Kind,
        string Text,
        long? CouponId,
        string? CampaignId,
        bool IsEntered
    );
}
