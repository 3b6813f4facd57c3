using System.Globalization;
using Microsoft.AspNetCore.Builder;
using Microsoft.AspNetCore.Http;
using Microsoft.AspNetCore.Routing;
using Microsoft.Extensions.Logging;
using Tessera.Core;
using Tessera.Core.Coupons;
using Tessera.Server.Access;
using Tessera.Server.Platform;
using Tessera.Server.Platform.Http;

namespace Tessera.Server.Coupons;

/// <summary>The units of a coupon over HTTP: listed, read, issued to holders, cancelled, revoked (CPN-05, CPN-06).</summary>
internal static class InstanceEndpoints
{
    public static void Map(IEndpointRouteBuilder api)
    {
        var view = new Instance(
            1024,
            17,
            "SAVE…",
            "issued",
            Samples.Id,
            null,
            "spring-2027",
            null,
            Samples.At,
            Samples.At.AddDays(30),
            null,
            null,
            1
        );
        api.MapGet("/admin/coupons/{id:long}/instances", ListAsync)
            .WithName("listInstances")
            .WithSummary("List the units of a coupon, in the order they were issued")
            .WithTags("Instances")
            .RequirePermission(Permissions.CouponsRead)
            .WithPages(["id"])
            .WithQuery("state", "string", "Only those in this state.", StateNames)
            .WithQuery("customer_id", "string", "Only those of this holder.")
            .WithAnswer(200, new Page<Instance>([view], false, null), "A page.");
        api.MapPost("/admin/coupons/{id:long}/instances", IssueAsync)
            .WithName("issueInstances")
            .WithSummary($"Issue up to {IssueUnits.Maximum} units with secret codes of their own")
            .WithTags("Instances")
            .RequirePermission(Permissions.CouponsBulk)
            .WithBody(new IssueWanted("SAVE", 2, null))
            .WithIdempotencyKey(required: true)
            .WithAnswer(201, new Issued([new IssuedUnit(1024, "SAVE8K3QWN5TB2YC", null)], null), "Their ids and codes.")
            .WithRefusals(IssueUnits.NotUnique, IssueUnits.Over, IssueUnits.Spent, RegionCheck.TooShort);
        api.MapGet("/admin/coupons/{id:long}/instances/{unit:long}", GetAsync)
            .WithName("getInstance")
            .WithSummary("Read one unit")
            .WithTags("Instances")
            .RequirePermission(Permissions.CouponsRead)
            .WithAnswer(200, view, "The present state, with its ETag.");
        foreach (
            var (verb, state) in ((string, InstanceState)[])
                [("cancel", InstanceState.Cancelled), ("revoke", InstanceState.Revoked)]
        )
        {
            var title = char.ToUpperInvariant(verb[0]) + verb[1..];
            api.MapPost(
                    "/admin/coupons/{id:long}/instances/{unit:long}/" + verb,
                    (HttpContext context, long id, long unit, Database database, ILogger<Instance> log) =>
                        EndAsync(context, id, unit, database, log, state)
                )
                .WithName(verb + "Instance")
                .WithSummary(title + " a unit that is live and held by no checkout; it cannot be used any more")
                .WithTags("Instances")
                .RequirePermission(Permissions.CouponsWrite)
                .WithIdempotencyKey(required: false)
                .WithAnswer(200, view with { State = state.Name(), Version = 2 }, "The new state, with its ETag.")
                .WithRefusals(
                    InstanceTransitions.Illegal,
                    InstanceTransitions.HeldByCheckout,
                    Refusals.AlreadyRedeemed,
                    Refusals.Expired
                );
        }
    }

    private static string[] StateNames => [.. Enum.GetValues<InstanceState>().Select(static s => s.Name())];

