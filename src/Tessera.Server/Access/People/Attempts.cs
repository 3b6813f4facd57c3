using System.Security.Cryptography;
using System.Text;
using Npgsql;
using Tessera.Server.Platform;

namespace Tessera.Server.Access.People;

/// <summary>
/// Slows guessing down: after five failures an address has to wait, longer with each further one, up to 15 minutes.
/// Counted before the password is looked at, so that guesses at the same time count too; and for addresses that nobody
/// has as well, so that a lock tells nothing (convention 54).
/// </summary>
internal static class Attempts
{
    private const string CountSql = """
        insert into people.attempt as a (key, failed, allowed_at, last_at)
        values ($1, 1, clock_timestamp(), clock_timestamp())
        on conflict (key) do update set
            is_refused = a.allowed_at > clock_timestamp(),
            failed = case when a.allowed_at > clock_timestamp() then a.failed
                when a.last_at < clock_timestamp() - interval '1 day' then 1 else a.failed + 1 end,
            allowed_at = case when a.allowed_at > clock_timestamp() then a.allowed_at
                when a.last_at < clock_timestamp() - interval '1 day' or a.failed < 4 then clock_timestamp()
                else clock_timestamp() + least(interval '15 minutes', interval '15 seconds' * 2 ^ least(a.failed - 4, 10))
                end,
            last_at = clock_timestamp()
        returning not is_refused
        """;

    /// <summary>The key of an address in a realm.</summary>
    public static byte[] KeyOf(string realm, string email) =>
        SHA256.HashData(Encoding.UTF8.GetBytes(realm + '\0' + email));

    /// <summary>Counts an attempt as failed until <see cref="ForgetAsync"/> says otherwise. Commits by itself.</summary>
    /// <returns>Whether it may succeed.</returns>
    public static async Task<bool> CountAsync(Database database, byte[] key, CancellationToken cancel)
    {
        await using var command = database.Source.CreateCommand(CountSql);
        command.Parameters.Add(new NpgsqlParameter { Value = key });
        return (bool)(await command.ExecuteScalarAsync(cancel))!;
    }

    /// <summary>Takes one attempt back; the wait that earlier ones caused stays.</summary>
    public static Task ForgiveAsync(UnitOfWork work, byte[] key, CancellationToken cancel) =>
        work.ExecuteAsync("update people.attempt set failed = greatest(failed - 1, 0) where key = $1", [key], cancel);

    /// <summary>A success ends the count.</summary>
    public static Task ForgetAsync(UnitOfWork work, byte[] key, CancellationToken cancel) =>
        work.ExecuteAsync("delete from people.attempt where key = $1", [key], cancel);
}
