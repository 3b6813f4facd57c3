namespace Tessera.Server.Access.People.Oidc;

/// <summary>The identity provider of a deployment (convention 59).</summary>
/// <param name="Issuer">Exactly as the provider names itself; https, or http on this machine.</param>
/// <param name="ClientId">As registered there.</param>
/// <param name="ClientSecret">As registered there.</param>
/// <param name="Realm">Of the people who sign in by it.</param>
/// <param name="RedirectUri">Exactly as registered there.</param>
public sealed record OidcOptions(string Issuer, string ClientId, string ClientSecret, string Realm, string RedirectUri)
{
    /// <summary>Path of the redirect URI below the public address.</summary>
    public const string CallbackPath = "/api/v1/sign-in/oidc/callback";

    /// <summary>Whether an address may be asked: https, or plain http on this machine.</summary>
    public static bool IsSafe(string? address) =>
        Uri.TryCreate(address, UriKind.Absolute, out var uri)
        && uri.UserInfo.Length == 0
        && uri.Fragment.Length == 0
        && (uri.Scheme == Uri.UriSchemeHttps || (uri.Scheme == Uri.UriSchemeHttp && uri.IsLoopback));
}
