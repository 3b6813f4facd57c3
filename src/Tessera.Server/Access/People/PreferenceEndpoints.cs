using System.Text.Json;
using System.Text.RegularExpressions;
using Microsoft.AspNetCore.Builder;
using Microsoft.AspNetCore.Http;
using Microsoft.AspNetCore.Routing;
using Npgsql;
using NpgsqlTypes;
using Tessera.Server.Platform;
using Tessera.Server.Platform.Http;

namespace Tessera.Server.Access.People;

/// <summary>What a person likes about the app.</summary>
/// <param name="Sorts">Orders of lists, by the name of the list.</param>
/// <param name="RecentSearches">What was searched for last, the latest first.</param>
/// <param name="Toasts">Of which live events a message tells; null while it was not chosen.</param>
internal sealed record PreferencesView(
    IReadOnlyDictionary<string, string> Sorts,
    IReadOnlyList<string> RecentSearches,
    IReadOnlyList<string>? Toasts
);

/// <summary>Likings of the signed-in person, which follow them to every browser (UI-11, UI-12, NTF-10).</summary>
internal static partial class PreferenceEndpoints
{
    private const int MostSorts = 20;
    private const int MostSearches = 8;
    private const int LongestSearch = 200;

    private static readonly string[] LiveEvents = ["coupon_used", "fraud_detected", "limit_reached", "expired"];

    private static readonly PreferencesView Sample = new(
        new Dictionary<string, string> { ["coupons"] = "revenue_desc,code_asc" },
        ["spring"],
        ["limit_reached", "expired"]
    );

    public static void Map(IEndpointRouteBuilder api)
    {
        var own = api.MapGroup("/account/preferences").WithTags("Sessions");
        own.MapGet("", ReadAsync)
            .WithName("getPreferences")
            .WithSummary("Read what one likes about the app")
            .RequirePermission(Permissions.SignedIn)
            .WithAnswer(200, Sample, "As it was saved last; empty before.")
            .WithRefusals(OwnAccountEndpoints.PersonNeeded);
        own.MapPut("", SaveAsync)
            .WithName("savePreferences")
            .WithSummary("Save what one likes about the app, as a whole")
            .RequirePermission(Permissions.SignedIn)
            .WithBody(Sample)
            .WithIdempotencyKey(required: false)
            .WithAnswer(200, Sample, "As it is now.")
            .WithRefusals(OwnAccountEndpoints.PersonNeeded);
    }

    private static async Task ReadAsync(HttpContext context, Database database)
    {
        if (Caller.Of(context).PersonId is not { } person)
        {
            await Problems.WriteAsync(context, OwnAccountEndpoints.PersonNeeded);
            return;
        }

        await using var command = database.Source.CreateCommand(
            "select document::text from people.preference where person_id = $1"
        );
        command.Parameters.Add(new NpgsqlParameter { Value = person });
        var kept = await command.ExecuteScalarAsync(context.RequestAborted) as string;
        var view = kept is null
            ? new PreferencesView(new Dictionary<string, string>(), [], null)
            : JsonSerializer.Deserialize<PreferencesView>(kept, Wire.Json)!;
        await HttpAnswer.Json(200, view).SendAsync(context);
    }

    private static async Task SaveAsync(HttpContext context, Database database)
    {
        var caller = Caller.Of(context);
        await Idempotent.RunAsync(
            context,
            database,
            caller.ClientId,
            async (work, fields) =>
            {
                var wanted = Read(fields);
                if (fields.Finish() is { } wrong)
                {
                    return HttpAnswer.Refused(context, wrong);
                }

                if (caller.PersonId is not { } person)
                {
                    return HttpAnswer.Refused(context, OwnAccountEndpoints.PersonNeeded);
                }

                if (await KeepAsync(work, person, JsonSerializer.Serialize(wanted, Wire.Json)))
                {
                    // What was searched for is nobody's business: the log says that, not what.
                    var version = (int)
                        (
                            await work.Command("select version from people.person where id = $1", person)
                                .ExecuteScalarAsync()
                        )!;
                    await Invitations.TellAsync(
                        work,
                        person,
                        "person.preferences_changed",
                        version,
                        caller.Actor,
                        "{}",
                        RequestIds.Of(context)
                    );
                }

                return HttpAnswer.Json(200, wanted);
            }
        );
    }

    /// <summary>Keeps a document; the same once more changes nothing.</summary>
    private static async Task<bool> KeepAsync(UnitOfWork work, Guid person, string document) =>
        await work.ExecuteAsync(
            """
            insert into people.preference as p (person_id, document) values ($1, $2)
            on conflict (person_id) do update set document = excluded.document, updated_at = platform.clock()
                where p.document <> excluded.document
            """,
            [person, new NpgsqlParameter { Value = document, NpgsqlDbType = NpgsqlDbType.Jsonb }],
            CancellationToken.None
        ) == 1;

    private static PreferencesView Read(Fields fields)
    {
        var sorts = new Dictionary<string, string>(StringComparer.Ordinal);
        foreach (var (list, value) in fields.Plain("sorts", MostSorts) ?? new Dictionary<string, JsonElement>())
        {
            var sort = value.ValueKind == JsonValueKind.String ? Fields.TextOf(value) : null;
            if (sort is not null && Name().IsMatch(list) && Sort().IsMatch(sort))
            {
                sorts[list] = sort;
            }
            else
            {
                fields.Add(
                    "sorts." + list,
                    "invalid_sort",
                    "This has to be the order of a list: fields by their names."
                );
            }
        }

        var searches = fields.List(
            "recent_searches",
            MostSearches,
            static (item, place) => item.Text(place, LongestSearch),
            required: false
        );
        var toasts = fields.List(
            "toasts",
            LiveEvents.Length,
            static (item, place) => item.Word(place, LiveEvents),
            required: false
        );
        return new PreferencesView(sorts, searches ?? [], toasts is null ? null : [.. toasts.Distinct()]);
    }

    [GeneratedRegex(@"\A[a-z][a-z_]{0,39}\z", RegexOptions.NonBacktracking)]
    private static partial Regex Name();

    [GeneratedRegex(
        @"\A-?[a-z][a-z_]{0,39}(,-?[a-z][a-z_]{0,39}){0,7}\z",
        RegexOptions.NonBacktracking | RegexOptions.ExplicitCapture
    )]
    private static partial Regex Sort();
}
