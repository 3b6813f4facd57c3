using Microsoft.AspNetCore.Builder;
using Microsoft.AspNetCore.Http;
using Microsoft.AspNetCore.Routing;
using Tessera.Core;
using Tessera.Server.Platform;
using Tessera.Server.Platform.Http;

namespace Tessera.Server.Access.People;

/// <summary>Invite people, give them roles, switch them off (ACC-01, ACC-02).</summary>
internal static class PeopleEndpoints
{
    private const int MostRoles = 20;

    private static readonly Refusal Taken = new("person_exists", "Somebody of this realm has this address.");

    private static readonly Refusal Last = new(
        "last_administrator",
        "This is the last of the administrators. Make another one first."
    );

    private static readonly Refusal SwitchedOff = new(
        "person_switched_off",
        "This person is switched off. Switch the person on before inviting."
    );

    private static readonly PersonWanted Wanted = new(
        Realms.Staff,
        "grace@example.com",
        "Grace Example",
        ["customer_support"]
    );

    private static readonly PersonInvited Invited = new(
        "Qm93aGF0IGEga2V5IHRoaXMgd291bGQgaGF2ZSBiZW0",
        Samples.At,
        PersonView.Sample
    );

    public static void Map(IEndpointRouteBuilder api)
    {
        var group = api.MapGroup("/people").WithTags("People");
        group
            .MapGet("", ListAsync)
            .WithName("listPeople")
            .WithSummary("List people who sign in")
            .RequirePermission(Permissions.PeopleRead)
            .LogReads("people", "person")
            .WithPages(["created_at", "email"])
            .WithQuery("realm", "string", "Only those of this realm.", [.. Realms.All])
            .WithQuery("is_active", "boolean", "Only those who may sign in, or may not.")
            .WithQuery("merchant_id", "string", "Only those who act for this merchant.")
            .WithQuery("search", "string", "Only those with this text in name or address.")
            .WithAnswer(200, new Page<PersonView>([PersonView.Sample], false, null), "A page.");
        group
            .MapGet("/{id:guid}", GetAsync)
            .WithName("getPerson")
            .WithSummary("Read a person")
            .RequirePermission(Permissions.PeopleRead)
            .LogReads("people", "person")
            .WithAnswer(200, PersonView.Sample, "The present state, with its ETag.")
            .WithAnswer(304, "The caller has the present state.");
        group
            .MapPost("", CreateAsync)
            .WithName("invitePerson")
            .WithSummary("Make a person, and a one-time token by which that one sets a password")
            .RequirePermission(Permissions.PeopleManage)
            .WithBody(Wanted)
            .WithIdempotencyKey(required: false)
            .WithAnswer(201, Invited, "Made.")
            .WithRefusals(Taken, RoleEndpoints.NotYours);
        group
            .MapPatch("/{id:guid}", ChangeAsync)
            .WithName("updatePerson")
            .WithSummary("Rename a person, change roles, switch off or on")
            .RequirePermission(Permissions.PeopleManage)
            .WithIfMatch()
            .WithIdempotencyKey(required: false)
            .WithPatch(new PersonPatch("Grace Example", ["finance"], true))
            .WithAnswer(200, PersonView.Sample, "The new state, with its ETag.")
            .WithRefusals(Last, RoleEndpoints.NotYours);
        group
            .MapPost("/{id:guid}/invitation", InviteAgainAsync)
            .WithName("inviteAgain")
            .WithSummary("A new token for a person, also for one who forgot the password; older tokens are dead")
            .RequirePermission(Permissions.PeopleManage)
            .WithIdempotencyKey(required: false)
            .WithAnswer(201, Invited, "Made.")
            .WithRefusals(SwitchedOff, RoleEndpoints.NotYours);
    }

    private static async Task ListAsync(HttpContext context, Database database, Cursors cursors)
    {
        var caller = Caller.Of(context);
        var query = new Query(context.Request);
        var page = await cursors.ReadAsync(
            query,
            ["created_at", "email"],
            "-created_at",
            caller.MerchantId,
            context.RequestAborted
        );
        var rows = new PageRows();
        rows.Where(values => PersonView.ScopeOf(caller, values));
        rows.Equal("realm", query.Word("realm", [.. Realms.All]));
        rows.Equal("is_active", query.Flag("is_active"));
        rows.Equal("merchant_id", query.Id("merchant_id"));
        rows.Where("strpos(lower(name) || ' ' || email, lower({})) > 0", query.Text("search", 100));
        var isByEmail = page.Sort == "email";
        var people = new Listed<PersonView>(
            $"select {PersonView.Columns} from people.person",
            (page.Sort, isByEmail ? "text" : "timestamptz"),
            ("id", "uuid"),
            PersonView.Read,
            v => [isByEmail ? v.Email : PageRequest.KeyOf(v.CreatedAt), v.Id.ToString()]
        );
        await rows.AnswerAsync(context, database, query, page, people);
    }

