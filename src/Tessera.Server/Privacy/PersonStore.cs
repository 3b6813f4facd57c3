using System.Security.Cryptography;
using System.Text;
using System.Text.Json;
using Npgsql;
using NpgsqlTypes;
using Tessera.Server.Platform;
using Tessera.Server.Platform.Http;
using Tessera.Server.Platform.Secrets;

namespace Tessera.Server.Privacy;

/// <summary>
/// The one place of personal data (convention 66): encrypted with a key per person, which is itself sealed with the key of
/// the deployment. Without the person's key nothing can be read, wherever a copy may be.
/// </summary>
internal sealed class PersonStore(SecretBox box)
{
    private const int KeyLength = 32;
    private const int NonceLength = 12;
    private const int TagLength = 16;
    private const string EmailSecret = "privacy_email";

    /// <summary>Reads the data of a person.</summary>
    /// <returns>Null when there is none.</returns>
    public async Task<PersonalDataView?> FindAsync(UnitOfWork work, Guid customer, CancellationToken cancel)
    {
        byte[] wrapped;
        byte[] encrypted;
        int version;
        DateTimeOffset at;
        await using (
            var command = work.Command(
                """
                select k.sealed, d.encrypted, d.version, d.updated_at
                from privacy.person_key k join privacy.personal_data d on d.customer_id = k.customer_id
                where k.customer_id = $1
                """,
                customer
            )
        )
        await using (var row = await command.ExecuteReaderAsync(cancel))
        {
            if (!await row.ReadAsync(cancel))
            {
                return null;
            }

            wrapped = row.GetFieldValue<byte[]>(0);
            encrypted = row.GetFieldValue<byte[]>(1);
            version = row.GetInt32(2);
            at = row.GetFieldValue<DateTimeOffset>(3);
        }

        var key = Convert.FromBase64String(await box.OpenAsync(wrapped, PurposeOf(customer), cancel));
        var data = JsonSerializer.Deserialize<PersonalData>(Decrypt(key, encrypted, customer, version), Wire.Json)!;
        return new PersonalDataView(customer, false, data, version, at);
    }

    /// <summary>Writes the data of a person who is held; the first time makes the key.</summary>
    public async Task SetAsync(
        UnitOfWork work,
        Guid customer,
        PersonalData data,
        int version,
        DateTimeOffset now,
        CancellationToken cancel
    )
    {
        var key = await KeyAsync(work, customer, cancel);
        var plain = JsonSerializer.SerializeToUtf8Bytes(data, Wire.Json);
        await work.ExecuteAsync(
            """
            insert into privacy.personal_data (customer_id, encrypted, email_hash, version, updated_at)
            values ($1, $2, $3, $4, $5)
            on conflict (customer_id) do update set encrypted = excluded.encrypted, email_hash = excluded.email_hash,
                version = excluded.version, updated_at = excluded.updated_at
            """,
            [
                customer,
                Encrypt(key, plain, customer, version),
                new NpgsqlParameter
                {
                    Value = data.Email is { } email ? await EmailHashAsync(work, email, cancel) : DBNull.Value,
                    NpgsqlDbType = NpgsqlDbType.Bytea,
                },
                version,
                now,
            ],
            cancel
        );
    }

    /// <summary>Finds who has an address.</summary>
    public static async Task<List<Guid>> FindByEmailAsync(UnitOfWork work, string email, CancellationToken cancel)
    {
        var found = new List<Guid>();
        await using var command = work.Command(
            "select customer_id from privacy.personal_data where email_hash = $1 order by customer_id limit 100",
            await EmailHashAsync(work, email, cancel)
        );
        await using var rows = await command.ExecuteReaderAsync(cancel);
        while (await rows.ReadAsync(cancel))
        {
            found.Add(rows.GetGuid(0));
        }

        return found;
    }

    /// <summary>Destroys key and data.</summary>
    /// <returns>The fingerprint of the key; null when there was none.</returns>
    public static async Task<byte[]?> DestroyAsync(UnitOfWork work, Guid customer, CancellationToken cancel)
    {
        // Overwritten before it is deleted: a deleted row stays on its page until it is vacuumed.
        await work.ExecuteAsync(
            "update privacy.personal_data set encrypted = ''::bytea, email_hash = null where customer_id = $1",
            [customer],
            cancel
        );
        await using var command = work.Command(
            "delete from privacy.person_key where customer_id = $1 returning fingerprint",
            customer
        );
        return await command.ExecuteScalarAsync(cancel) as byte[];
    }

    private async Task<byte[]> KeyAsync(UnitOfWork work, Guid customer, CancellationToken cancel)
    {
        await using (var find = work.Command("select sealed from privacy.person_key where customer_id = $1", customer))
        {
            if (await find.ExecuteScalarAsync(cancel) is byte[] wrapped)
            {
                return Convert.FromBase64String(await box.OpenAsync(wrapped, PurposeOf(customer), cancel));
            }
        }

        var key = RandomNumberGenerator.GetBytes(KeyLength);
        await work.ExecuteAsync(
            "insert into privacy.person_key (customer_id, sealed, fingerprint) values ($1, $2, $3)",
            [
                customer,
                await box.SealAsync(Convert.ToBase64String(key), PurposeOf(customer), cancel),
                SHA256.HashData(key),
            ],
            cancel
        );
        return key;
    }

    /// <summary>Keyed with a secret of the deployment, so that nobody can try addresses against a copy of the table.</summary>
    private static async Task<byte[]> EmailHashAsync(UnitOfWork work, string email, CancellationToken cancel)
    {
        await work.ExecuteAsync(
            "insert into platform.secret (name, value) values ($1, $2) on conflict do nothing",
            [EmailSecret, RandomNumberGenerator.GetBytes(KeyLength)],
            cancel
        );
        await using var read = work.Command("select value from platform.secret where name = $1", EmailSecret);
        var key = (byte[])(await read.ExecuteScalarAsync(cancel))!;
        return HMACSHA256.HashData(key, Encoding.UTF8.GetBytes(email.Trim().ToLowerInvariant()));
    }

    private static byte[] Encrypt(byte[] key, byte[] plain, Guid customer, int version)
    {
        var sealedBytes = new byte[NonceLength + TagLength + plain.Length];
        var nonce = sealedBytes.AsSpan(0, NonceLength);
        RandomNumberGenerator.Fill(nonce);
        using var aes = new AesGcm(key, TagLength);
        var tag = sealedBytes.AsSpan(NonceLength, TagLength);
        aes.Encrypt(nonce, plain, sealedBytes.AsSpan(NonceLength + TagLength), tag, BoundTo(customer, version));
        return sealedBytes;
    }

    private static byte[] Decrypt(byte[] key, byte[] encrypted, Guid customer, int version)
    {
        var plain = new byte[encrypted.Length - NonceLength - TagLength];
        using var aes = new AesGcm(key, TagLength);
        aes.Decrypt(
            encrypted.AsSpan(0, NonceLength),
            encrypted.AsSpan(NonceLength + TagLength),
            encrypted.AsSpan(NonceLength, TagLength),
            plain,
            BoundTo(customer, version)
        );
        return plain;
    }

    private static byte[] BoundTo(Guid customer, int version) =>
        Encoding.UTF8.GetBytes(
            string.Create(System.Globalization.CultureInfo.InvariantCulture, $"{customer}/{version}")
        );

    private static string PurposeOf(Guid customer) => "privacy.person_key/" + customer;
}
