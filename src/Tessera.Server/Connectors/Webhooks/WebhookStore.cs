using NpgsqlTypes;
using Tessera.Server.Access;
using Tessera.Server.Connectors.Partners;
using Tessera.Server.Platform;
using Tessera.Server.Platform.Http;
using Tessera.Server.Platform.Outbound;

namespace Tessera.Server.Connectors.Webhooks;

/// <summary>Deliveries: who takes them, what came back, when they are tried again.</summary>
internal static class WebhookStore
{
    /// <summary>Longer than the longest call.</summary>
    private const string Lease = "60 seconds";

    /// <summary>Constant failure for so long switches a subscription off (convention 25).</summary>
    private const string FailingFor = "5 days";

    private const double SecondsOfDay = 24 * 60 * 60;

    private static readonly HiddenMembers WithoutSums = new(Sums.OfEvents);

    /// <summary>Takes deliveries that are due.</summary>
    /// <param name="database">Where.</param>
    /// <param name="busy">Subscriptions that this node is sending to.</param>
    /// <param name="each">Most of one subscription.</param>
    /// <param name="most">Most of all.</param>
    /// <param name="cancel">Cancels.</param>
    public static async Task<IReadOnlyList<DueDelivery>> ClaimAsync(
        Database database,
        Guid[] busy,
        int each,
        int most,
        CancellationToken cancel
    )
    {
        await using var command = database.Source.CreateCommand(
            $"""
            with due as (
                select d.id from connectors.webhook w cross join lateral (
                    select id from connectors.webhook_delivery
                    where webhook_id = w.id and state = 'pending' and next_attempt_at <= (select platform.clock())
                        and leased_until <= (select platform.clock())
                    order by next_attempt_at, id limit $2
                    for update skip locked) d
                where w.is_active and w.paused_until <= platform.clock() and w.id <> all($1)
                limit $3
            ), taken as (
                update connectors.webhook_delivery d
                set fence = d.fence + 1, leased_until = platform.clock() + interval '{Lease}'
                from due where d.id = due.id
                returning d.id, d.fence, d.webhook_id, d.seq
            )
            select t.id, t.fence, t.webhook_id, w.url, w.includes_sums, {CloudEvent.Columns}
            from taken t join connectors.webhook w on w.id = t.webhook_id
            join audit.entry a on a.seq = t.seq
            {EventLog.OfEntry}
            order by t.id
            """
        );
        command.Parameters.Add(UnitOfWork.Parameter(busy));
        command.Parameters.Add(UnitOfWork.Parameter(each));
        command.Parameters.Add(UnitOfWork.Parameter(most));
        var due = new List<DueDelivery>();
        await using var row = await command.ExecuteReaderAsync(cancel);
        while (await row.ReadAsync(cancel))
        {
            due.Add(
                new DueDelivery(
                    row.GetInt64(0),
                    row.GetInt64(1),
                    row.GetGuid(2),
                    row.GetString(3),
                    CloudEvent.Read(row, 5, row.GetBoolean(4) ? null : WithoutSums)
                )
            );
        }

        return due;
    }

