using Microsoft.AspNetCore.Http;
using Npgsql;
using Tessera.Server.Platform;

namespace Tessera.Server.Access.People;

/// <summary>
/// Questions asked of an authenticator or an identity provider: kept here for minutes under a ticket that only the asking
/// browser has, in a cookie, and good for one answer, right or wrong (conventions 54, 59 and 60).
/// </summary>
/// <param name="Kind">As stored: <c>oidc</c>, <c>saml</c>, <c>passkey_new</c> or <c>passkey_sign_in</c>.</param>
/// <param name="Path">Below which the browser sends the ticket back.</param>
/// <param name="SameSite">Lax or none where the browser comes back from another site.</param>
internal sealed record Challenges(string Kind, string Path, SameSiteMode SameSite)
{
    private static readonly TimeSpan Patience = TimeSpan.FromMinutes(10);

    private string CookieName => "tessera_" + Kind;

    /// <summary>Keeps what was asked, and gives the browser the ticket.</summary>
    public async Task KeepAsync(HttpContext context, Database database, string content)
    {
        var ticket = Tickets.Make();
        await using var command = database.Source.CreateCommand(
            """
            with old as (delete from people.challenge where expires_at < clock_timestamp())
            insert into people.challenge (id, kind, hash, content, expires_at)
            values ($1, $2, $3, $4, clock_timestamp() + $5)
            """
        );
        command.Parameters.Add(new NpgsqlParameter { Value = Guid.CreateVersion7() });
        command.Parameters.Add(new NpgsqlParameter { Value = Kind });
        command.Parameters.Add(new NpgsqlParameter { Value = Tickets.HashOf(ticket)! });
        command.Parameters.Add(new NpgsqlParameter { Value = content });
        command.Parameters.Add(new NpgsqlParameter { Value = Patience });
        await command.ExecuteNonQueryAsync(context.RequestAborted);
        context.Response.Cookies.Append(CookieName, ticket, CookieOf(context));
    }

    /// <summary>What this browser was asked, once; null when it was not asked, or too long ago.</summary>
    public async Task<string?> TakeAsync(HttpContext context, Database database)
    {
        if (Tickets.HashOf(context.Request.Cookies[CookieName]) is not { } hash)
        {
            return null;
        }

        context.Response.Cookies.Delete(CookieName, CookieOf(context));
        await using var command = database.Source.CreateCommand(
            """
            delete from people.challenge where hash = $1 and kind = $2
            returning case when expires_at > clock_timestamp() then content end
            """
        );
        command.Parameters.Add(new NpgsqlParameter { Value = hash });
        command.Parameters.Add(new NpgsqlParameter { Value = Kind });
        return await command.ExecuteScalarAsync(context.RequestAborted) as string;
    }

    private CookieOptions CookieOf(HttpContext context) =>
        new()
        {
            HttpOnly = true,
            // Without TLS browsers take no cookie for other sites; there it is left to what they do by default.
            Secure = context.Request.IsHttps,
            SameSite = SameSite == SameSiteMode.None && !context.Request.IsHttps ? SameSiteMode.Unspecified : SameSite,
            Path = Path,
            MaxAge = Patience,
            IsEssential = true,
        };
}
