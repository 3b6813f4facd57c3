using Npgsql;
using Tessera.Server.Platform;

namespace Tessera.Server.Connectors;

/// <summary>A call to a partner.</summary>
/// <param name="At">When it began.</param>
/// <param name="Milliseconds">How long it took.</param>
/// <param name="Status">HTTP status, where one came.</param>
/// <param name="Outcome">ok, or what was wrong.</param>
public sealed record CommandCall(DateTimeOffset At, int Milliseconds, int? Status, string Outcome);

/// <summary>What one partner was told of a coupon, and what became of it.</summary>
/// <param name="ConnectorId">Of the partner.</param>
/// <param name="Connector">Its name.</param>
/// <param name="Position">Of the command in the partner's stream.</param>
/// <param name="Kind">disable or enable.</param>
/// <param name="State">pending, sent, acknowledged, manual, done_by_hand or dropped.</param>
/// <param name="CreatedAt">When the command was written, in the transaction of the change.</param>
/// <param name="DueAt">When the partner was to be told.</param>
/// <param name="FirstSentAt">When it was first tried.</param>
/// <param name="AcknowledgedAt">When the partner confirmed.</param>
/// <param name="SettledAt">When all partners that were told the same had confirmed, or the rest had gone to people (EXP-07).</param>
/// <param name="Attempts">Rounds it was tried in.</param>
/// <param name="Error">Of the last one that failed.</param>
/// <param name="Calls">The last of them, at most twenty, in order.</param>
public sealed record CommandStory(
    Guid ConnectorId,
    string Connector,
    long Position,
    string Kind,
    string State,
    DateTimeOffset CreatedAt,
    DateTimeOffset DueAt,
    DateTimeOffset? FirstSentAt,
    DateTimeOffset? AcknowledgedAt,
    DateTimeOffset? SettledAt,
    int Attempts,
    string? Error,
    IReadOnlyList<CommandCall> Calls
);

/// <summary>Which commands named a unit, partner by partner (EXP-06, EXP-15).</summary>
public static class CommandHistory
{
    private const int MaximumCalls = 20;

    /// <summary>Finds the commands that named a unit.</summary>
    /// <param name="work">Where it is read.</param>
    /// <param name="unit">Its id.</param>
    /// <param name="changedAt">When it was changed: commands are written in the transaction of the change.</param>
    /// <param name="ends">Ends it may have been given: an extension is told with the new one.</param>
    /// <param name="cancel">Cancels.</param>
    /// <returns>In the order they were written.</returns>
    public static async Task<IReadOnlyList<CommandStory>> OfUnitAsync(
        UnitOfWork work,
        long unit,
        IReadOnlyCollection<DateTimeOffset> changedAt,
        IReadOnlyCollection<DateTimeOffset> ends,
        CancellationToken cancel
    )
    {
        ArgumentNullException.ThrowIfNull(work);
        static NpgsqlParameter Times(IReadOnlyCollection<DateTimeOffset> times) =>
            new NpgsqlParameter<DateTimeOffset[]>
            {
                TypedValue = [.. times],
                NpgsqlDbType = NpgsqlTypes.NpgsqlDbType.Array | NpgsqlTypes.NpgsqlDbType.TimestampTz,
            };
        await using var query = work.Command(
            """
            with named as (
                select b.id from unnest($2::timestamptz[]) t (at)
                join connectors.batch b on b.created_at >= t.at - interval '1 second' and b.created_at <= t.at + interval '1 minute'
                where b.subject = 'instance' and $1 = any(b.ids)
                union
                select b.id from connectors.batch b
                where b.ends_at = any($3) and b.kind = 'enable' and b.subject = 'instance' and $1 = any(b.ids)
            )
            select c.connector_id, o.name, c.position, c.kind, c.state, c.created_at, c.due_at, c.first_sent_at, c.acknowledged_at,
                d.settled_at, c.attempts, c.error
            from named n join connectors.batch d on d.id = n.id join connectors.command c on c.batch_id = n.id
            join connectors.connector o on o.id = c.connector_id
            order by c.position, o.name
            """,
            unit,
            Times(changedAt),
            Times(ends)
        );
        var stories = new List<CommandStory>();
        await using (var row = await query.ExecuteReaderAsync(cancel))
        {
            while (await row.ReadAsync(cancel))
            {
                stories.Add(
                    new CommandStory(
                        row.GetGuid(0),
                        row.GetString(1),
                        row.GetInt64(2),
                        row.GetString(3),
                        row.GetString(4),
                        row.GetFieldValue<DateTimeOffset>(5),
                        row.GetFieldValue<DateTimeOffset>(6),
                        row.Value<DateTimeOffset>(7),
                        row.Value<DateTimeOffset>(8),
                        row.Value<DateTimeOffset>(9),
                        row.GetInt32(10),
                        row.Object<string>(11),
                        []
                    )
                );
            }
        }

        for (var i = 0; i < stories.Count; i++)
        {
            stories[i] = stories[i] with { Calls = await CallsAsync(work, stories[i], cancel) };
        }

        return stories;
    }

    private static async Task<IReadOnlyList<CommandCall>> CallsAsync(
        UnitOfWork work,
        CommandStory story,
        CancellationToken cancel
    )
    {
        await using var query = work.Command(
            $"""
            select at, milliseconds, status, outcome from connectors.attempt
            where connector_id = $1 and to_position >= $2 and from_position <= $2
            order by to_position, id desc limit {MaximumCalls}
            """,
            story.ConnectorId,
            story.Position
        );
        var calls = new List<CommandCall>();
        await using var row = await query.ExecuteReaderAsync(cancel);
        while (await row.ReadAsync(cancel))
        {
            calls.Add(
                new CommandCall(
                    row.GetFieldValue<DateTimeOffset>(0),
                    row.GetInt32(1),
                    row.Value<int>(2),
                    row.GetString(3)
                )
            );
        }

        calls.Sort(static (one, other) => one.At.CompareTo(other.At));
        return calls;
    }
}