    /// <summary>Writes what came back, if the delivery is still ours, and decides what happens next.</summary>
    public static async Task RecordAsync(
        Database database,
        DueDelivery delivery,
        DateTimeOffset at,
        PartnerAnswer answer,
        CancellationToken cancel
    )
    {
        await using var work = await database.BeginAsync(cancel);
        int[]? retries;
        int tries;
        await using (
            var hold = work.Command(
                """
                select d.tries, w.retries from connectors.webhook w
                join connectors.webhook_delivery d on d.webhook_id = w.id
                where d.id = $1 and d.fence = $2 for update
                """,
                delivery.Id,
                delivery.Fence
            )
        )
        await using (var row = await hold.ExecuteReaderAsync(cancel))
        {
            if (!await row.ReadAsync(cancel))
            {
                return;
            }

            (tries, retries) = (row.GetInt32(0) + 1, row.Object<int[]>(1));
        }

        var schedule = retries ?? RetrySchedule.Usual;
        var hasNext = !answer.IsGood && tries < schedule.Count;
        var pause = RetrySchedule.PauseOf(hasNext ? schedule[tries] : 0, answer.RetryAfter);
        await work.ExecuteAsync(
            """
            update connectors.webhook_delivery set attempts = attempts + 1, tries = $2, fence = fence + 1, leased_until = '-infinity',
                state = $3, next_attempt_at = platform.clock() + $4 * interval '1 second',
                delivered_at = case when $3 = 'delivered' then platform.clock() end
            where id = $1
            """,
            [
                delivery.Id,
                tries,
                answer.IsGood ? "delivered"
                : hasNext ? "pending"
                : "failed",
                pause,
            ],
            cancel
        );
        await work.ExecuteAsync(
            """
            insert into connectors.webhook_attempt (delivery_id, at, milliseconds, status, outcome, answer)
            values ($1, $2, $3, $4, $5, $6)
            """,
            [
                delivery.Id,
                at,
                (int)answer.Took.TotalMilliseconds,
                new Npgsql.NpgsqlParameter
                {
                    Value = answer.Status ?? (object)DBNull.Value,
                    NpgsqlDbType = NpgsqlDbType.Integer,
                },
                answer.Reason,
                answer.Excerpt,
            ],
            cancel
        );
        await JudgeAsync(work, delivery.WebhookId, answer, cancel);
        await work.CommitAsync(cancel);
    }

    /// <summary>What an answer says of the receiver: well, to be spared for a while, gone, or failing for too long.</summary>
    private static async Task JudgeAsync(
        UnitOfWork work,
        Guid webhookId,
        PartnerAnswer answer,
        CancellationToken cancel
    )
    {
        if (answer.IsGood)
        {
            await work.ExecuteAsync(
                """
                update connectors.webhook set failures = 0, failing_since = null, paused_until = '-infinity'
                where id = $1 and failures > 0
                """,
                [webhookId],
                cancel
            );
            return;
        }

        // 429 and 503 are waited for, 502 and 504 slow down; a receiver that only fails is asked ever less often.
        var asked = Math.Min(answer.RetryAfter?.TotalSeconds ?? 0, SecondsOfDay);
        var spared = answer.Status switch
        {
            429 or 503 => Math.Max(asked, 5),
            502 or 504 => 30,
            _ => 0,
        };
        await using var command = work.Command(
            $"""
            update connectors.webhook set failures = failures + 1,
                failing_since = coalesce(failing_since, platform.clock()),
                paused_until = platform.clock()
                    + greatest($2, case when failures < 9 then 0 else least(failures * 5, 300) end) * interval '1 second',
                is_active = is_active and not $3
                    and coalesce(failing_since > platform.clock() - interval '{FailingFor}', true),
                disabled_reason = case when $3 then 'gone'
                    when failing_since <= platform.clock() - interval '{FailingFor}' then 'failing'
                    else disabled_reason end,
                version = version + case when $3
                    or coalesce(failing_since <= platform.clock() - interval '{FailingFor}', false) then 1 else 0 end
            where id = $1 and is_active
            returning is_active, version, disabled_reason
            """,
            webhookId,
            (double)spared,
            answer.Status == 410
        );
        bool isOff;
        int version;
        string? reason;
        await using (var row = await command.ExecuteReaderAsync(cancel))
        {
            if (!await row.ReadAsync(cancel))
            {
                return;
            }

            (isOff, version, reason) = (!row.GetBoolean(0), row.GetInt32(1), row.Object<string>(2));
        }

        if (isOff)
        {
            await work.ExecuteAsync(
                "update connectors.webhook set disabled_at = platform.clock() where id = $1",
                [webhookId],
                cancel
            );
            var entry = new EventEntry(
                "webhook",
                webhookId.ToString(),
                "webhook.disabled",
                version,
                "job:webhooks",
                EventLog.Payload(("reason", reason)),
                null
            );
            await EventLog.AppendAsync(work, await work.ClockAsync(cancel), [entry], cancel);
        }
    }
}
