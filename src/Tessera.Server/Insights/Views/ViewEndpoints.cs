using Microsoft.AspNetCore.Builder;
using Microsoft.AspNetCore.Http;
using Microsoft.AspNetCore.Routing;
using Npgsql;
using NpgsqlTypes;
using Tessera.Core;
using Tessera.Server.Access;
using Tessera.Server.Access.People;
using Tessera.Server.Platform;
using Tessera.Server.Platform.Http;

namespace Tessera.Server.Insights.Views;

/// <summary>Views of lists by name, one's own and those shared with one's roles (UI-11).</summary>
internal static class ViewEndpoints
{
    private const int MostViews = 100;
    private const string Columns = "v.id, v.list, v.name, v.query, v.role, v.owner = $1";

    private static readonly string[] Lists = ["coupons", "redemptions"];

    private static readonly SavedView Sample = new(
        Samples.Id,
        Lists[0],
        "Ends this week",
        "status=active&sort=expires_asc",
        "marketing_operations",
        true
    );

    private static readonly Refusal TooMany = new(
        "too_many_views",
        $"A person has up to {MostViews:maximum} saved views."
    );

    private static readonly Refusal NotYourRole = new(
        "role_not_yours",
        "A view is shared with a role one has; who manages people shares with any.",
        RefusalKind.Forbidden
    );

    public static void Map(IEndpointRouteBuilder api)
    {
        var group = api.MapGroup("/views").WithTags("Views");
        group
            .MapGet("", ListAsync)
            .WithName("listViews")
            .WithSummary("List saved views: one's own, and those shared with one's roles")
            .RequirePermission(Permissions.CouponsRead)
            .WithQuery("list", "string", "Only those of this list.", Lists)
            .WithAnswer(200, new Page<SavedView>([Sample], false, null), "All of them, by name.");
        group
            .MapPost("", (HttpContext context, Database database) => SaveAsync(context, database))
            .WithName("saveView")
            .WithSummary("Save a view under a name; one's own of that name is replaced")
            .RequirePermission(Permissions.CouponsRead)
            .WithBody(new SavedViewWanted(Sample.List, Sample.Name, Sample.Query, Sample.Role))
            .WithIdempotencyKey(required: false)
            .WithAnswer(201, Sample, "Saved.")
            .WithRefusals(TooMany, NotYourRole);
        group
            .MapDelete(
                "/{id:guid}",
                (HttpContext context, Database database, Guid id) => RemoveAsync(context, database, id)
            )
            .WithName("removeView")
            .WithSummary("Remove a view one has saved")
            .RequirePermission(Permissions.CouponsRead)
            .WithAnswer(204, "It is gone, or was before.");
    }

    private static async Task ListAsync(HttpContext context, Database database)
    {
        var query = new Query(context.Request);
        var list = query.Word("list", Lists);
        if (query.Finish() is { } refusal)
        {
            await Problems.WriteAsync(context, refusal);
            return;
        }

        var caller = Caller.Of(context);
        await using var command = database.Source.CreateCommand(
            $"""
            select {Columns} from insights.saved_view v
            where v.merchant_id is not distinct from $2 and v.realm = $3 and ($4::text is null or v.list = $4)
                and (v.owner = $1 or $6 and v.role is not null
                    or v.role = any(select unnest(p.roles) from people.person p where p.id = $5))
            order by v.list, lower(v.name), v.id
            """
        );
        command.Parameters.Add(new NpgsqlParameter { Value = caller.Subject });
        command.Parameters.Add(Optional(caller.MerchantId, NpgsqlDbType.Uuid));
        command.Parameters.Add(new NpgsqlParameter { Value = caller.Realm });
        command.Parameters.Add(Optional(list, NpgsqlDbType.Text));
        command.Parameters.Add(Optional(caller.PersonId, NpgsqlDbType.Uuid));
        command.Parameters.Add(new NpgsqlParameter { Value = caller.Can(Permissions.PeopleManage) });
        var views = new List<SavedView>();
        await using var rows = await command.ExecuteReaderAsync(context.RequestAborted);
        while (await rows.ReadAsync(context.RequestAborted))
        {
            views.Add(Read(rows));
        }

        await HttpAnswer.Json(200, new Page<SavedView>(views, false, null)).SendAsync(context);
    }

