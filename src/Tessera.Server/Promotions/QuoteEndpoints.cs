using Microsoft.AspNetCore.Builder;
using Microsoft.AspNetCore.Http;
using Microsoft.AspNetCore.Routing;
using Tessera.Core;
using Tessera.Core.Coupons;
using Tessera.Core.Promotions;
using Tessera.Server.Access;
using Tessera.Server.Access.Limits;
using Tessera.Server.Coupons;
using Tessera.Server.Platform;
using Tessera.Server.Platform.Http;

namespace Tessera.Server.Promotions;

/// <summary>Prices of carts over HTTP: nothing is held, nothing is used.</summary>
internal static class QuoteEndpoints
{
    private const int MaxPreviews = 10;

    public static void Map(IEndpointRouteBuilder api)
    {
        var quotes = api.MapGroup("/quotes").WithTags("Quotes");
        quotes
            .MapPost("", QuoteAsync)
            .WithName("quoteCart")
            .WithSummary("Price a cart with codes and automatic promotions, and say why")
            .WithRemark(
                "Nothing is held or used. Codes are judged as a redemption would judge them now. An unknown visitor is "
                    + "priced without limits per customer; a redemption asks who it is."
            )
            .RequirePermission(Permissions.QuotesPrice)
            .TakesCodes()
            .WithBody(QuoteSamples.Request)
            .WithIdempotencyKey(required: false)
            .WithAnswer(200, QuoteSamples.Answer, "The price, whatever became of the codes.")
            .WithRefusals(QuoteRequests.WrongChannel, QuoteRequests.WrongInstant);
        quotes
            .MapPost("/preview", PreviewAsync)
            .WithName("previewPromotion")
            .WithSummary("Price example carts with a promotion or coupon that is not saved")
            .WithRemark(
                "The draft is priced as if it were active and within its window, beside what is active unless alone is true."
            )
            .RequirePermission(Permissions.PromotionsRead)
            .TakesCodes()
            .WithBody(
                new PreviewRequest([QuoteSamples.Request with { Codes = null, CustomerId = null }])
                {
                    Promotion = PromotionSamples.Definition,
                }
            )
            .WithAnswer(
                200,
                new PreviewAnswer([QuoteSamples.Answer], QuoteSamples.Warnings),
                "One price for each cart, in order."
            )
            .WithRefusals(QuoteRequests.WrongChannel, QuoteRequests.WrongInstant);
    }

    private static async Task QuoteAsync(HttpContext context, Database database, Quoting quoting)
    {
        var caller = Caller.Of(context);
        if (await RequestBody.TakeAsync(context) is not { } body)
        {
            return;
        }

        var fields = Fields.Of(body);
        var call = QuoteRequests.Read(fields, caller);
        var refusal = fields.Finish() ?? QuoteRequests.Forbidden(call!.Wish, caller);
        if (refusal is not null)
        {
            await Problems.WriteAsync(context, refusal);
            return;
        }

        if (await PriceAsync(quoting, call!, [], context.RequestAborted) is not { } priced)
        {
            fields.Add("customer_id", "unknown_customer", "There is no customer with this id.");
            await Problems.WriteAsync(context, fields.Finish()!);
            return;
        }

        context.CodesNotFound(NotFound(priced));
        if (!call!.Keep)
        {
            await QuoteWriting.SendAsync(context, View(context, caller, priced, kept: null));
            return;
        }

        await Idempotent.RunAsync(
            context,
            database,
            caller.ClientId,
            body.Bytes,
            async work =>
            {
                var (id, merchant) = (Guid.CreateVersion7(), caller.MerchantId);
                var head = new ReceiptHead(id, "quote", null, merchant, caller.ClientId, call.Wish.CustomerId);
                await ReceiptStore.InsertAsync(work, head, priced, CancellationToken.None);
                return HttpAnswer.Json(200, View(context, caller, priced, id));
            }
        );
    }

    private static async Task PreviewAsync(HttpContext context, Quoting quoting, PromotionCatalogue catalogue)
    {
        var caller = Caller.Of(context);
        if (await RequestBody.TakeAsync(context) is not { } body)
        {
            return;
        }

        var cancel = context.RequestAborted;
        var fields = Fields.Of(body);
        var book = await catalogue.BookAsync(caller.MerchantId, cancel);
        var warnings = new List<PromotionWarning>();
        var drafts = Drafts(fields, caller, book, warnings);
        var alone = fields.Flag("alone", required: false) ?? false;
        var calls = fields.List(
            "carts",
            MaxPreviews,
            (item, place) => item.Object(place) is { } cart ? QuoteRequests.Read(cart, caller) : null
        );
        var refusal = fields.Finish();
        refusal ??= calls!
            .Select(call => QuoteRequests.Forbidden(call.Wish, caller))
            .FirstOrDefault(no => no is not null);
        if (refusal is not null)
        {
            await Problems.WriteAsync(context, refusal);
            return;
        }

        var answers = new List<QuoteAnswer>();
        var notFound = 0;
        for (var i = 0; i < calls!.Count; i++)
        {
            var wish = calls[i].Wish with { Alone = alone };
            wish = wish with
            {
                Cart = wish.Cart with
                {
                    Codes =
                    [
                        .. wish.Cart.Codes,
                        .. drafts
                            .Select(static d => d.Code)
                            .OfType<string>()
                            .Except(wish.Cart.Codes.Select(Quoting.NormalOf)),
                    ],
                },
            };
            if (await PriceAsync(quoting, calls[i] with { Wish = wish }, drafts, cancel) is not { } priced)
            {
                fields.Add($"carts.{i}.customer_id", "unknown_customer", "There is no customer with this id.");
                await Problems.WriteAsync(context, fields.Finish()!);
                return;
            }

            notFound += NotFound(priced);
            answers.Add(View(context, caller, priced, kept: null));
        }

        context.CodesNotFound(notFound);
        await HttpAnswer.Json(200, new PreviewAnswer(answers, warnings)).SendAsync(context);
    }

