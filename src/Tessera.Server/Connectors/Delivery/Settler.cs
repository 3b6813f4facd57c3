using Microsoft.Extensions.Logging;
using Tessera.Server.Platform;
using Tessera.Server.Platform.Jobs;

namespace Tessera.Server.Connectors.Delivery;

/// <summary>
/// Says of each batch of commands, once, that every partner concerned has confirmed it or that the rest is with people
/// (EXP-07). Any number of nodes: what another settles is skipped.
/// </summary>
internal sealed class Settler(Database database, TimeProvider clock, ILogger<Settler> log)
    : Worker(clock, log, TimeSpan.FromSeconds(2))
{
    private const int BatchesPerStep = 1000;

    /// <inheritdoc/>
    public override async Task<bool> RunOnceAsync(CancellationToken cancel)
    {
        await using var work = await database.BeginAsync(cancel);
        await using var command = work.Command(
            $"""
            with settled as (
                select b.id from connectors.batch b
                where b.settled_at is null and not exists (
                    select from connectors.command c where c.batch_id = b.id and c.state in ('pending', 'sent'))
                order by b.id limit {BatchesPerStep} for update of b skip locked
            ), marked as (
                update connectors.batch b set settled_at = platform.clock() from settled s where b.id = s.id
                returning b.id, b.kind, b.subject
            )
            select m.id, m.kind, m.subject, coalesce(max(c.size), 0), count(c.*),
                count(*) filter (where c.state = 'acknowledged')
            from marked m left join connectors.command c on c.batch_id = m.id group by 1, 2, 3 order by 1
            """
        );
        var entries = new List<EventEntry>();
        await using (var row = await command.ExecuteReaderAsync(cancel))
        {
            while (await row.ReadAsync(cancel))
            {
                var (partners, confirmed) = (row.GetInt64(4), row.GetInt64(5));
                entries.Add(
                    new EventEntry(
                        "command_batch",
                        row.GetInt64(0).ToString(System.Globalization.CultureInfo.InvariantCulture),
                        "connector.batch_settled",
                        1,
                        "job:delivery",
                        EventLog.Payload(
                            ("kind", row.GetString(1)),
                            ("subject", row.GetString(2)),
                            ("coupons", row.GetInt32(3)),
                            ("partners", partners),
                            ("confirmed", confirmed),
                            ("by_people", partners - confirmed)
                        ),
                        null
                    )
                );
            }
        }

        if (entries.Count == 0)
        {
            return false;
        }

        await EventLog.AppendAsync(work, await work.ClockAsync(cancel), entries, cancel);
        await work.CommitAsync(CancellationToken.None);
        return entries.Count == BatchesPerStep;
    }
}