    private static async Task GetAsync(HttpContext context, Database database, Guid id)
    {
        await using var work = await database.BeginAsync(context.RequestAborted);
        var found = await PersonView.FindAsync(work, Caller.Of(context), id, hold: false);
        await (
            found is null
                ? Problems.WriteAsync(context, Entry.NotFound)
                : HttpAnswer.Resource(context, found, found.Tag()).SendAsync(context)
        );
    }

    private static async Task CreateAsync(HttpContext context, Database database)
    {
        var caller = Caller.Of(context);
        if (await RequestBody.TakeAsync(context) is not { } body)
        {
            return;
        }

        var fields = Fields.Of(body);
        var wanted = Parse(fields, caller);
        if (fields.Finish() is { } wrong)
        {
            await Problems.WriteAsync(context, wrong);
            return;
        }

        await Idempotent.RunAsync(
            context,
            database,
            caller.ClientId,
            body.Bytes,
            async work =>
            {
                await CheckReferencesAsync(work, fields, wanted!);
                var granted = await RoleEndpoints.GrantedAsync(work, wanted!.Realm, wanted.Roles);
                if (granted is null)
                {
                    fields.Add("roles", "unknown_role", "At least one of these is no role of this realm.");
                }

                if (fields.Finish() is { } unknown)
                {
                    return HttpAnswer.Refused(context, unknown);
                }

                if (!RoleEndpoints.Covers(caller, granted!))
                {
                    return HttpAnswer.Refused(context, RoleEndpoints.NotYours);
                }

                var person = new NewPerson(
                    wanted.Realm,
                    wanted.Email,
                    wanted.Name,
                    wanted.Roles,
                    wanted.MerchantId,
                    wanted.CustomerId
                );
                return await Invitations.CreateAsync(work, person, caller.Actor, RequestIds.Of(context)) is { } id
                    ? await InviteAsync(context, work, caller, id)
                    : HttpAnswer.Refused(context, Taken);
            }
        );
    }

    private static Task InviteAgainAsync(HttpContext context, Database database, Guid id) =>
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

                // Whoever sets a password is that person: as good as having the permissions.
                if (!await CoversAsync(work, caller, person))
                {
                    return HttpAnswer.Refused(context, RoleEndpoints.NotYours);
                }

