using System.Globalization;
using System.Text.Json.Serialization;
using Microsoft.AspNetCore.Builder;
using Microsoft.AspNetCore.Http;
using Microsoft.AspNetCore.Routing;
using Npgsql;
using Tessera.Core;
using Tessera.Core.Codes;
using Tessera.Core.Coupons;
using Tessera.Server.Access;
using Tessera.Server.Access.Limits;
using Tessera.Server.Platform;
using Tessera.Server.Platform.Http;

namespace Tessera.Server.Coupons;

/// <summary>The admin endpoints of coupons (A.1), with the names and plain numbers of the appendix.</summary>
internal static class CouponEndpoints
{
    private const string Path = "/api/v1/admin/coupons/";

    public static void Map(IEndpointRouteBuilder api)
    {
        var coupons = api.MapGroup("/admin/coupons").WithTags("Coupons");
        coupons
            .MapGet("", ListAsync)
            .WithName("listCoupons")
            .DescribeCouponList()
            .WithSummary("List, filter, sort and search coupons")
            .RequirePermission(Permissions.CouponsRead)
            .WithQuery("limit", "integer", "Most rows of the page: 1 to 100, 25 unless given.")
            .WithQuery("cursor", "string", "The next_cursor of the page before.")
            .WithQuery("sort", "string", "Up to five of " + CouponList.SortNames + ", each with _asc or _desc.")
            .WithQuery("count", "boolean", "Whether to count the rows of all pages.")
            .WithCouponFilters();
        coupons
            .MapGet("/status-counts", CountAsync)
            .WithName("countCoupons")
            .WithSummary("Count coupons by status, with the filters of the list")
            .RequirePermission(Permissions.CouponsRead)
            .WithCouponFilters()
            .WithAnswer(
                200,
                new CouponCounts(12_480, 9_300, 700, 180, 2_100, 170, 30),
                "Of all pages together. The status asked for does not count here: each has its own figure."
            );
        coupons
            .MapPost("", CreateAsync)
            .WithName("createCoupon")
            .DescribeCreate()
            .WithSummary("Create a coupon")
            .RequirePermission(Permissions.CouponsWrite);
        coupons
            .MapGet("/{id:long}", GetAsync)
            .WithName("getCoupon")
            .DescribeCoupon()
            .WithSummary("Read one coupon")
            .RequirePermission(Permissions.CouponsRead);
        coupons
            .MapPut("/{id:long}", UpdateAsync)
            .WithName("updateCoupon")
            .DescribeUpdate()
            .WithSummary("Replace a coupon's definition")
            .RequirePermission(Permissions.CouponsWrite);
        coupons
            .MapDelete("/{id:long}", DeleteAsync)
            .WithName("deleteCoupon")
            .DescribeDelete()
            .WithSummary("Take a coupon out of use; its history stays")
            .RequirePermission(Permissions.CouponsWrite);
        coupons
            .MapPost("/{id:long}/restore", RestoreAsync)
            .WithName("restoreCoupon")
            .DescribeSwitch()
            .WithSummary("Bring back a coupon that was deleted, as it was")
            .RequirePermission(Permissions.CouponsWrite);
        coupons
            .MapPost(
                "/{id:long}/activate",
                (HttpContext context, long id, Database database) => SwitchAsync(context, id, database, on: true)
            )
            .WithName("activateCoupon")
            .DescribeSwitch()
            .WithSummary("Switch a coupon on")
            .RequirePermission(Permissions.CouponsWrite);
        coupons
            .MapPost(
                "/{id:long}/deactivate",
                (HttpContext context, long id, Database database) => SwitchAsync(context, id, database, on: false)
            )
            .WithName("deactivateCoupon")
            .DescribeSwitch()
            .WithSummary("Switch a coupon off, from the next attempt on")
            .RequirePermission(Permissions.CouponsWrite);
        coupons
            .MapGet("/codes/{code}", CheckCodeAsync)
            .WithName("checkCode")
            .WithSummary("Whether a code is taken")
            .RequirePermission(Permissions.CouponsWrite)
            .TakesCodes()
            .WithAnswer(
                200,
                new CodeCheck("SPRING27", true, false),
                "In its normal form; whether it can be one, and is taken."
            );
        coupons
            .MapPost("/codes", SuggestAsync)
            .WithName("suggestCode")
            .WithSummary("An unused code of a shape")
            .RequirePermission(Permissions.CouponsWrite)
            .WithBody(new CodeShape("SAVE", true, false, true, 12))
            .WithAnswer(200, new SuggestedCode("SAVE20268K3Q"), "A code nobody has yet; it is not kept for you.");
    }

