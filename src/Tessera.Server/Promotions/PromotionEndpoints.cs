using Microsoft.AspNetCore.Builder;
using Microsoft.AspNetCore.Http;
using Microsoft.AspNetCore.Routing;
using Tessera.Core;
using Tessera.Core.Promotions;
using Tessera.Server.Access;
using Tessera.Server.Coupons;
using Tessera.Server.Platform;
using Tessera.Server.Platform.Http;
using Tessera.Server.Promotions.Segments;

namespace Tessera.Server.Promotions;

/// <summary>Promotions over HTTP (RUL-12). A key that acts for a merchant sees and changes that merchant's alone.</summary>
internal static class PromotionEndpoints
{
    private const string Path = "/api/v1/promotions/";

    private static readonly string[] States = ["active", "inactive"];

    private static readonly Dictionary<string, (string Sql, string Type)> Sorts = new(StringComparer.Ordinal)
    {
        ["created_at"] = ("p.created_at", "timestamptz"),
        ["apply_order"] = ("p.apply_order", "integer"),
        ["name"] = ("p.name", "text"),
    };

    public static void Map(IEndpointRouteBuilder api)
    {
        var promotions = api.MapGroup("/promotions").WithTags("Promotions");
        var view = PromotionSamples.View;
        promotions
            .MapGet("", ListAsync)
            .WithName("listPromotions")
            .WithSummary("List promotions")
            .RequirePermission(Permissions.PromotionsRead)
            .WithPages([.. Sorts.Keys])
            .WithQuery("state", "string", "Only those that are switched on, or off.", States)
            .WithQuery("coupon_id", "integer", "Only the one that prices the codes of this coupon.")
            .WithQuery("search", "string", "Part of the name.")
            .WithAnswer(200, new Page<PromotionView>([view with { Warnings = null }], false, null), "A page.");
        promotions
            .MapPost("", CreateAsync)
            .WithName("createPromotion")
            .WithSummary("Create a promotion, switched off")
            .RequirePermission(Permissions.PromotionsWrite)
            .WithBody(PromotionSamples.Definition)
            .WithIdempotencyKey(required: false)
            .WithAnswer(201, view, "Created; Location is its address. Warnings say what should be looked at.");
        promotions
            .MapGet("/{id:guid}", GetAsync)
            .WithName("getPromotion")
            .WithSummary("Read a promotion, with what should be looked at")
            .RequirePermission(Permissions.PromotionsRead)
            .WithAnswer(200, view, "The present version, with its ETag.");
        promotions
            .MapGet("/{id:guid}/versions/{version:int}", GetVersionAsync)
            .WithName("getPromotionVersion")
            .WithSummary("Read a promotion as it was in one version; receipts name versions")
            .RequirePermission(Permissions.PromotionsRead)
            .WithAnswer(200, view with { Warnings = null }, "That version; it never changes.");
        promotions
            .MapPut("/{id:guid}", ReplaceAsync)
            .WithName("replacePromotion")
            .WithSummary("Replace a promotion's definition: a new version, in the same state")
            .RequirePermission(Permissions.PromotionsWrite)
            .WithIfMatch()
            .WithBody(PromotionSamples.Definition)
            .WithAnswer(200, view, "The new version, with its ETag.");
        promotions
            .MapDelete("/{id:guid}", DeleteAsync)
            .WithName("deletePromotion")
            .WithSummary("Delete a promotion; its versions and receipts stay")
            .RequirePermission(Permissions.PromotionsWrite)
            .WithIfMatch()
            .WithAnswer(204, "It is gone, or was before.");
        foreach (var on in (bool[])[true, false])
        {
            promotions
                .MapPost(
                    on ? "/{id:guid}/activate" : "/{id:guid}/deactivate",
                    (HttpContext context, Guid id, Database database) => SwitchAsync(context, id, database, on)
                )
                .WithName(on ? "activatePromotion" : "deactivatePromotion")
                .WithSummary($"Switch a promotion {(on ? "on" : "off")}, from the next price on")
                .RequirePermission(Permissions.PromotionsWrite)
                .WithIdempotencyKey(required: false)
                .WithAnswer(200, view, "The present version, with its ETag; a new one if that changed anything.");
        }
    }

