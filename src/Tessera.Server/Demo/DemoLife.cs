using Microsoft.Extensions.Logging;
using Tessera.Core.Coupons;
using Tessera.Server.Coupons;
using Tessera.Server.Platform;
using Tessera.Server.Platform.Http;
using Tessera.Server.Platform.Jobs;
using Tessera.Server.Redemptions;
using Operation = Tessera.Server.Redemptions.Operation;

namespace Tessera.Server.Demo;

/// <summary>
/// Lets the demo world run while it is switched on: shoppers and tills redeem through the real path, some are refused,
/// some bring things back, now and then a coupon of a minute appears and ends, and vouchers end that partners are told of.
/// </summary>
public sealed class DemoLife(
    Database database,
    RedemptionService redemptions,
    TimeProvider clock,
    ILogger<DemoLife> log
) : Worker(clock, log, TimeSpan.FromMilliseconds(900))
{
    private const int FlashEvery = 60;
    private const int FlashSeconds = 75;
    private const int VouchersEvery = 45;
    private const int Vouchers = 24;

    private static readonly CatalogueActor Actor = new("job:demo", "demo");

    /// <summary>Codes, where they are used, and a typical order.</summary>
    private static readonly (string Code, string[] Channels, int Typical)[] Shelves =
    [
        ("LOYAL10", ["web-shop", "app"], 6_500),
        ("AUTUMN15", ["web-shop", "app", "city-guide"], 5_900),
        ("COFFEE2", ["city-store", "till-1"], 1_200),
        ("NEWHERE8", ["web-shop"], 6_800),
        ("BREATHE15", ["app"], 5_200),
    ];

    private readonly Chance _chance = new((ulong)clock.GetUtcNow().ToUnixTimeMilliseconds());
    private DemoFunnel? _funnel;
    private string? _flash;
    private long _steps;

    /// <inheritdoc/>
    public override async Task<bool> RunOnceAsync(CancellationToken cancel)
    {
        await using var work = await database.BeginAsync(cancel);
        await using (var hold = work.Command("select is_on from demo.life for update skip locked"))
        {
            if (await hold.ExecuteScalarAsync(cancel) is not true)
            {
                return false;
            }
        }

        _steps++;
        var shoppers = await CustomersAsync(cancel);
        if (shoppers.Count == 0)
        {
            return false;
        }

        if (_steps % FlashEvery == 5)
        {
            _flash = await FlashAsync(cancel);
        }

        if (_steps % VouchersEvery == 2)
        {
            await VouchersAsync(cancel);
        }

        for (var act = 0; act <= _chance.Next(3); act++)
        {
            await ShopAsync(work, shoppers[_chance.Next(shoppers.Count)], cancel);
        }

        await Funnel.GoOnAsync(work, _steps, cancel);

        await work.CommitAsync(cancel);
        return false;
    }

    private DemoFunnel Funnel => _funnel ??= new DemoFunnel(_chance);

    private async Task ShopAsync(UnitOfWork work, Guid customer, CancellationToken cancel)
    {
        var (code, channels, typical) = Shelves[_chance.Next(Shelves.Length)];
        if (_flash is not null && _chance.Next(3) == 0)
        {
            (code, channels, typical) = (_flash, ["app"], 4_500);
        }

        var channel = channels[_chance.Next(channels.Length)];
        await Funnel.SeeAsync(work, code, channel, cancel);

        // Some buy too little for what they typed in.
        var minor = (long)(typical * (_chance.Next(9) == 0 ? 0.1 : 0.5 + (1.2 * _chance.NextDouble())));
        var id = Guid.CreateVersion7();
        var answer = await redemptions.RunAsync(
            new AttemptCommand(
                Operation.Redeem,
                AskerOf(id),
                code,
                customer,
                new OrderFacts("live-" + id.ToString("N")[^12..], minor, "EUR"),
                channel,
                null,
                null,
                AttemptCommand.DefaultHoldSeconds,
                null,
                id
            )
        );
        if (answer.Status == 201 && code == DemoFunnel.BookedCode)
        {
            await Funnel.BookAsync(work, id, _steps, cancel);
        }
        else if (answer.Status == 201 && _chance.Next(25) == 0)
        {
            await redemptions.RunAsync(
                new RollBackCommand(AskerOf(Guid.CreateVersion7()), id, true, "Brought back.", Guid.CreateVersion7())
            );
        }

        cancel.ThrowIfCancellationRequested();
    }

    /// <summary>A coupon of a minute or so, for a handful of people.</summary>
    private async Task<string?> FlashAsync(CancellationToken cancel)
    {
        await using var work = await database.BeginAsync(cancel);
        var now = await work.ClockAsync(cancel);
        var code = "FLASH" + now.ToString("MMddHHmm", System.Globalization.CultureInfo.InvariantCulture);
        if ((await CouponStore.TakenAsync(work, [code], cancel)).Count > 0)
        {
            return null;
        }

        var draft = new CouponDraft
        {
            Code = code,
            InternalName = "Flash sale",
            Description = new Dictionary<string, string> { ["en"] = "30% off, for a minute, for twelve people." },
            DiscountType = "percentage",
            DiscountValue = 30,
            Currency = "EUR",
            TimeZone = "Europe/Vienna",
            MaxUsesTotal = 12,
            ValidFrom = now,
            ValidUntil = now.AddSeconds(FlashSeconds),
            IsActive = true,
        };
        await CouponStore.InsertAsync(work, [draft], Actor, now, cancel);
        await work.CommitAsync(cancel);
        return code;
    }

    /// <summary>Vouchers that nobody will use: they end after a minute, and every partner has to be told.</summary>
    private async Task VouchersAsync(CancellationToken cancel)
    {
        long id;
        await using (var work = await database.BeginAsync(cancel))
        {
            var now = await work.ClockAsync(cancel);
            var code = "DOOR" + now.ToString("MMddHHmmss", System.Globalization.CultureInfo.InvariantCulture);
            if ((await CouponStore.TakenAsync(work, [code], cancel)).Count > 0)
            {
                return;
            }

            var draft = new CouponDraft
            {
                Code = code,
                CodeKind = "unique",
                InternalName = "Vouchers at the door",
                Description = new Dictionary<string, string> { ["en"] = "3 euros off for who comes at once." },
                DiscountType = "fixed_amount",
                DiscountValue = 3,
                Currency = "EUR",
                TimeZone = "Europe/Vienna",
                ValidFrom = now,
                ValidUntil = now.AddSeconds(FlashSeconds),
                IsActive = true,
            };
            id = (await CouponStore.InsertAsync(work, [draft], Actor, now, cancel))[0];
            await work.CommitAsync(cancel);
        }

        if (await CodeGeneration.TermsOfAsync(database, id, null, cancel) is { } terms)
        {
            await CodeGeneration.RunAsync(
                database,
                terms,
                Vouchers,
                "DOOR",
                Actor,
                static _ => Task.CompletedTask,
                cancel
            );
        }
    }

    private async Task<List<Guid>> CustomersAsync(CancellationToken cancel)
    {
        await using var command = database.Source.CreateCommand(
            "select id from access.customer where external_id like 'customer-%' order by id limit 1000"
        );
        var ids = new List<Guid>();
        await using var rows = await command.ExecuteReaderAsync(cancel);
        while (await rows.ReadAsync(cancel))
        {
            ids.Add(rows.GetGuid(0));
        }

        return ids;
    }

    private static Asker AskerOf(Guid order)
    {
        const string path = "/api/v1/redemptions";
        var key = IdempotencyKey.Of(Guid.Empty, "demo", "POST", path, "live " + order, []);
        return new Asker(Guid.Empty, null, Actor.Actor, true, key.KeyHash, key.RequestHash, "demo", path);
    }
}