    private static async Task SaveAsync(HttpContext context, Database database)
    {
        var caller = Caller.Of(context);
        if (await RequestBody.TakeAsync(context) is not { } body)
        {
            return;
        }

        var fields = Fields.Of(body);
        var list = fields.Word("list", Lists);
        var name = fields.Text("name", 60);
        var query = fields.Text("query", 2000);
        var role = fields.Text("role", 40, required: false);
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
            work => SaveAsync(context, work, caller, new SavedViewWanted(list!, name!, query!, role))
        );
    }

    private static async Task<HttpAnswer> SaveAsync(
        HttpContext context,
        UnitOfWork work,
        Caller caller,
        SavedViewWanted wanted
    )
    {
        var cancel = context.RequestAborted;
        if (wanted.Role is { } role && !await MayShareAsync(work, caller, role, cancel))
        {
            return HttpAnswer.Refused(context, NotYourRole);
        }

        await using (
            var count = work.Command("select count(*) from insights.saved_view where owner = $1", caller.Subject)
        )
        {
            if ((long)(await count.ExecuteScalarAsync(cancel))! >= MostViews)
            {
                return HttpAnswer.Refused(context, TooMany);
            }
        }

        SavedView view;
        int version;
        await using (
            var save = work.Command(
                $"""
                with saved as (
                    insert into insights.saved_view as v (id, list, name, query, owner, merchant_id, realm, role)
                    values ($2, $3, $4, $5, $1, $6, $7, $8)
                    on conflict (owner, list, name) do update
                        set query = excluded.query, role = excluded.role, version = v.version + 1
                    returning *
                )
                select {Columns}, v.version from saved v
                """,
                caller.Subject,
                Guid.CreateVersion7(),
                wanted.List,
                wanted.Name,
                wanted.Query,
                Optional(caller.MerchantId, NpgsqlDbType.Uuid),
                caller.Realm,
                Optional(wanted.Role, NpgsqlDbType.Text)
            )
        )
        {
            await using var rows = await save.ExecuteReaderAsync(cancel);
            await rows.ReadAsync(cancel);
            (view, version) = (Read(rows), rows.GetInt32(6));
        }

        await TellAsync(context, work, caller, view, version, "view.saved");
        return HttpAnswer.Json(201, view, "/api/v1/views/" + view.Id);
    }

    private static async Task RemoveAsync(HttpContext context, Database database, Guid id)
    {
        var caller = Caller.Of(context);
        await Idempotent.RunAsync(
            context,
            database,
            caller.ClientId,
            default,
            async work =>
            {
                await using var remove = work.Command(
                    $"""
                    with gone as (delete from insights.saved_view where id = $2 and owner = $1 returning *)
                    select {Columns}, v.version from gone v
                    """,
                    caller.Subject,
                    id
                );
                SavedView view;
                int version;
                await using (var rows = await remove.ExecuteReaderAsync(context.RequestAborted))
                {
                    if (!await rows.ReadAsync(context.RequestAborted))
                    {
                        return HttpAnswer.NoContent;
                    }

                    (view, version) = (Read(rows), rows.GetInt32(6) + 1);
                }

                await TellAsync(context, work, caller, view, version, "view.removed");
                return HttpAnswer.NoContent;
            }
        );
    }

    /// <summary>With a role that exists and that the caller has, or any for who manages people.</summary>
    private static async Task<bool> MayShareAsync(UnitOfWork work, Caller caller, string role, CancellationToken cancel)
    {
        await using var command = work.Command(
            """
            select exists (select from people.role where id = $1 and realm = $2),
                exists (select from people.person where id = $3 and $1 = any(roles))
            """,
            role,
            caller.Realm,
            Optional(caller.PersonId, NpgsqlDbType.Uuid)
        );
        await using var row = await command.ExecuteReaderAsync(cancel);
        await row.ReadAsync(cancel);
        var isKnown =
            row.GetBoolean(0) || (ReadyRoles.All.TryGetValue(role, out var ready) && ready.Realm == caller.Realm);
        return isKnown && (row.GetBoolean(1) || caller.Can(Permissions.PeopleManage));
    }

    private static async Task TellAsync(
        HttpContext context,
        UnitOfWork work,
        Caller caller,
        SavedView view,
        int version,
        string type
    )
    {
        var payload = EventLog.Payload(("list", view.List), ("role", view.Role));
        var entry = new EventEntry(
            "view",
            view.Id.ToString(),
            type,
            version,
            caller.Actor,
            payload,
            RequestIds.Of(context)
        );
        await EventLog.AppendAsync(work, await work.ClockAsync(default), [entry], default);
    }

    private static NpgsqlParameter Optional(object? value, NpgsqlDbType type) =>
        new() { Value = value ?? DBNull.Value, NpgsqlDbType = type };

    private static SavedView Read(NpgsqlDataReader row) =>
        new(
            row.GetGuid(0),
            row.GetString(1),
            row.GetString(2),
            row.GetString(3),
            row.Object<string>(4),
            row.GetBoolean(5)
        );
}
