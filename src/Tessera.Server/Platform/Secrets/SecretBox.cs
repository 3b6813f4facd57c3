using System.Security.Cryptography;
using System.Text;

namespace Tessera.Server.Platform.Secrets;

/// <summary>
/// Keeps what has to be read again later, such as a partner's credential, sealed with AES-256-GCM (convention 65). Bound
/// to what it is for, so that a sealed value moved to another row does not open there.
/// </summary>
/// <remarks>
/// The keys come from <c>TESSERA_SECRETS_KEY</c>: the first one seals, all open, so a key is changed without an outage.
/// Without the setting the deployment makes a key of its own in its database; then only the setting, and not the
/// database alone, would keep a copy of the tables from being read.
/// </remarks>
public sealed class SecretBox(Database database, Settings settings)
{
    private const byte Form = 1;
    private const int KeyIdLength = 4;
    private const int NonceLength = 12;
    private const int TagLength = 16;
    private const int HeadLength = 1 + KeyIdLength + NonceLength + TagLength;

    private IReadOnlyList<byte[]>? _keys = settings.SecretsKeys.Count > 0 ? settings.SecretsKeys : null;

    /// <summary>Seals text.</summary>
    /// <param name="text">The secret.</param>
    /// <param name="purpose">What it is for: table, row and column, for instance.</param>
    /// <param name="cancel">Cancels.</param>
    public async ValueTask<byte[]> SealAsync(string text, string purpose, CancellationToken cancel)
    {
        ArgumentNullException.ThrowIfNull(text);
        ArgumentNullException.ThrowIfNull(purpose);
        var key = (await KeysAsync(cancel))[0];
        var plain = Encoding.UTF8.GetBytes(text);
        var box = new byte[HeadLength + plain.Length];
        box[0] = Form;
        IdOf(key).CopyTo(box.AsSpan(1));
        var nonce = box.AsSpan(1 + KeyIdLength, NonceLength);
        RandomNumberGenerator.Fill(nonce);
        using var aes = new AesGcm(key, TagLength);
        aes.Encrypt(
            nonce,
            plain,
            box.AsSpan(HeadLength),
            box.AsSpan(1 + KeyIdLength + NonceLength, TagLength),
            Encoding.UTF8.GetBytes(purpose)
        );
        return box;
    }

    /// <summary>Opens what was sealed for the same purpose.</summary>
    /// <exception cref="CryptographicException">It was sealed for another purpose, with a key we lack, or changed.</exception>
    public async ValueTask<string> OpenAsync(byte[] box, string purpose, CancellationToken cancel)
    {
        ArgumentNullException.ThrowIfNull(box);
        ArgumentNullException.ThrowIfNull(purpose);
        if (box.Length < HeadLength || box[0] != Form)
        {
            throw new CryptographicException("This is not a sealed secret.");
        }

        var keys = await KeysAsync(cancel);
        var key =
            keys.FirstOrDefault(k => box.AsSpan(1, KeyIdLength).SequenceEqual(IdOf(k)))
            ?? throw new CryptographicException("This secret was sealed with a key that is not configured.");
        var plain = new byte[box.Length - HeadLength];
        using var aes = new AesGcm(key, TagLength);
        aes.Decrypt(
            box.AsSpan(1 + KeyIdLength, NonceLength),
            box.AsSpan(HeadLength),
            box.AsSpan(1 + KeyIdLength + NonceLength, TagLength),
            plain,
            Encoding.UTF8.GetBytes(purpose)
        );
        return Encoding.UTF8.GetString(plain);
    }

    private static byte[] IdOf(byte[] key) => SHA256.HashData(key)[..KeyIdLength];

    private async ValueTask<IReadOnlyList<byte[]>> KeysAsync(CancellationToken cancel)
    {
        if (_keys is { } known)
        {
            return known;
        }

        // Whoever comes first makes the key; the second statement sees it whoever that was.
        await using (
            var make = database.Source.CreateCommand(
                "insert into platform.secret (name, value) values ('secret_box', $1) on conflict do nothing"
            )
        )
        {
            make.Parameters.Add(UnitOfWork.Parameter(RandomNumberGenerator.GetBytes(32)));
            await make.ExecuteNonQueryAsync(cancel);
        }

        await using var read = database.Source.CreateCommand(
            "select value from platform.secret where name = 'secret_box'"
        );
        return _keys = [(byte[])(await read.ExecuteScalarAsync(cancel))!];
    }
}
