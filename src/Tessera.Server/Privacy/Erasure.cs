using Npgsql;
using NpgsqlTypes;
using Tessera.Core;
using Tessera.Server.Approvals;
using Tessera.Server.Platform;

namespace Tessera.Server.Privacy;

/// <summary>
/// Forgets a person in every store: the key and the data are destroyed, what else is about the person is removed,
/// and what has to stay (ledger, log, redemptions) keeps an id that leads to nobody any more.
/// </summary>
internal sealed class Erasure(PersonStore persons)
{
    private const int ShortestTrace = 4;

    public static readonly Refusal LegalHold = new(
        "legal_hold",
        "A legal hold stands on this customer. Nothing is deleted until it is ended."
    );

    /// <summary>What is removed or emptied, by store; $1 is the customer. The counts are the proof.</summary>
    private static readonly (string Store, string Sql)[] Steps =
    [
        (
            "customer",
            """
            update access.customer set external_id = null, groups = '{}', attributes = '{}', version = version + 1
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
        ("objections", "delete from privacy.objection where customer_id = $1"),
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

        var traces = (await persons.FindAsync(work, customer, cancel))?.Data.Traces().ToList() ?? [];
        await using (
            var account = work.Command("select email, name from people.person where customer_id = $1", customer)
        )
        await using (var rows = await account.ExecuteReaderAsync(cancel))
        {
            while (await rows.ReadAsync(cancel))
            {
                traces.AddRange([rows.GetString(0), rows.GetString(1)]);
            }
        }

        var fingerprint = await PersonStore.DestroyAsync(work, customer, cancel);
        var counts = new Dictionary<string, int>(StringComparer.Ordinal)
        {
            ["words"] = await ApprovalService.ForgetAsync(work, traces, cancel),
        };
        // Answers that are kept for repeats show what was written; a short name would be found in words that are none.
        counts["kept_answers"] = await work.ExecuteAsync(
            """
            delete from platform.idempotency where exists (
                select from unnest($1::text[]) t where strpos(lower(convert_from(body, 'UTF8')), lower(t)) > 0)
            """,
            [traces.Where(static t => t.Length >= ShortestTrace).ToArray()],
            cancel
        );
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
            ("removed", counts)
        );
        return (proof, null);
    }
}
