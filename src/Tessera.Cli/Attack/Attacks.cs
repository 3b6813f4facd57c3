namespace Tessera.Cli.Attack;

/// <summary>What an attack came to.</summary>
/// <param name="Name">Of the attack.</param>
/// <param name="Attempts">Requests that tried.</param>
/// <param name="Accepted">What was granted.</param>
/// <param name="Allowed">The most that may be granted.</param>
/// <param name="Breach">What was broken besides the count; null for nothing.</param>
internal sealed record AttackResult(string Name, int Attempts, int Accepted, int Allowed, string? Breach = null)
{
    public bool IsBreach => Accepted > Allowed || Breach is not null;
}

/// <summary>
/// Parallel attacks an owner runs against his own installation, in the manner of "ACIDRain: Concurrency-Related Attacks on
/// Database-Backed Web Applications" (Warszawski and Bailis, SIGMOD 2017): many clients at once, each breaking a promise if
/// checks and writes come apart.
/// </summary>
internal sealed class Attacks(AttackClient client, int clients)
{
    private const int Rounds = 25;

    /// <summary>All of them, one after the other.</summary>
    public IEnumerable<Func<Task<AttackResult>>> All =>
        [
            SingleUseAsync,
            HotCodeAsync,
            PerCustomerAsync,
            BudgetAsync,
            HoldAgainstRedeemAsync,
            RollBackAgainstRedeemAsync,
            ReplayedKeyAsync,
            ReusedKeyAsync,
            ExpiryDuringLockWaitAsync,
        ];

    /// <summary>One unit, every client at once.</summary>
    public async Task<AttackResult> SingleUseAsync()
    {
        var coupon = await client.CouponAsync("unique");
        var units = await client.UnitsAsync(coupon, Rounds);
        var customers = await client.CustomersAsync(clients);
        var accepted = 0;
        var worst = 0;
        foreach (var unit in units)
        {
            var replies = await AtOnceAsync(clients, i => client.RedeemAsync(unit, customers[i]));
            var count = replies.Count(static r => r.IsAccepted);
            accepted += count;
            worst = Math.Max(worst, count);
        }

        var breach = worst > 1 ? $"one unit was redeemed {worst} times" : null;
        return new AttackResult("single use", Rounds * clients, accepted, Rounds, breach);
    }

    /// <summary>A shared code near its total.</summary>
    public async Task<AttackResult> HotCodeAsync()
    {
        var allowed = clients / 2;
        var coupon = await client.CouponAsync("shared", new() { ["max_uses_total"] = allowed });
        var customers = await client.CustomersAsync(clients);
        var replies = await AtOnceAsync(clients * 4, i => client.RedeemAsync(coupon.Code, customers[i % clients]));
        return new AttackResult(
            "hot code at its limit",
            replies.Length,
            replies.Count(static r => r.IsAccepted),
            allowed
        );
    }

    /// <summary>One customer, more often than he may.</summary>
    public async Task<AttackResult> PerCustomerAsync()
    {
        const int allowed = 3;
        var coupon = await client.CouponAsync("shared", new() { ["max_uses_per_user"] = allowed });
        var customer = (await client.CustomersAsync(1))[0];
        var replies = await AtOnceAsync(clients, _ => client.RedeemAsync(coupon.Code, customer));
        return new AttackResult("per-customer limit", clients, replies.Count(static r => r.IsAccepted), allowed);
    }

    /// <summary>Two coupons that draw on one budget.</summary>
    public async Task<AttackResult> BudgetAsync()
    {
        var allowed = clients / 2;
        var now = TimeProvider.System.GetUtcNow() + client.ServerAhead;
        var campaign = await client.MakeAsync(
            "/api/v1/campaigns",
            new
            {
                name = client.NewCode(),
                start_date = now.AddDays(-1).UtcDateTime,
                end_date = now.AddDays(30).UtcDateTime,
                budget = new { amount = allowed * 200, currency = "USD" },
            }
        );
        var members = new Dictionary<string, object?> { ["campaign_id"] = campaign.GetProperty("id").GetString() };
        var coupons = await Task.WhenAll(client.CouponAsync("shared", members), client.CouponAsync("shared", members));
        var customers = await client.CustomersAsync(clients);
        var replies = await AtOnceAsync(
            clients * 2,
            i => client.RedeemAsync(coupons[i % 2].Code, customers[i % clients])
        );
        return new AttackResult("campaign budget", replies.Length, replies.Count(static r => r.IsAccepted), allowed);
    }

