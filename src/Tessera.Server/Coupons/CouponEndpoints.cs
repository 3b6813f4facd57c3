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
            .WithQuery("status", "string", "One or more of the derived states, or all.", CouponList.Statuses)
            .WithQuery("discountType", "string", "Only this kind.", ["all", .. CouponRules.DiscountTypes])
            .WithQuery("applicableTo", "string", "Only these.", [.. CouponRules.Applicability])
            .WithQuery("campaign", "string", "Campaign source or campaign id.")
            .WithQuery("merchant", "string", "Id of the merchant.")
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
        var list = await CouponList.ReadAsync(query, cursors, Caller.Of(context).MerchantId, cancel);
        if (query.Finish() is { } refusal)
        {
            await Problems.WriteAsync(context, refusal);
            return;
        }

        await list.SearchAsync(database.Source, cancel);
        var rows = new List<(Coupon Coupon, string[] Keys)>(list.Page.Fetch);
        await using (var command = list.Command(database.Source))
        await using (var row = await command.ExecuteReaderAsync(cancel))
        {
            while (await row.ReadAsync(cancel))
            {
                var coupon = Coupon.Read(row);
                var id = coupon.Id.ToString(CultureInfo.InvariantCulture);
                rows.Add((coupon, [.. row.GetFieldValue<string[]>(44), id]));
            }
        }

        long? total = null;
        if (list.WithTotal)
        {
            await using var counting = list.Count(database.Source);
            total = (long)(await counting.ExecuteScalarAsync(cancel))!;
        }

        var page = list.Page.Answer(context, rows, static r => r.Coupon.ToJson(), static r => r.Keys, total);
        await page.SendAsync(context);
    }

    private static async Task CreateAsync(HttpContext context, Database database)
    {
        var caller = Caller.Of(context);
        if (await RequestBody.TakeAsync(context) is not { } body)
        {
            return;
        }

        await Idempotent.RunAsync(
            context,
            database,
            caller.ClientId,
            body!.Bytes,
            async work =>
            {
                var cancel = context.RequestAborted;
                var now = await work.ClockAsync(cancel);
                var (draft, wrong) = await ReadDraftAsync(work, body, caller, startIsNew: true, now, cancel);
                if (wrong is not null)
                {
                    return HttpAnswer.Refused(context, wrong);
                }

                var (id, no) = await Catalogue.CreateAsync(work, draft!, ActorOf(context, caller), now, cancel);
                return no is null ? await ReplyAsync(work, id, 201, cancel) : HttpAnswer.Refused(context, no);
            }
        );
    }

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

    private static async Task UpdateAsync(HttpContext context, long id, Database database)
    {
        var caller = Caller.Of(context);
        var cancel = context.RequestAborted;
        if (await RequestBody.TakeAsync(context) is not { } body)
        {
            return;
        }

        await using var work = await database.BeginAsync(cancel);
        var before = await CouponStore.FindAsync(work, id, caller.MerchantId, forUpdate: true, cancel);
        var no = before is null ? Entry.NotFound : ETags.Check(context, ETags.Of(before.Version));
        if (no is null)
        {
            var now = await work.ClockAsync(cancel);
            var (draft, wrong) = await ReadDraftAsync(work, body!, caller, startIsNew: false, now, cancel, before);
            no = wrong ?? await Catalogue.UpdateAsync(work, before!, draft!, ActorOf(context, caller), now, cancel);
        }

        await FinishAsync(context, work, id, no, cancel);
    }

    private static async Task DeleteAsync(HttpContext context, long id, Database database)
    {
        var caller = Caller.Of(context);
        var cancel = context.RequestAborted;
        await using var work = await database.BeginAsync(cancel);
        var coupon = await CouponStore.FindAsync(work, id, caller.MerchantId, forUpdate: true, cancel);
        if (coupon is null)
        {
            // Convention 5: repeating a DELETE answers 204; what never was, or is not the caller's, is not found.
            if (await WasDeletedAsync(work, id, caller.MerchantId, cancel))
            {
                context.Response.StatusCode = StatusCodes.Status204NoContent;
                return;
            }

            await Problems.WriteAsync(context, Entry.NotFound);
            return;
        }

        if (ETags.Check(context, ETags.Of(coupon.Version)) is { } refusal)
        {
            await Problems.WriteAsync(context, refusal);
            return;
        }

        await CouponStore.DeleteAsync(work, coupon, ActorOf(context, caller), await work.ClockAsync(cancel), cancel);
        await work.CommitAsync(cancel);
        context.Response.StatusCode = StatusCodes.Status204NoContent;
    }

    private static async Task SwitchAsync(HttpContext context, long id, Database database, bool on)
    {
        var caller = Caller.Of(context);
        var cancel = context.RequestAborted;
        await using var work = await database.BeginAsync(cancel);
        var coupon = await CouponStore.FindAsync(work, id, caller.MerchantId, forUpdate: true, cancel);
        if (coupon is not null && coupon.IsActive != on)
        {
            var now = await work.ClockAsync(cancel);
            await CouponStore.SwitchAsync(work, coupon, on, ActorOf(context, caller), now, cancel);
        }

        await FinishAsync(context, work, id, coupon is null ? Entry.NotFound : null, cancel);
    }

    private static async Task CheckCodeAsync(HttpContext context, string code, Database database)
    {
        var isCode = CouponCode.TryNormalise(code, out var normal);
        await using var work = await database.BeginAsync(context.RequestAborted);
        var taken = isCode ? await CouponStore.TakenAsync(work, [normal], context.RequestAborted) : [];
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

    private static async Task<(CouponDraft? Draft, Refusal? Refusal)> ReadDraftAsync(
        UnitOfWork work,
        RequestBody body,
        Caller caller,
        bool startIsNew,
        DateTimeOffset now,
        CancellationToken cancel,
        Coupon? before = null
    )
    {
        var fields = Fields.Of(body);
        var draft = CouponRequests.Read(fields, caller.MerchantId);
        var isNewStart = startIsNew || before?.ValidFrom != draft.ValidFrom;
        fields.Add(await Catalogue.CheckAsync(work, draft, isNewStart, now, cancel));
        return fields.Finish() is { } refusal ? (null, refusal) : (draft, null);
    }

    private static async Task FinishAsync(
        HttpContext context,
        UnitOfWork work,
        long id,
        Refusal? refusal,
        CancellationToken cancel
    )
    {
        if (refusal is not null)
        {
            await Problems.WriteAsync(context, refusal);
            return;
        }

        var answer = await ReplyAsync(work, id, 200, cancel);
        await work.CommitAsync(cancel);
        await answer.SendAsync(context);
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

    private static CatalogueActor ActorOf(HttpContext context, Caller caller) =>
        new(caller.Actor, RequestIds.Of(context), caller.MerchantId);

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