                return person.IsActive
                    ? await InviteAsync(context, work, caller, id)
                    : HttpAnswer.Refused(context, SwitchedOff);
            }
        );

    private static async Task<HttpAnswer> InviteAsync(HttpContext context, UnitOfWork work, Caller caller, Guid id)
    {
        var token = await Invitations.InviteAsync(work, id);
        var person = (await PersonView.FindAsync(work, caller, id, hold: false))!;
        var expires = await work.ClockAsync(CancellationToken.None) + Invitations.Life;
        var actor = caller.Actor;
        await Invitations.TellAsync(work, id, "person.invited", person.Version, actor, "{}", RequestIds.Of(context));
        var made = new PersonInvited(token, expires, person);
        return HttpAnswer.Json(201, made, "/api/v1/people/" + id) with
        {
            // The token itself is stored nowhere, so a repeat cannot show it.
            Kept = HttpAnswer.Json(201, made with { InvitationToken = null }).Body,
        };
    }

    private static async Task ChangeAsync(HttpContext context, Database database, Guid id)
    {
        var caller = Caller.Of(context);
        if (await RequestBody.TakeAsync(context) is not { } body)
        {
            return;
        }

        var fields = Fields.Of(body);
        var name = fields.Names("name") ? fields.Text("name", 200) : null;
        var roles = fields.Names("roles") ? Roles(fields) : null;
        var active = fields.Names("is_active") ? fields.Flag("is_active") : null;
        await Idempotent.RunAsync(
            context,
            database,
            caller.ClientId,
            body.Bytes,
            async work =>
            {
                // One at a time, so that two administrators cannot remove each other.
                await work.ExecuteAsync(
                    "select pg_advisory_xact_lock(hashtextextended('people.change', 0))",
                    [],
                    default
                );
                if (await PersonView.FindAsync(work, caller, id, hold: true) is not { } present)
                {
                    return HttpAnswer.Refused(context, Entry.NotFound);
                }

                var granted = roles is null ? null : await RoleEndpoints.GrantedAsync(work, present.Realm, roles);
                if (roles is not null && granted is null)
                {
                    fields.Add("roles", "unknown_role", "At least one of these is no role of this realm.");
                }

                if ((fields.Finish() ?? ETags.Check(context, present.Tag())) is { } wrong)
                {
                    return HttpAnswer.Refused(context, wrong);
                }

                if (!await CoversAsync(work, caller, present) || !RoleEndpoints.Covers(caller, granted ?? Nothing))
                {
                    return HttpAnswer.Refused(context, RoleEndpoints.NotYours);
                }

                var wanted = present with
                {
                    Name = name ?? present.Name,
                    Roles = roles ?? present.Roles,
                    IsActive = active ?? present.IsActive,
                };
                return await ApplyAsync(context, work, caller, present, wanted);
            }
        );
    }

    private static readonly HashSet<string> Nothing = [];

    private static async Task<HttpAnswer> ApplyAsync(
        HttpContext context,
        UnitOfWork work,
        Caller caller,
        PersonView present,
        PersonView wanted
    )
    {
        if (IsAdministrator(present) && !IsAdministrator(wanted) && await IsLastAsync(work, present.Id))
        {
            return HttpAnswer.Refused(context, Last);
        }

        await work.ExecuteAsync(
            "update people.person set name = $2, roles = $3, is_active = $4, version = version + 1 where id = $1",
            [present.Id, wanted.Name, wanted.Roles.ToArray(), wanted.IsActive],
            CancellationToken.None
        );
        if ((present.IsActive && !wanted.IsActive) || present.Roles.Except(wanted.Roles).Any())
        {
            await Sessions.EndAllAsync(work, present.Id, null, CancellationToken.None);
        }

        var changed = (await PersonView.FindAsync(work, caller, present.Id, hold: false))!;
        // Roles before and after, but no name and no address: those are personal (convention 66).
        var payload = EventLog.Payload(
            ("roles", changed.Roles),
            ("roles_before", present.Roles),
            ("is_active", changed.IsActive),
            ("is_active_before", present.IsActive),
            ("is_renamed", changed.Name != present.Name)
        );
        var request = RequestIds.Of(context);
        await Invitations.TellAsync(
            work,
            present.Id,
            "person.updated",
            changed.Version,
            caller.Actor,
            payload,
            request
        );
        return HttpAnswer.Json(200, changed, etag: changed.Tag());
    }

    /// <summary>Whether a caller may do all that a person may; else changing that person would be a way up.</summary>
    internal static async Task<bool> CoversAsync(UnitOfWork work, Caller caller, PersonView person)
    {
        var granted = await RoleEndpoints.GrantedAsync(work, person.Realm, person.Roles);
        return RoleEndpoints.Covers(caller, granted ?? Nothing);
    }

    private static bool IsAdministrator(PersonView person) =>
        person.IsActive && person.Roles.Contains(ReadyRoles.Administrator);

    private static async Task<bool> IsLastAsync(UnitOfWork work, Guid id)
    {
        await using var command = work.Command(
            """
            select not exists (select from people.person
                where realm = 'staff' and is_active and $2 = any(roles) and id <> $1)
            """,
            id,
            ReadyRoles.Administrator
        );
        return (bool)(await command.ExecuteScalarAsync())!;
    }

    private static IReadOnlyList<string>? Roles(Fields fields) =>
        fields.List("roles", MostRoles, static (item, place) => item.Text(place, 40)) is { } roles
            ? [.. roles.Distinct()]
            : null;

    private static PersonWanted? Parse(Fields fields, Caller caller)
    {
        var realm = fields.Word("realm", caller.MerchantId is null ? Realms.All : [Realms.Merchant]);
        var email = EmailAddress.Read(fields, "email");
        var name = fields.Text("name", 200);
        var roles = Roles(fields);
        var merchant = fields.Id("merchant_id", required: false) ?? caller.MerchantId;
        var customer = fields.Id("customer_id", required: false);
        if (realm is not null && (realm == Realms.Merchant) != merchant is not null)
        {
            fields.Add(
                "merchant_id",
                "not_of_realm",
                "People of the realm merchant have a merchant, others have none."
            );
        }

        if (realm is not null && (realm == Realms.Customer) != customer is not null)
        {
            fields.Add("customer_id", "not_of_realm", "People of the realm customer are a customer, others are none.");
        }

        // The same words as for a merchant that does not exist.
        if (caller.MerchantId is not null && merchant != caller.MerchantId)
        {
            fields.Add("merchant_id", "unknown_merchant", "There is no such merchant.");
        }

        return realm is null || email is null || name is null || roles is null
            ? null
            : new PersonWanted(realm, email, name, roles, merchant, customer);
    }

    private static async Task CheckReferencesAsync(UnitOfWork work, Fields fields, PersonWanted wanted)
    {
        await using var command = work.Command(
            """
            select $1::uuid is null or exists (select from access.merchant where id = $1 for key share),
                $2::uuid is null or exists (select from access.customer where id = $2 for key share)
            """,
            Invitations.Optional(wanted.MerchantId),
            Invitations.Optional(wanted.CustomerId)
        );
        await using var rows = await command.ExecuteReaderAsync();
        await rows.ReadAsync();
        if (!rows.GetBoolean(0))
        {
            fields.Add("merchant_id", "unknown_merchant", "There is no such merchant.");
        }

        if (!rows.GetBoolean(1))
        {
            fields.Add("customer_id", "unknown_customer", "There is no such customer.");
        }
    }
}
