using Microsoft.AspNetCore.Builder;
using Microsoft.AspNetCore.Http;
using Microsoft.AspNetCore.Routing;
using Npgsql;
using Tessera.Core;
using Tessera.Server.Platform;
using Tessera.Server.Platform.Http;

namespace Tessera.Server.Access.People;

/// <summary>A role, as put together.</summary>
/// <param name="Id">Small letters, digits and underscores; never changes.</param>
/// <param name="Name">For people.</param>
/// <param name="Realm">Whose role it is.</param>
/// <param name="Permissions">What it may do; none that its maker lacks or the realm may not have.</param>
internal sealed record RoleWanted(string Id, string Name, string Realm, IReadOnlyList<string> Permissions);

/// <summary>A role.</summary>
/// <param name="Id">As people have it.</param>
/// <param name="Name">For people.</param>
/// <param name="Realm">Whose role it is.</param>
/// <param name="Permissions">What it may do.</param>
/// <param name="IsReadyMade">Whether it belongs to the program and cannot be changed.</param>
/// <param name="Version">Counts its changes.</param>
internal sealed record RoleView(
    string Id,
    string Name,
    string Realm,
    IReadOnlyList<string> Permissions,
    bool IsReadyMade,
    int Version
);

/// <summary>The ready-made roles, and those put together here (ACC-02).</summary>
internal static class RoleEndpoints
{
    private const int MostRoles = 200;
    private const string Columns = "id, name, realm, permissions, version";

    private static readonly Refusal Taken = new("role_exists", "There is a role of this id.");

    private static readonly Refusal TooMany = new(
        "too_many_roles",
        $"There are {MostRoles:maximum} roles of your own already."
    );

    /// <summary>Nobody grants what they lack (convention 52).</summary>
    public static readonly Refusal NotYours = new(
        "role_not_yours",
        "A role or person cannot be given, or changed by somebody who lacks, permissions that the caller does not have.",
        RefusalKind.Forbidden
    );

    private static readonly RoleView Sample = new(
        "night_shift",
        "Night shift",
        Realms.Staff,
        [Permissions.CouponsRead],
        false,
        1
    );

    public static void Map(IEndpointRouteBuilder api)
    {
        var group = api.MapGroup("/roles").WithTags("People");
        var wanted = new RoleWanted(Sample.Id, Sample.Name, Sample.Realm, Sample.Permissions);
        group
            .MapGet("", ListAsync)
            .WithName("listRoles")
            .WithSummary("List all roles, the ready-made ones first")
            .RequirePermission(Permissions.PeopleRead)
            .LogReads("roles", "role")
            .WithAnswer(200, new Page<RoleView>([Sample], false, null), "All of them.");
        group
            .MapGet("/{id}", GetAsync)
            .WithName("getRole")
            .WithSummary("Read a role")
            .RequirePermission(Permissions.PeopleRead)
            .LogReads("roles", "role")
            .WithAnswer(200, Sample, "The present state, with its ETag.")
            .WithAnswer(304, "The caller has the present state.");
        group
            .MapPost("", (HttpContext context, Database database) => WriteAsync(context, database, null))
            .WithName("createRole")
            .WithSummary("Put a role together")
            .RequirePermission(Permissions.PeopleManage)
            .WithBody(wanted)
            .WithIdempotencyKey(required: false)
            .WithAnswer(201, Sample, "Created.")
            .WithRefusals(Taken, TooMany, NotYours);
        group
            .MapPut("/{id}", WriteAsync)
            .WithName("replaceRole")
            .WithSummary("Change a role that was put together here; it counts at once")
            .RequirePermission(Permissions.PeopleManage)
            .WithIfMatch()
            .WithBody(wanted)
            .WithAnswer(200, Sample, "The new state.")
            .WithRefusals(NotYours);
        group
            .MapDelete("/{id}", DeleteAsync)
            .WithName("deleteRole")
            .WithSummary("Delete a role that nobody has")
            .RequirePermission(Permissions.PeopleManage)
            .WithIfMatch()
            .WithAnswer(204, "It is gone, or was before.")
            .WithRefusals(DirectoryRefusals.InUse, NotYours);
    }

