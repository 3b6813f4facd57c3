using System.Globalization;
using Microsoft.AspNetCore.Builder;
using Microsoft.AspNetCore.Http;
using Microsoft.AspNetCore.Routing;
using Tessera.Server.Access;
using Tessera.Server.Platform;
using Tessera.Server.Platform.Http;

namespace Tessera.Server.Expiration;

/// <summary>How long the units of a coupon are kept after their end (EXP-16).</summary>
internal static class TimeToLiveEndpoints
{
    private const int MaximumDays = 3650;

    public static void Map(IEndpointRouteBuilder expiry)
    {
        var sample = new TimeToLive(17, 90, true, null, "key:1", Samples.At);
        var one = expiry.MapGroup("/coupons/{id:long}/time-to-live");
        one.MapGet("", ReadAsync)
            .WithName("getTimeToLive")
            .WithSummary("Read how long the instances of a coupon are kept after their end")
            .RequirePermission(Permissions.ExpiryRead)
            .WithAnswer(200, sample, "The time to live.")
            .WithRefusals(ConsoleEndpoints.Scoped);
        one.MapPut("", SetAsync)
            .WithName("setTimeToLive")
            .WithSummary("Archive the instances of a coupon some days after their end")
            .WithRemark(
                "With refunds_paid, instances that were paid and ended unused go to refunded first, each with its event. Without a "
                    + "time to live instances stay until somebody archives them by POST /expiry/changes."
            )
            .RequirePermission(Permissions.ExpiryManage)
            .WithBody(new TimeToLiveWanted(90, true))
            .WithIdempotencyKey(required: false)
            .WithAnswer(200, sample, "The time to live.")
            .WithRefusals(ConsoleEndpoints.Scoped);
        one.MapDelete("", RemoveAsync)
            .WithName("removeTimeToLive")
            .WithSummary("Keep the instances of a coupon until somebody archives them")
            .RequirePermission(Permissions.ExpiryManage)
            .WithIdempotencyKey(required: false)
            .WithAnswer(204, "It is gone.")
            .WithRefusals(ConsoleEndpoints.Scoped);
    }

    private static async Task ReadAsync(HttpContext context, long id, Database database)
    {
        if (Caller.Of(context).MerchantId is not null)
        {
            await Problems.WriteAsync(context, ConsoleEndpoints.Scoped);
            return;
        }

        await using var work = await database.BeginAsync(context.RequestAborted);
        if (await TimeToLiveStore.FindAsync(work, id, context.RequestAborted) is not { } found)
        {
            await Problems.WriteAsync(context, Entry.NotFound);
            return;
        }

        await HttpAnswer.Json(200, found).SendAsync(context);
    }

    private static async Task SetAsync(HttpContext context, long id, Database database)
    {
        if (await RequestBody.TakeAsync(context) is not { } body)
        {
            return;
        }

        await ConsoleEndpoints.DoAsync(
            context,
            database,
            body.Bytes,
            async (work, caller) =>
            {
                var fields = Fields.Of(body);
                var days = fields.Integer("days", 0, MaximumDays);
                var refunds = fields.Flag("refunds_paid", required: false) ?? false;
                if (fields.Finish() is { } wrong)
                {
                    return HttpAnswer.Refused(context, wrong);
                }

                if (!await TimeToLiveStore.SetAsync(work, id, (int)days!.Value, refunds, caller.Actor, default))
                {
                    return HttpAnswer.Refused(context, Entry.NotFound);
                }

                await TellAsync(
                    context,
                    work,
                    id,
                    "expiry.time_to_live_set",
                    caller,
                    [("days", days), ("refunds_paid", refunds)]
                );
                return HttpAnswer.Json(200, await TimeToLiveStore.FindAsync(work, id, default));
            }
        );
    }

    private static Task RemoveAsync(HttpContext context, long id, Database database) =>
        ConsoleEndpoints.DoAsync(
            context,
            database,
            default,
            async (work, caller) =>
            {
                if (!await TimeToLiveStore.RemoveAsync(work, id, default))
                {
                    return HttpAnswer.Refused(context, Entry.NotFound);
                }

                await TellAsync(context, work, id, "expiry.time_to_live_removed", caller, []);
                return HttpAnswer.NoContent;
            }
        );

    private static Task TellAsync(
        HttpContext context,
        UnitOfWork work,
        long id,
        string type,
        Caller caller,
        (string, object?)[] facts
    ) =>
        ConsoleStore.TellAsync(
            work,
            "time_to_live",
            id.ToString(CultureInfo.InvariantCulture),
            type,
            0,
            caller.Actor,
            RequestIds.Of(context),
            [("coupon_id", id), .. facts],
            default
        );

    /// <summary>What is wanted.</summary>
    /// <param name="Days">0 to 3650 days after the end of an instance.</param>
    /// <param name="RefundsPaid">Whether instances that were paid and not used are refunded.</param>
    private sealed record TimeToLiveWanted(int Days, bool RefundsPaid);
}
