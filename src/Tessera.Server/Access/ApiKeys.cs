using System.Collections.Concurrent;
using System.Collections.Frozen;
using System.Security.Cryptography;
using System.Text;
using Npgsql;
using Tessera.Core;
using Tessera.Server.Platform;

namespace Tessera.Server.Access;

/// <summary>
/// API keys (convention 58): 256 random bits behind a prefix, stored as SHA-256. A key is looked up in the database at
/// most once in <see cref="Freshness"/>, so a revocation counts within that time on every node.
/// </summary>
public sealed class ApiKeys(Database database, TimeProvider clock)
{
    /// <summary>How long an answer about a key is believed before it is asked for again.</summary>
    public static readonly TimeSpan Freshness = TimeSpan.FromSeconds(3);

    /// <summary>
    /// How long it is believed while one request is asking again: under load the others need not wait for it, nor ask
    /// as well. Below the five seconds within which a revocation counts.
    /// </summary>
    private static readonly TimeSpan Limit = TimeSpan.FromSeconds(4.5);

    private const string Prefix = "tsk_";
    private const int ShownLength = 10;
    private const int MaximumLength = 100;
    private const int CacheLimit = 10_000;

    private readonly ConcurrentDictionary<Guid, Known> _known = new();

    /// <summary>The caller behind a key, or null.</summary>
    /// <param name="key">As the caller sent it.</param>
    /// <param name="cancel">Cancels.</param>
    public ValueTask<Caller?> FindAsync(ReadOnlySpan<char> key, CancellationToken cancel)
    {
        if (!key.StartsWith(Prefix) || key.Length > MaximumLength || !System.Text.Ascii.IsValid(key))
        {
            return new ValueTask<Caller?>((Caller?)null);
        }

        Span<byte> text = stackalloc byte[MaximumLength];
        Span<byte> hash = stackalloc byte[SHA256.HashSizeInBytes];
        SHA256.HashData(text[..Encoding.ASCII.GetBytes(key, text)], hash);
        var place = new Guid(hash[..16]);
        if (!_known.TryGetValue(place, out var known) || !CryptographicOperations.FixedTimeEquals(known.Hash, hash))
        {
            return LearnAsync(place, hash.ToArray(), null, cancel);
        }

        var age = clock.GetElapsedTime(known.At);
        return age < Freshness || (age < Limit && !known.TryAskAgain())
            ? new ValueTask<Caller?>(known.Caller)
            : LearnAsync(place, known.Hash, known, cancel);
    }

    private async ValueTask<Caller?> LearnAsync(Guid place, byte[] hash, Known? known, CancellationToken cancel)
    {
        // The age counts from before the question: what was revoked since is not seen by its answer.
        var at = clock.GetTimestamp();
        try
        {
            var caller = await ReadAsync(hash, cancel);
            if (caller is null)
            {
                // Unknown keys are not remembered: they would let anyone fill the memory.
                _known.TryRemove(place, out _);
                return null;
            }

            if (_known.Count >= CacheLimit)
            {
                _known.Clear();
            }

            _known[place] = new Known(hash, caller, at);
            return caller;
        }
        finally
        {
            known?.Asked();
        }
    }

    /// <summary>Ends what this node remembers of a key, so that it asks again at once.</summary>
    public void Forget(Guid clientId)
    {
        foreach (var (place, known) in _known)
        {
            if (known.Caller.ClientId == clientId)
            {
                _known.TryRemove(place, out _);
            }
        }
    }

    /// <summary>Makes a key.</summary>
    /// <returns>Its id, and the key itself: it is never shown again.</returns>
    public static async Task<(Guid Id, string Key)> CreateAsync(
        UnitOfWork work,
        NewApiKey wanted,
        string requestId,
        CancellationToken cancel
    )
    {
        ArgumentNullException.ThrowIfNull(work);
        ArgumentNullException.ThrowIfNull(wanted);
        var key = Prefix + Convert.ToBase64String(RandomNumberGenerator.GetBytes(32)).TrimEnd('=');
        key = key.Replace('+', '-').Replace('/', '_');
        var id = Guid.CreateVersion7();
        await work.ExecuteAsync(
            """
            insert into access.api_key
                (id, name, prefix, hash, permissions, merchant_id, channels, created_by, expires_at, subject,
                requests_per_minute, replaces)
            values ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12)
            """,
            [
                id,
                wanted.Name,
                key[..ShownLength],
                SHA256.HashData(Encoding.UTF8.GetBytes(key)),
                wanted.Permissions.ToArray(),
                wanted.MerchantId,
                wanted.Channels?.ToArray(),
                wanted.Actor,
                wanted.ExpiresAt ?? DateTimeOffset.MaxValue,
                wanted.Subject,
                new NpgsqlParameter
                {
                    Value = wanted.RequestsPerMinute ?? (object)DBNull.Value,
                    NpgsqlDbType = NpgsqlTypes.NpgsqlDbType.Integer,
                },
                new NpgsqlParameter
                {
                    Value = wanted.Replaces ?? (object)DBNull.Value,
                    NpgsqlDbType = NpgsqlTypes.NpgsqlDbType.Uuid,
                },
            ],
            cancel
        );
        var payload = EventLog.Payload(
            ("permissions", wanted.Permissions),
            ("merchant_id", wanted.MerchantId),
            ("channels", wanted.Channels),
            ("replaces", wanted.Replaces)
        );
        await EventLog.AppendAsync(
            work,
            await work.ClockAsync(cancel),
            [new EventEntry("api_key", id.ToString(), "api_key.created", 1, wanted.Actor, payload, requestId)],
            cancel
        );
        return (id, key);
    }

