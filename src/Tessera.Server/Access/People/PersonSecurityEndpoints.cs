using Microsoft.AspNetCore.Builder;
using Microsoft.AspNetCore.Http;
using Microsoft.AspNetCore.Routing;
using Tessera.Core;
using Tessera.Server.Access.People.Passkeys;
using Tessera.Server.Platform;
using Tessera.Server.Platform.Http;

namespace Tessera.Server.Access.People;

/// <summary>What administrators do for the security of other people: sign them out, take a lost second factor away.</summary>
internal static class PersonSecurityEndpoints
{
    private static readonly Refusal OwnFactor = new(
        "own_second_factor",
        "One's own second factor is changed with a code of it, not by right of office.",
        RefusalKind.Forbidden
    );

    public static void Map(IEndpointRouteBuilder api)
    {
        var group = api.MapGroup("/people/{id:guid}").WithTags("People");
        group
            .MapPost("/end-sessions", EndSessionsAsync)
            .WithName("endSessions")
            .WithSummary("Sign a person out everywhere, at once")
            .RequirePermission(Permissions.PeopleManage)
            .WithIdempotencyKey(required: false)
            .WithAnswer(204, "All sessions have ended.")
            .WithRefusals(RoleEndpoints.NotYours);
        group
            .MapPost("/reset-second-factor", ResetFactorAsync)
            .WithName("resetSecondFactor")
            .WithSummary("Remove authenticator, recovery codes and passkeys of a person who lost them")
            .RequirePermission(Permissions.PeopleManage)
            .WithIdempotencyKey(required: false)
            .WithAnswer(204, "All sessions have ended, and the password is enough to set up a new second factor.")
            .WithRefusals(RoleEndpoints.NotYours, OwnFactor);
    }

    private static Task EndSessionsAsync(HttpContext context, Database database, Guid id) =>
        ChangeAsync(
            context,
            database,
            id,
            async (work, person) =>
            {
                await Sessions.EndAllAsync(work, id, null, CancellationToken.None);
                return ("person.signed_out", person.Version);
            }
        );

    private static Task ResetFactorAsync(HttpContext context, Database database, Guid id) =>
        ChangeAsync(
            context,
            database,
            id,
            async (work, person) =>
            {
                await SecondFactor.RemoveAsync(work, id, CancellationToken.None);
                await Passkey.RemoveAsync(work, id, null);
                await Sessions.EndAllAsync(work, id, null, CancellationToken.None);
                return ("person.second_factor_reset", person.Version + 1);
            },
            ownRefusal: OwnFactor
        );

    /// <summary>A change to a person who may not do more than the caller: that would be a way up.</summary>
    private static Task ChangeAsync(
        HttpContext context,
        Database database,
        Guid id,
        Func<UnitOfWork, PersonView, Task<(string Event, int Version)>> change,
        Refusal? ownRefusal = null
    ) =>
        Idempotent.RunAsync(
            context,
            database,
            Caller.Of(context).ClientId,
            default,
            async work =>
            {
                var caller = Caller.Of(context);
                if (await PersonView.FindAsync(work, caller, id, hold: true) is not { } person)
                {
                    return HttpAnswer.Refused(context, Entry.NotFound);
                }

                if (!await PeopleEndpoints.CoversAsync(work, caller, person))
                {
                    return HttpAnswer.Refused(context, RoleEndpoints.NotYours);
                }

                if (ownRefusal is not null && caller.Subject == "person:" + id)
                {
                    return HttpAnswer.Refused(context, ownRefusal);
                }

                var (type, version) = await change(work, person);
                var request = RequestIds.Of(context);
                await Invitations.TellAsync(work, id, type, version, caller.Actor, "{}", request);
                return HttpAnswer.NoContent;
            }
        );
}
