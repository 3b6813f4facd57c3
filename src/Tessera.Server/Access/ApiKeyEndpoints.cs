using Microsoft.AspNetCore.Builder;
using Microsoft.AspNetCore.Http;
using Microsoft.AspNetCore.Routing;
using Npgsql;
using Tessera.Core;
using Tessera.Server.Platform;
using Tessera.Server.Platform.Http;

namespace Tessera.Server.Access;

/// <summary>A key, as wanted.</summary>
/// <param name="Name">For people; 1 to 200 characters.</param>
/// <param name="Permissions">What it may do; none that its maker lacks.</param>
/// <param name="MerchantId">Whom it acts for; null for the whole deployment.</param>
/// <param name="Channels">Where it may act; null for everywhere.</param>
/// <param name="ExpiresAt">First instant at which it is dead; null for never.</param>
/// <param name="RequestsPerMinute">What it may ask, over all nodes; null for what the deployment allows.</param>
internal sealed record ApiKeyWanted(
    string Name,
    IReadOnlyList<string> Permissions,
    Guid? MerchantId = null,
    IReadOnlyList<string>? Channels = null,
    DateTimeOffset? ExpiresAt = null,
    int? RequestsPerMinute = null
);

/// <summary>An API key, without the key.</summary>
/// <param name="Id">Names the key in events and lists.</param>
/// <param name="Name">For people.</param>
/// <param name="Prefix">Its first characters, to recognise it by.</param>
/// <param name="Permissions">What it may do.</param>
/// <param name="MerchantId">Whom it acts for; null for the whole deployment.</param>
/// <param name="Channels">Where it may act; null for everywhere.</param>
/// <param name="CreatedBy">Who made it.</param>
/// <param name="CreatedAt">When it was made.</param>
/// <param name="ExpiresAt">First instant at which it is dead; null for never.</param>
/// <param name="RevokedAt">When it was revoked; null if it was not.</param>
/// <param name="LastUsedOn">The latest day it was used on, in UTC.</param>
/// <param name="RequestsPerMinute">What it may ask; null for what the deployment allows.</param>
/// <param name="Replaces">The key it took the place of.</param>
internal sealed record ApiKeyView(
    Guid Id,
    string Name,
    string Prefix,
    IReadOnlyList<string> Permissions,
    Guid? MerchantId,
    IReadOnlyList<string>? Channels,
    string CreatedBy,
    DateTimeOffset CreatedAt,
    DateTimeOffset? ExpiresAt,
    DateTimeOffset? RevokedAt,
    DateOnly? LastUsedOn,
    int? RequestsPerMinute,
    Guid? Replaces
);

/// <summary>A key as it is made.</summary>
/// <param name="Key">The key itself, shown in this answer only; null when the answer is repeated.</param>
/// <param name="ApiKey">What is kept of it.</param>
internal sealed record ApiKeyMade(string? Key, ApiKeyView ApiKey);

/// <summary>Make, list and revoke API keys (convention 58).</summary>
internal static partial class ApiKeyEndpoints
{
    private const int MaximumChannels = 100;
    private const int MostRequests = 100_000_000;
    private const string Columns =
        "id, name, prefix, permissions, merchant_id, channels, created_by, created_at, expires_at, revoked_at, last_used_on, "
        + "requests_per_minute, replaces";

    private static readonly Listed<ApiKeyView> Keys = Listed.ByTime(
        $"select {Columns} from access.api_key",
        "created_at",
        "id",
        Read,
        static k => (k.CreatedAt, k.Id)
    );

    private static readonly Refusal NotYours = new(
        "permission_not_yours",
        "A key cannot be given a permission, merchant or channel that its maker does not have.",
        RefusalKind.Forbidden
    );

    private static readonly Refusal LastAdministrator = new(
        "last_administrator",
        "This is the last key that can make keys for the whole deployment. Make another one first."
    );

    private static readonly ApiKeyView Sample = new(
        Samples.Id,
        "Till 7",
        "tsk_Qm93aG",
        [Permissions.RedemptionsValidate, Permissions.RedemptionsRedeem],
        null,
        ["till-7"],
        "key:01970f3e-8a00-7c3e-9d52-6f1b2a3c4d5e",
        Samples.At,
        null,
        null,
        null,
        null,
        null
    );