    private static async Task ListAsync(HttpContext context, Database database, Cursors cursors)
    {
        var cancel = context.RequestAborted;
        var query = new Query(context.Request);
        var list = await CouponList.ReadAsync(
            query,
            cursors,
            Caller.Of(context).MerchantId,
            cancel,
            Caller.Of(context).Can(Permissions.FinanceRead)
        );
        if (query.Finish() is { } refusal)
        {
            await Problems.WriteAsync(context, refusal);
            return;
        }

        await list.SearchAsync(database.Search, cancel);
        var rows = await list.ReadAsync(database.Search, cancel);
        long? total = null;
        if (list.WithTotal)
        {
            await using var counting = list.Count(database.Search);
            total = (long)(await counting.ExecuteScalarAsync(cancel))!;
        }

        var page = list.Page.Answer(context, rows, static r => r.Coupon.ToJson(), static r => r.Keys, total);
        await page.SendAsync(context);
    }

    /// <summary>The filters of the list (A.3, A.14, OPS-01).</summary>
    private static RouteHandlerBuilder WithCouponFilters(this RouteHandlerBuilder operation) =>
        operation
            .WithQuery("status", "string", "One or more of the derived states, or all.", CouponList.Statuses)
            .WithQuery("discountType", "string", "Only this kind.", ["all", .. CouponRules.DiscountTypes])
            .WithQuery("applicableTo", "string", "Only these.", [.. CouponRules.Applicability])
            .WithQuery("campaign", "string", "Campaign source or campaign id.")
            .WithQuery("merchant", "string", "Id of the merchant.")
            .WithQuery("offer", "string", "The external id of the offer it was made from.")
            .WithQuery("customer", "string", "Those this customer holds a unit of, or has used.")
            .WithQuery(
                "search",
                "string",
                "Part of code, internal name, description or campaign source; typos forgiven."
            )
            .WithQuery("dateRange.field", "string", "What the dates are of.", ["created", "expires", "lastUsed"])
            .WithQuery("dateRange.from", "string", "A date, or a time with its offset.")
            .WithQuery("dateRange.to", "string", "A date, which counts whole, or a time with its offset.")
            .WithQuery("dateRange.preset", "string", "Instead of from and to.", CouponList.Presets)
            .WithQuery("usageRange.min", "string", "Least number of uses.")
            .WithQuery("usageRange.max", "string", "Greatest number of uses.")
            .WithQuery("revenueRange.min", "string", "Least revenue, in major units.")
            .WithQuery("revenueRange.max", "string", "Greatest revenue, in major units.")
            .WithQuery("conversionRange.min", "string", "Least share of attempts that were accepted, 0 to 1.")
            .WithQuery("conversionRange.max", "string", "Greatest share of attempts that were accepted, 0 to 1.");

    private static async Task CountAsync(HttpContext context, Database database)
    {
        var (cancel, caller) = (context.RequestAborted, Caller.Of(context));
        var query = new Query(context.Request);
        var list = CouponList.Matching(query, caller.MerchantId, withMoney: caller.Can(Permissions.FinanceRead));
        if (query.Finish() is { } refusal)
        {
            await Problems.WriteAsync(context, refusal);
            return;
        }

        await list.SearchAsync(database.Search, cancel);
        await HttpAnswer.Json(200, await list.CountByStatusAsync(database.Search, cancel)).SendAsync(context);
    }

