using System.Text.Json;
using Npgsql;
using NpgsqlTypes;
using Tessera.Core;
using Tessera.Server.Notifications.Mail;
using Tessera.Server.Platform;
using Tessera.Server.Platform.Http;
using Tessera.Server.Platform.Outbound;

namespace Tessera.Server.Notifications;

/// <summary>How far the log was followed, held.</summary>
internal sealed record FeedPlace(long Seq, long Head, Guid? LastCustomer);

/// <summary>A notice of the log: units as runs, or a coupon with a shared code.</summary>
internal sealed record DueNotice(
    long Seq,
    long CouponId,
    string Region,
    int Days,
    string? Runs,
    DateTimeOffset EndsFrom,
    DateTimeOffset EndsUntil,
    DateTimeOffset ToldAt
);

/// <summary>A message this node holds.</summary>
internal sealed record HeldMessage(Guid Id, long Fence);

/// <summary>What the letter of a message is made of, as it is when it is sent.</summary>
internal sealed record MessageFacts(Guid CustomerId, bool IsErased, bool HasEnded, ExpiryFacts Facts);

/// <summary>What becomes of a message.</summary>
/// <param name="State">The state it has from then on.</param>
/// <param name="Cause">A closed word; null for sent.</param>
/// <param name="Status">Of the mail server.</param>
internal sealed record MessageEnd(string State, string? Cause = null, string? Status = null);

/// <summary>The SQL of messages: queued with the event they follow from, claimed, settled.</summary>
internal static class NotificationStore
{
    public const string Actor = "job:notifications";

    private const int EventsAtOnce = 5000;
    private const int CustomersAtOnce = 5000;

    /// <summary>Longer than the longest call.</summary>
    private const string Lease = "2 minutes";

    /// <summary>Units that can still be used, those in a checkout included.</summary>
    private const string Usable = "state in ('issued', 'paid', 'extended', 'pending_expiration', 'reserved')";

    /// <summary>
    /// By when the customer has to be told: the day the rule says, or a day after it came out, for what was issued or given
    /// another end within the notice.
    /// </summary>
    private const string Due =
        "least(x.ends_at, greatest(x.ends_at - make_interval(days => $3), $4 + interval '1 day'))";

    /// <summary>Holds the reader's place; one node follows at a time.</summary>
    public static async Task<FeedPlace?> HoldFeedAsync(UnitOfWork work, CancellationToken cancel)
    {
        await using var hold = work.Command(
            """
            select f.seq, s.seq, f.last_customer from notifications.feed f cross join audit.seal s
            for update of f skip locked
            """
        );
        await using var row = await hold.ExecuteReaderAsync(cancel);
        return await row.ReadAsync(cancel) ? new FeedPlace(row.GetInt64(0), row.GetInt64(1), row.Value<Guid>(2)) : null;
    }

    /// <summary>The next notice of the log; where there is none, the place moves on.</summary>
    /// <returns>The notice, if any, and whether the end of the log was reached without one.</returns>
    public static async Task<(DueNotice? Notice, bool IsCaughtUp)> NextNoticeAsync(
        UnitOfWork work,
        FeedPlace feed,
        CancellationToken cancel
    )
    {
        if (feed.Seq >= feed.Head)
        {
            return (null, true);
        }

        var to = Math.Min(feed.Head, feed.Seq + EventsAtOnce);
        await using (
            var query = work.Command(
                $"""
                select a.seq, e.payload::text, e.created_at
                from audit.entry a {EventLog.OfEntry}
                where a.seq > $1 and a.seq <= $2 and e.type = 'coupon.expiry_notice_due' order by a.seq limit 1
                """,
                feed.Seq,
                to
            )
        )
        await using (var row = await query.ExecuteReaderAsync(cancel))
        {
            if (await row.ReadAsync(cancel))
            {
                using var told = JsonDocument.Parse(row.GetString(1));
                var facts = told.RootElement;
                var isUnits = facts.TryGetProperty("runs", out var runs);
                var from = facts.GetProperty(isUnits ? "ends_from" : "valid_until").GetDateTimeOffset();
                var until = isUnits ? facts.GetProperty("ends_until").GetDateTimeOffset() : from;
                var notice = new DueNotice(
                    row.GetInt64(0),
                    facts.GetProperty("coupon_id").GetInt64(),
                    facts.GetProperty("region").GetString()!,
                    facts.GetProperty("notice_days").GetInt32(),
                    isUnits ? runs.GetRawText() : null,
                    from,
                    until,
                    row.GetFieldValue<DateTimeOffset>(2)
                );
                return (notice, false);
            }
        }

        await MoveAsync(work, to, null, cancel);
        return (null, to == feed.Head);
    }

