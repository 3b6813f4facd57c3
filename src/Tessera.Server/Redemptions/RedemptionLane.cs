using System.Numerics;
using Npgsql;
using Tessera.Core;
using Tessera.Server.Coupons;
using Tessera.Server.Platform;
using Tessera.Server.Platform.Lanes;

namespace Tessera.Server.Redemptions;

/// <summary>
/// Runs the commands of this room in batches on one connection: resolve, hold, decide, write. Three round trips a
/// batch, however many commands it has.
/// </summary>
internal sealed class RedemptionLane(Database database, Answers answers, short shard)
    : ILaneWorker<RedemptionCommand, Answer>
{
    /// <summary>The most commands in one transaction; never more than a block of ids.</summary>
    public const int BatchLimit = 512;

    /// <summary>How often a batch is resolved again because a coupon was edited before it was locked.</summary>
    private const int StaleTries = 5;

    private readonly InstanceIds _ids = new();
    private readonly HashSet<DateOnly> _months = [InstanceMonths.Open];
    private NpgsqlConnection? _connection;
    private uint _batches;

    /// <inheritdoc/>
    public async Task<IReadOnlyList<Answer>> RunAsync(
        IReadOnlyList<RedemptionCommand> commands,
        CancellationToken cancel
    )
    {
        _connection ??= await database.OpenLaneAsync(cancel);
        if (BitOperations.IsPow2(++_batches))
        {
            await ForgetPlansAsync(_connection, cancel);
        }

        for (var tries = StaleTries; ; tries--)
        {
            try
            {
                return await RunAsync(_connection, commands, cancel);
            }
            catch (StaleResolutionException) when (tries > 1)
            {
                await using var rollback = new NpgsqlCommand("rollback", _connection);
                await rollback.ExecuteNonQueryAsync(cancel);
            }
        }
    }

    private async Task<IReadOnlyList<Answer>> RunAsync(
        NpgsqlConnection connection,
        IReadOnlyList<RedemptionCommand> commands,
        CancellationToken cancel
    )
    {
        var found = await RedemptionStore.ResolveAsync(connection, commands, cancel);
        var given = new Answer?[commands.Count];
        var pending = new List<int>(commands.Count);
        var firstWithKey = new Dictionary<Guid, int>(commands.Count);
        var repeats = new List<(int Place, int First)>();
        for (var i = 0; i < commands.Count; i++)
        {
            var asker = commands[i].Asker;
            if (found.Kept.TryGetValue(asker.KeyHash, out var kept))
            {
                given[i] = Replay(asker, kept.RequestHash, kept.Answer);
            }
            else if (asker.KeyHash != Guid.Empty && !firstWithKey.TryAdd(asker.KeyHash, i))
            {
                repeats.Add((i, firstWithKey[asker.KeyHash]));
            }
            else
            {
                pending.Add(i);
            }
        }

        if (pending.Count > 0)
        {
            await RunPendingAsync(connection, commands, found, pending, given, cancel);
        }
        else
        {
            // Kept answers of a batch that is committed and perhaps not yet flushed.
            await RedemptionStore.FlushAsync(connection, cancel);
        }

        foreach (var (place, first) in repeats)
        {
            given[place] = Replay(commands[place].Asker, commands[first].Asker.RequestHash, given[first]!);
        }

        return given!;
    }

    /// <inheritdoc/>
    public bool IsOutage(Exception error) => Database.IsOutage(error);

    /// <inheritdoc/>
    public async ValueTask DisposeAsync()
    {
        if (_connection is not null)
        {
            await _connection.DisposeAsync();
            _connection = null;
        }
    }

    private async Task RunPendingAsync(
        NpgsqlConnection connection,
        IReadOnlyList<RedemptionCommand> commands,
        Resolution found,
        List<int> pending,
        Answer?[] given,
        CancellationToken cancel
    )
    {
        var plan = HoldPlan.Of(commands, pending, found);
        await _ids.EnsureAsync(connection, pending.Count, cancel);
        await EnsureMonthsAsync(connection, commands, pending, found, cancel);
        var hold = await RedemptionStore.HoldAsync(connection, plan, withLocks: true, cancel);
        plan.ThrowIfStale(hold);
        var reservations = plan.ReservationsIn(hold);
        var accounts = plan.AccountsWithHolds(hold);
        var holds =
            reservations.Count + accounts.Count == 0
                ? []
                : await RedemptionStore.HoldsAsync(
                    connection,
                    reservations,
                    accounts,
                    hold.Now,
                    withLocks: true,
                    cancel
                );

        var deciding = new Deciding(found, hold, holds, _ids, answers);
        foreach (var place in pending)
        {
            var answer = deciding.Decide(place, commands[place]);
            given[place] = answer;
            var asker = commands[place].Asker;

            // What was wrong with the request itself is not kept: the same key may bring a right one (convention 16).
            if (asker.KeyHash != Guid.Empty && answer.Refusal?.Kind != RefusalKind.Invalid)
            {
                deciding.Work.Answers.Add((asker, answer));
            }
        }

        await RedemptionStore.WriteAsync(connection, deciding.Work, shard, cancel);
        foreach (var place in pending)
        {
            RedemptionMeter.Count(commands[place].Operation, given[place]!);
        }
    }

    /// <summary>
    /// Plans made while a table was empty read all of it, and they are kept until its first analysis: minutes, on a new
    /// database under load. A table that doubles is planned for again.
    /// </summary>
    private static async Task ForgetPlansAsync(NpgsqlConnection connection, CancellationToken cancel)
    {
        await using var command = new NpgsqlCommand("discard plans", connection);
        await command.ExecuteNonQueryAsync(cancel);
    }

    /// <summary>A unit of a shared code needs the partition of the month in which the coupon ends.</summary>
    private async Task EnsureMonthsAsync(
        NpgsqlConnection connection,
        IReadOnlyList<RedemptionCommand> commands,
        List<int> pending,
        Resolution found,
        CancellationToken cancel
    )
    {
        List<DateTimeOffset>? missing = null;
        foreach (var place in pending)
        {
            var target = commands[place] is AttemptCommand attempt ? found.Codes.GetValueOrDefault(attempt.Code) : null;
            for (; target is { InstanceId: null }; target = target.Fallback)
            {
                if (_months.Add(InstanceMonths.Of(target.CouponEnd)))
                {
                    (missing ??= []).Add(target.CouponEnd);
                }
            }
        }

        if (missing is not null)
        {
            await using var command = new NpgsqlCommand("select coupons.ensure_instance_months($1)", connection);
            command.Parameters.Add(new NpgsqlParameter<DateTimeOffset[]> { TypedValue = [.. missing] });
            await command.ExecuteNonQueryAsync(cancel);
        }
    }

    private Answer Replay(Asker asker, Guid requestHash, Answer answer) =>
        requestHash == asker.RequestHash ? answer with { Replayed = true } : answers.KeyReused(asker);
}
