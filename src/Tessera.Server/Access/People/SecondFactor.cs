using System.Security.Cryptography;
using System.Text;
using Tessera.Server.Platform;
using Tessera.Server.Platform.Secrets;

namespace Tessera.Server.Access.People;

/// <summary>
/// The second factor of a person: codes of an authenticator, each good once, and recovery codes for the day it is lost
/// (convention 54). The authenticator's secret is sealed in the database.
/// </summary>
public sealed class SecondFactor(SecretBox box)
{
    /// <summary>Recovery codes made at a time.</summary>
    public const int Codes = 10;

    private const int CodeLength = 16;
    private const string CodeAlphabet = "ABCDEFGHJKLMNPQRSTUVWXYZ23456789";

    /// <summary>Makes a secret, which counts once it is confirmed.</summary>
    /// <returns>The secret.</returns>
    internal async Task<byte[]> PrepareAsync(UnitOfWork work, Guid person, CancellationToken cancel)
    {
        var secret = Totp.NewSecret();
        var sealedSecret = await box.SealAsync(Convert.ToBase64String(secret), PurposeOf(person), cancel);
        await work.ExecuteAsync(
            "update people.person set totp = $2, totp_step = 0 where id = $1 and not totp_confirmed",
            [person, sealedSecret],
            cancel
        );
        return secret;
    }

    /// <summary>Begins to ask for codes, if the first one is right.</summary>
    /// <returns>New recovery codes; null when the code is wrong or there is nothing to confirm.</returns>
    internal async Task<IReadOnlyList<string>?> ConfirmAsync(
        UnitOfWork work,
        Guid person,
        string code,
        CancellationToken cancel
    )
    {
        if (!await UseTotpAsync(work, person, code, cancel))
        {
            return null;
        }

        await work.ExecuteAsync(
            "update people.person set totp_confirmed = true, version = version + 1 where id = $1",
            [person],
            cancel
        );
        return await NewCodesAsync(work, person, cancel);
    }

    /// <summary>Makes new recovery codes, for whoever has the authenticator; a recovery code makes no others.</summary>
    /// <returns>The codes; null when the code is wrong.</returns>
    internal async Task<IReadOnlyList<string>?> RenewCodesAsync(
        UnitOfWork work,
        Guid person,
        string code,
        CancellationToken cancel
    )
    {
        if (!await UseTotpAsync(work, person, code.Trim(), cancel))
        {
            return null;
        }

        await work.ExecuteAsync("update people.person set version = version + 1 where id = $1", [person], cancel);
        return await NewCodesAsync(work, person, cancel);
    }

    /// <summary>Uses a code: of the authenticator, or a recovery code. It is used up when the transaction commits.</summary>
    internal async Task<bool> UseAsync(UnitOfWork work, Guid person, string code, CancellationToken cancel) =>
        await UseTotpAsync(work, person, code.Trim(), cancel)
        || await work.ExecuteAsync(
            """
            update people.recovery_code set used_at = clock_timestamp()
            where person_id = $1 and hash = $2 and used_at is null
            """,
            [person, HashOf(code)],
            cancel
        ) == 1;

    /// <summary>Ends it: no codes are asked for any more.</summary>
    internal static async Task RemoveAsync(UnitOfWork work, Guid person, CancellationToken cancel)
    {
        await work.ExecuteAsync("delete from people.recovery_code where person_id = $1", [person], cancel);
        await work.ExecuteAsync(
            "update people.person set totp = null, totp_confirmed = false, version = version + 1 where id = $1",
            [person],
            cancel
        );
    }

    private async Task<bool> UseTotpAsync(UnitOfWork work, Guid person, string code, CancellationToken cancel)
    {
        byte[]? sealedSecret;
        long last;
        // Held: of two requests with one code the second finds it used.
        await using (
            var hold = work.Command("select totp, totp_step from people.person where id = $1 for update", person)
        )
        {
            await using var rows = await hold.ExecuteReaderAsync(cancel);
            if (!await rows.ReadAsync(cancel) || rows.IsDBNull(0))
            {
                return false;
            }

            (sealedSecret, last) = (rows.GetFieldValue<byte[]>(0), rows.GetInt64(1));
        }

        var secret = Convert.FromBase64String(await box.OpenAsync(sealedSecret, PurposeOf(person), cancel));
        var now = await work.ClockAsync(cancel);
        if (Totp.Match(secret, code, now, last) is not { } step)
        {
            return false;
        }

        await work.ExecuteAsync("update people.person set totp_step = $2 where id = $1", [person, step], cancel);
        return true;
    }

    private static async Task<IReadOnlyList<string>> NewCodesAsync(
        UnitOfWork work,
        Guid person,
        CancellationToken cancel
    )
    {
        var codes = Enumerable
            .Range(0, Codes)
            .Select(static _ => RandomNumberGenerator.GetString(CodeAlphabet, CodeLength))
            .ToArray();
        await work.ExecuteAsync("delete from people.recovery_code where person_id = $1", [person], cancel);
        await work.ExecuteAsync(
            "insert into people.recovery_code (person_id, hash) select $1, unnest($2::bytea[])",
            [person, codes.Select(HashOf).ToArray()],
            cancel
        );
        return [.. codes.Select(static c => string.Join('-', c.Chunk(4).Select(static part => new string(part))))];
    }

    /// <summary>However it was typed: with or without dashes and spaces, in small letters.</summary>
    private static byte[] HashOf(string code) =>
        SHA256.HashData(Encoding.UTF8.GetBytes(string.Concat(code.Where(char.IsLetterOrDigit)).ToUpperInvariant()));

    private static string PurposeOf(Guid person) => "people.person.totp:" + person;
}