    /// <summary>Moves the reader's place.</summary>
    public static Task MoveAsync(UnitOfWork work, long seq, Guid? lastCustomer, CancellationToken cancel) =>
        work.ExecuteAsync(
            "update notifications.feed set seq = $1, last_customer = $2, updated_at = platform.clock()",
            [seq, Id(lastCustomer)],
            cancel
        );

    /// <summary>Queues a message for each holder of the units of a notice.</summary>
    public static Task QueueHoldersAsync(UnitOfWork work, DueNotice notice, CancellationToken cancel) =>
        work.ExecuteAsync(
            $"""
            with x as (
                select i.customer_id, array_agg(i.id order by i.valid_until, i.id) as units,
                    array_agg(i.valid_until order by i.valid_until, i.id) as ends, min(i.valid_until) as ends_at
                from jsonb_array_elements($6::jsonb) r join coupons.instance i on i.coupon_id = $1
                    and i.id between (r ->> 0)::bigint and (r ->> 1)::bigint and i.valid_until between $7 and $8
                where i.customer_id is not null and {Usable}
                group by i.customer_id
            ), {Queued("x.units, x.ends")}
            select count(*) from made
            """,
            [
                notice.CouponId,
                notice.Region,
                notice.Days,
                notice.ToldAt,
                notice.Seq,
                notice.Runs,
                notice.EndsFrom,
                notice.EndsUntil,
            ],
            cancel
        );

    /// <summary>Queues a message for the next customers who alone may use a private coupon with a shared code.</summary>
    /// <returns>The last of them; null when there are no more.</returns>
    public static async Task<Guid?> QueueAudienceAsync(
        UnitOfWork work,
        DueNotice notice,
        Guid? after,
        CancellationToken cancel
    )
    {
        await using var query = work.Command(
            $"""
            with x as materialized (
                select a.customer_id, $6::timestamptz as ends_at from coupons.coupon c
                join campaigns.audience a on a.campaign_id = c.campaign_id
                where c.id = $1 and c.distribution = 'private' and ($7::uuid is null or a.customer_id > $7)
                order by a.customer_id limit {CustomersAtOnce}
            ), {Queued("'{}'::bigint[], '{}'::timestamptz[]")}
            select count(*), (select customer_id from x order by customer_id desc limit 1) from x
            """,
            notice.CouponId,
            notice.Region,
            notice.Days,
            notice.ToldAt,
            notice.Seq,
            notice.EndsUntil,
            Id(after)
        );
        await using var row = await query.ExecuteReaderAsync(cancel);
        await row.ReadAsync(cancel);
        return row.GetInt64(0) == CustomersAtOnce ? row.GetGuid(1) : null;
    }

    /// <summary>Takes messages that are due.</summary>
    public static async Task<IReadOnlyList<HeldMessage>> ClaimAsync(
        Database database,
        int most,
        CancellationToken cancel
    )
    {
        await using var command = database.Source.CreateCommand(
            $"""
            with due as (
                select id from notifications.message
                where state = 'queued' and next_attempt_at <= (select platform.clock())
                    and leased_until <= (select platform.clock())
                order by next_attempt_at, id limit $1 for update skip locked
            )
            update notifications.message m set fence = m.fence + 1, leased_until = platform.clock() + interval '{Lease}'
            from due where m.id = due.id returning m.id, m.fence
            """
        );
        command.Parameters.Add(UnitOfWork.Parameter(most));
        var held = new List<HeldMessage>();
        await using var row = await command.ExecuteReaderAsync(cancel);
        while (await row.ReadAsync(cancel))
        {
            held.Add(new HeldMessage(row.GetGuid(0), row.GetInt64(1)));
        }

        return held;
    }