    private static async Task ListAsync(HttpContext context, long id, Database database, Cursors cursors)
    {
        var cancel = context.RequestAborted;
        var caller = Caller.Of(context);
        var query = new Query(context.Request);
        var page = await cursors.ReadAsync(query, ["id"], "id", caller.MerchantId, cancel);
        var values = new List<object?> { id };
        var conditions = new List<string> { "i.coupon_id = $1" };
        if (query.Word("state", StateNames) is { } state)
        {
            values.Add(state);
            conditions.Add($"{Instance.StateSql} = ${values.Count}");
        }

        if (query.Id("customer_id") is { } customer)
        {
            values.Add(customer);
            conditions.Add($"i.customer_id = ${values.Count}");
        }

        await using var work = await database.BeginAsync(cancel);
        var coupon = await CouponStore.FindAsync(work, id, caller.MerchantId, forUpdate: false, cancel);
        if ((query.Finish() ?? (coupon is null ? Entry.NotFound : null)) is { } refusal)
        {
            await Problems.WriteAsync(context, refusal);
            return;
        }

        if (page.After is [{ } last, ..])
        {
            values.Add(last);
            conditions.Add($"i.id {(page.Descending ? '<' : '>')} ${values.Count}::text::bigint");
        }

        var rows = new List<Instance>(page.Fetch);
        await using (
            var command = work.Command(
                $"""
                select {Instance.Columns} from coupons.instance i where {string.Join(" and ", conditions)}
                order by i.id {(page.Descending ? "desc" : "asc")} limit {page.Fetch}
                """,
                values.ToArray()
            )
        )
        await using (var row = await command.ExecuteReaderAsync(cancel))
        {
            while (await row.ReadAsync(cancel))
            {
                rows.Add(Instance.Read(row, caller.Can(Permissions.CouponsBulk)));
            }
        }

        static string?[] KeyOf(Instance unit)
        {
            var key = unit.Id.ToString(CultureInfo.InvariantCulture);
            return [key, key];
        }

        await page.Answer(context, rows, static r => r, KeyOf).SendAsync(context);
    }

    private static async Task GetAsync(HttpContext context, long id, long unit, Database database)
    {
        var cancel = context.RequestAborted;
        var caller = Caller.Of(context);
        await using var work = await database.BeginAsync(cancel);
        var withCode = caller.Can(Permissions.CouponsBulk);
        var found = await Instances.FindAsync(work, id, unit, caller.MerchantId, withCode, cancel);
        var answer = found is null
            ? HttpAnswer.Refused(context, Entry.NotFound)
            : HttpAnswer.Json(200, found, etag: ETags.Of(found.Version));
        await answer.SendAsync(context);
    }

    private static Task EndAsync(
        HttpContext context,
        long id,
        long unit,
        Database database,
        ILogger log,
        InstanceState to
    ) =>
        CatalogueChange.OnAsync(
            context,
            database,
            (work, actor) =>
                Instances.FindAsync(work, id, unit, actor.MerchantId, withCode: false, CancellationToken.None),
            async (work, before, actor) =>
            {
                var cancel = CancellationToken.None;
                // The version is optional here: the lock alone lets exactly one of several succeed.
                var isConditional = context.Request.Headers.IfMatch.Count > 0;
                if (isConditional && ETags.Check(context, ETags.Of(before.Version)) is { } stale)
                {
                    return HttpAnswer.Refused(context, stale);
                }

                long? expected = isConditional ? before.Version : null;
                if (await Instances.EndAsync(work, id, unit, to, expected, actor, cancel) is { } refusal)
                {
                    TransitionMeter.Refused(log, unit, before.State, to, refusal, actor);
                    return HttpAnswer.Refused(context, refusal);
                }

                var withCode = Caller.Of(context).Can(Permissions.CouponsBulk);
                var after = await Instances.FindAsync(work, id, unit, null, withCode, cancel);
                return HttpAnswer.Json(200, after, etag: ETags.Of(after!.Version));
            }
        );

    private static Task IssueAsync(HttpContext context, long id, Database database) =>
        CatalogueChange.OnAsync(
            context,
            database,
            (work, actor) =>
                CouponStore.FindAsync(work, id, actor.MerchantId, forUpdate: false, CancellationToken.None),
            async (work, coupon, fields, actor) =>
            {
                var cancel = CancellationToken.None;
                var wanted = await IssueUnits.ReadAsync(work, fields, cancel);
                if (fields.Finish() is { } wrong)
                {
                    return HttpAnswer.Refused(context, wrong);
                }

                var (units, no) = await IssueUnits.RunAsync(work, coupon, wanted!, actor, cancel);
                if (units is null)
                {
                    return HttpAnswer.Refused(context, no!);
                }

                Guid? operation =
                    units.Count > 1
                        ? await CodeOperation.RecordAsync(work, coupon, wanted!.Prefix ?? "", units, actor, cancel)
                        : null;
                return HttpAnswer.Json(
                    201,
                    new Issued([.. units.Select(static u => new IssuedUnit(u.Id, u.Code, u.CustomerId))], operation)
                );
            },
            required: true
        );

    /// <summary>Units and their codes.</summary>
    /// <param name="Data">In the order of the request.</param>
    /// <param name="OperationId">As which several units can be withdrawn as a unit; null for one alone.</param>
    private sealed record Issued(IReadOnlyList<IssuedUnit> Data, Guid? OperationId);

    /// <summary>A unit that was issued.</summary>
    private sealed record IssuedUnit(long Id, string Code, Guid? CustomerId);
}