    public static void Map(IEndpointRouteBuilder api)
    {
        var group = api.MapGroup("/api-keys").WithTags("API keys");
        group
            .MapGet("", ListAsync)
            .WithName("listApiKeys")
            .WithSummary("List API keys, without the keys")
            .RequirePermission(Permissions.KeysManage)
            .LogReads("api_keys", "api_key")
            .WithPages(["created_at"])
            .WithQuery("is_live", "boolean", "Only those that are neither revoked nor expired, or the others.")
            .WithAnswer(200, new Page<ApiKeyView>([Sample], false, null), "A page.");
        group
            .MapPost("", CreateAsync)
            .WithName("createApiKey")
            .WithSummary("Make an API key; it is shown once")
            .WithRemark("A repeat with the same idempotency key makes no second key and does not show the first again.")
            .RequirePermission(Permissions.KeysManage)
            .WithBody(new ApiKeyWanted(Sample.Name, Sample.Permissions, null, Sample.Channels, null))
            .WithIdempotencyKey(required: false)
            .WithAnswer(201, new ApiKeyMade("tsk_Qm93aGF0IGEga2V5IHRoaXMgd291bGQgaGF2ZSBiZWVu", Sample), "Made.")
            .WithRefusals(NotYours);
        group
            .MapGet("/{id:guid}", GetAsync)
            .WithName("getApiKey")
            .WithSummary("Read an API key, without the key")
            .RequirePermission(Permissions.KeysManage)
            .LogReads("api_keys", "api_key")
            .WithAnswer(200, Sample, "What is kept of it.");
        group
            .MapPost("/{id:guid}/revoke", RevokeAsync)
            .WithName("revokeApiKey")
            .WithSummary("Revoke an API key; within 5 seconds no node takes it any more")
            .RequirePermission(Permissions.KeysManage)
            .WithIdempotencyKey(required: false)
            .WithAnswer(200, Sample with { RevokedAt = Samples.At }, "Revoked, or was before.")
            .WithRefusals(LastAdministrator);
        group
            .MapPost("/{id:guid}/rotate", RotateAsync)
            .WithName("rotateApiKey")
            .WithSummary("Make a key that may do the same; the old one works a while longer")
            .RequirePermission(Permissions.KeysManage)
            .WithBody(new RotationWanted(86_400))
            .WithIdempotencyKey(required: false)
            .WithAnswer(201, new ApiKeyMade("tsk_Qm93aGF0IGEga2V5IHRoaXMgd291bGQgaGF2ZSBiZWVu", Sample), "Made.")
            .WithRefusals(NotYours, Dead);
    }

    private static async Task ListAsync(HttpContext context, Database database, Cursors cursors)
    {
        var caller = Caller.Of(context);
        var query = new Query(context.Request);
        var page = await cursors.ReadAsync(
            query,
            ["created_at"],
            "-created_at",
            caller.MerchantId,
            context.RequestAborted
        );
        var rows = new PageRows();
        rows.Where(values => ScopeOf(caller, values));
        if (query.Flag("is_live") is { } isLive)
        {
            rows.Where((isLive ? "" : "not ") + "(revoked_at is null and expires_at > clock_timestamp())");
        }

        await rows.AnswerAsync(context, database, query, page, Keys);
    }

