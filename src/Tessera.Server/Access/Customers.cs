using System.Text.Json;
using Microsoft.AspNetCore.Builder;
using Microsoft.AspNetCore.Http;
using Microsoft.AspNetCore.Routing;
using Npgsql;
using NpgsqlTypes;
using Tessera.Core;
using Tessera.Server.Platform;
using Tessera.Server.Platform.Http;

namespace Tessera.Server.Access;

/// <summary>A customer, as written. No names or addresses: those belong where they can be erased.</summary>
/// <param name="ExternalId">The deployment's own id of the customer; unique.</param>
/// <param name="Groups">Groups that rules may ask for; at most 50 of 64 characters.</param>
/// <param name="Attributes">Plain values that rules may ask for; at most 50.</param>
internal sealed record CustomerWanted(
    string? ExternalId = null,
    IReadOnlyList<string>? Groups = null,
    IReadOnlyDictionary<string, JsonElement>? Attributes = null
);

/// <summary>Someone who holds and redeems coupons.</summary>
/// <param name="Id">UUIDv7.</param>
/// <param name="ExternalId">The deployment's own id of the customer; unique.</param>
/// <param name="Groups">Groups that rules may ask for.</param>
/// <param name="Attributes">Plain values that rules may ask for.</param>
/// <param name="Version">Counts the changes.</param>
/// <param name="CreatedAt">When the record was made.</param>
/// <param name="BlockedAt">Since when the customer cannot use coupons; null for may.</param>
/// <param name="BlockedReason">Why, for staff.</param>
internal sealed record Customer(
    Guid Id,
    string? ExternalId,
    IReadOnlyList<string> Groups,
    IReadOnlyDictionary<string, JsonElement> Attributes,
    int Version,
    DateTimeOffset CreatedAt,
    DateTimeOffset? BlockedAt = null,
    string? BlockedReason = null
) : IRecord
{
    string IRecord.Key => Id.ToString();
}

/// <summary>Why a customer is blocked, or may use coupons again.</summary>
/// <param name="Reason">For staff and the log, without names or addresses; 1 to 500 characters.</param>
internal sealed record BlockWanted(string Reason);

/// <summary>The customers of the deployment. They are nobody's in particular, so a merchant's key sees none.</summary>
internal sealed class Customers : Directory<CustomerWanted, Customer>
{
    private const int MaximumGroups = 50;
    private const int MaximumAttributes = 50;
    private const int MaximumReason = 500;
    private const int MaximumIds = 100;

    protected override string Name => "customer";

    protected override string Plural => "customers";

    protected override string Route => ":guid";

    protected override string Columns =>
        "id, external_id, groups, attributes::text, version, created_at, blocked_at, blocked_reason";

    protected override string IdType => "uuid";

    protected override IReadOnlyDictionary<string, (string Column, string Type)> Sorts { get; } =
        new Dictionary<string, (string, string)> { ["created_at"] = ("created_at", "timestamptz") };

    protected override Refusal Taken => DirectoryRefusals.ExternalIdTaken;

    protected override (CustomerWanted Wanted, Customer View) Example
    {
        get
        {
            var attributes = Attributes("""{"tier": "gold"}""");
            return (
                new CustomerWanted("C-77", ["newsletter"], attributes),
                new Customer(Samples.Id, "C-77", ["newsletter"], attributes, 1, Samples.At)
            );
        }
    }

    /// <summary>Adds the routes that keep a customer from using coupons.</summary>
    public void MapBlocks(IEndpointRouteBuilder api)
    {
        var view = Example.View with { Version = 2, BlockedAt = Samples.At, BlockedReason = "Sold codes on." };
        var group = api.MapGroup("/customers/{id:guid}").WithTags("Customers");
        group
            .MapPost(
                "/block",
                (HttpContext context, Database database, Guid id) => BlockAsync(context, database, id, isBlock: true)
            )
            .WithName("blockCustomer")
            .WithSummary("Keep a customer from using coupons, from the next attempt on")
            .WithRemark("Attempts are refused as blocked. What the customer holds or has used stays as it is.")
            .RequirePermission(Permissions.CustomersBlock)
            .WithIdempotencyKey(required: false)
            .WithBody(new BlockWanted("Sold codes on."))
            .WithAnswer(200, view, "The customer, who is blocked, or was before.")
            .WithRefusals(DirectoryRefusals.MerchantKey);
        group
            .MapPost(
                "/unblock",
                (HttpContext context, Database database, Guid id) => BlockAsync(context, database, id, isBlock: false)
            )
            .WithName("unblockCustomer")
            .WithSummary("Let a customer use coupons again")
            .RequirePermission(Permissions.CustomersBlock)
            .WithIdempotencyKey(required: false)
            .WithBody(new BlockWanted("Cleared up on the phone."))
            .WithAnswer(200, Example.View, "The customer, who is not blocked.")
            .WithRefusals(DirectoryRefusals.MerchantKey);
    }

    protected override Customer Read(NpgsqlDataReader row) =>
        new(
            row.GetGuid(0),
            row.IsDBNull(1) ? null : row.GetString(1),
            row.GetFieldValue<string[]>(2),
            Attributes(row.GetString(3)),
            row.GetInt32(4),
            row.GetFieldValue<DateTimeOffset>(5),
            row.Value<DateTimeOffset>(6),
            row.Object<string>(7)
        );

