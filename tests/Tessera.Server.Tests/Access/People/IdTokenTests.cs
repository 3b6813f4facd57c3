using System.Buffers.Text;
using System.Security.Cryptography;
using System.Text;
using System.Text.Json;
using Tessera.Server.Access.People.Oidc;
using Xunit;

namespace Tessera.Server.Tests.Access.People;

/// <summary>Tokens that are forged, of others, for others, or of another time (convention 58).</summary>
public sealed class IdTokenTests : IDisposable
{
    private const string Nonce = "the nonce of this sign-in";

    private static readonly DateTimeOffset Now = new(2026, 11, 2, 9, 30, 0, TimeSpan.Zero);

    private static readonly OidcOptions Options = new(
        "https://id.example",
        "tessera",
        "secret",
        "staff",
        "https://tessera.example" + OidcOptions.CallbackPath
    );

    private readonly RSA _rsa = RSA.Create(2048);
    private readonly ECDsa _curve = ECDsa.Create(ECCurve.NamedCurves.nistP256);

    public void Dispose()
    {
        _rsa.Dispose();
        _curve.Dispose();
    }

    [Theory]
    [InlineData("RS256")]
    [InlineData("PS256")]
    [InlineData("ES256")]
    public void A_good_token_says_who_it_is(string algorithm) =>
        Assert.Equal(("alice", null), Check(Token(Header(algorithm), Claims())));

    [Theory]
    [InlineData("none")]
    [InlineData("HS256")]
    [InlineData("RS384")]
    [InlineData("rs256")]
    public void An_algorithm_that_is_not_on_the_list_is_refused_whatever_signed_it(string algorithm)
    {
        Assert.Equal("algorithm", Check(Token(Header(algorithm), Claims())).Fault);
        // The public key as the secret of an HMAC.
        var text = Part(Header(algorithm)) + "." + Part(Claims());
        var seal = HMACSHA256.HashData(_rsa.ExportSubjectPublicKeyInfo(), Encoding.ASCII.GetBytes(text));
        Assert.Equal("algorithm", Check(text + "." + Base64Url.EncodeToString(seal)).Fault);
        Assert.Equal("algorithm", Check(text + ".").Fault);
    }

    [Fact]
    public void A_key_is_the_providers_and_of_the_kind_of_the_algorithm()
    {
        using var other = RSA.Create(2048);
        var text = Part(Header("RS256")) + "." + Part(Claims());
        var seal = other.SignData(Encoding.ASCII.GetBytes(text), HashAlgorithmName.SHA256, RSASignaturePadding.Pkcs1);
        Assert.Equal("signature", Check(text + "." + Base64Url.EncodeToString(seal)).Fault);

        // Pointing to a key of one's own changes nothing.
        var parameters = other.ExportParameters(false);
        var header = new Dictionary<string, object>
        {
            ["alg"] = "RS256",
            ["kid"] = "rsa",
            ["jku"] = "https://evil.example/keys",
            ["jwk"] = new
            {
                kty = "RSA",
                n = Base64Url.EncodeToString(parameters.Modulus),
                e = "AQAB",
            },
            ["x5u"] = "https://evil.example/cert",
        };
        text = Part(header) + "." + Part(Claims());
        seal = other.SignData(Encoding.ASCII.GetBytes(text), HashAlgorithmName.SHA256, RSASignaturePadding.Pkcs1);
        Assert.Equal("signature", Check(text + "." + Base64Url.EncodeToString(seal)).Fault);
        Assert.Equal("key", Check(Token(Header("RS256", "unknown"), Claims())).Fault);
        Assert.Equal("key", Check(Token(Header("RS256", "curve"), Claims())).Fault);
        Assert.Equal("signature", Check(Cut(Token(Header("RS256"), Claims()))).Fault);
        header = new()
        {
            ["alg"] = "RS256",
            ["kid"] = "rsa",
            ["crit"] = (string[])["exp"],
        };
        Assert.Equal("type", Check(Token(header, Claims())).Fault);
        header = new()
        {
            ["alg"] = "RS256",
            ["kid"] = "rsa",
            ["typ"] = "at+jwt",
        };
        Assert.Equal("type", Check(Token(header, Claims())).Fault);
    }

