using Npgsql;
using NpgsqlTypes;
using Tessera.Core;
using Tessera.Server.Platform;
using Tessera.Server.Platform.Retention;

namespace Tessera.Server.Privacy;

/// <summary>
/// Forgets a person in every store: the key and the data are destroyed, what else is about the person is removed,
/// and what has to stay (ledger, log, redemptions) keeps an id that leads to nobody any more.
/// </summary>
internal sealed class Erasure(PersonStore persons, IEnumerable<KeptWords> kept)
{
    /// <summary>Most places that are told of for somebody to look at.</summary>
    private const int MaximumPlaces = 100;

    /// <summary>Work that names the person goes on still.</summary>
    public static readonly Refusal StillRunning = new(
        "still_running",
        "An import, export or change of many that names this person is not over. Wait for its end, or cancel it."
    );

    public static readonly Refusal LegalHold = new(
        "legal_hold",
        "A legal hold stands on this customer. Nothing is deleted until it is ended."
    );

    public static readonly Refusal MoneyStands = new(
        "balance_stands",
        "Money of this customer is still here, or on its way out. Pay it out first; after an erasure it would be nobody's."
    );

    /// <summary>What is removed or emptied, by store; $1 is the customer. The counts are the proof.</summary>
    private static readonly (string Store, string Sql)[] Steps =
    [
        (
            "customer",
            """
            update access.customer set external_id = null, groups = '{}', attributes = '{}', blocked_reason = null, version = version + 1
            where id = $1
            """
        ),
        (
            "sessions",
            "delete from people.session s using people.person p where p.id = s.person_id and p.customer_id = $1"
        ),
        (
            "invitations",
            "delete from people.invitation i using people.person p where p.id = i.person_id and p.customer_id = $1"
        ),
        (
            "passkeys",
            "delete from people.passkey k using people.person p where p.id = k.person_id and p.customer_id = $1"
        ),
        (
            "recovery_codes",
            "delete from people.recovery_code c using people.person p where p.id = c.person_id and p.customer_id = $1"
        ),
        (
            "names_elsewhere",
            "delete from people.external e using people.person p where p.id = e.person_id and p.customer_id = $1"
        ),
        // An authenticator that was asked for a passkey was told whose it is to be.
        (
            "questions",
            """
            delete from people.challenge c using people.person p
            where p.customer_id = $1 and strpos(c.content, p.id::text) > 0
            """
        ),
        (
            "accounts",
            """
            update people.person set email = 'erased-' || id || '@erased.invalid', name = 'Erased', password_hash = null,
                totp = null, totp_confirmed = false, is_active = false, version = version + 1
            where customer_id = $1
            """
        ),
        (
            "origins",
            """
            delete from redemptions.origin where attempt_id in (
                select id from redemptions.redemption where customer_id = $1
                union all select id from redemptions.refusal where customer_id = $1)
            """
        ),
        // The orders stay, as sales; who bought, of which groups and region, does not.
        ("orders", "update redemptions.placed_order set cart = cart - 'customer' where customer_id = $1"),
        ("carts", "update redemptions.order_reservation set cart = cart - 'customer' where customer_id = $1"),
        (
            "addresses",
            "update redemptions.promotion_use set email_hash = null where customer_id = $1 and email_hash is not null"
        ),
        (
            "receipts",
            """
            update promotions.receipt set input = (input #- '{cart,customer}') || '{"erased": true}' where customer_id = $1
            """
        ),
        ("segments", "delete from promotions.segment_member where customer_id = $1"),
        ("audiences", "delete from campaigns.audience where customer_id = $1"),
        // What is being sent has no address when it is tried again, and is suppressed then.
        (
            "messages",
            """
            with gone as (
                update notifications.message set state = 'suppressed', cause = 'erased', smtp_status = null,
                    settled_at = platform.clock(), version = version + 1
                where customer_id = $1 and (state = 'failed' or state = 'queued' and leased_until <= platform.clock())
                returning id, version, coupon_id
            )
            insert into platform.event (id, aggregatetype, aggregateid, type, sequence, actor, payload, created_at)
            select gen_random_uuid(), 'notification', id::text, 'notification.suppressed', version, 'job:erasure',
                jsonb_build_object('kind', 'coupon_expiry', 'customer_id', $1, 'coupon_id', coupon_id, 'cause', 'erased'),
                platform.clock()
            from gone
            """
        ),
        ("objections", "delete from privacy.objection where customer_id = $1"),
        ("archive", "delete from privacy.archived where customer_id = $1"),
        ("payouts", "update balances.withdrawal set destination = '[erased]' where customer_id = $1"),
        (
            "payout_requests",
            """
            update approvals.request set input = input || '{"destination": "[erased]"}',
                effect = effect || '{"destination": "[erased]"}'
            where kind = 'balance_withdrawal' and subject in (select 'account:' || id from balances.account
                where kind = 'customer_deposit' and owner_id = $1::text)
            """
        ),
        // Answers about the customer that are kept for repeats.
        (
            "answers",
            """
            delete from platform.idempotency
            where location like '/api/v1/customers/' || $1::text || '%'
                or position(convert_to('{"id":"' || $1::text, 'UTF8') in body) = 1
                or position(convert_to('{"customer_id":"' || $1::text, 'UTF8') in body) = 1
            """
        ),
    ];