    private static async Task GetAsync(HttpContext context, Database database, Guid id)
    {
        await using var work = await database.BeginAsync(context.RequestAborted);
        var found = await FindAsync(work, Caller.Of(context), id);
        var answer = found is null
            ? HttpAnswer.Refused(context, Entry.NotFound)
            : HttpAnswer.Json(StatusCodes.Status200OK, found);
        await answer.SendAsync(context);
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
        if ((fields.Finish() ?? Overreach(caller, wanted!)) is { } wrong)
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
                if (fields.Finish() is { } unknown)
                {
                    return HttpAnswer.Refused(context, unknown);
                }

                var plan = new NewApiKey(
                    wanted!.Name,
                    wanted.Permissions,
                    caller.Actor,
                    wanted.MerchantId,
                    wanted.Channels,
                    wanted.ExpiresAt,
                    SubjectOf(caller),
                    wanted.RequestsPerMinute
                );
                var (id, key) = await ApiKeys.CreateAsync(work, plan, RequestIds.Of(context), CancellationToken.None);
                var view = await FindAsync(work, caller, id);
                var kept = HttpAnswer.Json(201, new ApiKeyMade(null, view!));
                return HttpAnswer.Json(201, new ApiKeyMade(key, view!), $"/api/v1/api-keys/{id}") with
                {
                    // The key itself is stored nowhere, so a repeat cannot show it.
                    Kept = kept.Body,
                };
            }
        );
    }

    private static async Task RevokeAsync(HttpContext context, Database database, ApiKeys keys, Guid id)
    {
        var caller = Caller.Of(context);
        await Idempotent.RunAsync(
            context,
            database,
            caller.ClientId,
            default,
            async work =>
            {
                // One at a time, so that two administrators cannot revoke each other.
                await work.ExecuteAsync(
                    "select pg_advisory_xact_lock(hashtextextended('access.revoke', 0))",
                    [],
                    CancellationToken.None
                );
                if (await FindAsync(work, caller, id) is not { } present)
                {
                    return HttpAnswer.Refused(context, Entry.NotFound);
                }

                if (present.RevokedAt is not null)
                {
                    return HttpAnswer.Json(200, present);
                }

                if (await IsLastAdministratorAsync(work, id))
                {
                    return HttpAnswer.Refused(context, LastAdministrator);
                }

                var now = await work.ClockAsync(CancellationToken.None);
                await work.ExecuteAsync(
                    "update access.api_key set revoked_at = clock_timestamp() where id = $1",
                    [id],
                    CancellationToken.None
                );
                var entry = new EventEntry(
                    "api_key",
                    id.ToString(),
                    "api_key.revoked",
                    2,
                    caller.Actor,
                    "{}",
                    RequestIds.Of(context)
                );
                await EventLog.AppendAsync(work, now, [entry], CancellationToken.None);
                return HttpAnswer.Json(200, await FindAsync(work, caller, id));
            },
            committed: () => keys.Forget(id)
        );
    }

    private static string? SubjectOf(Caller caller) => caller.PersonId is null ? caller.MadeFor : caller.Actor;

    private static ApiKeyWanted? Parse(Fields fields, Caller caller)
    {
        var name = fields.Text("name", 200);
        var permissions = fields.List(
            "permissions",
            Permissions.All.Count,
            static (item, place) => item.Word(place, [.. Permissions.All.Order(StringComparer.Ordinal)])
        );
        var merchant = fields.Id("merchant_id", required: false) ?? caller.MerchantId;
        var channels = fields.List(
            "channels",
            MaximumChannels,
            static (item, place) => item.Text(place, 40),
            required: false
        );
        var expires = fields.Instant("expires_at", required: false);
        var rate = (int?)fields.Integer("requests_per_minute", 1, MostRequests, required: false);
        return name is null || permissions is null
            ? null
            : new ApiKeyWanted(name, [.. permissions.Distinct()], merchant, channels, expires, rate);
    }

    /// <summary>Nobody grants what they lack (convention 52).</summary>
    private static Refusal? Overreach(Caller caller, ApiKeyWanted wanted) =>
        wanted.Permissions.All(caller.Can)
        && (caller.MerchantId is null || caller.MerchantId == wanted.MerchantId)
        && (caller.Channels is not { } own || (wanted.Channels?.All(own.Contains) ?? false))
            ? null
            : NotYours;

    private static async Task CheckReferencesAsync(UnitOfWork work, Fields fields, ApiKeyWanted wanted)
    {
        await using var command = work.Command(
            """
            select $1::uuid is null or exists (select from access.merchant where id = $1 for key share),
                array(select unnest($2::text[]) except select id from access.channel),
                $3::timestamptz is null or $3 > clock_timestamp()
            """,
            new NpgsqlParameter
            {
                Value = wanted.MerchantId ?? (object)DBNull.Value,
                NpgsqlDbType = NpgsqlTypes.NpgsqlDbType.Uuid,
            },
            wanted.Channels?.ToArray() ?? [],
            new NpgsqlParameter
            {
                Value = wanted.ExpiresAt ?? (object)DBNull.Value,
                NpgsqlDbType = NpgsqlTypes.NpgsqlDbType.TimestampTz,
            }
        );
        await using var rows = await command.ExecuteReaderAsync();
        await rows.ReadAsync();
        if (!rows.GetBoolean(0))
        {
            fields.Add("merchant_id", "unknown_merchant", "There is no such merchant.");
        }

        if (rows.GetFieldValue<string[]>(1) is { Length: > 0 })
        {
            fields.Add("channels", "unknown_channel", "At least one of these channels does not exist.");
        }

        if (!rows.GetBoolean(2))
        {
            fields.Add("expires_at", "in_the_past", "This has to be in the future.");
        }
    }

    private static async Task<bool> IsLastAdministratorAsync(UnitOfWork work, Guid id)
    {
        await using var command = work.Command(
            """
            with administrator as (
                select id from access.api_key
                where merchant_id is null and channels is null and $2 = any(permissions)
                    and revoked_at is null and expires_at > clock_timestamp()
            )
            select exists (select from administrator where id = $1)
                and not exists (select from administrator where id <> $1)
            """,
            id,
            Permissions.KeysManage
        );
        return (bool)(await command.ExecuteScalarAsync())!;
    }

    private static async Task<ApiKeyView?> FindAsync(UnitOfWork work, Caller caller, Guid id)
    {
        var values = new List<object?> { id };
        var scope = ScopeOf(caller, values);
        await using var command = work.Command(
            $"select {Columns} from access.api_key where id = $1 and {scope}",
            [.. values]
        );
        await using var rows = await command.ExecuteReaderAsync();
        return await rows.ReadAsync() ? Read(rows) : null;
    }

    private static string ScopeOf(Caller caller, List<object?> values)
    {
        if (caller.MerchantId is not { } own)
        {
            return "true";
        }

        values.Add(own);
        return $"merchant_id = ${values.Count}";
    }

    private static ApiKeyView Read(NpgsqlDataReader row) =>
        new(
            row.GetGuid(0),
            row.GetString(1),
            row.GetString(2),
            row.GetFieldValue<string[]>(3),
            row.IsDBNull(4) ? null : row.GetGuid(4),
            row.IsDBNull(5) ? null : row.GetFieldValue<string[]>(5),
            row.GetString(6),
            row.GetFieldValue<DateTimeOffset>(7),
            row.GetFieldValue<DateTimeOffset>(8) is var end && end == DateTimeOffset.MaxValue ? null : end,
            row.IsDBNull(9) ? null : row.GetFieldValue<DateTimeOffset>(9),
            row.IsDBNull(10) ? null : row.GetFieldValue<DateOnly>(10),
            row.IsDBNull(11) ? null : row.GetInt32(11),
            row.IsDBNull(12) ? null : row.GetGuid(12)
        );
}