    /// <summary>What there is to tell by now: of units that were used, given away or moved meanwhile nothing is said.</summary>
    /// <returns>Null when the message is not this node's any more.</returns>
    public static async Task<MessageFacts?> FindAsync(UnitOfWork work, HeldMessage held, CancellationToken cancel)
    {
        await using var query = work.Command(
            $"""
            select m.customer_id, exists (select from privacy.erased e where e.customer_id = m.customer_id),
                coalesce(cu.attributes ->> 'language', ''), coalesce(cu.attributes ->> 'region', mer.region, ''),
                coalesce(cu.attributes ->> 'time_zone', ''), c.time_zone, mer.name, c.description::text,
                case when priced.id is null then c.discount_percent end, case when priced.id is null then c.discount_minor end,
                c.currency, left_over.codes, left_over.ends, left_over.has_ended
            from (select platform.clock() as now) k cross join notifications.message m
            join coupons.coupon c on c.id = m.coupon_id
            left join access.customer cu on cu.id = m.customer_id
            left join access.merchant mer on mer.id = c.merchant_id
            left join lateral (select p.id from promotions.promotion p
                where p.coupon_id = c.id and p.deleted_at is null limit 1) priced on true
            cross join lateral (
                select coalesce(array_agg(u.code order by u.valid_until, u.code) filter (where u.valid_until > k.now), '{"{}"}')
                        as codes,
                    coalesce(array_agg(u.valid_until order by u.valid_until, u.code) filter (where u.valid_until > k.now), '{"{}"}')
                        as ends,
                    coalesce(bool_or(u.valid_until <= k.now), false) as has_ended
                from (
                    select coalesce(i.code, c.code) as code, i.valid_until
                    from unnest(m.units, m.ends) t (id, valid_until)
                    join coupons.instance i on i.valid_until = t.valid_until and i.id = t.id
                    where i.customer_id = m.customer_id and i.{Usable}
                    union all
                    select c.code, c.valid_until
                    where cardinality(m.units) = 0 and c.is_active and c.deleted_at is null and c.valid_until = m.ends_at
                        and exists (select from campaigns.audience a
                            where a.campaign_id = c.campaign_id and a.customer_id = m.customer_id)
                        and c.max_uses_per_user > (select count(*) from redemptions.redemption r
                            where r.customer_id = m.customer_id and r.coupon_id = c.id and r.rolled_back_at is null)
                ) u
            ) left_over
            where m.id = $1 and m.fence = $2 and m.state = 'queued'
            """,
            held.Id,
            held.Fence
        );
        await using var row = await query.ExecuteReaderAsync(cancel);
        if (!await row.ReadAsync(cancel))
        {
            return null;
        }

        var language = LanguageOf(row.GetString(2), row.GetString(3));
        var codes = row.GetFieldValue<string[]>(11);
        var ends = row.GetFieldValue<DateTimeOffset[]>(12);
        var facts = new ExpiryFacts(
            language,
            ZoneOf(row.GetString(4)) ?? ZoneOf(row.GetString(5)) ?? TimeZoneInfo.Utc,
            row.Object<string>(6),
            Description(row.GetString(7), language),
            row.Value<decimal>(8),
            row.Value<long>(9) is { } off ? new Money(off, row.GetString(10)) : null,
            [.. codes.Zip(ends, static (code, end) => new EndingCode(code, end))]
        );
        return new MessageFacts(row.GetGuid(0), row.GetBoolean(1), row.GetBoolean(13), facts);
    }

    /// <summary>Writes what became of a message with its event, if it is still this node's.</summary>
    /// <returns>Whether it was.</returns>
    public static async Task<bool> SettleAsync(
        UnitOfWork work,
        HeldMessage held,
        MessageEnd end,
        bool wasTried,
        CancellationToken cancel
    )
    {
        await using var command = work.Command(
            $"""
            with settled as (
                update notifications.message set state = $3, cause = $4, smtp_status = $5, attempts = attempts + $6,
                    tries = tries + $6, fence = fence + 1, leased_until = '-infinity', version = version + 1,
                    settled_at = platform.clock(), sent_at = case when $3 = 'sent' then platform.clock() end
                where id = $1 and fence = $2 and state = 'queued'
                returning id, version, customer_id, coupon_id, state, cause, smtp_status, attempts
            ), {Told("settled", "'notification.' || state", $"'{Actor}'", "null")}
            select count(*) from settled
            """,
            held.Id,
            held.Fence,
            end.State,
            Text(end.Cause),
            Text(end.Status),
            wasTried ? 1 : 0
        );
        return (long)(await command.ExecuteScalarAsync(cancel))! == 1;
    }

    /// <summary>Puts a message off to its next attempt, or gives it up when there is none.</summary>
    /// <returns>Whether it was given up.</returns>
    public static async Task<bool> DeferAsync(
        UnitOfWork work,
        HeldMessage held,
        SmtpAnswer answer,
        CancellationToken cancel
    )
    {
        int tries;
        await using (
            var hold = work.Command(
                "select tries + 1 from notifications.message where id = $1 and fence = $2 and state = 'queued' for update",
                held.Id,
                held.Fence
            )
        )
        {
            if (await hold.ExecuteScalarAsync(cancel) is not int count)
            {
                return false;
            }

            tries = count;
        }

        if (tries >= RetrySchedule.Usual.Count)
        {
            return await SettleAsync(work, held, new MessageEnd("failed", answer.Cause, answer.Status), true, cancel);
        }

        await work.ExecuteAsync(
            """
            update notifications.message set attempts = attempts + 1, tries = $3, cause = $4, smtp_status = $5,
                fence = fence + 1, leased_until = '-infinity', next_attempt_at = platform.clock() + $6 * interval '1 second'
            where id = $1 and fence = $2
            """,
            [
                held.Id,
                held.Fence,
                tries,
                Text(answer.Cause),
                Text(answer.Status),
                RetrySchedule.PauseOf(RetrySchedule.Usual[tries]),
            ],
            cancel
        );
        return false;
    }