    private static Task CreateAsync(HttpContext context, Database database) =>
        CatalogueChange.RunAsync(
            context,
            database,
            async (work, fields, actor) =>
            {
                var cancel = CancellationToken.None;
                var now = await work.ClockAsync(cancel);
                var (draft, wrong) = await ReadDraftAsync(work, fields, actor.MerchantId, before: null, now, cancel);
                if (wrong is not null)
                {
                    return HttpAnswer.Refused(context, wrong);
                }

                var (id, no) = await Catalogue.CreateAsync(work, draft!, actor, now, cancel);
                return no is null ? await ReplyAsync(work, id, 201, cancel) : HttpAnswer.Refused(context, no);
            }
        );

    private static async Task GetAsync(HttpContext context, long id, Database database)
    {
        await using var work = await database.BeginAsync(context.RequestAborted);
        var merchant = Caller.Of(context).MerchantId;
        var coupon = await CouponStore.FindAsync(work, id, merchant, forUpdate: false, context.RequestAborted);
        var answer = coupon is null
            ? HttpAnswer.Refused(context, Entry.NotFound)
            : HttpAnswer.Resource(context, coupon.ToJson(), ETags.Of(coupon.Version));
        await answer.SendAsync(context);
    }

    private static Task UpdateAsync(HttpContext context, long id, Database database) =>
        CatalogueChange.OnAsync(
            context,
            database,
            (work, actor) => CouponStore.FindAsync(work, id, actor.MerchantId, forUpdate: true, CancellationToken.None),
            async (work, before, fields, actor) =>
            {
                var cancel = CancellationToken.None;
                if (ETags.Check(context, ETags.Of(before.Version)) is { } stale)
                {
                    return HttpAnswer.Refused(context, stale);
                }

                var now = await work.ClockAsync(cancel);
                var (draft, wrong) = await ReadDraftAsync(work, fields, actor.MerchantId, before, now, cancel);
                var no = wrong ?? await Catalogue.UpdateAsync(work, before, draft!, actor, now, cancel);
                return no is null ? await ReplyAsync(work, id, 200, cancel) : HttpAnswer.Refused(context, no);
            }
        );

    private static Task DeleteAsync(HttpContext context, long id, Database database) =>
        CatalogueChange.RunAsync(
            context,
            database,
            async (work, actor) =>
            {
                var cancel = CancellationToken.None;
                var coupon = await CouponStore.FindAsync(work, id, actor.MerchantId, forUpdate: true, cancel);
                if (coupon is null)
                {
                    // Convention 5: repeating a DELETE answers 204; what never was, or is not the caller's, is not found.
                    return await WasDeletedAsync(work, id, actor.MerchantId, cancel)
                        ? HttpAnswer.NoContent
                        : HttpAnswer.Refused(context, Entry.NotFound);
                }

                if (ETags.Check(context, ETags.Of(coupon.Version)) is { } refusal)
                {
                    return HttpAnswer.Refused(context, refusal);
                }

                await CouponStore.DeleteAsync(work, coupon, actor, await work.ClockAsync(cancel), cancel);
                return HttpAnswer.NoContent;
            }
        );

    /// <summary>What is in use already stays as it is: a restore that is asked for twice restores once.</summary>
    private static Task RestoreAsync(HttpContext context, long id, Database database) =>
        CatalogueChange.RunAsync(
            context,
            database,
            async (work, actor) =>
            {
                var cancel = CancellationToken.None;
                await CouponStore.RestoreAsync(work, id, actor, await work.ClockAsync(cancel), cancel);
                return await CouponStore.FindAsync(work, id, actor.MerchantId, forUpdate: false, cancel) is null
                    ? HttpAnswer.Refused(context, Entry.NotFound)
                    : await ReplyAsync(work, id, 200, cancel);
            }
        );

    private static Task SwitchAsync(HttpContext context, long id, Database database, bool on) =>
        CatalogueChange.OnAsync(
            context,
            database,
            (work, actor) => CouponStore.FindAsync(work, id, actor.MerchantId, forUpdate: true, CancellationToken.None),
            async (work, coupon, actor) =>
            {
                var cancel = CancellationToken.None;
                if (coupon.IsActive != on)
                {
                    var now = await work.ClockAsync(cancel);
                    await CouponStore.SwitchAsync(work, coupon, on, actor, now, cancel);
                }

                return await ReplyAsync(work, id, 200, cancel);
            }
        );