    private static async Task ListAsync(HttpContext context, Database database, Cursors cursors)
    {
        var merchant = Caller.Of(context).MerchantId;
        var query = new Query(context.Request);
        var page = await cursors.ReadAsync(query, [.. Sorts.Keys], "-created_at", merchant, context.RequestAborted);
        var rows = new PageRows("p.deleted_at is null");
        rows.Equal("p.merchant_id", merchant);
        rows.Equal("p.state", query.Word("state", States));
        rows.Equal("p.coupon_id", query.Integer("coupon_id", 1, Fields.MaximumInteger));
        rows.Where("position(lower({}) in lower(p.name)) > 0", query.Text("search", 200));
        var promotions = new Listed<StoredPromotion>(
            $"select {StoredPromotion.Columns} from promotions.promotion p",
            Sorts[page.Sort],
            ("p.id", "uuid"),
            static row => StoredPromotion.Read(row),
            p => KeyOf(p, page.Sort)
        );
        await rows.AnswerAsync(context, database, query, page, promotions, static p => p.View());
    }

    private static string?[] KeyOf(StoredPromotion promotion, string sort) =>
        [
            sort switch
            {
                "name" => promotion.Draft.Name,
                "apply_order" => promotion.Draft.Promotion.Priority.ToString(
                    System.Globalization.CultureInfo.InvariantCulture
                ),
                _ => PageRequest.KeyOf(promotion.CreatedAt),
            },
            promotion.Id.ToString(),
        ];

    private static Task CreateAsync(HttpContext context, Database database, PromotionCatalogue catalogue) =>
        CatalogueChange.RunAsync(
            context,
            database,
            async (work, fields, actor) =>
            {
                var cancel = CancellationToken.None;
                var id = Guid.CreateVersion7();
                var draft = PromotionJson.Read(fields, id.ToString(), version: 1, active: false);
                var book = await catalogue.BookAsync(actor.MerchantId, cancel);
                var warnings = await CheckAsync(work, fields, draft, id, actor.MerchantId, book);
                if (fields.Finish() is { } wrong)
                {
                    return HttpAnswer.Refused(context, wrong);
                }

                var now = await work.ClockAsync(cancel);
                var stored = await PromotionStore.InsertAsync(work, id, draft!, actor, now, cancel);
                return Reply(stored, 201, warnings);
            }
        );

    private static async Task GetAsync(HttpContext context, Guid id, Database database, PromotionCatalogue catalogue)
    {
        var (cancel, caller) = (context.RequestAborted, Caller.Of(context));
        await using var work = await database.BeginAsync(cancel);
        var stored = await PromotionStore.FindAsync(work, id, caller.MerchantId, forUpdate: false, cancel);
        if (stored is null)
        {
            await Problems.WriteAsync(context, Entry.NotFound);
            return;
        }

        // What is active beside it changes without a change of its own: the answer is never "not modified".
        var book = await catalogue.BookAsync(stored.MerchantId, cancel);
        await Reply(stored, 200, PromotionJson.Warnings(stored.Draft, book.Beside(stored.Id))).SendAsync(context);
    }

    private static async Task GetVersionAsync(HttpContext context, Guid id, int version, Database database)
    {
        var (cancel, caller) = (context.RequestAborted, Caller.Of(context));
        await using var work = await database.BeginAsync(cancel);
        var stored = await PromotionStore.FindVersionAsync(work, id, version, caller.MerchantId, cancel);
        var answer = stored is null
            ? HttpAnswer.Refused(context, Entry.NotFound)
            : HttpAnswer.Resource(context, stored.View(), ETags.Of(stored.Version));
        await answer.SendAsync(context);
    }

