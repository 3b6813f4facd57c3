using System.Text.Json;
using System.Text.Json.Nodes;
using Microsoft.AspNetCore.Builder;
using Microsoft.AspNetCore.Http;
using Microsoft.AspNetCore.Routing;
using Npgsql;
using Tessera.Core;
using Tessera.Server.Platform;
using Tessera.Server.Platform.Http;

namespace Tessera.Server.Access;

/// <summary>What every record of the directory has beside its own fields.</summary>
internal interface IRecord
{
    /// <summary>In the address of the record.</summary>
    string Key { get; }

    /// <summary>Counts its changes; the number of its latest event.</summary>
    int Version { get; }

    /// <summary>When it was made.</summary>
    DateTimeOffset CreatedAt { get; }
}

/// <summary>
/// List, create, read, replace, patch and delete one kind of record: merchants, customers, channels, and what other
/// rooms keep in the same way. Each change writes its event in the same transaction. Keys that act for one merchant read
/// what concerns it and change nothing.
/// </summary>
/// <typeparam name="TWanted">What a caller may write.</typeparam>
/// <typeparam name="TView">What a caller sees.</typeparam>
internal abstract class Directory<TWanted, TView>
    where TWanted : class
    where TView : class, IRecord
{
    /// <summary>Whether it is a setting of the deployment, so that who reads it is audited (AUD-01).</summary>
    protected virtual bool IsSetting => false;

    /// <summary>The schema of its table.</summary>
    protected virtual string Schema => "access";

    /// <summary>What reading it asks for.</summary>
    protected virtual string Reading => Permissions.DirectoryRead;

    /// <summary>What changing it asks for.</summary>
    protected virtual string Writing => Permissions.DirectoryWrite;

    /// <summary>One of them, as in events and table names.</summary>
    protected abstract string Name { get; }

    /// <summary>Several of them, as in addresses.</summary>
    protected abstract string Plural { get; }

    /// <summary>What its address holds, as a route parameter.</summary>
    protected abstract string Route { get; }

    /// <summary>Columns in the order <see cref="Read"/> takes them.</summary>
    protected abstract string Columns { get; }

    /// <summary>SQL type of the id.</summary>
    protected abstract string IdType { get; }

    /// <summary>What lists may be sorted by: name to column and type.</summary>
    protected abstract IReadOnlyDictionary<string, (string Column, string Type)> Sorts { get; }

    /// <summary>The refusal of a record that is there already.</summary>
    protected abstract Refusal Taken { get; }

    /// <summary>A body that is accepted and its answer, for the description.</summary>
    protected abstract (TWanted Wanted, TView View) Example { get; }

    /// <summary>A record of a row.</summary>
    protected abstract TView Read(NpgsqlDataReader row);

    /// <summary>Reads what a caller wants; members a patch does not name keep their present value.</summary>
    /// <returns>Null when something is wrong; the fields know what.</returns>
    protected abstract TWanted? Parse(Fields fields, TView? present);

    /// <summary>Says what may not become of a record; nothing unless a kind says otherwise.</summary>
    protected virtual void Compare(Fields fields, TView present, TWanted wanted) { }

    /// <summary>Writes a new record.</summary>
    /// <returns>Null when there is one already.</returns>
    protected abstract Task<TView?> InsertAsync(UnitOfWork work, TWanted wanted);

    /// <summary>Changes a record that is held, and its version.</summary>
    /// <returns>Null when it would collide with another.</returns>
    protected abstract Task<TView?> UpdateAsync(UnitOfWork work, TView present, TWanted wanted);

    /// <summary>Reads the filters of a list.</summary>
    /// <returns>A condition; its values are added.</returns>
    protected abstract string Filter(Query query, List<object?> values);

    /// <summary>The records a caller may see.</summary>
    /// <returns>A condition; its values are added.</returns>
    protected abstract string Scope(Caller caller, List<object?> values);

    /// <summary>Members whose values the log has, before and after (AUD-01): closed words, numbers, flags, ids.</summary>
    protected virtual IReadOnlyList<string> ToldPlainly => [];

    /// <summary>Members that are words of people: the log has marks of their values, which lie beside it.</summary>
    protected virtual IReadOnlyList<string> ToldAsWords => [];

    /// <summary>What the log tells of a change beside the names of the members that changed.</summary>
    /// <param name="before">Null for a new record.</param>
    /// <param name="after">Null for one that is deleted.</param>
    /// <param name="words">Takes words; they are written with the event.</param>
    protected virtual (string Name, object? Value)[] Told(TView? before, TView? after, EventWords words)
    {
        if (ToldPlainly.Count + ToldAsWords.Count == 0)
        {
            return [];
        }

        var (old, now) = (MembersOf(before), MembersOf(after));
        return [("before", Changed(old, now, words)), ("after", Changed(now, old, words))];
    }

    /// <summary>Why a caller who may write may not write this; null unless a kind says so.</summary>
    protected virtual Refusal? NotFor(Caller caller, TWanted wanted) => null;

    /// <summary>What <see cref="NotFor"/> answers.</summary>
    protected virtual Refusal[] NotForAll => [];

    /// <summary>Whether something refers to a record that the database does not know of.</summary>
    protected virtual Task<bool> IsInUseAsync(UnitOfWork work, TView present) => Task.FromResult(false);

    /// <summary>The sort value of a record, as text.</summary>
    protected virtual string SortKey(TView view, string sort) => PageRequest.KeyOf(view.CreatedAt);

    /// <summary>Adds the query parameters of a list to its description.</summary>
    protected abstract RouteHandlerBuilder Describe(RouteHandlerBuilder list);

    /// <summary>Adds the routes.</summary>
    public void Map(IEndpointRouteBuilder api)
    {
        var title = char.ToUpperInvariant(Name[0]) + Name[1..];
        var group = api.MapGroup("/" + Plural).WithTags(char.ToUpperInvariant(Plural[0]) + Plural[1..]);
        var one = "/{id" + Route + "}";
        var (wanted, view) = Example;
        var page = new Page<TView>([view], false, null);
        var list = Describe(
            group
                .MapGet("", ListAsync)
                .WithName("list" + title + "s")
                .WithSummary($"List {Plural}")
                .RequirePermission(Reading)
                .WithPages([.. Sorts.Keys])
                .WithAnswer(200, page, "A page.")
        );
        group
            .MapPost("", CreateAsync)
            .WithName("create" + title)
            .WithSummary($"Create a {Name}")
            .RequirePermission(Writing)
            .WithBody(wanted)
            .WithIdempotencyKey(required: false)
            .WithAnswer(201, view, "Created; Location is its address.")
            .WithRefusals([Taken, DirectoryRefusals.MerchantKey, .. NotForAll]);
        var read = group
            .MapGet(one, GetAsync)
            .WithName("get" + title)
            .WithSummary($"Read a {Name}")
            .RequirePermission(Reading)
            .WithAnswer(200, view, "The present state, with its ETag.")
            .WithAnswer(304, "The caller has the present state.");
        if (IsSetting)
        {
            list.LogReads(Plural, Name);
            read.LogReads(Plural, Name);
        }

        group
            .MapPut(
                one,
                (HttpContext context, Database database, string id) => ChangeAsync(context, database, id, false)
            )
            .WithName("replace" + title)
            .WithSummary($"Replace a {Name}")
            .RequirePermission(Writing)
            .WithIfMatch()
            .WithBody(wanted)
            .WithAnswer(200, view, "The new state, with its ETag.")
            .WithRefusals([Taken, DirectoryRefusals.MerchantKey, .. NotForAll]);
        group
            .MapPatch(
                one,
                (HttpContext context, Database database, string id) => ChangeAsync(context, database, id, true)
            )
            .WithName("update" + title)
            .WithSummary($"Change some fields of a {Name}")
            .RequirePermission(Writing)
            .WithIfMatch()
            .WithIdempotencyKey(required: false)
            .WithPatch(wanted)
            .WithAnswer(200, view, "The new state, with its ETag.")
            .WithRefusals([Taken, DirectoryRefusals.MerchantKey, .. NotForAll]);
        group
            .MapDelete(one, DeleteAsync)
            .WithName("delete" + title)
            .WithSummary($"Delete a {Name} that nothing refers to")
            .RequirePermission(Writing)
            .WithIfMatch()
            .WithAnswer(204, "It is gone, or was before.")
            .WithRefusals(DirectoryRefusals.InUse, DirectoryRefusals.MerchantKey);
    }

    private async Task ListAsync(HttpContext context, Database database, Cursors cursors)
    {
        var caller = Caller.Of(context);
        var query = new Query(context.Request);
        var page = await cursors.ReadAsync(
            query,
            [.. Sorts.Keys],
            "-created_at",
            caller.MerchantId,
            context.RequestAborted
        );
        var rows = new PageRows();
        rows.Where(values => Scope(caller, values));
        rows.Where(values => Filter(query, values));
        var list = new Listed<TView>(
            $"select {Columns} from {Schema}.{Name}",
            Sorts[page.Sort],
            ("id", IdType),
            Read,
            v => [SortKey(v, page.Sort), v.Key]
        );
        await rows.AnswerAsync(context, database, query, page, list);
    }

    private async Task GetAsync(HttpContext context, Database database, string id)
    {
        var values = new List<object?>();
        var scope = Scope(Caller.Of(context), values);
        values.Add(id);
        await using var command = database.Source.CreateCommand(
            $"select {Columns} from {Schema}.{Name} where {scope} and id = ${values.Count}::text::{IdType}"
        );
        values.ForEach(value => command.Parameters.Add(UnitOfWork.Parameter(value)));
        await using var rows = await command.ExecuteReaderAsync(context.RequestAborted);
        if (!await rows.ReadAsync(context.RequestAborted))
        {
            await Problems.WriteAsync(context, Entry.NotFound);
            return;
        }

        var view = Read(rows);
        await HttpAnswer.Resource(context, view, TagOf(view)).SendAsync(context);
    }

    private Task CreateAsync(HttpContext context, Database database)
    {
        var caller = Caller.Of(context);
        return Idempotent.RunAsync(
            context,
            database,
            caller.ClientId,
            async (work, fields) =>
            {
                var wanted = Parse(fields, null);
                if ((fields.Finish() ?? NotFor(caller, wanted!)) is { } wrong)
                {
                    return HttpAnswer.Refused(context, wrong);
                }

                if (await InsertAsync(work, wanted!) is not { } made)
                {
                    return HttpAnswer.Refused(context, Taken);
                }

                await TellAsync(context, work, made, "created", made.Version, await ToldAsync(work, null, made));
                return HttpAnswer.Json(201, made, $"/api/v1/{Plural}/{made.Key}", TagOf(made));
            },
            first: Outsider(caller)
        );
    }

    private Task ChangeAsync(HttpContext context, Database database, string id, bool isPatch)
    {
        var caller = Caller.Of(context);
        return Idempotent.RunAsync(
            context,
            database,
            caller.ClientId,
            async (work, fields) =>
            {
                if (await HoldAsync(work, id) is not { } present)
                {
                    return HttpAnswer.Refused(context, Entry.NotFound);
                }

                var wanted = Parse(fields, isPatch ? present : null);
                if (wanted is not null)
                {
                    Compare(fields, present, wanted);
                }

                if ((fields.Finish() ?? NotFor(caller, wanted!) ?? ETags.Check(context, TagOf(present))) is { } refusal)
                {
                    return HttpAnswer.Refused(context, refusal);
                }

                if (await TryUpdateAsync(work, present, wanted!) is not { } changed)
                {
                    return HttpAnswer.Refused(context, Taken);
                }

                (string, object?)[] facts =
                [
                    ("changed", ChangedNames(present, changed)),
                    .. await ToldAsync(work, present, changed),
                ];
                await TellAsync(context, work, changed, "updated", changed.Version, facts);
                return HttpAnswer.Json(200, changed, etag: TagOf(changed));
            },
            first: Outsider(caller)
        );
    }

    private async Task DeleteAsync(HttpContext context, Database database, string id)
    {
        var caller = Caller.Of(context);
        if ((Outsider(caller) ?? ETags.CheckPresent(context)) is { } refusal)
        {
            await Problems.WriteAsync(context, refusal);
            return;
        }

        await Idempotent.RunAsync(
            context,
            database,
            caller.ClientId,
            default,
            async work =>
            {
                if (await HoldAsync(work, id) is not { } present)
                {
                    return HttpAnswer.NoContent;
                }

                if (ETags.Check(context, TagOf(present)) is { } stale)
                {
                    return HttpAnswer.Refused(context, stale);
                }

                if (await IsInUseAsync(work, present) || !await TryRemoveAsync(work, id))
                {
                    return HttpAnswer.Refused(context, DirectoryRefusals.InUse);
                }

                var told = await ToldAsync(work, present, null);
                await TellAsync(context, work, present, "deleted", present.Version + 1, told);
                return HttpAnswer.NoContent;
            }
        );
    }

    /// <summary>Why this caller may change none of them; null if it may.</summary>
    protected static Refusal? Outsider(Caller caller) =>
        caller.MerchantId is null ? null : DirectoryRefusals.MerchantKey;

    /// <summary>A record, locked for a change; null for none.</summary>
    protected async Task<TView?> HoldAsync(UnitOfWork work, string id)
    {
        await using var command = work.Command(
            $"select {Columns} from {Schema}.{Name} where id = $1::text::{IdType} for update",
            id
        );
        return await OneAsync(command);
    }

    /// <summary>The record a statement returns; null for none.</summary>
    protected async Task<TView?> OneAsync(NpgsqlCommand command)
    {
        ArgumentNullException.ThrowIfNull(command);
        await using var rows = await command.ExecuteReaderAsync();
        return await rows.ReadAsync() ? Read(rows) : null;
    }

    private async Task<TView?> TryUpdateAsync(UnitOfWork work, TView present, TWanted wanted)
    {
        try
        {
            return await UpdateAsync(work, present, wanted);
        }
        catch (PostgresException error) when (error.SqlState == PostgresErrorCodes.UniqueViolation)
        {
            // Somebody came first who had not committed when it was looked.
            return null;
        }
    }

    private async Task<bool> TryRemoveAsync(UnitOfWork work, string id)
    {
        try
        {
            await work.ExecuteAsync(
                $"delete from {Schema}.{Name} where id = $1::text::{IdType}",
                [id],
                CancellationToken.None
            );
            return true;
        }
        catch (PostgresException error) when (error.SqlState == PostgresErrorCodes.ForeignKeyViolation)
        {
            // Which rooms refer to the record is theirs to say, by a foreign key; this room does not know them.
            return false;
        }
    }

    /// <summary>Writes the event of a change.</summary>
    protected async Task TellAsync(
        HttpContext context,
        UnitOfWork work,
        TView view,
        string what,
        int version,
        (string Name, object? Value)[] facts
    )
    {
        await EventLog.AppendAsync(
            work,
            await work.ClockAsync(CancellationToken.None),
            [
                new EventEntry(
                    Name,
                    view.Key,
                    $"{Name}.{what}",
                    version,
                    Caller.Of(context).Actor,
                    EventLog.Payload(facts),
                    RequestIds.Of(context)
                ),
            ],
            CancellationToken.None
        );
    }

    /// <summary>The ETag of a record.</summary>
    protected static string TagOf(TView view) => ETags.Of(view.Version, view.CreatedAt);

    private async Task<(string Name, object? Value)[]> ToldAsync(UnitOfWork work, TView? before, TView? after)
    {
        var words = new EventWords();
        var told = Told(before, after, words);
        await words.WriteAsync(work, CancellationToken.None);
        return told;
    }

    /// <summary>What one side of a change says otherwise than the other; null where there is no such side.</summary>
    private JsonObject? Changed(JsonObject? side, JsonObject? other, EventWords words)
    {
        if (side is null)
        {
            return null;
        }

        var told = new JsonObject();
        foreach (var name in ToldPlainly.Concat(ToldAsWords))
        {
            if (!JsonNode.DeepEquals(side[name], other?[name]))
            {
                told[name] = ToldAsWords.Contains(name)
                    ? words.Keep(side[name]?.GetValue<string>())
                    : side[name]?.DeepClone();
            }
        }

        return told;
    }

    private static JsonObject? MembersOf(TView? view) =>
        view is null ? null : JsonSerializer.SerializeToNode(view, Wire.Json)!.AsObject();

    private static string[] ChangedNames(TView before, TView after)
    {
        var (old, now) = (MembersOf(before)!, MembersOf(after)!);
        return
        [
            .. now.Where(m => m.Key != "version" && !JsonNode.DeepEquals(m.Value, old[m.Key]))
                .Select(static m => m.Key),
        ];
    }
}