    /// <summary>A held unit: redeemed by its holder, released, held and redeemed by others, all at once.</summary>
    public async Task<AttackResult> HoldAgainstRedeemAsync()
    {
        var coupon = await client.CouponAsync("unique");
        var units = await client.UnitsAsync(coupon, Rounds);
        var customers = await client.CustomersAsync(2);
        var (accepted, attempts, worst) = (0, 0, 0);
        foreach (var unit in units)
        {
            var held = await client.PostAsync("/api/v1/reservations", AttackClient.Use(unit, customers[0]));
            var replies = await AtOnceAsync(
                16,
                i =>
                    (i % 4) switch
                    {
                        0 => client.RedeemAsync(unit, customers[0], held.Id),
                        1 => client.PostAsync($"/api/v1/reservations/{held.Id}/release", null),
                        2 => client.RedeemAsync(unit, customers[1]),
                        _ => client.PostAsync("/api/v1/reservations", AttackClient.Use(unit, customers[1])),
                    }
            );
            var count = replies.Where(static (_, i) => i % 2 == 0).Count(static r => r.IsAccepted);
            accepted += count;
            attempts += replies.Length;
            worst = Math.Max(worst, count);
        }

        var breach = worst > 1 ? $"one unit was redeemed {worst} times" : null;
        return new AttackResult("hold against redeem", attempts, accepted, Rounds, breach);
    }

    /// <summary>A redemption given back by many while many redeem again.</summary>
    public async Task<AttackResult> RollBackAgainstRedeemAsync()
    {
        var coupon = await client.CouponAsync("unique");
        var units = await client.UnitsAsync(coupon, Rounds);
        var customer = (await client.CustomersAsync(1))[0];
        var (standing, attempts) = (0, 0);
        string? breach = null;
        foreach (var unit in units)
        {
            var first = await client.RedeemAsync(unit, customer);
            var undo = $"/api/v1/redemptions/{first.Id}/rollback";
            var replies = await AtOnceAsync(
                16,
                i => i % 2 == 0 ? client.PostAsync(undo, new { reason = "attack" }) : client.RedeemAsync(unit, customer)
            );
            attempts += replies.Length;
            var undone = replies.Where(static (_, i) => i % 2 == 0).Count(static r => r.IsAccepted);
            var again = replies.Where(static (_, i) => i % 2 == 1).Count(static r => r.IsAccepted);
            standing += 1 + again - undone;
            if (undone > 1 || again > undone)
            {
                breach = $"one redemption was given back {undone} times and its unit redeemed {again} times more";
            }
        }

        return new AttackResult("roll back against redeem", attempts, standing, Rounds, breach);
    }

    /// <summary>One request, sent by every client at once under one key.</summary>
    public async Task<AttackResult> ReplayedKeyAsync()
    {
        var coupon = await client.CouponAsync("shared");
        var customer = (await client.CustomersAsync(1))[0];
        var body = AttackClient.Use(coupon.Code, customer);
        var key = Guid.CreateVersion7().ToString();
        var replies = await AtOnceAsync(clients, _ => client.PostAsync("/api/v1/redemptions", body, key));
        var late = await client.PostAsync("/api/v1/redemptions", body, key);
        var granted = replies
            .Append(late)
            .Where(static r => r.IsAccepted)
            .Select(static r => r.Json.ToString())
            .Distinct();
        return new AttackResult("idempotency key replayed", clients, granted.Count(), 1);
    }