    private static async Task CheckCodeAsync(HttpContext context, string code, Database database)
    {
        var isCode = CouponCode.TryNormalise(code, out var normal);
        await using var work = await database.BeginAsync(context.RequestAborted);
        var taken = isCode ? await CouponStore.TakenAsync(work, [normal], context.RequestAborted) : [];
        // Whoever asks for code after code learns which exist, of other merchants too: counted like any other guess.
        context.CodesNotFound(taken.Count > 0 ? 0 : 1);
        await HttpAnswer.Json(200, new CodeCheck(normal, isCode, taken.Count > 0)).SendAsync(context);
    }

    private static async Task SuggestAsync(HttpContext context, Database database)
    {
        var (body, refusal) = await RequestBody.ReadAsync(context);
        string? code = null;
        if (refusal is null)
        {
            var fields = Fields.Of(body!);
            var prefix = fields.Text("prefix", 20, required: false);
            var options = new CodeOptions(
                prefix is not null && CouponCode.TryNormalise(prefix, out var normal) ? normal : prefix,
                fields.Flag("includeYear", required: false) ?? false,
                fields.Flag("includeMonth", required: false) ?? false,
                fields.Flag("randomSuffix", required: false) ?? false,
                (int?)fields.Integer("length", int.MinValue, int.MaxValue, required: false)
            );
            fields.Add(options.Validate());
            refusal = fields.Finish();
            if (refusal is null)
            {
                await using var work = await database.BeginAsync(context.RequestAborted);
                var now = await work.ClockAsync(context.RequestAborted);
                (code, refusal) = await Catalogue.SuggestAsync(work, options, now, context.RequestAborted);
            }
        }

        if (refusal is not null)
        {
            await Problems.WriteAsync(context, refusal);
            return;
        }

        await HttpAnswer.Json(200, new SuggestedCode(code!)).SendAsync(context);
    }

    /// <summary>Reads a coupon as it is wanted, in the place of what it was before, if it was.</summary>
    private static async Task<(CouponDraft? Draft, Refusal? Refusal)> ReadDraftAsync(
        UnitOfWork work,
        Fields fields,
        Guid? merchant,
        Coupon? before,
        DateTimeOffset now,
        CancellationToken cancel
    )
    {
        var draft = CouponRequests.Read(fields, merchant);
        fields.Add(await Catalogue.CheckAsync(work, draft, before, now, cancel));
        return await Catalogue.FinishAsync(work, fields, draft, before?.Code, cancel) is { } refusal
            ? (null, refusal)
            : (draft, null);
    }

    private static async Task<HttpAnswer> ReplyAsync(UnitOfWork work, long id, int status, CancellationToken cancel)
    {
        var coupon = await CouponStore.FindAsync(work, id, null, forUpdate: false, cancel);
        var location = status == 201 ? Path + id.ToString(CultureInfo.InvariantCulture) : null;
        return HttpAnswer.Json(status, coupon!.ToJson(), location, ETags.Of(coupon.Version));
    }

    private static async Task<bool> WasDeletedAsync(UnitOfWork work, long id, Guid? merchant, CancellationToken cancel)
    {
        await using var query = work.Command(
            "select exists (select from coupons.coupon where id = $1 and ($2::uuid is null or merchant_id = $2))",
            id,
            new NpgsqlParameter
            {
                Value = merchant ?? (object)DBNull.Value,
                NpgsqlDbType = NpgsqlTypes.NpgsqlDbType.Uuid,
            }
        );
        return (bool)(await query.ExecuteScalarAsync(cancel))!;
    }

    /// <summary>Whether a code can be one, and is taken.</summary>
    internal sealed record CodeCheck(string Code, bool Valid, bool Exists);

    /// <summary>The shape of a code (A.6).</summary>
    private sealed record CodeShape(
        string? Prefix = null,
        [property: JsonPropertyName("includeYear")] bool? IncludeYear = null,
        [property: JsonPropertyName("includeMonth")] bool? IncludeMonth = null,
        [property: JsonPropertyName("randomSuffix")] bool? RandomSuffix = null,
        int? Length = null
    );

    /// <summary>A code nobody has yet.</summary>
    internal sealed record SuggestedCode(string Code);
}
