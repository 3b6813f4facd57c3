using System.Text;
using System.Text.Json;
using Microsoft.AspNetCore.Builder;
using Microsoft.AspNetCore.Http;
using Microsoft.AspNetCore.Routing;
using Tessera.Core;
using Tessera.Server.Access;
using Tessera.Server.Platform;
using Tessera.Server.Platform.Http;
using Tessera.Server.Platform.Jobs;
using Tessera.Server.Promotions;
using Tessera.Server.Promotions.Segments;
using Job = Tessera.Server.Platform.Jobs.Operation;

namespace Tessera.Server.Redemptions.Backtests;

/// <summary>Back-tests over HTTP: asked for as an operation, and their figures so far.</summary>
internal static class BacktestEndpoints
{
    private static readonly Guid Id = new("01970f3e-8a00-7c3e-9d52-6f1b2a3c4d5e");
    private static readonly DateTimeOffset At = new(2026, 11, 27, 10, 15, 0, TimeSpan.Zero);

    private static readonly Refusal NotFound = new(
        "backtest_not_found",
        "There is no such back-test.",
        RefusalKind.NotFound
    );

    /// <summary>What a back-test takes.</summary>
    /// <param name="Promotion">The draft, as promotions are written.</param>
    /// <param name="Currency">Of the orders.</param>
    /// <param name="From">First instant of the period.</param>
    /// <param name="Until">First instant after it.</param>
    /// <param name="Source">api, or the name of a data set that was taken over; all unless given.</param>
    /// <param name="Channel">Where; everywhere unless given.</param>
    /// <param name="CostPercent">What goods cost, in percent of their price; needed with a floor.</param>
    /// <param name="MarginFloorPercent">The least margin, in percent of what is paid.</param>
    internal sealed record BacktestShape(
        PromotionDefinition Promotion,
        string Currency,
        DateTimeOffset From,
        DateTimeOffset Until,
        string? Source = null,
        string? Channel = null,
        decimal? CostPercent = null,
        decimal? MarginFloorPercent = null
    );

    /// <summary>A back-test.</summary>
    /// <param name="Id">Of its operation, which can be paused, resumed and cancelled.</param>
    /// <param name="Status">Of the operation.</param>
    /// <param name="Done">Orders done.</param>
    /// <param name="Total">Orders of the period.</param>
    /// <param name="Figures">What it comes to so far.</param>
    /// <param name="Output">The orders that would have taken the draft, one a line as JSON; when it is over.</param>
    internal sealed record BacktestView(
        Guid Id,
        string Status,
        long Done,
        long? Total,
        BacktestFigures? Figures,
        string Output
    );

    public static void Map(IEndpointRouteBuilder api)
    {
        var view = new BacktestView(Id, "pending", 0, 19_959, null, "/api/v1/operations/" + Id + "/output");
        api.MapPost("/backtests", CreateAsync)
            .WithName("createBacktest")
            .WithSummary("Run a draft promotion over stored orders: takers, cost, overlap, margins")
            .WithTags("Promotions")
            .RequirePermission(Permissions.PromotionsRead)
            .WithBody(
                new BacktestShape(
                    new PromotionDefinition
                    {
                        Name = "Ten percent from 300",
                        Currency = "GBP",
                        Conditions = new ConditionShape { Subtotal = new SpendShape(30_000) },
                        Effects =
                        [
                            new EffectShape
                            {
                                Type = "percent",
                                Target = "order",
                                Percent = 10,
                            },
                        ],
                    },
                    "GBP",
                    At.AddYears(-1),
                    At
                )
            )
            .WithIdempotencyKey(required: true)
            .WithAnswer(202, view, "Location is the back-test; it runs as an operation.");
        api.MapGet("/backtests/{id:guid}", GetAsync)
            .WithName("getBacktest")
            .WithSummary("Read the progress and the figures of a back-test")
            .WithTags("Promotions")
            .RequirePermission(Permissions.PromotionsRead)
            .WithAnswer(
                200,
                view with
                {
                    Status = "running",
                    Done = 500,
                    Figures = new BacktestFigures
                    {
                        Orders = 500,
                        Takers = 251,
                        Discount = 1_204_410,
                    },
                },
                "The figures so far; they are final when the status is succeeded."
            );
    }

