using Npgsql;
using Tessera.Core;
using Tessera.Server.Platform;
using Tessera.Server.Platform.Lanes;

namespace Tessera.Server.Redemptions;

/// <summary>The room's one way in: every contested operation goes through the lanes, a validation beside them.</summary>
public sealed class RedemptionService : IAsyncDisposable
{
    private const int QueueLimit = 8192;

    /// <summary>Counts of a coupon are kept in so many rows at most; lanes beyond it share.</summary>
    private const int UsageShards = 16;

    private readonly Database _database;
    private readonly Answers _answers;
    private int _opened;
    private readonly Lanes<RedemptionCommand, Answer> _lanes;

    /// <summary>Starts the lanes; they connect with their first command.</summary>
    /// <param name="database">Where to.</param>
    /// <param name="problem">Renders refusals.</param>
    /// <param name="lanes">How many run side by side.</param>
    /// <param name="failed">Told of failures that are no caller's fault.</param>
    public RedemptionService(Database database, RenderProblem problem, int lanes, Action<Exception> failed)
    {
        _database = database;
        _answers = new Answers(problem);
        _lanes = new Lanes<RedemptionCommand, Answer>(
            lanes,
            RedemptionLane.BatchLimit,
            QueueLimit,
            () => new RedemptionLane(database, _answers, (short)(Interlocked.Increment(ref _opened) % UsageShards)),
            failed
        );
    }

    /// <summary>Reserves, redeems, releases or rolls back; answers after the commit.</summary>
    /// <exception cref="LaneBusyException">Too many are waiting.</exception>
    /// <exception cref="LaneUnavailableException">The database cannot be reached.</exception>
    public Task<Answer> RunAsync(RedemptionCommand command)
    {
        ArgumentNullException.ThrowIfNull(command);
        return _lanes.RunAsync(command, command.Route);
    }

    /// <summary>
    /// Decides an attempt as <see cref="RunAsync"/> would now, without holding or writing anything (RED-04).
    /// </summary>
    public async Task<Answer> ValidateAsync(AttemptCommand attempt, CancellationToken cancel)
    {
        await using var connection = await _database.Source.OpenConnectionAsync(cancel);
        RedemptionCommand[] commands = [attempt];
        for (var tries = 3; ; tries--)
        {
            var found = await RedemptionStore.ResolveAsync(connection, commands, cancel);
            var plan = HoldPlan.Of(commands, [0], found);
            var hold = await RedemptionStore.HoldAsync(connection, plan, withLocks: false, cancel);
            try
            {
                plan.ThrowIfStale(hold);
                var holds = await RedemptionStore.HoldsAsync(
                    connection,
                    plan.ReservationsIn(hold),
                    plan.AccountsWithHolds(hold),
                    hold.Now,
                    withLocks: false,
                    cancel
                );
                return new Deciding(found, hold, holds, new InstanceIds(), _answers).Decide(0, attempt);
            }
            catch (StaleResolutionException) when (tries > 1)
            {
                // It changed between reading and reading again: once more, on what is there now.
            }
            finally
            {
                await using var end = new NpgsqlCommand("rollback", connection);
                await end.ExecuteNonQueryAsync(CancellationToken.None);
            }
        }
    }

    /// <inheritdoc/>
    public ValueTask DisposeAsync() => _lanes.DisposeAsync();
}
