using Microsoft.AspNetCore.Builder;
using Microsoft.AspNetCore.Http;
using Microsoft.AspNetCore.Routing;
using Tessera.Server.Access;
using Tessera.Server.Platform;
using Tessera.Server.Platform.Http;

namespace Tessera.Server.Promotions;

/// <summary>Receipts over HTTP.</summary>
internal static class ReceiptEndpoints
{
    private static readonly string[] Languages = ["en", "de"];

    public static void Map(IEndpointRouteBuilder api)
    {
        api.MapGet("/receipts/{id:guid}", GetAsync)
            .WithName("getReceipt")
            .WithSummary("Read why a price, a redemption or a refusal came out as it did")
            .WithRemark(
                "Under its own id, or that of the reservation, order, redemption or refusal it explains; a refused code names its "
                    + "own in Location. The sentences are in "
                    + "the language of the parameter, else of Accept-Language, else in English."
            )
            .WithTags("Quotes")
            .RequirePermission(Permissions.ReceiptsRead)
            .WithQuery("lang", "string", "Language of the sentences.", Languages)
            .WithAnswer(
                200,
                QuoteSamples.Receipt with
                {
                    Id = Samples.Id,
                    Kind = "redemption",
                    SubjectId = Samples.Id,
                },
                "The receipt; it never changes."
            );
    }

    private static async Task GetAsync(HttpContext context, Guid id, Database database)
    {
        var (caller, cancel) = (Caller.Of(context), context.RequestAborted);
        var query = new Query(context.Request);
        var wanted = query.Word("lang", Languages);
        if (query.Finish() is { } refusal)
        {
            await Problems.WriteAsync(context, refusal);
            return;
        }

        await using var work = await database.BeginAsync(cancel);
        var stored = await ReceiptStore.FindAsync(work, id, caller.MerchantId, cancel);
        if (stored is null)
        {
            await Problems.WriteAsync(context, Entry.NotFound);
            return;
        }

        var names = await ReceiptStore.NamesAsync(work, stored, cancel);
        var language = QuoteRequests.LanguageOf(context, wanted);
        var view = new QuoteViews(caller.Can(Permissions.RefusalsExplain), language).Receipt(
            stored.Receipt,
            stored.Head.Id,
            stored.Head.Kind,
            stored.Head.SubjectId,
            names
        );
        context.Response.Headers.ContentLanguage = language;
        await HttpAnswer.Json(200, view).SendAsync(context);
    }
}
