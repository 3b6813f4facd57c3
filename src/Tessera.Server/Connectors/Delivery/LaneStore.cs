using Npgsql;
using NpgsqlTypes;
using Tessera.Core.Connectors;
using Tessera.Server.Platform;

namespace Tessera.Server.Connectors.Delivery;

/// <summary>Leases of lanes and what they are to send. Few statements at a time, however many lanes run.</summary>
internal sealed partial class LaneStore(Database database) : IDisposable
{
    /// <summary>Longer than the longest round; renewed with every round (convention 42).</summary>
    private const string Lease = "60 seconds";

    private const int MaximumStatements = 8;
    private const int MaximumSickStatements = 2;
    private const int MaximumMarkCommands = 100_000;

    private readonly SemaphoreSlim _statements = new(MaximumStatements);
    private readonly SemaphoreSlim _sickStatements = new(MaximumSickStatements);

    public void Dispose()
    {
        _statements.Dispose();
        _sickStatements.Dispose();
    }

    /// <summary>Lanes whose last round was bad have statements of their own, so that they wait for each other alone.</summary>
    private SemaphoreSlim StatementsOf(Lane lane) => lane.IsSick ? _sickStatements : _statements;

    /// <summary>Takes lanes that have something to do and that nobody holds.</summary>
    public async Task<IReadOnlyList<Lane>> ClaimAsync(string node, int most, CancellationToken cancel)
    {
        await using var command = database.Source.CreateCommand(
            $"""
            with waiting as (
                select l.connector_id
                from connectors.lane l join connectors.connector c on c.id = l.connector_id
                where c.is_active and l.leased_until <= platform.clock() and l.next_attempt_at <= platform.clock()
                    and l.forced is distinct from 'open' and l.deferred_at is null
                    and (exists (select from connectors.command p where p.connector_id = l.connector_id
                            and p.state in ('pending', 'sent') and p.state = 'pending' and p.due_at <= (select platform.clock()))
                        or exists (select from connectors.awaited a where a.connector_id = l.connector_id
                            and a.acknowledged_at is null and a.expires_at <= (select platform.clock()) and a.lapsed_at is null))
                order by l.failures > 0, not c.is_critical, l.next_attempt_at limit $2
                for update of l skip locked
            )
            update connectors.lane l set fence = fence + 1, leased_by = $1,
                leased_until = platform.clock() + interval '{Lease}',
                breaker = case breaker when 'closed' then 'closed' else 'half_open' end
            from waiting w where l.connector_id = w.connector_id
            returning {LaneColumns}
            """
        );
        command.Parameters.Add(UnitOfWork.Parameter(node));
        command.Parameters.Add(UnitOfWork.Parameter(most));
        return await LanesAsync(command, cancel);
    }

    /// <summary>Lengthens a lease and reads the lane anew.</summary>
    /// <returns>Null when it is not ours any more, or may not be called now.</returns>
    public async Task<(Lane Lane, Connector Connector)?> RenewAsync(Lane held, CancellationToken cancel)
    {
        var statements = StatementsOf(held);
        await statements.WaitAsync(cancel);
        try
        {
            await using var work = await database.BeginAsync(cancel);
            await using var renew = work.Command(
                $"""
                update connectors.lane l set leased_until = platform.clock() + interval '{Lease}'
                where connector_id = $1 and fence = $2 and leased_until > platform.clock()
                    and forced is distinct from 'open' and deferred_at is null
                returning {LaneColumns}
                """,
                held.ConnectorId,
                held.Fence
            );
            if (await LanesAsync(renew, cancel) is not [var lane])
            {
                return null;
            }

            await using var read = work.Command(
                $"select {Connector.Columns} from connectors.connector where id = $1 and is_active",
                held.ConnectorId
            );
            Connector? connector = null;
            await using (var rows = await read.ExecuteReaderAsync(cancel))
            {
                connector = await rows.ReadAsync(cancel) ? ConnectorDirectory.Of(rows) : null;
            }

            await work.CommitAsync(cancel);
            if (connector is null)
            {
                return null;
            }

            return (lane with { QuotaLeft = connector.QuotaPerDay - (lane.QuotaLeft ?? 0) }, connector);
        }
        finally
        {
            statements.Release();
        }
    }

    /// <summary>Gives a lane back, so that another node may go on at once.</summary>
    public async Task ReleaseAsync(Guid id, long fence)
    {
        await using var command = database.Source.CreateCommand(
            """
            update connectors.lane set leased_until = '-infinity', leased_by = null,
                breaker = case breaker when 'half_open' then 'open' else breaker end
            where connector_id = $1 and fence = $2
            """
        );
        command.Parameters.Add(UnitOfWork.Parameter(id));
        command.Parameters.Add(UnitOfWork.Parameter(fence));
        await command.ExecuteNonQueryAsync(CancellationToken.None);
    }

    /// <summary>What a lane sends next.</summary>
    /// <param name="connector">Whose.</param>
    /// <param name="lane">As renewed.</param>
    /// <param name="most">Most calls.</param>
    /// <param name="cancel">Cancels.</param>
    public async Task<Slice> NextAsync(Connector connector, Lane lane, int most, CancellationToken cancel)
    {
        var statements = StatementsOf(lane);
        await statements.WaitAsync(cancel);
        try
        {
            return connector.Encoding == "watermark"
                ? await NextMarkAsync(connector, lane, cancel)
                : await NextCallsAsync(connector, most, cancel);
        }
        finally
        {
            statements.Release();
        }
    }