    /// <summary>What roles may do together; null for one that is not there or of another realm.</summary>
    internal static async Task<IReadOnlySet<string>?> GrantedAsync(
        UnitOfWork work,
        string realm,
        IReadOnlyList<string> roles
    )
    {
        var own = new List<string>();
        await using (
            var command = work.Command(
                "select id, permissions from people.role where id = any($1) and realm = $2 for share",
                roles.ToArray(),
                realm
            )
        )
        {
            await using var rows = await command.ExecuteReaderAsync();
            var known = new HashSet<string>(
                ReadyRoles.All.Values.Where(r => r.Realm == realm).Select(static r => r.Id),
                StringComparer.Ordinal
            );
            while (await rows.ReadAsync())
            {
                known.Add(rows.GetString(0));
                own.AddRange(rows.GetFieldValue<string[]>(1));
            }

            if (!roles.All(known.Contains))
            {
                return null;
            }
        }

        return Sessions.Granted(realm, roles, own);
    }

    /// <summary>Whether a caller has all that others are to have. What customers have is nobody else's.</summary>
    internal static bool Covers(Caller caller, IEnumerable<string> permissions) =>
        permissions.All(p => Permissions.IsOfCustomers(p) || caller.Can(p));

    private static async Task ListAsync(HttpContext context, Database database)
    {
        var query = new Query(context.Request);
        if (query.Finish() is { } refusal)
        {
            await Problems.WriteAsync(context, refusal);
            return;
        }

        var caller = Caller.Of(context);
        var views = ReadyRoles.All.Values.OrderBy(static r => r.Id, StringComparer.Ordinal).Select(ViewOf).ToList();
        await using (var command = database.Source.CreateCommand($"select {Columns} from people.role order by id"))
        {
            await using var rows = await command.ExecuteReaderAsync(context.RequestAborted);
            while (await rows.ReadAsync(context.RequestAborted))
            {
                views.Add(Read(rows));
            }
        }

        var shown = views.Where(v => caller.Realm == Realms.Staff || v.Realm == caller.Realm).ToArray();
        await HttpAnswer.Json(200, new Page<RoleView>(shown, false, null)).SendAsync(context);
    }

    private static async Task GetAsync(HttpContext context, Database database, string id)
    {
        await using var work = await database.BeginAsync(context.RequestAborted);
        var caller = Caller.Of(context);
        var found = ReadyRoles.All.TryGetValue(id, out var ready) ? ViewOf(ready) : await FindAsync(work, id, false);
        var answer =
            found is null || (caller.Realm != Realms.Staff && found.Realm != caller.Realm)
                ? HttpAnswer.Refused(context, Entry.NotFound)
                : HttpAnswer.Resource(context, found, ETags.Of(found.Version));
        await answer.SendAsync(context);
    }

    private static async Task WriteAsync(HttpContext context, Database database, string? id)
    {
        var caller = Caller.Of(context);
        if (await RequestBody.TakeAsync(context) is not { } body)
        {
            return;
        }

        var fields = Fields.Of(body);
        var wanted = Parse(fields, id);
        if (fields.Finish() is { } wrong)
        {
            await Problems.WriteAsync(context, wrong);
            return;
        }

        // The roles of a deployment are its staff's; a merchant's people pick from them.
        if (caller.MerchantId is not null || !Covers(caller, wanted!.Permissions))
        {
            await Problems.WriteAsync(context, NotYours);
            return;
        }

        await Idempotent.RunAsync(
            context,
            database,
            caller.ClientId,
            body.Bytes,
            async work =>
                id is null
                    ? await CreateAsync(context, work, caller, wanted)
                    : await ReplaceAsync(context, work, caller, wanted)
        );
    }

    private static async Task<HttpAnswer> CreateAsync(
        HttpContext context,
        UnitOfWork work,
        Caller caller,
        RoleWanted wanted
    )
    {
        await using (var count = work.Command("select count(*) from people.role"))
        {
            if ((long)(await count.ExecuteScalarAsync())! >= MostRoles)
            {
                return HttpAnswer.Refused(context, TooMany);
            }
        }

        var made = ReadyRoles.All.ContainsKey(wanted.Id)
            ? 0
            : await work.ExecuteAsync(
                "insert into people.role (id, name, realm, permissions) values ($1, $2, $3, $4) on conflict do nothing",
                [wanted.Id, wanted.Name, wanted.Realm, wanted.Permissions.ToArray()],
                CancellationToken.None
            );
        if (made == 0)
        {
            return HttpAnswer.Refused(context, Taken);
        }

        var view = (await FindAsync(work, wanted.Id, false))!;
        await TellAsync(context, work, caller, view, "role.created");
        return HttpAnswer.Json(201, view, "/api/v1/roles/" + view.Id, ETags.Of(view.Version));
    }

