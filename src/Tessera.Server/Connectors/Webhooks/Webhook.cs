using Microsoft.AspNetCore.Builder;
using Npgsql;
using NpgsqlTypes;
using Tessera.Core;
using Tessera.Server.Access;
using Tessera.Server.Platform;
using Tessera.Server.Platform.Http;
using Tessera.Server.Platform.Outbound;

namespace Tessera.Server.Connectors.Webhooks;

/// <summary>A subscription, as written.</summary>
/// <param name="Name">Of the receiver, for people; 1 to 200 characters.</param>
/// <param name="Url">Where events are sent.</param>
/// <param name="Events">Types such as coupon.expired, or their beginnings such as coupon.*; null for all.</param>
/// <param name="RetrySeconds">Seconds before each attempt, the first included; null for the usual ten.</param>
/// <param name="IsActive">Whether events are sent. Switching on again forgets why it was off.</param>
/// <param name="IncludesSums">Whether events have their sums of money; only for those who may see sums to say (ACC-03).</param>
internal sealed record WebhookWanted(
    string Name,
    string Url,
    IReadOnlyList<string>? Events = null,
    IReadOnlyList<int>? RetrySeconds = null,
    bool IsActive = true,
    bool IncludesSums = false
);

/// <summary>A receiver of events (API-04).</summary>
/// <param name="Id">UUIDv7.</param>
/// <param name="Name">Of the receiver.</param>
/// <param name="Url">Where events are sent.</param>
/// <param name="Events">Null for all.</param>
/// <param name="RetrySeconds">Null for the usual ten.</param>
/// <param name="IsActive">Whether events are sent.</param>
/// <param name="HasSecret">Nothing is sent before a secret was made, for it could not be signed.</param>
/// <param name="DisabledReason">Why the machine switched it off: gone (410) or failing.</param>
/// <param name="DisabledAt">When.</param>
/// <param name="Failures">Attempts that failed, in a row.</param>
/// <param name="FailingSince">When the first of them was.</param>
/// <param name="Version">Counts its changes.</param>
/// <param name="CreatedAt">When it was made.</param>
/// <param name="IncludesSums">Whether events have their sums of money.</param>
internal sealed record Webhook(
    Guid Id,
    string Name,
    string Url,
    IReadOnlyList<string>? Events,
    IReadOnlyList<int>? RetrySeconds,
    bool IsActive,
    bool HasSecret,
    string? DisabledReason,
    DateTimeOffset? DisabledAt,
    int Failures,
    DateTimeOffset? FailingSince,
    int Version,
    DateTimeOffset CreatedAt,
    bool IncludesSums
) : IRecord
{
    string IRecord.Key => Id.ToString();
}

/// <summary>The subscriptions of the deployment.</summary>
internal sealed class WebhookDirectory(bool hasPrivateNetworks) : Directory<WebhookWanted, Webhook>
{
    private const int MaximumEvents = 100;
    private const int MaximumRetries = 20;
    private const int Day = 24 * 60 * 60;

    internal static readonly Webhook Sample = new(
        Samples.Id,
        "Data warehouse",
        "https://events.example.com/tessera",
        ["coupon.expired", "coupon.state_changed"],
        null,
        true,
        true,
        null,
        null,
        0,
        null,
        1,
        Samples.At,
        false
    );

    protected override bool IsSetting => true;

    protected override string Schema => "connectors";

    protected override string Reading => Permissions.WebhooksRead;

    protected override string Writing => Permissions.WebhooksWrite;

    protected override string Name => "webhook";

    protected override string Plural => "webhooks";

    protected override string Route => ":guid";

    protected override string Columns => ColumnList;

    internal const string ColumnList = """
        id, name, url, events, retries, is_active,
        exists (select from connectors.webhook_secret s where s.webhook_id = webhook.id and s.kind = 'signing'),
        disabled_reason, disabled_at, failures, failing_since, version, created_at,
        includes_sums
        """;

    protected override IReadOnlyList<string> ToldPlainly { get; } =
    ["url", "events", "retry_seconds", "is_active", "includes_sums"];

    protected override IReadOnlyList<string> ToldAsWords { get; } = ["name"];

    protected override string IdType => "uuid";

    protected override IReadOnlyDictionary<string, (string Column, string Type)> Sorts { get; } =
        new Dictionary<string, (string, string)>
        {
            ["created_at"] = ("created_at", "timestamptz"),
            ["name"] = ("name", "text"),
        };

    protected override Refusal Taken => DirectoryRefusals.ExternalIdTaken;

    protected override (WebhookWanted Wanted, Webhook View) Example =>
        (new WebhookWanted(Sample.Name, Sample.Url, Sample.Events), Sample);

    protected override Webhook Read(NpgsqlDataReader row) => Of(row);

    internal static Webhook Of(NpgsqlDataReader row) =>
        new(
            row.GetGuid(0),
            row.GetString(1),
            row.GetString(2),
            row.Object<string[]>(3),
            row.Object<int[]>(4),
            row.GetBoolean(5),
            row.GetBoolean(6),
            row.Object<string>(7),
            row.Value<DateTimeOffset>(8),
            row.GetInt32(9),
            row.Value<DateTimeOffset>(10),
            row.GetInt32(11),
            row.GetFieldValue<DateTimeOffset>(12),
            row.GetBoolean(13)
        );