    /// <summary>One key, another order each time.</summary>
    public async Task<AttackResult> ReusedKeyAsync()
    {
        var coupon = await client.CouponAsync("shared");
        var customer = (await client.CustomersAsync(1))[0];
        var key = Guid.CreateVersion7().ToString();
        var replies = await AtOnceAsync(
            clients,
            _ => client.PostAsync("/api/v1/redemptions", AttackClient.Use(coupon.Code, customer), key)
        );
        return new AttackResult(
            "idempotency key with another body",
            clients,
            replies.Count(static r => r.IsAccepted),
            1
        );
    }

    /// <summary>
    /// A coupon that ends while its row is fought over: requests sent in time have to wait for the lock until after the end.
    /// </summary>
    public async Task<AttackResult> ExpiryDuringLockWaitAsync()
    {
        var before = await client.CustomersAsync(clients);
        var after = await client.CustomersAsync(clients);
        // Far enough ahead that a slow server still makes a coupon that is not over.
        var end = Now() + TimeSpan.FromSeconds(8);
        var coupon = await client.CouponAsync("shared", new() { ["valid_until"] = end.UtcDateTime });
        var path = $"/api/v1/admin/coupons/{coupon.Id}";
        var (attempts, late, afterwards) = (0, 0, 0);

        // Around the end, and again when it is past beyond any doubt about clocks.
        async Task RedeemAsync(string customer, DateTimeOffset from, TimeSpan pause)
        {
            await UntilAsync(from);
            for (var i = 0; i < 10; i++)
            {
                var reply = await client.RedeemAsync(coupon.Code, customer);
                Interlocked.Increment(ref attempts);
                if (reply.IsAccepted && reply.Json.GetProperty("redeemed_at").GetDateTimeOffset() >= end)
                {
                    Interlocked.Increment(ref late);
                }

                if (reply.IsAccepted && reply.SentAt >= end + CertainlyOver)
                {
                    Interlocked.Increment(ref afterwards);
                }

                await Task.Delay(pause);
            }
        }

        // Each edit locks the coupon, so that redemptions wait.
        async Task EditAsync()
        {
            while (Now() < end + CertainlyOver)
            {
                await client.SendAsync(HttpMethod.Put, path, coupon.Draft, match: "*");
            }
        }

        await Task.WhenAll(
            before
                .Select(c => RedeemAsync(c, end.AddSeconds(-0.5), TimeSpan.FromMilliseconds(100)))
                .Concat(after.Select(c => RedeemAsync(c, end + CertainlyOver, TimeSpan.Zero)))
                .Append(EditAsync())
                .Append(EditAsync())
        );
        var breach = afterwards > 0 ? $"{afterwards} requests were granted that were sent long after the end" : null;
        return new AttackResult("expiry during a lock wait", attempts, late, 0, breach);
    }

    /// <summary>Clocks are compared by the Date header, which is exact to a second.</summary>
    private static readonly TimeSpan CertainlyOver = TimeSpan.FromSeconds(2.5);

    private DateTimeOffset Now() => TimeProvider.System.GetUtcNow() + client.ServerAhead;

    private async Task UntilAsync(DateTimeOffset at)
    {
        while (at - Now() is var wait && wait > TimeSpan.Zero)
        {
            // A delay is cut to milliseconds.
            await Task.Delay(wait + TimeSpan.FromMilliseconds(1));
        }
    }

    /// <summary>
    /// Sends three quarters of the requests at the same moment, and the rest at once when those are answered: a check may
    /// hold within one batch of the server and be forgotten by the next.
    /// </summary>
    private static async Task<AttackReply[]> AtOnceAsync(int count, Func<int, Task<AttackReply>> send)
    {
        var first = await VolleyAsync(0, count * 3 / 4, send);
        return [.. first, .. await VolleyAsync(first.Length, count - first.Length, send)];
    }

    private static async Task<AttackReply[]> VolleyAsync(int from, int count, Func<int, Task<AttackReply>> send)
    {
        var start = new TaskCompletionSource(TaskCreationOptions.RunContinuationsAsynchronously);
        var sent = Enumerable
            .Range(from, count)
            .Select(async i =>
            {
                await start.Task;
                return await send(i);
            });
        var all = Task.WhenAll(sent);
        start.SetResult();
        return await all;
    }
}