    private static Task ReplaceAsync(HttpContext context, Guid id, Database database, PromotionCatalogue catalogue) =>
        CatalogueChange.OnAsync(
            context,
            database,
            (work, actor) =>
                PromotionStore.FindAsync(work, id, actor.MerchantId, forUpdate: true, CancellationToken.None),
            async (work, before, fields, actor) =>
            {
                var cancel = CancellationToken.None;
                var draft = PromotionJson.Read(fields, id.ToString(), before.Version + 1, before.IsActive);
                var book = await catalogue.BookAsync(before.MerchantId, cancel);
                var warnings = await CheckAsync(work, fields, draft, id, before.MerchantId, book);
                if ((fields.Finish() ?? ETags.Check(context, ETags.Of(before.Version))) is { } no)
                {
                    return HttpAnswer.Refused(context, no);
                }

                var now = await work.ClockAsync(cancel);
                var stored = await PromotionStore.UpdateAsync(
                    work,
                    before,
                    draft!,
                    "promotion.updated",
                    actor,
                    now,
                    cancel
                );
                return Reply(stored, 200, warnings);
            }
        );

    private static Task SwitchAsync(HttpContext context, Guid id, Database database, bool on) =>
        CatalogueChange.OnAsync(
            context,
            database,
            (work, actor) =>
                PromotionStore.FindAsync(work, id, actor.MerchantId, forUpdate: true, CancellationToken.None),
            async (work, stored, actor) =>
            {
                var cancel = CancellationToken.None;
                if (stored.IsActive != on)
                {
                    var promotion = stored.Draft.Promotion with { Active = on, Version = stored.Version + 1 };
                    stored = await PromotionStore.UpdateAsync(
                        work,
                        stored,
                        stored.Draft with
                        {
                            Promotion = promotion,
                        },
                        on ? "promotion.activated" : "promotion.deactivated",
                        actor,
                        await work.ClockAsync(cancel),
                        cancel
                    );
                }

                return Reply(stored, 200, null);
            }
        );

    private static Task DeleteAsync(HttpContext context, Guid id, Database database) =>
        CatalogueChange.RunAsync(
            context,
            database,
            async (work, actor) =>
            {
                var cancel = CancellationToken.None;
                var stored = await PromotionStore.FindAsync(work, id, actor.MerchantId, forUpdate: true, cancel);
                if (stored is null)
                {
                    return await PromotionStore.WasDeletedAsync(work, id, actor.MerchantId, cancel)
                        ? HttpAnswer.NoContent
                        : HttpAnswer.Refused(context, Entry.NotFound);
                }

                if (ETags.Check(context, ETags.Of(stored.Version)) is { } no)
                {
                    return HttpAnswer.Refused(context, no);
                }

                var now = await work.ClockAsync(cancel);
                await PromotionStore.DeleteAsync(work, stored, actor, now, cancel);
                return HttpAnswer.NoContent;
            }
        );

    /// <summary>Everything that keeps a draft from being saved goes to the fields; what should be looked at comes back.</summary>
    private static async Task<IReadOnlyList<PromotionWarning>> CheckAsync(
        UnitOfWork work,
        Fields fields,
        PromotionDraft? draft,
        Guid id,
        Guid? merchant,
        CompiledPromotions book
    )
    {
        if (draft is null)
        {
            return [];
        }

        if (draft.CouponId is { } coupon)
        {
            var (isThere, isTaken) = await PromotionStore.CouponAsync(
                work,
                coupon,
                id,
                merchant,
                CancellationToken.None
            );
            if (!isThere)
            {
                fields.Add("coupon_id", "unknown_reference", "There is no coupon with this id.");
            }
            else if (isTaken)
            {
                fields.Add("coupon_id", "taken", "Another promotion prices the codes of this coupon.");
            }
        }

        await AskedSegments.CheckAsync(work, fields, draft.Promotion, merchant, CancellationToken.None);
        return PromotionJson.Check(fields, draft, book.Beside(id));
    }

    private static HttpAnswer Reply(StoredPromotion stored, int status, IReadOnlyList<PromotionWarning>? warnings) =>
        HttpAnswer.Json(
            status,
            stored.View(warnings),
            status == 201 ? Path + stored.Id : null,
            ETags.Of(stored.Version)
        );
}
