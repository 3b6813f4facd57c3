using System.Globalization;
using System.IO.Compression;
using System.Text;
using System.Text.Json;
using Tessera.Server.Platform;
using Tessera.Server.Platform.Files;
using Tessera.Server.Platform.Http;

namespace Tessera.Server.Privacy;

/// <summary>
/// The copy of everything about one person (GDPR 15 and 20): a ZIP of JSON Lines and CSV with a schema and a readme. It is
/// made when it is fetched and kept nowhere.
/// </summary>
internal static class SubjectExport
{
    private const int MaximumRows = 100_000;

    /// <summary>Name, meaning, and the rows; $1 is the customer.</summary>
    private static readonly (string Name, string Meaning, string Sql)[] Parts =
    [
        (
            "customer",
            "The record of the customer.",
            "select id, external_id, groups, attributes, created_at, blocked_at, blocked_reason from access.customer where id = $1"
        ),
        (
            "accounts",
            "Accounts the customer signs in with.",
            "select id, email, name, is_active, created_at from people.person where customer_id = $1"
        ),
        (
            "passkeys",
            "Passkeys the customer signs in with.",
            """
            select k.name, k.is_backed_up, k.created_at, k.used_at
            from people.passkey k join people.person p on p.id = k.person_id where p.customer_id = $1 order by k.created_at
            """
        ),
        (
            "redemptions",
            "Coupons that were used; amounts in minor units of the currency.",
            """
            select id, coupon_id, instance_id, channel, order_reference, order_minor, discount_minor, currency, decided_at,
                rolled_back_at
            from redemptions.redemption where customer_id = $1 order by decided_at
            """
        ),
        (
            "attempts",
            "Attempts that were refused, and why.",
            """
            select id, operation, reason, coupon_id, channel, order_reference, decided_at
            from redemptions.refusal where customer_id = $1 order by decided_at
            """
        ),
        (
            "origins",
            "Where attempts came from, while they are kept.",
            """
            select o.attempt_id, o.ip, o.device_fingerprint, o.decided_at from redemptions.origin o
            join redemptions.redemption r on r.id = o.attempt_id where r.customer_id = $1
            """
        ),
        (
            "coupons",
            "Coupon instances the customer holds or held.",
            """
            select id, coupon_id, state, valid_from, case when isfinite(valid_until) then valid_until end as valid_until
            from coupons.instance where customer_id = $1
            """
        ),
        (
            "objections",
            "Purposes the data is not used for.",
            "select purpose, since from privacy.objection where customer_id = $1"
        ),
        (
            "receipts",
            "Why prices came out as they did.",
            "select id, kind, decided_at, receipt from promotions.receipt where customer_id = $1 order by decided_at"
        ),
        (
            "orders",
            "Orders, as they were priced.",
            """
            select id, reference, currency, subtotal_minor, discount_minor, total_minor, placed_at, cart
            from redemptions.placed_order where customer_id = $1 order by placed_at
            """
        ),
        (
            "holds",
            "Coupons that were held for a checkout.",
            """
            select id, coupon_id, channel, order_reference, order_minor, discount_minor, currency, decided_at, ending
            from redemptions.reservation where customer_id = $1 order by decided_at
            """
        ),
        (
            "balances",
            "Money the customer has here, in minor units of the currency; held is on its way out.",
            """
            select id as account_id, unit as currency, posted as balance_minor, pending as held_minor
            from balances.account where kind = 'customer_deposit' and owner_id = $1::text order by unit
            """
        ),
        (
            "movements",
            "What moved these balances; amounts in minor units of the currency.",
            """
            select t.id, a.id as account_id, t.kind, t.reference, t.amounts[1] as amount_minor, a.unit as currency, t.at
            from balances.account a join balances.transfer t on t.account_ids[1] = a.id
                and t.kind in ('adjust', 'deposit', 'withdraw', 'restore')
            where a.kind = 'customer_deposit' and a.owner_id = $1::text order by t.at, t.id
            """
        ),
        (
            "withdrawals",
            "Withdrawals that were asked for, and what became of them.",
            """
            select id, account_id, amount_minor, currency, destination, state, asked_at, changed_at, payout_reference
            from balances.withdrawal where customer_id = $1 order by asked_at, id
            """
        ),
        (
            "messages",
            "Messages about the end of coupons, and what became of them.",
            """
            select id, kind, state, cause, coupon_id, units as instance_ids, ends_at, due_at, attempts, sent_at, created_at
            from notifications.message where customer_id = $1 order by created_at, id
            """
        ),
        (
            "archive",
            "What was archived when its period was over.",
            "select data_kind, content, at from privacy.archived where customer_id = $1 order by at, id"
        ),
        (
            "requests",
            "What was asked for before.",
            "select id, kind, state, received_at, decided_at from privacy.request where customer_id = $1 order by received_at"
        ),
    ];