    /// <summary>Whether something of a customer may not be deleted.</summary>
    public static async Task<bool> IsHeldAsync(UnitOfWork work, Guid customer, CancellationToken cancel)
    {
        await using var command = work.Command(
            "select exists (select from privacy.legal_hold where customer_id = $1 and ended_at is null)",
            customer
        );
        return (bool)(await command.ExecuteScalarAsync(cancel))!;
    }

    private static async Task<bool> HasMoneyAsync(UnitOfWork work, Guid customer, CancellationToken cancel)
    {
        await using var command = work.Command(
            """
            select exists (select from balances.account where kind = 'customer_deposit' and owner_id = $1::text and posted > 0)
                or exists (select from balances.withdrawal where customer_id = $1 and state in ('requested', 'approved'))
            """,
            customer
        );
        return (bool)(await command.ExecuteScalarAsync(cancel))!;
    }

    /// <summary>Forgets a person.</summary>
    /// <returns>The proof, as JSON; or why not.</returns>
    public async Task<(string? Proof, Refusal? Refusal)> RunAsync(
        UnitOfWork work,
        PrivacyRequest request,
        DateTimeOffset now,
        CancellationToken cancel
    )
    {
        var customer = request.CustomerId;
        await work.ExecuteAsync("select from access.customer where id = $1 for update", [customer], cancel);
        if (await IsHeldAsync(work, customer, cancel))
        {
            return (null, LegalHold);
        }

        if (await HasMoneyAsync(work, customer, cancel))
        {
            return (null, MoneyStands);
        }

        var traces = new Traces();
        if (await persons.FindAsync(work, customer, cancel) is { } known)
        {
            traces.Add(known.Data);
        }

        await using (
            var account = work.Command("select email, name from people.person where customer_id = $1", customer)
        )
        await using (var rows = await account.ExecuteReaderAsync(cancel))
        {
            while (await rows.ReadAsync(cancel))
            {
                traces.AddAccount(rows.GetString(0), rows.GetString(1));
            }
        }

        if (await KeptFiles.AreInUseAsync(work, traces.InFiles, cancel))
        {
            return (null, StillRunning);
        }

        var fingerprint = await PersonStore.DestroyAsync(work, customer, cancel);
        var counts = new Dictionary<string, int>(StringComparer.Ordinal)
        {
            ["words"] = await TakeOutAsync(work, customer, traces, cancel),
            ["files"] = await KeptFiles.RemoveAsync(work, traces.InFiles, cancel),
        };
        counts["reveals"] = await work.ExecuteAsync(
            "update privacy.reveal set reason = '[erased]' where customer_id = $1",
            [customer],
            cancel
        );
        foreach (var (store, sql) in Steps)
        {
            counts[store] = await work.ExecuteAsync(sql, [customer], cancel);
        }

        await work.ExecuteAsync(
            """
            insert into privacy.erased (customer_id, request_id, fingerprint, at) values ($1, $2, $3, $4)
            on conflict (customer_id) do nothing
            """,
            [
                customer,
                request.Id,
                new NpgsqlParameter { Value = fingerprint ?? (object)DBNull.Value, NpgsqlDbType = NpgsqlDbType.Bytea },
                now,
            ],
            cancel
        );
        var proof = EventLog.Payload(
            ("destroyed_key", fingerprint is null ? null : Convert.ToHexStringLower(fingerprint)),
            ("removed", counts),
            ("to_look_at", await LeftAsync(work, traces, cancel))
        );
        return (proof, null);
    }

    /// <summary>Looks through all words that rooms keep for what the person was called.</summary>
    /// <returns>How many rows spoke of the person.</returns>
    private async Task<int> TakeOutAsync(UnitOfWork work, Guid customer, Traces traces, CancellationToken cancel)
    {
        var rows = 0;
        foreach (var words in kept)
        {
            var looked = traces.In(words).ToList();
            if (words.NamesCustomers)
            {
                looked.Add(customer.ToString());
            }

            if (looked.Count > 0)
            {
                var change = words.Emptied is { } set
                    ? $"update {words.Table} t set {set}"
                    : $"delete from {words.Table} t";
                object?[] values = words.IsPartial ? [looked.ToArray(), Traces.PatternOf(looked)] : [looked.ToArray()];
                rows += await work.ExecuteAsync($"{change} where {Speaks(words)}", values, cancel);
            }
        }

        return rows;
    }

    /// <summary>Where a surname is left in words that others rely on: it may be a word, and somebody has to look.</summary>
    private async Task<IReadOnlyList<string>> LeftAsync(UnitOfWork work, Traces traces, CancellationToken cancel)
    {
        var places = new List<string>();
        foreach (var words in kept)
        {
            if (traces.LeftIn(words) is not { Count: > 0 } looked)
            {
                continue;
            }

            await using var query = work.Command(
                $"""
                select '{words.Table} ' || coalesce(to_jsonb(t) ->> 'id', to_jsonb(t) ->> 'promotion_id',
                    to_jsonb(t) ->> 'segment_id', to_jsonb(t) ->> 'mark') from {words.Table} t
                where {Speaks(words)} limit {MaximumPlaces - places.Count}
                """,
                (object)looked.ToArray()
            );
            await using var rows = await query.ExecuteReaderAsync(cancel);
            while (await rows.ReadAsync(cancel))
            {
                places.Add(rows.GetString(0));
            }
        }

        return places;
    }

    private static string Speaks(KeptWords words) =>
        $"exists (select from unnest($1::text[]) x where strpos(lower({words.Words}), lower(x)) > 0)";
}
