using System.Buffers.Binary;
using System.Buffers.Text;
using System.Formats.Cbor;
using System.Security.Cryptography;
using System.Text;
using System.Text.Json;
using System.Text.Json.Nodes;

namespace Tessera.Server.Tests.Support;

/// <summary>
/// An authenticator and its browser in software (Web Authentication level 3): makes one passkey and signs with it. What it
/// says can be bent, to see whether that is noticed.
/// </summary>
public sealed class SoftAuthenticator : IDisposable
{
    private readonly ECDsa? _curve;
    private readonly RSA? _rsa;

    public SoftAuthenticator(bool rsa = false) =>
        (_curve, _rsa) = rsa ? ((ECDsa?)null, RSA.Create(2048)) : (ECDsa.Create(ECCurve.NamedCurves.nistP256), null);

    public byte[] CredentialId { get; set; } = RandomNumberGenerator.GetBytes(32);

    /// <summary>The next count; each use counts one up.</summary>
    public uint Counter { get; set; } = 1;

    /// <summary>Present (1) and verified (4).</summary>
    public byte Flags { get; set; } = 0x05;

    public string Origin { get; set; } = "";

    public string Domain { get; set; } = "localhost";

    public bool CrossOrigin { get; set; }

    /// <summary>What the authenticator keeps of whose passkey it is.</summary>
    public string UserHandle { get; set; } = "";

    /// <summary>Makes a passkey for options of a creation.</summary>
    public JsonNode Create(JsonElement options, Func<byte[], byte[]>? bend = null, int? algorithm = null)
    {
        UserHandle = options.GetProperty("user").GetProperty("id").GetString()!;
        var data = new List<byte>(Head((byte)(Flags | 0x40)));
        data.AddRange(new byte[16]);
        Span<byte> length = stackalloc byte[2];
        BinaryPrimitives.WriteUInt16BigEndian(length, (ushort)CredentialId.Length);
        data.AddRange(length);
        data.AddRange(CredentialId);
        data.AddRange(Key(algorithm));
        var cbor = new CborWriter(CborConformanceMode.Ctap2Canonical, convertIndefiniteLengthEncodings: true);
        cbor.WriteStartMap(3);
        cbor.WriteTextString("fmt");
        cbor.WriteTextString("none");
        cbor.WriteTextString("attStmt");
        cbor.WriteStartMap(0);
        cbor.WriteEndMap();
        cbor.WriteTextString("authData");
        cbor.WriteByteString([.. data]);
        cbor.WriteEndMap();
        var attestation = cbor.Encode();
        return Credential(
            new JsonObject
            {
                ["clientDataJSON"] = Text(ClientData("webauthn.create", options)),
                ["attestationObject"] = Text(bend?.Invoke(attestation) ?? attestation),
                ["transports"] = new JsonArray("internal"),
            }
        );
    }

    /// <summary>Signs for options of a request.</summary>
    public JsonNode Sign(JsonElement options)
    {
        var client = ClientData("webauthn.get", options);
        var data = Head(Flags);
        byte[] signed = [.. data, .. SHA256.HashData(client)];
        return Credential(
            new JsonObject
            {
                ["clientDataJSON"] = Text(client),
                ["authenticatorData"] = Text(data),
                ["signature"] = Text(
                    _curve?.SignData(signed, HashAlgorithmName.SHA256, DSASignatureFormat.Rfc3279DerSequence)
                        ?? _rsa!.SignData(signed, HashAlgorithmName.SHA256, RSASignaturePadding.Pkcs1)
                ),
                ["userHandle"] = UserHandle,
            }
        );
    }

    public void Dispose()
    {
        _curve?.Dispose();
        _rsa?.Dispose();
    }

    private JsonObject Credential(JsonObject response) =>
        new()
        {
            ["id"] = Text(CredentialId),
            ["rawId"] = Text(CredentialId),
            ["type"] = "public-key",
            ["response"] = response,
            ["authenticatorAttachment"] = "platform",
            ["clientExtensionResults"] = new JsonObject(),
        };

    private byte[] ClientData(string type, JsonElement options) =>
        Encoding.UTF8.GetBytes(
            new JsonObject
            {
                ["type"] = type,
                ["challenge"] = options.GetProperty("challenge").GetString(),
                ["origin"] = Origin,
                ["crossOrigin"] = CrossOrigin,
            }.ToJsonString()
        );

    private byte[] Head(byte flags)
    {
        var head = new byte[37];
        SHA256.HashData(Encoding.UTF8.GetBytes(Domain)).CopyTo(head, 0);
        head[32] = flags;
        BinaryPrimitives.WriteUInt32BigEndian(head.AsSpan(33), Counter++);
        return head;
    }

    /// <summary>The public key as COSE (RFC 9052).</summary>
    private byte[] Key(int? algorithm)
    {
        var cbor = new CborWriter(CborConformanceMode.Ctap2Canonical, convertIndefiniteLengthEncodings: true);
        if (_curve is not null)
        {
            var point = _curve.ExportParameters(includePrivateParameters: false).Q;
            cbor.WriteStartMap(5);
            Pair(1, 2);
            Pair(3, algorithm ?? -7);
            Pair(-1, 1);
            cbor.WriteInt32(-2);
            cbor.WriteByteString(point.X!);
            cbor.WriteInt32(-3);
            cbor.WriteByteString(point.Y!);
        }
        else
        {
            var key = _rsa!.ExportParameters(includePrivateParameters: false);
            cbor.WriteStartMap(4);
            Pair(1, 3);
            Pair(3, algorithm ?? -257);
            cbor.WriteInt32(-1);
            cbor.WriteByteString(key.Modulus!);
            cbor.WriteInt32(-2);
            cbor.WriteByteString(key.Exponent!);
        }

        cbor.WriteEndMap();
        return cbor.Encode();

        void Pair(int name, int value)
        {
            cbor.WriteInt32(name);
            cbor.WriteInt32(value);
        }
    }

    private static string Text(byte[] bytes) => Base64Url.EncodeToString(bytes);
}
