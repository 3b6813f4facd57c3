using Microsoft.AspNetCore.Http;
using Tessera.Server.Access;
using Tessera.Server.Platform;
using Tessera.Server.Platform.Http;

namespace Tessera.Server.Coupons;

/// <summary>Who changes the catalogue, for the log.</summary>
/// <param name="Actor">For example <c>key:…</c>.</param>
/// <param name="RequestId">Correlation id.</param>
/// <param name="MerchantId">Whose coupons alone are seen; null for all.</param>
public sealed record CatalogueActor(string Actor, string RequestId, Guid? MerchantId = null)
{
    /// <summary>Who makes a request.</summary>
    internal static CatalogueActor Of(HttpContext context)
    {
        var caller = Caller.Of(context);
        return new CatalogueActor(caller.Actor, RequestIds.Of(context), caller.MerchantId);
    }
}

/// <summary>
/// How endpoints change coupons, campaigns and promotions: in one transaction, once per idempotency key. What was begun is
/// finished even if the caller hangs up.
/// </summary>
internal static class CatalogueChange
{
    /// <summary>Finds what is to be changed, as far as the actor may see it, and locks it.</summary>
    public delegate Task<T?> Find<T>(UnitOfWork work, CatalogueActor actor);

    /// <summary>Runs a change that takes no body.</summary>
    /// <param name="context">The request.</param>
    /// <param name="database">Where it runs.</param>
    /// <param name="run">Makes the change.</param>
    /// <param name="required">Whether a request without a key is refused.</param>
    public static Task RunAsync(
        HttpContext context,
        Database database,
        Func<UnitOfWork, CatalogueActor, Task<HttpAnswer>> run,
        bool required = false
    ) =>
        Idempotent.RunAsync(
            context,
            database,
            Caller.Of(context).ClientId,
            default,
            work => run(work, CatalogueActor.Of(context)),
            required
        );

    /// <summary>Runs a change of what the body says.</summary>
    /// <param name="context">The request.</param>
    /// <param name="database">Where it runs.</param>
    /// <param name="run">Reads the members and makes the change.</param>
    /// <param name="required">Whether a request without a key is refused.</param>
    public static Task RunAsync(
        HttpContext context,
        Database database,
        Func<UnitOfWork, Fields, CatalogueActor, Task<HttpAnswer>> run,
        bool required = false
    ) =>
        Idempotent.RunAsync(
            context,
            database,
            Caller.Of(context).ClientId,
            (work, fields) => run(work, fields, CatalogueActor.Of(context)),
            required
        );

    /// <summary>Runs a change of one thing, without a body; what is not there is not found.</summary>
    public static Task OnAsync<T>(
        HttpContext context,
        Database database,
        Find<T> find,
        Func<UnitOfWork, T, CatalogueActor, Task<HttpAnswer>> run
    )
        where T : class =>
        RunAsync(
            context,
            database,
            async (work, actor) =>
                await find(work, actor) is { } found
                    ? await run(work, found, actor)
                    : HttpAnswer.Refused(context, Entry.NotFound)
        );

    /// <summary>The same of what the body says.</summary>
    public static Task OnAsync<T>(
        HttpContext context,
        Database database,
        Find<T> find,
        Func<UnitOfWork, T, Fields, CatalogueActor, Task<HttpAnswer>> run,
        bool required = false
    )
        where T : class =>
        RunAsync(
            context,
            database,
            async (work, fields, actor) =>
                await find(work, actor) is { } found
                    ? await run(work, found, fields, actor)
                    : HttpAnswer.Refused(context, Entry.NotFound),
            required
        );
}
