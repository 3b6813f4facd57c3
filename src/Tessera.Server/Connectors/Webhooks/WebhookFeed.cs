using Microsoft.Extensions.Logging;
using Tessera.Server.Platform;
using Tessera.Server.Platform.Jobs;

namespace Tessera.Server.Connectors.Webhooks;

/// <summary>
/// Follows the sealed log and notes, for each subscription, the events it is to get. The cursor moves in the same
/// transaction, and an event goes to a subscription once by constraint. One node at a time.
/// </summary>
internal sealed class WebhookFeed(Database database, TimeProvider clock, ILogger<WebhookFeed> log)
    : Worker(clock, log, TimeSpan.FromMilliseconds(250))
{
    private const int EventsAtOnce = 1000;

    /// <inheritdoc/>
    public override async Task<bool> RunOnceAsync(CancellationToken cancel)
    {
        await using var work = await database.BeginAsync(cancel);
        await using var hold = work.Command(
            """
            select f.seq, s.seq from connectors.feed f cross join audit.seal s
            where f.name = 'webhooks' for update of f skip locked
            """
        );
        long from;
        long head;
        await using (var row = await hold.ExecuteReaderAsync(cancel))
        {
            if (!await row.ReadAsync(cancel))
            {
                return false;
            }

            (from, head) = (row.GetInt64(0), row.GetInt64(1));
        }

        if (from >= head)
        {
            await work.CommitAsync(cancel);
            return false;
        }

        var to = Math.Min(head, from + EventsAtOnce);
        await work.ExecuteAsync(
            $"""
            insert into connectors.webhook_delivery (webhook_id, event_id, event_type, seq, next_attempt_at)
            select w.id, e.id, e.type, a.seq, platform.clock()
            from {CloudEvent.From}
            join connectors.webhook w on w.is_active
                and exists (select from connectors.webhook_secret s where s.webhook_id = w.id and s.kind = 'signing')
                and (w.events is null or exists (select from unnest(w.events) as wanted (type)
                    where e.type = wanted.type
                        or (right(wanted.type, 1) = '*' and starts_with(e.type, left(wanted.type, -1)))))
            where a.seq > $1 and a.seq <= $2
            order by a.seq
            on conflict do nothing
            """,
            [from, to],
            cancel
        );
        await work.ExecuteAsync(
            "update connectors.feed set seq = $1, updated_at = platform.clock() where name = 'webhooks'",
            [to],
            cancel
        );
        await work.CommitAsync(cancel);
        return to < head;
    }
}
