using System.Buffers.Binary;
using System.Collections.Frozen;
using System.Diagnostics.Metrics;
using System.Globalization;
using Microsoft.AspNetCore.Identity;
using Microsoft.Extensions.Options;
using Tessera.Core;
using Tessera.Server.Platform.Metrics;

namespace Tessera.Server.Access.People;

/// <summary>
/// Passwords (convention 54): PBKDF2-SHA-512 by ASP.NET Core Identity's hasher, no composition rules, no truncation, and a
/// shipped list of common ones. A verification costs the same whether or not there is somebody to verify.
/// </summary>
public sealed class Passwords : IDisposable
{
    /// <summary>The most characters of a password.</summary>
    public const int Longest = 128;

    /// <summary>Rounds of the current hashes (OWASP's figure for PBKDF2 with SHA-512).</summary>
    private const int Rounds = 210_000;

    /// <summary>Bytes that are read of a hash; a multiple of three, as Base64 wants it.</summary>
    private const int HeadOfHash = 9;

    private static readonly object Nobody = new();

    private static readonly Meter Meter = new(Measurements.MeterName);

    private static readonly Counter<long> Verifications = Meter.CreateCounter<long>(
        "tessera.sign_in.password_verifications",
        "{verification}",
        "Passwords compared with a hash, of somebody or of nobody, by the rounds of the hash."
    );

    private static readonly string[] ContextWords = ["tessera", "coupon", "voucher", "administrator"];

    private static readonly Lazy<FrozenSet<string>> Common = new(ReadCommon);

    private readonly PasswordHasher<object> _hasher = new(
        Options.Create(new PasswordHasherOptions { IterationCount = Rounds })
    );

    /// <summary>Hashing is slow on purpose; more of it at once than cores would starve redemptions.</summary>
    private readonly SemaphoreSlim _places = new(Math.Max(1, Environment.ProcessorCount / 2));

    private readonly string _ofNobody;

    /// <summary>Makes the hash that stands for people who do not exist.</summary>
    public Passwords() => _ofNobody = _hasher.HashPassword(Nobody, Guid.CreateVersion7().ToString());

    /// <summary>What is wrong with a new password; null for nothing.</summary>
    /// <param name="password">As given: nothing is trimmed, cut or folded.</param>
    /// <param name="realm">Staff need longer ones.</param>
    /// <param name="about">Words it must not consist of: name, address.</param>
    /// <returns>Code and sentence.</returns>
    public static (string Code, Sentence Message)? Fault(
        string password,
        string realm,
        params ReadOnlySpan<string> about
    )
    {
        ArgumentNullException.ThrowIfNull(password);
        var shortest = Realms.ShortestPassword(realm);
        // Characters as people count them.
        if (new StringInfo(password).LengthInTextElements < shortest)
        {
            return ("too_short", $"A password has at least {shortest:minimum} characters.");
        }

        var plain = password.ToLowerInvariant();
        if (Common.Value.Contains(plain) || plain.Distinct().Count() < 4)
        {
            return ("common_password", "This is one of the passwords that are tried first.");
        }

        // What is left without those words has to be a password of some length itself.
        var left = plain;
        foreach (var word in (string[])[.. ContextWords, .. about.ToArray()])
        {
            foreach (var part in word.ToLowerInvariant().Split(' ', '@', '.').Where(static p => p.Length >= 3))
            {
                left = left.Replace(part, "", StringComparison.Ordinal);
            }
        }

        if (left.Length < plain.Length && left.Length < shortest / 2)
        {
            return ("contains_context", "This is little more than your name, your address or ours.");
        }

        return null;
    }

    /// <summary>The hash of a new password.</summary>
    public async Task<string> HashAsync(string password, CancellationToken cancel)
    {
        ArgumentNullException.ThrowIfNull(password);
        await _places.WaitAsync(cancel);
        try
        {
            return await Task.Run(() => _hasher.HashPassword(Nobody, password), cancel);
        }
        finally
        {
            _places.Release();
        }
    }

    /// <summary>Whether a password is the one of a hash, and whether the hash should be made anew.</summary>
    /// <param name="hash">Null for nobody: the same work, and false.</param>
    /// <param name="password">As given.</param>
    /// <param name="cancel">Cancels while waiting for a place.</param>
    public async Task<(bool IsRight, bool IsOld)> VerifyAsync(string? hash, string password, CancellationToken cancel)
    {
        ArgumentNullException.ThrowIfNull(password);
        await _places.WaitAsync(cancel);
        try
        {
            var of = hash ?? _ofNobody;
            var result = await Task.Run(
                () => _hasher.VerifyHashedPassword(Nobody, of, password),
                CancellationToken.None
            );
            Verifications.Add(1, new KeyValuePair<string, object?>("rounds", RoundsOf(of)));
            return (
                hash is not null && result != PasswordVerificationResult.Failed,
                result == PasswordVerificationResult.SuccessRehashNeeded
            );
        }
        finally
        {
            _places.Release();
        }
    }

    /// <inheritdoc/>
    public void Dispose() => _places.Dispose();

    /// <summary>The rounds of a hash of Identity's third form: its format, function and rounds lead it.</summary>
    private static uint RoundsOf(string hash)
    {
        Span<byte> head = stackalloc byte[HeadOfHash];
        return Convert.TryFromBase64Chars(hash.AsSpan(0, HeadOfHash / 3 * 4), head, out _)
            ? BinaryPrimitives.ReadUInt32BigEndian(head[5..])
            : 0;
    }

    private static FrozenSet<string> ReadCommon()
    {
        using var stream = typeof(Passwords).Assembly.GetManifestResourceStream("access/common-passwords.txt")!;
        using var reader = new StreamReader(stream);
        return reader
            .ReadToEnd()
            .Split('\n', StringSplitOptions.RemoveEmptyEntries | StringSplitOptions.TrimEntries)
            .ToFrozenSet(StringComparer.Ordinal);
    }
}