    private static int NotFound(PricedCart priced) =>
        priced.Quote.Rejected.Count(static r => r.Reason == Reasons.NotFound);

    /// <summary>The promotion and the coupon of a preview, each as if it were saved and switched on.</summary>
    private static List<Promotion> Drafts(
        Fields fields,
        Caller caller,
        CompiledPromotions book,
        List<PromotionWarning> warnings
    )
    {
        var drafts = new List<Promotion>();
        if (fields.Object("promotion", required: false) is { } promotion)
        {
            if (PromotionJson.Read(promotion, "draft", version: 1, active: true) is { } draft)
            {
                warnings.AddRange(PromotionJson.Check(promotion, draft, book.Beside(Guid.Empty)));
                drafts.Add(draft.Promotion with { ValidFrom = null, ValidUntil = null });
            }
        }

        if (fields.Object("coupon", required: false) is { } coupon)
        {
            var draft = CouponRequests.Read(coupon, caller.MerchantId);
            if (CouponDraftTerms.Of(draft) is { } terms)
            {
                var code = Quoting.NormalOf(draft.Code is { Length: > 0 } own ? own : "DRAFT");
                var priced = CouponPromotion.Of(terms, code, int.MaxValue) with { Id = "coupon" };
                var saved = new PromotionDraft("coupon", null, priced);
                warnings.AddRange(PromotionJson.Warnings(saved, book.Beside(Guid.Empty)));
                drafts.Add(priced with { MaxUsesPerCustomer = null });
            }
            else if (coupon.Errors.Count == 0)
            {
                coupon.Add("discount_value", "required", "A coupon gives a percentage, an amount or a session.");
            }
        }

        if (drafts.Count == 0 && fields.Errors.Count == 0)
        {
            fields.Add("promotion", "required", "A preview is of a promotion or of a coupon.");
        }

        return drafts;
    }

    private static async Task<PricedCart?> PriceAsync(
        Quoting quoting,
        QuoteCall call,
        IReadOnlyList<Promotion> drafts,
        CancellationToken cancel
    )
    {
        if (call.Wish.Rules.Selection != Selection.BestCombination)
        {
            return await quoting.PriceAsync(call.Wish, drafts, cancel);
        }

        using var search = new CancellationTokenSource();
        var rules = call.Wish.Rules with { OutOfTime = search.Token };
        return await quoting.PriceAsync(
            call.Wish with
            {
                Rules = rules,
            },
            drafts,
            cancel,
            () => search.CancelAfter(call.SearchTime)
        );
    }

    private static QuoteAnswer View(HttpContext context, Caller caller, PricedCart priced, Guid? kept)
    {
        var views = new QuoteViews(
            caller.Can(Permissions.RefusalsExplain),
            QuoteRequests.LanguageOf(context, wanted: null)
        );
        var receipt = priced.Rules.Explain ? views.Receipt(priced.Receipt, kept, "quote", null, priced.Names) : null;
        return views.Answer(priced, receipt);
    }
}

/// <summary>Example carts for something that is not saved.</summary>
/// <param name="Carts">1 to 10.</param>
internal sealed record PreviewRequest(IReadOnlyList<QuoteRequest> Carts)
{
    /// <summary>As it would be saved.</summary>
    [System.Text.Json.Serialization.JsonIgnore(
        Condition = System.Text.Json.Serialization.JsonIgnoreCondition.WhenWritingNull
    )]
    public PromotionDefinition? Promotion { get; init; }

    /// <summary>As it would be saved; its code need not be typed.</summary>
    [System.Text.Json.Serialization.JsonIgnore(
        Condition = System.Text.Json.Serialization.JsonIgnoreCondition.WhenWritingNull
    )]
    public CouponWantedShape? Coupon { get; init; }

    /// <summary>Without what is active; false unless given.</summary>
    [System.Text.Json.Serialization.JsonIgnore(
        Condition = System.Text.Json.Serialization.JsonIgnoreCondition.WhenWritingNull
    )]
    public bool? Alone { get; init; }
}

/// <summary>Prices of example carts.</summary>
/// <param name="Quotes">One for each cart, in order.</param>
/// <param name="Warnings">What should be looked at in the promotion or coupon.</param>
internal sealed record PreviewAnswer(IReadOnlyList<QuoteAnswer> Quotes, IReadOnlyList<PromotionWarning> Warnings);