    protected override CustomerWanted? Parse(Fields fields, Customer? present)
    {
        var isPatch = present is not null;
        var externalId = isPatch && !fields.Names("external_id") ? present!.ExternalId : ExternalIds.Read(fields);
        var groups =
            isPatch && !fields.Names("groups")
                ? present!.Groups
                : fields.List("groups", MaximumGroups, static (item, place) => item.Text(place, 64), required: false)
                    ?? [];
        var attributes =
            isPatch && !fields.Names("attributes")
                ? present!.Attributes
                : fields.Plain("attributes", MaximumAttributes) ?? new Dictionary<string, JsonElement>();
        return new CustomerWanted(externalId, [.. groups.Distinct()], attributes);
    }

    protected override async Task<Customer?> InsertAsync(UnitOfWork work, CustomerWanted wanted)
    {
        await using var command = work.Command(
            $"""
            insert into access.customer (id, external_id, groups, attributes) values ($1, $2, $3, $4)
            on conflict do nothing returning {Columns}
            """,
            Guid.CreateVersion7(),
            ExternalIds.Parameter(wanted.ExternalId),
            (wanted.Groups ?? []).ToArray(),
            Parameter(wanted.Attributes)
        );
        return await OneAsync(command);
    }

    protected override async Task<Customer?> UpdateAsync(UnitOfWork work, Customer present, CustomerWanted wanted)
    {
        await using var command = work.Command(
            $"""
            update access.customer set external_id = $2, groups = $3, attributes = $4, version = version + 1
            where id = $1 and not exists (select from access.customer o where o.external_id = $2 and o.id <> $1)
            returning {Columns}
            """,
            present.Id,
            ExternalIds.Parameter(wanted.ExternalId),
            (wanted.Groups ?? []).ToArray(),
            Parameter(wanted.Attributes)
        );
        return await OneAsync(command);
    }

    private Task BlockAsync(HttpContext context, Database database, Guid id, bool isBlock)
    {
        var caller = Caller.Of(context);
        return Idempotent.RunAsync(
            context,
            database,
            caller.ClientId,
            async (work, fields) =>
            {
                var reason = fields.Text("reason", MaximumReason);
                if (fields.Finish() is { } wrong)
                {
                    return HttpAnswer.Refused(context, wrong);
                }

                if (await HoldAsync(work, id.ToString()) is not { } customer)
                {
                    return HttpAnswer.Refused(context, Entry.NotFound);
                }

                if ((customer.BlockedAt is not null) != isBlock)
                {
                    await using var command = work.Command(
                        $"""
                        update access.customer set blocked_at = case when $2 then platform.clock() end,
                            blocked_reason = case when $2 then $3 end, version = version + 1
                        where id = $1 returning {Columns}
                        """,
                        id,
                        isBlock,
                        reason!
                    );
                    customer = (await OneAsync(command))!;
                    var what = isBlock ? "blocked" : "unblocked";
                    var words = new EventWords();
                    (string, object?)[] facts = [("reason", words.Keep(reason))];
                    await words.WriteAsync(work, CancellationToken.None);
                    await TellAsync(context, work, customer, what, customer.Version, facts);
                }

                return HttpAnswer.Json(200, customer, etag: TagOf(customer));
            },
            first: Outsider(caller)
        );
    }

    protected override async Task<bool> IsInUseAsync(UnitOfWork work, Customer present)
    {
        // Accepted uses keep the customer's id without a foreign key, which every redemption would have to lock.
        await using var command = work.Command(
            """
            select exists (select from redemptions.redemption where customer_id = $1)
                or exists (select from balances.account where kind = 'customer_deposit' and owner_id = $1::text)
            """,
            present.Id
        );
        return (bool)(await command.ExecuteScalarAsync())!;
    }

    protected override string Filter(Query query, List<object?> values)
    {
        var conditions = new List<string> { "true" };
        if (query.Text("external_id", ExternalIds.MaximumLength) is { } externalId)
        {
            values.Add(externalId);
            conditions.Add($"external_id = ${values.Count}");
        }

        if (query.Ids("id", MaximumIds) is { } ids)
        {
            values.Add(ids);
            conditions.Add($"id = any(${values.Count})");
        }

        if (query.Text("group", 64) is { } group)
        {
            values.Add(new[] { group });
            conditions.Add($"groups @> ${values.Count}");
        }

        if (query.Flag("blocked") is { } isBlocked)
        {
            conditions.Add(isBlocked ? "blocked_at is not null" : "blocked_at is null");
        }

        return string.Join(" and ", conditions);
    }

    protected override string Scope(Caller caller, List<object?> values) =>
        caller.MerchantId is null ? "true" : "false";

    protected override RouteHandlerBuilder Describe(RouteHandlerBuilder list) =>
        list.WithQuery("external_id", "string", "Only the one with this external id.")
            .WithQuery("id", "string", $"Only those with these ids: up to {MaximumIds}, separated by commas.")
            .WithQuery("group", "string", "Only those in this group.")
            .WithQuery(
                "blocked",
                "boolean",
                "Only those who are blocked from using coupons, or only those who are not."
            );

    private static Dictionary<string, JsonElement> Attributes(string json) =>
        JsonSerializer.Deserialize<Dictionary<string, JsonElement>>(json, Wire.Json)!;

    private static NpgsqlParameter Parameter(IReadOnlyDictionary<string, JsonElement>? attributes) =>
        new()
        {
            Value = attributes is null ? "{}" : JsonSerializer.Serialize(attributes, Wire.Json),
            NpgsqlDbType = NpgsqlDbType.Jsonb,
        };
}