    private async Task<Slice> NextCallsAsync(Connector connector, int most, CancellationToken cancel)
    {
        // What goes the other way waits until the partner has confirmed what went before.
        await using var command = database.Source.CreateCommand(
            """
            select p.position, p.kind, b.subject, p.size, p.chunk, p.done, b.is_early, b.ends_at,
                b.ids[p.done + 1 : p.done + $2 * p.chunk]
            from (
                select *, sum((size - done) / chunk) over (order by position rows unbounded preceding) as calls
                from (
                    select * from connectors.command
                    where connector_id = $1 and state in ('pending', 'sent') and state = 'pending'
                        and due_at <= (select platform.clock())
                    order by position limit $2
                ) due
            ) p join connectors.batch b on b.id = p.batch_id
            where p.calls - (p.size - p.done) / p.chunk <= $2 and not exists (
                select from connectors.command s where s.connector_id = $1 and s.state = 'sent' and s.kind <> p.kind
                    and s.position < p.position)
            order by p.position
            """
        );
        command.Parameters.Add(UnitOfWork.Parameter(connector.Id));
        command.Parameters.Add(UnitOfWork.Parameter(most));
        var (pending, _) = await PendingAsync(command, cancel);
        return pending.Count == 0
            ? Slice.Empty
            : Planning.Calls(pending, isSingle: connector.Encoding == "single", most);
    }

    private async Task<Slice> NextMarkAsync(Connector connector, Lane lane, CancellationToken cancel)
    {
        await using var command = database.Source.CreateCommand(
            """
            with open as (
                select p.position, p.kind, b.subject, p.size, p.chunk, p.done, b.is_early, b.ends_at, b.ids,
                    p.kind = 'enable' or b.is_early or b.subject <> 'instance' as is_exception
                from (
                    select * from connectors.command
                    where connector_id = $1 and state in ('pending', 'sent') and state = 'pending'
                        and due_at <= (select platform.clock())
                    order by position limit $2 + 1
                ) p join connectors.batch b on b.id = p.batch_id
            ), counted as (
                select *, sum(case when is_exception then size else 0 end) over (order by position) as so_far,
                    count(*) over () as total
                from open
            )
            select position, kind, subject, size, chunk, done, is_early, ends_at,
                case when is_exception then ids else '{}' end, total
            from counted where not is_exception or so_far - size < $3 order by position limit $2
            """
        );
        command.Parameters.Add(UnitOfWork.Parameter(connector.Id));
        command.Parameters.Add(UnitOfWork.Parameter(MaximumMarkCommands));
        command.Parameters.Add(UnitOfWork.Parameter(CommandBatch.MaximumIds));
        var (pending, total) = await PendingAsync(command, cancel);
        return Planning.Mark(pending, pending.Count == total, lane.Attempted);
    }

    private static async Task<(List<Pending> Pending, long Total)> PendingAsync(
        NpgsqlCommand command,
        CancellationToken cancel
    )
    {
        var pending = new List<Pending>();
        var total = 0L;
        await using var row = await command.ExecuteReaderAsync(cancel);
        while (await row.ReadAsync(cancel))
        {
            pending.Add(
                new Pending(
                    row.GetInt64(0),
                    row.GetString(1) == "disable" ? CommandKind.Disable : CommandKind.Enable,
                    row.GetString(2),
                    row.GetInt32(3),
                    row.GetInt32(4),
                    row.GetInt32(5),
                    row.GetBoolean(6),
                    row.GetFieldValue<DateTimeOffset>(7),
                    row.GetFieldValue<long[]>(8)
                )
            );
            total = row.FieldCount > 9 ? row.GetInt64(9) : pending.Count;
        }

        return (pending, total);
    }

    private const string LaneColumns = """
        l.connector_id, l.fence, l.breaker, l.failures, l.recent, l.recent_count, l.forced, l.rate,
        case when l.quota_day = (platform.clock() at time zone 'UTC')::date then l.quota_used else 0 end,
        l.attempted_to, l.attempted_mark
        """;

    /// <summary>Here, the quota is what was used.</summary>
    private static async Task<List<Lane>> LanesAsync(NpgsqlCommand command, CancellationToken cancel)
    {
        var lanes = new List<Lane>();
        await using var row = await command.ExecuteReaderAsync(cancel);
        while (await row.ReadAsync(cancel))
        {
            lanes.Add(
                new Lane(
                    row.GetGuid(0),
                    row.GetInt64(1),
                    new Breaker(StateOf(row.GetString(2)), row.GetInt32(3), row.GetInt32(4), row.GetInt32(5)),
                    row.Object<string>(6),
                    row.Value<float>(7),
                    row.GetInt32(8),
                    row.Value<long>(9) is { } to ? (to, row.Value<DateTimeOffset>(10)) : null
                )
            );
        }

        return lanes;
    }

    private static BreakerState StateOf(string word) =>
        word switch
        {
            "open" => BreakerState.Open,
            "half_open" => BreakerState.HalfOpen,
            _ => BreakerState.Closed,
        };

    private static string WordOf(BreakerState state) =>
        state switch
        {
            BreakerState.Open => "open",
            BreakerState.HalfOpen => "half_open",
            _ => "closed",
        };

    private static NpgsqlParameter Of(object? value, NpgsqlDbType type) =>
        new() { Value = value ?? DBNull.Value, NpgsqlDbType = type };
}
