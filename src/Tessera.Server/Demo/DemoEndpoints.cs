using Microsoft.AspNetCore.Builder;
using Microsoft.AspNetCore.Http;
using Microsoft.AspNetCore.Routing;
using Tessera.Core;
using Tessera.Server.Access;
using Tessera.Server.Platform;
using Tessera.Server.Platform.Http;

namespace Tessera.Server.Demo;

/// <summary>The demo world, and whether it runs.</summary>
/// <param name="IsThere">Whether this database is a demo world at all.</param>
/// <param name="IsOn">Whether shoppers and tills are at it.</param>
internal sealed record DemoView(bool IsThere, bool IsOn);

/// <summary>The switch that lets the demo world run.</summary>
internal static class DemoEndpoints
{
    private static readonly Refusal NoDemo = new("no_demo_world", "This database has no demo world to be run.");

    public static void Map(IEndpointRouteBuilder api)
    {
        var group = api.MapGroup("/demo").WithTags("Demo");
        group
            .MapGet("", (HttpContext context, Database database) => GetAsync(context, database))
            .WithName("getDemo")
            .WithSummary("Read whether there is a demo world, and whether it runs")
            .RequirePermission(Permissions.Operations)
            .WithAnswer(200, new DemoView(true, false), "The present state.");
        group
            .MapPost("/start", (HttpContext context, Database database) => SwitchAsync(context, database, true))
            .WithName("startDemo")
            .WithSummary("Let the demo world run: shoppers, tills, and a coupon that ends now and then")
            .RequirePermission(Permissions.Operations)
            .WithIdempotencyKey(required: false)
            .WithAnswer(200, new DemoView(true, true), "It runs.")
            .WithRefusals(NoDemo);
        group
            .MapPost("/stop", (HttpContext context, Database database) => SwitchAsync(context, database, false))
            .WithName("stopDemo")
            .WithSummary("Let the demo world rest")
            .RequirePermission(Permissions.Operations)
            .WithIdempotencyKey(required: false)
            .WithAnswer(200, new DemoView(true, false), "It rests.")
            .WithRefusals(NoDemo);
    }

    private static async Task GetAsync(HttpContext context, Database database)
    {
        await using var work = await database.BeginAsync(context.RequestAborted);
        var view = await ReadAsync(work, Caller.Of(context), context.RequestAborted);
        await HttpAnswer.Json(200, view).SendAsync(context);
    }

    private static async Task SwitchAsync(HttpContext context, Database database, bool isOn)
    {
        var caller = Caller.Of(context);
        await Idempotent.RunAsync(
            context,
            database,
            caller.ClientId,
            default,
            async work =>
            {
                if (!(await ReadAsync(work, caller, context.RequestAborted)).IsThere)
                {
                    return HttpAnswer.Refused(context, NoDemo);
                }

                await using var write = work.Command(
                    """
                    insert into demo.life as l (is_on) values ($1) on conflict (one) do update
                        set is_on = excluded.is_on, version = l.version + 1, changed_at = clock_timestamp()
                    returning version
                    """,
                    isOn
                );
                var version = (long)(await write.ExecuteScalarAsync(context.RequestAborted))!;
                var entry = new EventEntry(
                    "demo",
                    "life",
                    isOn ? "demo.started" : "demo.stopped",
                    version,
                    caller.Actor,
                    "{}",
                    RequestIds.Of(context)
                );
                await EventLog.AppendAsync(work, await work.ClockAsync(default), [entry], default);
                return HttpAnswer.Json(200, new DemoView(true, isOn));
            }
        );
    }

    /// <summary>A merchant's people have no demo world: it is the whole deployment's.</summary>
    private static async Task<DemoView> ReadAsync(UnitOfWork work, Caller caller, CancellationToken cancel)
    {
        await using var command = work.Command(
            """
            select exists (select from access.merchant where external_id = 'demo-bakery'),
                coalesce((select is_on from demo.life), false)
            """
        );
        await using var row = await command.ExecuteReaderAsync(cancel);
        await row.ReadAsync(cancel);
        return caller.MerchantId is null
            ? new DemoView(row.GetBoolean(0), row.GetBoolean(1))
            : new DemoView(false, false);
    }
}
