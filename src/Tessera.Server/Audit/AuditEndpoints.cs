using System.Globalization;
using System.Text.Json;
using Microsoft.AspNetCore.Builder;
using Microsoft.AspNetCore.Http;
using Microsoft.AspNetCore.Routing;
using Tessera.Core;
using Tessera.Server.Access;
using Tessera.Server.Platform;
using Tessera.Server.Platform.Http;

namespace Tessera.Server.Audit;

/// <summary>A page of a search in the log.</summary>
/// <param name="Data">In the order asked for; may be empty although there is more.</param>
/// <param name="HasMore">Whether there is more to look at: go on with the cursor.</param>
/// <param name="NextCursor">Where to go on.</param>
/// <param name="SealedTo">The last entry of the chain.</param>
/// <param name="IndexedTo">The last entry that searches by subject, actor and type know of; seconds behind, if at all.</param>
internal sealed record AuditPage(
    IReadOnlyList<AuditEntry> Data,
    bool HasMore,
    string? NextCursor,
    long SealedTo,
    long IndexedTo
);

/// <summary>The explorer of the sealed log (AUD-03): searched, and the complete history of one thing.</summary>
internal static class AuditEndpoints
{
    private const int MaximumName = 200;

    public static readonly Refusal Scoped = new(
        "forbidden",
        "A key that acts for one merchant cannot see the log of all.",
        RefusalKind.Forbidden
    );

    private static readonly string[] Kinds =
    [
        "account",
        "api_key",
        "approval",
        "campaign",
        "channel",
        "coupon",
        "customer",
        "emergency",
        "instance",
        "merchant",
        "operation",
        "person",
        "privacy_request",
        "promotion",
        "redemption",
        "reservation",
        "role",
        "segment",
        "staff",
    ];

    private static readonly AuditPage Sample = new(
        [
            new AuditEntry(
                41,
                Samples.At,
                "key:01970f3e-8a00-7c3e-9d52-6f1b2a3c4d5e",
                "coupon.state_changed",
                "instance:1024",
                3,
                "0197c3a2b4c87d1e9f00a1b2c3d4e5f6",
                JsonDocument.Parse("""{"from":"redeemed","to":"issued","cause":"override"}""").RootElement,
                "2cf24dba5fb0a30e26e83b2ac5b9e29e1b161e5c1fa7425e73043362938b9824",
                "instances.override",
                "192.0.2.7",
                ["operations"]
            ),
        ],
        false,
        null,
        41,
        41
    );

    public static void Map(IEndpointRouteBuilder api)
    {
        var group = api.MapGroup("/audit").WithTags("Audit");
        Describe(group.MapGet("/entries", SearchAsync), "-seq")
            .WithName("searchAudit")
            .WithSummary("Search the sealed log by actor, subject, type, period and text")
            .WithRemark(
                "A search for text reads the entries that the other conditions leave, a bounded number at a time: a page "
                    + "may be short or empty and has_more true. Narrow it down by period, subject, actor or type."
            )
            .WithQuery("actor", "string", "Only what this account, key, job or rule caused.")
            .WithQuery("subject", "string", "Only what speaks of this, as its subject or in its data: kind:id.")
            .WithQuery("type", "string", "Only events of this type.")
            .WithQuery("from", "string", "Only from this instant on.")
            .WithQuery("to", "string", "Only before this instant.")
            .WithQuery("text", "string", "Only entries with all of these words, in any case.");
        Describe(group.MapGet("/history/{kind}/{id}", HistoryAsync), "seq")
            .WithName("getHistory")
            .WithSummary("Read the complete history of one thing, in order: who issued, held, used and changed it")
            .WithRemark("Kinds: " + string.Join(", ", Kinds) + ".");
    }

    private static RouteHandlerBuilder Describe(RouteHandlerBuilder route, string standard) =>
        route
            .RequirePermission(Permissions.AuditRead)
            .HidesSums(Sums.OfEvents)
            .WithQuery("limit", "integer", "Most entries of the page: 1 to 100, 25 unless given.")
            .WithQuery("cursor", "string", "The next_cursor of the page before.")
            .WithQuery("sort", "string", $"Order of the entries, {standard} unless given.", ["seq", "-seq"])
            .WithAnswer(200, Sample, "A page.")
            .WithRefusals(Scoped);

    private static async Task SearchAsync(HttpContext context, Database database, Cursors cursors)
    {
        var query = new Query(context.Request);
        var actor = query.Text("actor", MaximumName);
        var subject = query.Text("subject", MaximumName);
        var type = query.Text("type", 100);
        var from = query.Instant("from");
        var to = query.Instant("to");
        var text = query.Text("text", MaximumName);
        if (from >= to)
        {
            query.Add("to", "before_from", "This has to be after from.");
        }

        AuditQuestion Ask(bool descending) => new(actor, subject, type, from, to, text, descending);
        await AnswerAsync(context, database, cursors, query, "-seq", Ask);
    }

    private static async Task HistoryAsync(
        HttpContext context,
        Database database,
        Cursors cursors,
        string kind,
        string id
    )
    {
        if (!Kinds.Contains(kind) || id.Length > MaximumName)
        {
            await Problems.WriteAsync(context, Entry.NotFound);
            return;
        }

        var query = new Query(context.Request);
        AuditQuestion Ask(bool descending) => new(null, $"{kind}:{id}", null, null, null, null, descending);
        await AnswerAsync(context, database, cursors, query, "seq", Ask);
    }

    private static async Task AnswerAsync(
        HttpContext context,
        Database database,
        Cursors cursors,
        Query query,
        string standard,
        Func<bool, AuditQuestion> ask
    )
    {
        var cancel = context.RequestAborted;
        var sort = query.Word("sort", ["seq", "-seq"]) ?? standard;
        var page = await cursors.ReadAsync(query, sort, null, 1, cancel);
        if ((query.Finish() ?? (Caller.Of(context).Realm == Realms.Staff ? null : Scoped)) is { } refusal)
        {
            await Problems.WriteAsync(context, refusal);
            return;
        }

        await using var work = await database.BeginKeyedAsync(cancel);
        long? after = page.After is [{ } last] ? long.Parse(last, CultureInfo.InvariantCulture) : null;
        var found = await AuditSearch.FindAsync(work, ask(page.Descending), after, page.Limit, cancel);
        var (sealedTo, indexedTo) = await AuditSearch.ReachAsync(work, cancel);
        var next = found.ScannedTo is { } place ? page.Seal([place.ToString(CultureInfo.InvariantCulture)]) : null;
        var view = new AuditPage(found.Entries, next is not null, next, sealedTo, indexedTo);
        await HttpAnswer.Json(StatusCodes.Status200OK, view).SendAsync(context);
    }
}