    protected override WebhookWanted? Parse(Fields fields, Webhook? present)
    {
        bool Keeps(string name) => present is not null && !fields.Names(name);
        var name = Keeps("name") ? present!.Name : fields.Text("name", 200);
        var url = Keeps("url") ? present!.Url : fields.Text("url", 500);
        var events = Keeps("events")
            ? present!.Events
            : fields.List("events", MaximumEvents, static (item, place) => EventOf(item, place), required: false);
        var retries = Keeps("retry_seconds")
            ? present!.RetrySeconds
            : fields
                .List(
                    "retry_seconds",
                    MaximumRetries,
                    static (item, place) => item.Integer(place, 0, 7 * Day),
                    required: false
                )
                ?.Select(static s => (int)s!.Value)
                .ToArray();
        var isActive = Keeps("is_active") ? present!.IsActive : fields.Flag("is_active", required: false) ?? true;
        var includesSums = Keeps("includes_sums")
            ? present!.IncludesSums
            : fields.Flag("includes_sums", required: false) ?? false;
        if (retries is { Count: 0 })
        {
            fields.Add("retry_seconds", "required", "This has to have at least one attempt.");
        }

        if (url is not null && Egress.WhyNot(url, hasPrivateNetworks) is { } wrong)
        {
            fields.Add("url", "invalid_address", wrong);
        }

        return name is null || url is null
            ? null
            : new WebhookWanted(name, url, events, retries, isActive, includesSums);
    }

    /// <summary>Who changes the address of such a webhook sends the sums to it.</summary>
    protected override Refusal? NotFor(Caller caller, WebhookWanted wanted) =>
        wanted.IncludesSums && !caller.Can(Permissions.FinanceRead) ? DirectoryRefusals.SumsNotYours : null;

    protected override Refusal[] NotForAll => [DirectoryRefusals.SumsNotYours];

    private static string? EventOf(Fields item, string place)
    {
        var text = item.Text(place, 100);
        if (text is null)
        {
            return null;
        }

        var bare = text.EndsWith('*') ? text[..^1] : text;
        if (bare.Any(static c => c is not ((>= 'a' and <= 'z') or '.' or '_')))
        {
            item.Add(place, "invalid_event", "This has to be a type such as coupon.expired, or a beginning: coupon.*.");
            return null;
        }

        return text;
    }

    protected override async Task<Webhook?> InsertAsync(UnitOfWork work, WebhookWanted wanted)
    {
        await using var command = work.Command(
            $"""
            insert into connectors.webhook (name, url, events, retries, is_active, includes_sums, id)
            values ($1, $2, $3, $4, $5, $6, $7)
            returning {Columns}
            """,
            [.. Values(wanted), Guid.CreateVersion7()]
        );
        return await OneAsync(command);
    }

    protected override async Task<Webhook?> UpdateAsync(UnitOfWork work, Webhook present, WebhookWanted wanted)
    {
        await using var command = work.Command(
            $"""
            update connectors.webhook set name = $1, url = $2, events = $3, retries = $4, is_active = $5, includes_sums = $6,
                disabled_reason = case when $5 then null else disabled_reason end,
                disabled_at = case when $5 then null else disabled_at end,
                failures = case when $5 and not is_active then 0 else failures end,
                failing_since = case when $5 and not is_active then null else failing_since end,
                paused_until = case when $5 and not is_active then '-infinity' else paused_until end,
                version = version + 1
            where id = $7 returning {Columns}
            """,
            [.. Values(wanted), present.Id]
        );
        return await OneAsync(command);
    }

    protected override string Filter(Query query, List<object?> values)
    {
        if (query.Flag("is_active") is not { } isActive)
        {
            return "true";
        }

        values.Add(isActive);
        return $"is_active = ${values.Count}";
    }

    /// <summary>The log is of the whole deployment: a key that acts for one merchant has no subscriptions.</summary>
    protected override string Scope(Caller caller, List<object?> values) =>
        caller.MerchantId is null ? "true" : "false";

    protected override string SortKey(Webhook view, string sort) =>
        sort == "name" ? view.Name : base.SortKey(view, sort);

    protected override RouteHandlerBuilder Describe(RouteHandlerBuilder list) =>
        list.WithQuery("is_active", "boolean", "Only those in use, or not.");

    private static object?[] Values(WebhookWanted wanted) =>
        [
            wanted.Name,
            wanted.Url,
            new NpgsqlParameter
            {
                Value = (object?)wanted.Events?.ToArray() ?? DBNull.Value,
                NpgsqlDbType = NpgsqlDbType.Array | NpgsqlDbType.Text,
            },
            new NpgsqlParameter
            {
                Value = (object?)wanted.RetrySeconds?.ToArray() ?? DBNull.Value,
                NpgsqlDbType = NpgsqlDbType.Array | NpgsqlDbType.Integer,
            },
            wanted.IsActive,
            wanted.IncludesSums,
        ];
}
