using System.Security.Cryptography;
using Microsoft.AspNetCore.Builder;
using Microsoft.AspNetCore.Http;
using Microsoft.AspNetCore.Routing;
using Tessera.Server.Access;
using Tessera.Server.Platform;
using Tessera.Server.Platform.Http;

namespace Tessera.Server.Connectors;

/// <summary>The secrets of a connector: written, never read (CON-12).</summary>
internal static class SecretEndpoints
{
    public static void Map(IEndpointRouteBuilder api)
    {
        var one = api.MapGroup("/connectors/{id:guid}").WithTags("Connectors");
        one.MapPost("/signing-secret", RotateAsync)
            .WithName("rotateConnectorSecret")
            .WithSummary("Make a new signing secret; it is shown once, and the old one signs along for 24 hours")
            .WithRemark(
                "Calls to the partner are signed with it by Standard Webhooks, and so have to be its acknowledgements. "
                    + "A repeat with the same idempotency key makes no second secret and does not show the first again."
            )
            .RequirePermission(Permissions.ConnectorsWrite)
            .WithIdempotencyKey(required: false)
            .WithAnswer(
                201,
                new SecretMade("whsec_Qm93aGF0IGEgc2VjcmV0IHRoaXMgd291bGQgYmUgICA="),
                "Made; the secret is shown this once."
            );
        one.MapPost("/credential", SetAsync)
            .WithName("setConnectorCredential")
            .WithSummary("Set what is presented to the partner: a bearer token or an API key; it is never shown")
            .RequirePermission(Permissions.ConnectorsWrite)
            .WithBody(new CredentialWanted("a token of the partner's"))
            .WithIdempotencyKey(required: false)
            .WithAnswer(200, ConnectorDirectory.Sample, "Kept, sealed.");
    }

    private static async Task RotateAsync(HttpContext context, Guid id, Database database, ConnectorSecrets secrets)
    {
        var caller = Caller.Of(context);
        await Idempotent.RunAsync(
            context,
            database,
            caller.ClientId,
            default,
            async work =>
            {
                if (await ConnectorSecrets.HoldAsync(work, id, caller) is not { } connector)
                {
                    return HttpAnswer.Refused(context, Entry.NotFound);
                }

                var secret = StandardWebhooks.Prefix + Convert.ToBase64String(RandomNumberGenerator.GetBytes(32));
                await secrets.SetAsync(work, id, "signing", secret);
                await TellAsync(context, work, connector, "connector.signing_secret_rotated");
                var answer = HttpAnswer.Json(201, new SecretMade(secret), $"/api/v1/connectors/{id}");
                return answer with { Kept = HttpAnswer.Json(201, new SecretMade(null)).Body };
            }
        );
    }

    private static async Task SetAsync(HttpContext context, Guid id, Database database, ConnectorSecrets secrets)
    {
        var caller = Caller.Of(context);
        await Idempotent.RunAsync(
            context,
            database,
            caller.ClientId,
            async (work, fields) =>
            {
                if (await ConnectorSecrets.HoldAsync(work, id, caller) is not { } connector)
                {
                    return HttpAnswer.Refused(context, Entry.NotFound);
                }

                var credential = fields.Text("credential", 4000);
                if (credential is not null && credential.Any(static c => c is < '!' or > '~'))
                {
                    fields.Add("credential", "invalid_text", "This has to be visible ASCII without spaces.");
                }

                if (fields.Finish() is { } wrong)
                {
                    return HttpAnswer.Refused(context, wrong);
                }

                await secrets.SetAsync(work, id, "credential", credential!);
                await TellAsync(context, work, connector, "connector.credential_set");
                var after = await ConnectorSecrets.HoldAsync(work, id, caller);
                return HttpAnswer.Json(200, after, etag: ETags.Of(after!.Version, after.CreatedAt));
            }
        );
    }

    private static async Task TellAsync(HttpContext context, UnitOfWork work, Connector connector, string type) =>
        await EventLog.AppendAsync(
            work,
            await work.ClockAsync(CancellationToken.None),
            [
                new EventEntry(
                    "connector",
                    connector.Id.ToString(),
                    type,
                    connector.Version + 1,
                    Caller.Of(context).Actor,
                    "{}",
                    RequestIds.Of(context)
                ),
            ],
            CancellationToken.None
        );

    /// <summary>A secret that was made.</summary>
    /// <param name="Secret">Shown once; null when the request is repeated.</param>
    private sealed record SecretMade(string? Secret);

    /// <summary>A partner's credential, as written.</summary>
    /// <param name="Credential">Visible ASCII; 1 to 4000 characters.</param>
    private sealed record CredentialWanted(string Credential);
}