    [Fact]
    public void Every_claim_has_to_fit()
    {
        var now = Now.ToUnixTimeSeconds();
        (string Name, object? Value, string Fault)[] cases =
        [
            ("iss", "https://id.example/", "issuer"),
            ("iss", null, "issuer"),
            ("aud", "other", "audience"),
            ("aud", null, "audience"),
            ("aud", (string[])["other"], "audience"),
            ("aud", (string[])["tessera", "other"], "audience"),
            ("azp", "other", "audience"),
            ("exp", now - 61, "time"),
            ("exp", null, "time"),
            ("exp", "9999999999", "time"),
            ("exp", 1e300, "time"),
            ("iat", now + 61, "time"),
            ("iat", null, "time"),
            ("nbf", now + 61, "time"),
            ("nbf", "now", "time"),
            ("nonce", "another", "nonce"),
            ("nonce", null, "nonce"),
            ("sub", "", "subject"),
            ("sub", null, "subject"),
            ("sub", 5, "subject"),
        ];
        foreach (var (name, value, fault) in cases)
        {
            var claims = Claims();
            if (value is null)
            {
                claims.Remove(name);
            }
            else
            {
                claims[name] = value;
            }

            Assert.Equal((null, fault), Check(Token(Header("RS256"), claims)));
        }

        var shared = Claims();
        (shared["aud"], shared["azp"], shared["exp"]) = ((string[])["other", "tessera"], "tessera", now - 59);
        Assert.Equal("alice", Check(Token(Header("RS256"), shared)).Subject);
    }

    [Theory]
    [InlineData(null)]
    [InlineData("")]
    [InlineData("a.b")]
    [InlineData("..")]
    [InlineData("!.!.!")]
    [InlineData("W10.W10.W10")]
    [InlineData("eyJhbGciOiJSUzI1NiIsImFsZyI6Im5vbmUifQ.e30.e30")]
    public void What_is_no_token_is_refused(string? token) => Assert.NotNull(Check(token).Fault);

    private (string? Subject, string? Fault) Check(string? token)
    {
        var rsa = _rsa.ExportParameters(false);
        var point = _curve.ExportParameters(false).Q;
        var keys = JsonSerializer.SerializeToElement(
            new
            {
                keys = new object[]
                {
                    new
                    {
                        kty = "RSA",
                        kid = "rsa",
                        use = "sig",
                        n = Base64Url.EncodeToString(rsa.Modulus),
                        e = Base64Url.EncodeToString(rsa.Exponent),
                    },
                    new
                    {
                        kty = "EC",
                        kid = "curve",
                        crv = "P-256",
                        x = Base64Url.EncodeToString(point.X),
                        y = Base64Url.EncodeToString(point.Y),
                    },
                    new
                    {
                        kty = "RSA",
                        kid = "sealing",
                        use = "enc",
                        n = Base64Url.EncodeToString(rsa.Modulus),
                        e = Base64Url.EncodeToString(rsa.Exponent),
                    },
                },
            }
        );
        return IdToken.Check(token, keys, Options, Nonce, Now);
    }

    private static Dictionary<string, object> Header(string algorithm, string? kid = null) =>
        new()
        {
            ["alg"] = algorithm,
            ["typ"] = "JWT",
            ["kid"] = kid ?? (algorithm == "ES256" ? "curve" : "rsa"),
        };

    private static Dictionary<string, object> Claims() =>
        new()
        {
            ["iss"] = Options.Issuer,
            ["aud"] = Options.ClientId,
            ["sub"] = "alice",
            ["nonce"] = Nonce,
            ["iat"] = Now.ToUnixTimeSeconds(),
            ["exp"] = Now.ToUnixTimeSeconds() + 300,
        };

    private string Token(Dictionary<string, object> header, Dictionary<string, object> claims)
    {
        var text = Part(header) + "." + Part(claims);
        var bytes = Encoding.ASCII.GetBytes(text);
        var seal = (string)header["alg"] switch
        {
            "ES256" => _curve.SignData(bytes, HashAlgorithmName.SHA256),
            "PS256" => _rsa.SignData(bytes, HashAlgorithmName.SHA256, RSASignaturePadding.Pss),
            _ => _rsa.SignData(bytes, HashAlgorithmName.SHA256, RSASignaturePadding.Pkcs1),
        };
        return text + "." + Base64Url.EncodeToString(seal);
    }

    private static string Part(object value) => Base64Url.EncodeToString(JsonSerializer.SerializeToUtf8Bytes(value));

    /// <summary>The claims of one token under the seal of another.</summary>
    private string Cut(string token)
    {
        var claims = Claims();
        claims["sub"] = "admin";
        var parts = token.Split('.');
        return parts[0] + "." + Part(claims) + "." + parts[2];
    }
}