    private static async Task<HttpAnswer> ReplaceAsync(
        HttpContext context,
        UnitOfWork work,
        Caller caller,
        RoleWanted wanted
    )
    {
        if (await FindAsync(work, wanted.Id, true) is not { } present || present.Realm != wanted.Realm)
        {
            return HttpAnswer.Refused(context, Entry.NotFound);
        }

        if ((ETags.Check(context, ETags.Of(present.Version)) ?? Overreach(caller, present)) is { } no)
        {
            return HttpAnswer.Refused(context, no);
        }

        await work.ExecuteAsync(
            "update people.role set name = $2, permissions = $3, version = version + 1 where id = $1",
            [wanted.Id, wanted.Name, wanted.Permissions.ToArray()],
            CancellationToken.None
        );
        var view = (await FindAsync(work, wanted.Id, false))!;
        await TellAsync(context, work, caller, view, "role.updated", ("permissions_before", present.Permissions));
        return HttpAnswer.Json(200, view, etag: ETags.Of(view.Version));
    }

    private static async Task DeleteAsync(HttpContext context, Database database, string id)
    {
        var caller = Caller.Of(context);
        if (ETags.CheckPresent(context) is { } missing)
        {
            await Problems.WriteAsync(context, missing);
            return;
        }

        await Idempotent.RunAsync(
            context,
            database,
            caller.ClientId,
            default,
            async work =>
            {
                if (await FindAsync(work, id, true) is not { } present || caller.MerchantId is not null)
                {
                    return HttpAnswer.NoContent;
                }

                if ((ETags.Check(context, ETags.Of(present.Version)) ?? Overreach(caller, present)) is { } no)
                {
                    return HttpAnswer.Refused(context, no);
                }

                // Whoever gives the role to a person holds its row as well, so that one of the two waits.
                var gone = await work.ExecuteAsync(
                    "delete from people.role where id = $1 and not exists (select from people.person where $1 = any(roles))",
                    [id],
                    CancellationToken.None
                );
                if (gone == 0)
                {
                    return HttpAnswer.Refused(context, DirectoryRefusals.InUse);
                }

                await TellAsync(context, work, caller, present with { Version = present.Version + 1 }, "role.deleted");
                return HttpAnswer.NoContent;
            }
        );
    }

    private static RoleWanted? Parse(Fields fields, string? id)
    {
        var given = fields.Text("id", 40, required: id is null) ?? id;
        var name = fields.Text("name", 100);
        var realm = fields.Word("realm", Realms.All);
        var allowed = ReadyRoles.Grantable(realm ?? Realms.Staff);
        var permissions = fields.List(
            "permissions",
            Permissions.All.Count,
            (item, place) => item.Word(place, [.. allowed.Order(StringComparer.Ordinal)])
        );
        if (given is not null && (!IsWellFormed(given) || (id is not null && given != id)))
        {
            fields.Add("id", "invalid_id", "Small letters, digits and underscores, a letter first; it never changes.");
        }

        return given is null || name is null || realm is null || permissions is null
            ? null
            : new RoleWanted(given, name, realm, [.. permissions.Distinct()]);
    }

    private static bool IsWellFormed(string id) =>
        id.Length is > 0 and <= 40
        && char.IsAsciiLetterLower(id[0])
        && id.All(static c => char.IsAsciiLetterLower(c) || char.IsAsciiDigit(c) || c == '_');

    private static Refusal? Overreach(Caller caller, RoleView present) =>
        Covers(caller, present.Permissions) ? null : NotYours;

    private static async Task<RoleView?> FindAsync(UnitOfWork work, string id, bool hold)
    {
        await using var command = work.Command(
            $"select {Columns} from people.role where id = $1 {(hold ? "for update" : "")}",
            id
        );
        await using var rows = await command.ExecuteReaderAsync();
        return await rows.ReadAsync() ? Read(rows) : null;
    }

    private static async Task TellAsync(
        HttpContext context,
        UnitOfWork work,
        Caller caller,
        RoleView role,
        string type,
        params (string, object?)[] more
    )
    {
        var payload = EventLog.Payload([("realm", role.Realm), ("permissions", role.Permissions), .. more]);
        var entry = new EventEntry("role", role.Id, type, role.Version, caller.Actor, payload, RequestIds.Of(context));
        await EventLog.AppendAsync(
            work,
            await work.ClockAsync(CancellationToken.None),
            [entry],
            CancellationToken.None
        );
    }

    private static RoleView ViewOf(ReadyRole role) =>
        new(role.Id, role.Name, role.Realm, [.. role.Permissions.Order(StringComparer.Ordinal)], true, 1);

    private static RoleView Read(NpgsqlDataReader row) =>
        new(
            row.GetString(0),
            row.GetString(1),
            row.GetString(2),
            row.GetFieldValue<string[]>(3),
            false,
            row.GetInt32(4)
        );
}