    /// <summary>
    /// The one-time administrator key: made when the database has no key at all, by whoever comes first.
    /// </summary>
    /// <returns>The key, or null when there are keys already.</returns>
    public static async Task<string?> BootstrapAsync(Database database, CancellationToken cancel)
    {
        ArgumentNullException.ThrowIfNull(database);
        await using var work = await database.BeginAsync(cancel);
        await work.ExecuteAsync("select pg_advisory_xact_lock(hashtextextended('access.bootstrap', 0))", [], cancel);
        await using (var any = work.Command("select exists (select from access.api_key)"))
        {
            if ((bool)(await any.ExecuteScalarAsync(cancel))!)
            {
                return null;
            }
        }

        var (_, key) = await CreateAsync(
            work,
            new NewApiKey("Administrator", [.. Permissions.All.Order(StringComparer.Ordinal)], "job:bootstrap"),
            "bootstrap",
            cancel
        );
        await work.CommitAsync(cancel);
        return key;
    }

    private async Task<Caller?> ReadAsync(byte[] hash, CancellationToken cancel)
    {
        await using var command = database.Source.CreateCommand(
            """
            with used as (
                update access.api_key set last_used_on = current_date
                where hash = $1 and last_used_on is distinct from current_date
                    and revoked_at is null and expires_at > clock_timestamp()
            )
            select k.id, k.merchant_id, k.channels, k.permissions, k.subject, k.requests_per_minute
            from access.api_key k left join access.merchant m on m.id = k.merchant_id
            where k.hash = $1 and k.revoked_at is null and k.expires_at > clock_timestamp()
                and coalesce(m.is_active, true)  -- a merchant that is switched off acts no more
            """
        );
        command.Parameters.Add(new NpgsqlParameter { Value = hash });
        await using var rows = await command.ExecuteReaderAsync(cancel);
        return await rows.ReadAsync(cancel)
            ? new Caller(
                rows.GetGuid(0),
                rows.IsDBNull(1) ? null : rows.GetGuid(1),
                rows.IsDBNull(2) ? null : rows.GetFieldValue<string[]>(2),
                rows.GetFieldValue<string[]>(3).ToFrozenSet(StringComparer.Ordinal)
            )
            {
                MadeFor = rows.IsDBNull(4) ? null : rows.GetString(4),
                RequestsPerMinute = rows.IsDBNull(5) ? null : rows.GetInt32(5),
            }
            : null;
    }

    private sealed class Known(byte[] hash, Caller caller, long at)
    {
        private int _asking;

        public byte[] Hash => hash;

        public Caller Caller => caller;

        public long At => at;

        /// <summary>Whether the one who calls is the one to ask again.</summary>
        public bool TryAskAgain() => Interlocked.CompareExchange(ref _asking, 1, 0) == 0;

        /// <summary>The one who asked has an answer, or failed to get one.</summary>
        public void Asked() => Volatile.Write(ref _asking, 0);
    }
}

/// <summary>A key to be made.</summary>
/// <param name="Name">For people.</param>
/// <param name="Permissions">What it may do.</param>
/// <param name="Actor">Who makes it.</param>
/// <param name="MerchantId">Whom it acts for; null for the whole deployment.</param>
/// <param name="Channels">Where it may act; null for everywhere.</param>
/// <param name="ExpiresAt">First instant at which it is dead; null for never.</param>
/// <param name="Subject">The person behind it; null where none is known.</param>
/// <param name="RequestsPerMinute">What it may ask; null for what the deployment allows.</param>
/// <param name="Replaces">The key it takes the place of.</param>
public sealed record NewApiKey(
    string Name,
    IReadOnlyList<string> Permissions,
    string Actor,
    Guid? MerchantId = null,
    IReadOnlyList<string>? Channels = null,
    DateTimeOffset? ExpiresAt = null,
    string? Subject = null,
    int? RequestsPerMinute = null,
    Guid? Replaces = null
);