    /// <summary>Queues a message again that was given up.</summary>
    /// <returns>Whether there was one.</returns>
    public static async Task<bool> ReplayAsync(
        UnitOfWork work,
        Guid id,
        string actor,
        string requestId,
        CancellationToken cancel
    )
    {
        await using var command = work.Command(
            $"""
            with settled as (
                update notifications.message set state = 'queued', cause = null, smtp_status = null, tries = 0, settled_at = null,
                    next_attempt_at = platform.clock(), version = version + 1
                where id = $1 and state in ('failed', 'bounced', 'suppressed')
                returning id, version, customer_id, coupon_id, state, cause, smtp_status, attempts
            ), {Told("settled", "'notification.replayed'", "$2", "$3")}
            select count(*) from settled
            """,
            id,
            actor,
            requestId
        );
        return (long)(await command.ExecuteScalarAsync(cancel))! == 1;
    }

    /// <summary>Messages whose day has come and which are not sent though the end has not passed, and those that wait.</summary>
    public static async Task<(long Late, long Queued)> WaitingAsync(UnitOfWork work, CancellationToken cancel)
    {
        await using var query = work.Command(
            """
            select count(*) filter (where due_at < k.now and ends_at > k.now), count(*) filter (where state = 'queued')
            from notifications.message, (select platform.clock() as now) k
            where state = 'queued' or (state in ('failed', 'bounced') and due_at < k.now and ends_at > k.now)
            """
        );
        await using var row = await query.ExecuteReaderAsync(cancel);
        await row.ReadAsync(cancel);
        return (row.GetInt64(0), row.GetInt64(1));
    }

    /// <summary>Rows of <c>x</c> as messages, each with its event; once for each event and customer.</summary>
    private static string Queued(string units) =>
        $"""
            made as (
                insert into notifications.message (id, kind, customer_id, coupon_id, units, ends, ends_at, due_at, region,
                    event_seq, next_attempt_at, created_at)
                select gen_random_uuid(), 'coupon_expiry', x.customer_id, $1, {units}, x.ends_at, {Due}, $2, $5,
                    platform.clock(), platform.clock()
                from x on conflict do nothing
                returning id, version, customer_id, coupon_id, state, cause, smtp_status, attempts
            ), {Told("made", "'notification.queued'", $"'{Actor}'", "null")}
            """;

    /// <summary>The event of each row.</summary>
    private static string Told(string rows, string type, string actor, string correlation) =>
        $"""
            told as (
                insert into platform.event (id, aggregatetype, aggregateid, type, sequence, actor, correlation_id, payload, created_at)
                select gen_random_uuid(), 'notification', id::text, {type}, version, {actor}, {correlation},
                    jsonb_strip_nulls(jsonb_build_object('kind', 'coupon_expiry', 'customer_id', customer_id,
                        'coupon_id', coupon_id, 'cause', cause, 'smtp_status', smtp_status, 'attempts', attempts)),
                    platform.clock()
                from {rows}
            )
            """;

    /// <summary>What the customer said, else what is spoken where the customer is.</summary>
    private static string LanguageOf(string said, string region) =>
        said.StartsWith("de", StringComparison.OrdinalIgnoreCase) ? "de"
        : said.Length > 0 ? "en"
        : region.Split('-')[0].ToUpperInvariant() is "AT" or "DE" or "LI" ? "de"
        : "en";

    private static TimeZoneInfo? ZoneOf(string id) =>
        TimeZoneInfo.TryFindSystemTimeZoneById(id, out var zone) ? zone : null;

    /// <summary>The words for customers in a language, or its regional forms, else in English.</summary>
    private static string? Description(string json, string language)
    {
        var words = JsonSerializer.Deserialize<Dictionary<string, string>>(json, Wire.Json)!;
        return words.GetValueOrDefault(language)
            ?? words.FirstOrDefault(w => w.Key.StartsWith(language + "-", StringComparison.OrdinalIgnoreCase)).Value
            ?? words.GetValueOrDefault("en");
    }

    private static NpgsqlParameter Text(string? text) =>
        new() { Value = text ?? (object)DBNull.Value, NpgsqlDbType = NpgsqlDbType.Text };

    private static NpgsqlParameter Id(Guid? id) =>
        new() { Value = id ?? (object)DBNull.Value, NpgsqlDbType = NpgsqlDbType.Uuid };
}