    private static async Task CreateAsync(HttpContext context, Database database)
    {
        var caller = Caller.Of(context);
        await Idempotent.RunAsync(
            context,
            database,
            caller.ClientId,
            async (work, fields) =>
            {
                var wanted = await ReadAsync(work, fields, caller.MerchantId, CancellationToken.None);
                if (fields.Finish() is { } no)
                {
                    return HttpAnswer.Refused(context, no);
                }

                var operation = await BacktestOperation.CreateAsync(
                    work,
                    wanted!,
                    caller.Actor,
                    leased: false,
                    CancellationToken.None
                );
                return HttpAnswer.Json(202, ViewOf(operation), "/api/v1/backtests/" + operation.Id);
            },
            required: true
        );
    }

    private static async Task GetAsync(HttpContext context, Guid id, Database database)
    {
        var cancel = context.RequestAborted;
        await using var work = await database.BeginAsync(cancel);
        var operation = await OperationStore.FindAsync(work, id, Caller.Of(context).MerchantId, cancel);
        if (operation is not { Kind: BacktestOperation.Kind })
        {
            await Problems.WriteAsync(context, NotFound);
            return;
        }

        await HttpAnswer.Json(StatusCodes.Status200OK, ViewOf(operation)).SendAsync(context);
    }

    /// <summary>Reads what is asked for; what is wrong is in the fields afterwards.</summary>
    internal static async Task<BacktestWanted?> ReadAsync(
        UnitOfWork work,
        Fields body,
        Guid? merchant,
        CancellationToken cancel
    )
    {
        var written = body.Object("promotion");
        var draft = written is not null ? PromotionJson.Read(written, Guid.Empty.ToString(), 1, active: true) : null;
        var currency = body.Text("currency", 3);
        if (currency is not null && !Currencies.IsKnown(currency))
        {
            body.Add("currency", "unknown_currency", "This has to be an ISO 4217 currency code.");
        }

        if (draft is not null)
        {
            await AskedSegments.CheckAsync(work, written!, draft.Promotion, merchant, cancel);
        }

        var from = body.Instant("from");
        var until = body.Instant("until");
        if (until <= from)
        {
            body.Add("until", "out_of_range", "This has to be after the beginning.");
        }

        var source = body.Text("source", 40, required: false);
        var channel = body.Text("channel", 40, required: false);
        var floor = Percent(body, "margin_floor_percent");
        var cost = Percent(body, "cost_percent", required: floor is not null);
        if (draft is null || currency is null || from is null || until is null || body.Errors.Count > 0)
        {
            return null;
        }

        return new BacktestWanted(
            Encoding.UTF8.GetString(PromotionJson.ToBytes(draft)),
            new OrderPeriod(source, currency, from.Value, until.Value, channel, merchant),
            floor is { } least ? new MarginFloor(cost ?? 0, least) : null
        );
    }

    internal static BacktestView ViewOf(Job operation)
    {
        BacktestFigures? figures = null;
        if ((operation.Result ?? operation.Cursor) is { } stored)
        {
            using var json = JsonDocument.Parse(stored);
            figures = json.RootElement.TryGetProperty("figures", out var found)
                ? found.Deserialize<BacktestFigures>(Wire.Json)
                : null;
        }

        return new BacktestView(
            operation.Id,
            operation.Status,
            operation.Done,
            operation.Total,
            figures,
            $"/api/v1/operations/{operation.Id}/output"
        );
    }

    private static decimal? Percent(Fields body, string name, bool required = false)
    {
        var percent = body.Decimal(name, required);
        if (percent is < 0 or > 100)
        {
            body.Add(name, "out_of_range", $"This has to be from {0:minimum} to {100:maximum}.");
        }

        return percent;
    }
}
