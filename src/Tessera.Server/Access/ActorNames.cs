using Microsoft.AspNetCore.Builder;
using Microsoft.AspNetCore.Http;
using Microsoft.AspNetCore.Routing;
using Npgsql;
using NpgsqlTypes;
using Tessera.Server.Platform;
using Tessera.Server.Platform.Http;

namespace Tessera.Server.Access;

/// <summary>What an account is called.</summary>
/// <param name="Actor">As the log, approvals and other records name it: person:… or key:….</param>
/// <param name="Name">Of the person, or of the key.</param>
internal sealed record ActorName(string Actor, string Name);

/// <summary>Those of the accounts that were asked for which have a name the caller may see.</summary>
/// <param name="Data">In no order.</param>
internal sealed record ActorNameList(IReadOnlyList<ActorName> Data);

/// <summary>
/// Names of the accounts that records name by id. Records never keep a name, so that an erasure finds it in one place; a
/// page asks for those it shows. Staff see those of staff and of merchants' people; merchants those of their own. Names of
/// customers are not told here.
/// </summary>
internal static class ActorNames
{
    /// <summary>Most accounts of one request.</summary>
    private const int Most = 100;

    private const string Person = "person:";
    private const string Key = "key:";

    public static void Map(IEndpointRouteBuilder api) =>
        api.MapGet("/actor-names", ListAsync)
            .WithName("listActorNames")
            .WithSummary("Read what people and API keys are called that records name by id")
            .WithTags("People")
            .RequirePermission(Permissions.SignedIn)
            .WithQuery("actor", "string", $"Up to {Most} of person:… and key:…, separated by commas.")
            .WithAnswer(
                200,
                new ActorNameList([new ActorName(Person + Samples.Id, "Ada Lovelace")]),
                "Those that there are, and that the caller may see."
            );

    private static async Task ListAsync(HttpContext context, Database database)
    {
        var query = new Query(context.Request);
        var (people, keys) = (new List<Guid>(), new List<Guid>());
        var wanted = query.Words("actor") ?? [];
        foreach (var actor in wanted)
        {
            if (Id(actor, Person) is { } person)
            {
                people.Add(person);
            }
            else if (Id(actor, Key) is { } key)
            {
                keys.Add(key);
            }
            else
            {
                query.Add(
                    "actor",
                    "not_an_actor",
                    "These have to be person:… or key:… with an id, separated by commas."
                );
            }
        }

        if (wanted.Count > Most)
        {
            query.Add("actor", "too_many", $"These have to be up to {Most:maximum}.");
        }

        if (query.Finish() is { } refusal)
        {
            await Problems.WriteAsync(context, refusal);
            return;
        }

        var caller = Caller.Of(context);
        var names =
            caller.Realm == Realms.Customer ? [] : await ReadAsync(database, caller.MerchantId, people, keys, context);
        await HttpAnswer.Json(200, new ActorNameList(names)).SendAsync(context);
    }

    private static async Task<List<ActorName>> ReadAsync(
        Database database,
        Guid? merchant,
        List<Guid> people,
        List<Guid> keys,
        HttpContext context
    )
    {
        await using var command = database.Source.CreateCommand(
            $"""
            select '{Person}' || id, name from people.person
            where id = any($1) and realm <> '{Realms.Customer}' and ($3 is null or merchant_id = $3)
            union all
            select '{Key}' || id, name from access.api_key where id = any($2) and ($3 is null or merchant_id = $3)
            """
        );
        command.Parameters.Add(new NpgsqlParameter { Value = people });
        command.Parameters.Add(new NpgsqlParameter { Value = keys });
        command.Parameters.Add(
            new NpgsqlParameter { Value = merchant ?? (object)DBNull.Value, NpgsqlDbType = NpgsqlDbType.Uuid }
        );
        var names = new List<ActorName>();
        await using var row = await command.ExecuteReaderAsync(context.RequestAborted);
        while (await row.ReadAsync(context.RequestAborted))
        {
            names.Add(new ActorName(row.GetString(0), row.GetString(1)));
        }

        return names;
    }

    private static Guid? Id(string actor, string prefix) =>
        actor.StartsWith(prefix, StringComparison.Ordinal)
        && Guid.TryParseExact(actor.AsSpan(prefix.Length), "D", out var id)
            ? id
            : null;
}
