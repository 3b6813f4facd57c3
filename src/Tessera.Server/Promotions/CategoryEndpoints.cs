using Microsoft.AspNetCore.Builder;
using Microsoft.AspNetCore.Http;
using Microsoft.AspNetCore.Routing;
using Tessera.Server.Access;
using Tessera.Server.Coupons;
using Tessera.Server.Platform;
using Tessera.Server.Platform.Http;

namespace Tessera.Server.Promotions;

/// <summary>
/// The categories of a shop over HTTP (RUL-03). A key that acts for a merchant sees and changes that merchant's alone.
/// </summary>
internal static class CategoryEndpoints
{
    private const int MaxCategories = 10_000;
    private const int MaxName = 100;

    public static void Map(IEndpointRouteBuilder api)
    {
        CategoryShape[] categories = [new("boots", "shoes"), new("shoes", "clothing")];
        var tree = new CategoryTreeView(categories, 1);
        api.MapGet("/categories", GetAsync)
            .WithName("getCategories")
            .WithSummary("Read what lies above each category")
            .WithTags("Promotions")
            .RequirePermission(Permissions.PromotionsRead)
            .WithAnswer(200, tree, "The tree, with its ETag.");
        api.MapPut("/categories", ReplaceAsync)
            .WithName("replaceCategories")
            .WithSummary("Replace what lies above each category, from the next price on")
            .WithRemark(
                "A rule that names a category means those below it too. A line of a cart names its own categories; those above "
                    + "them follow from here."
            )
            .WithTags("Promotions")
            .RequirePermission(Permissions.PromotionsWrite)
            .WithIfMatch()
            .WithBody(new CategoryTreeShape(categories))
            .WithAnswer(200, tree, "The new tree, with its ETag.");
    }

    private static async Task GetAsync(HttpContext context, Database database)
    {
        await using var work = await database.BeginAsync(context.RequestAborted);
        var tree = await CategoryStore.FindAsync(work, Caller.Of(context).MerchantId, context.RequestAborted);
        await Reply(tree).SendAsync(context);
    }

    private static Task ReplaceAsync(HttpContext context, Database database) =>
        CatalogueChange.RunAsync(
            context,
            database,
            async (work, fields, actor) =>
            {
                var cancel = CancellationToken.None;
                var parents = Read(fields);
                await CategoryStore.LockAsync(work, actor.MerchantId, cancel);
                var before = await CategoryStore.FindAsync(work, actor.MerchantId, cancel);
                if ((fields.Finish() ?? ETags.Check(context, ETags.Of(before.Version))) is { } no)
                {
                    return HttpAnswer.Refused(context, no);
                }

                var tree = new StoredCategories(before.Version + 1, parents);
                await CategoryStore.SaveAsync(work, tree, actor, await work.ClockAsync(cancel), cancel);
                return Reply(tree);
            }
        );

    private static Dictionary<string, string> Read(Fields fields)
    {
        var given = fields.List(
            "categories",
            MaxCategories,
            static (item, place) =>
                item.Object(place) is { } category
                && (category.Text("name", MaxName), category.Text("parent", MaxName)) is ({ } name, { } parent)
                    ? new CategoryShape(name, parent)
                    : null
        );
        var parents = new Dictionary<string, string>(StringComparer.Ordinal);
        for (var i = 0; i < (given?.Count ?? 0); i++)
        {
            if (given![i] is { } category && !parents.TryAdd(category.Name, category.Parent))
            {
                fields.Add($"categories.{i}.name", "duplicate", "A category has one parent.");
            }
        }

        // Whoever leads back to itself is in a circle; what has been followed once need not be again.
        var clear = new HashSet<string>(StringComparer.Ordinal);
        for (var i = 0; i < (given?.Count ?? 0); i++)
        {
            var path = new HashSet<string>(StringComparer.Ordinal);
            var at = given![i]?.Name;
            while (at is not null && !clear.Contains(at) && path.Add(at))
            {
                at = parents.GetValueOrDefault(at);
            }

            if (at is not null && path.Contains(at))
            {
                fields.Add($"categories.{i}.parent", "circle", "This category would lie above itself.");
            }

            clear.UnionWith(path);
        }

        return parents;
    }

    private static HttpAnswer Reply(StoredCategories tree) =>
        HttpAnswer.Json(
            200,
            new CategoryTreeView(
                [
                    .. tree
                        .Parents.OrderBy(static p => p.Key, StringComparer.Ordinal)
                        .Select(static p => new CategoryShape(p.Key, p.Value)),
                ],
                tree.Version
            ),
            etag: ETags.Of(tree.Version)
        );
}

/// <summary>What is to lie above each category.</summary>
/// <param name="Categories">Those with a parent, each once; at most 10,000.</param>
internal sealed record CategoryTreeShape(IReadOnlyList<CategoryShape> Categories);

/// <summary>What lies above each category, as it is stored.</summary>
/// <param name="Categories">Those with a parent, by name.</param>
/// <param name="Version">Counts the changes; the ETag names it.</param>
internal sealed record CategoryTreeView(IReadOnlyList<CategoryShape> Categories, int Version);

/// <summary>A category and its parent.</summary>
/// <param name="Name">As lines of carts and filters of rules name it.</param>
/// <param name="Parent">What it lies in.</param>
internal sealed record CategoryShape(string Name, string Parent);
