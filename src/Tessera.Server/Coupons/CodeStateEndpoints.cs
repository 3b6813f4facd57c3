using Microsoft.AspNetCore.Builder;
using Microsoft.AspNetCore.Http;
using Microsoft.AspNetCore.Routing;
using Tessera.Core;
using Tessera.Core.Codes;
using Tessera.Server.Access;
using Tessera.Server.Access.Limits;
using Tessera.Server.Platform;
using Tessera.Server.Platform.Http;

namespace Tessera.Server.Coupons;

/// <summary>The state of one code or many (API-07).</summary>
internal static class CodeStateEndpoints
{
    private const int MaximumTyped = 128;

    public static void Map(IEndpointRouteBuilder api)
    {
        api.MapGet("/coupon-states/{code}", GetAsync)
            .WithName("getCodeState")
            .TakesCodes()
            .DescribeState()
            .WithSummary("State and validity window of one code")
            .WithTags("Code states")
            .RequirePermission(Permissions.RedemptionsValidate);
        api.MapPost("/coupon-states", ListAsync)
            .WithName("getCodeStates")
            .TakesCodes()
            .DescribeStates()
            .WithSummary("State and validity window of up to 1000 codes")
            .WithTags("Code states")
            .RequirePermission(Permissions.RedemptionsValidate);
    }

    private static async Task GetAsync(HttpContext context, string code, Database database)
    {
        var normal = CouponCode.TryNormalise(code, out var known) ? known : code;
        var states = await CodeStates.FindAsync(
            database,
            [normal],
            Caller.Of(context).MerchantId,
            context.RequestAborted
        );
        Count(context, states);
        await HttpAnswer.Json(200, states[0]).SendAsync(context);
    }

    private static async Task ListAsync(HttpContext context, Database database)
    {
        var (body, refusal) = await RequestBody.ReadAsync(context);
        IReadOnlyList<string>? codes = null;
        if (refusal is null)
        {
            var fields = Fields.Of(body!);
            codes = fields.List(
                "codes",
                CodeStates.MaximumCodes,
                static (item, place) =>
                    item.Text(place, MaximumTyped) is not { } text ? null
                    : CouponCode.TryNormalise(text, out var code) ? code
                    : text
            );
            refusal = fields.Finish();
        }

        if (refusal is not null)
        {
            await Problems.WriteAsync(context, refusal);
            return;
        }

        var merchant = Caller.Of(context).MerchantId;
        var states = await CodeStates.FindAsync(database, codes!, merchant, context.RequestAborted);
        Count(context, states);
        await HttpAnswer.Json(200, new CodeStateList(states)).SendAsync(context);
    }

    private static void Count(HttpContext context, IReadOnlyList<CodeState> states) =>
        context.CodesNotFound(states.Count(static state => state.State == CodeStates.Unknown));

    internal sealed record CodeStateList(IReadOnlyList<CodeState> Data);
}