    /// <summary>Makes the copy.</summary>
    public static async Task<byte[]> MakeAsync(
        UnitOfWork work,
        Guid customer,
        PersonalData? personal,
        CancellationToken cancel
    )
    {
        using var file = new MemoryStream();
        using (var zip = new ZipArchive(file, ZipArchiveMode.Create, leaveOpen: true))
        {
            var schema = new StringBuilder();
            var data = JsonSerializer.Serialize(personal ?? new PersonalData(), Wire.Json);
            await AddAsync(zip, "personal_data", "Names and addresses.", [data], schema, cancel);
            foreach (var (name, meaning, sql) in Parts)
            {
                await AddAsync(zip, name, meaning, await RowsAsync(work, sql, customer, cancel), schema, cancel);
            }

            await WriteAsync(zip, "schema.txt", schema.ToString(), cancel);
            await WriteAsync(
                zip,
                "README.txt",
                "This is a copy of the data kept about you. Each part is there twice: as JSON Lines (one record a line, "
                    + "UTF-8) for programs, and as CSV for spreadsheets. schema.txt says what the parts and columns are.\n",
                cancel
            );
        }

        return file.ToArray();
    }

    private static async Task AddAsync(
        ZipArchive zip,
        string name,
        string meaning,
        List<string> rows,
        StringBuilder schema,
        CancellationToken cancel
    )
    {
        await WriteAsync(zip, name + ".jsonl", string.Concat(rows.Select(static r => r + "\n")), cancel);
        var csv = new StringBuilder();
        List<string> columns = [];
        foreach (var row in rows)
        {
            using var document = JsonDocument.Parse(row);
            var members = document.RootElement.EnumerateObject().ToList();
            if (columns.Count == 0)
            {
                columns = members.ConvertAll(static m => m.Name);
                csv.AppendJoin(',', columns).Append("\r\n");
            }

            CsvText.AppendRow(csv, [.. members.Select(static m => m.Value.ToString())]);
        }

        await WriteAsync(zip, name + ".csv", csv.ToString(), cancel);
        schema.Append(CultureInfo.InvariantCulture, $"{name}: {meaning} Columns: {string.Join(", ", columns)}\n");
    }

    private static async Task<List<string>> RowsAsync(
        UnitOfWork work,
        string sql,
        Guid customer,
        CancellationToken cancel
    )
    {
        var rows = new List<string>();
        await using var command = work.Command(
            $"select row_to_json(part)::text from ({sql} limit {MaximumRows}) part",
            customer
        );
        await using var row = await command.ExecuteReaderAsync(cancel);
        while (await row.ReadAsync(cancel))
        {
            rows.Add(row.GetString(0));
        }

        return rows;
    }

    private static async Task WriteAsync(ZipArchive zip, string name, string text, CancellationToken cancel)
    {
        await using var entry = zip.CreateEntry(name).Open();
        await entry.WriteAsync(Encoding.UTF8.GetBytes(text), cancel);
    }
}
