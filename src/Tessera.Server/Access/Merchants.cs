using Microsoft.AspNetCore.Builder;
using Npgsql;
using Tessera.Core;
using Tessera.Core.Coupons;
using Tessera.Server.Platform;
using Tessera.Server.Platform.Http;

namespace Tessera.Server.Access;

/// <summary>A merchant, as written.</summary>
/// <param name="Name">For people; 1 to 200 characters.</param>
/// <param name="ExternalId">The deployment's own id of it; unique.</param>
/// <param name="IsActive">Whether it takes part.</param>
/// <param name="Region">Where its coupons are promised: a country such as AT, or a part of one such as AT-9.</param>
internal sealed record MerchantWanted(
    string Name,
    string? ExternalId = null,
    bool IsActive = true,
    string? Region = null
);

/// <summary>A business that publishes offers and redeems coupons.</summary>
/// <param name="Id">UUIDv7.</param>
/// <param name="Name">For people.</param>
/// <param name="ExternalId">The deployment's own id of it; unique.</param>
/// <param name="IsActive">Whether it takes part.</param>
/// <param name="Version">Counts its changes.</param>
/// <param name="CreatedAt">When it was made.</param>
/// <param name="Region">Where its coupons are promised; null for nowhere in particular.</param>
internal sealed record Merchant(
    Guid Id,
    string Name,
    string? ExternalId,
    bool IsActive,
    int Version,
    DateTimeOffset CreatedAt,
    string? Region = null
) : IRecord
{
    string IRecord.Key => Id.ToString();
}

/// <summary>The merchants of the deployment. A key that acts for one sees that one.</summary>
internal sealed class Merchants : Directory<MerchantWanted, Merchant>
{
    protected override string Name => "merchant";

    protected override string Plural => "merchants";

    protected override string Route => ":guid";

    protected override string Columns => "id, name, external_id, is_active, version, created_at, region";

    protected override IReadOnlyList<string> ToldPlainly { get; } = ["external_id", "is_active", "region"];

    protected override IReadOnlyList<string> ToldAsWords { get; } = ["name"];

    protected override string IdType => "uuid";

    protected override IReadOnlyDictionary<string, (string Column, string Type)> Sorts { get; } =
        new Dictionary<string, (string, string)>
        {
            ["created_at"] = ("created_at", "timestamptz"),
            ["name"] = ("name", "text"),
        };

    protected override Refusal Taken => DirectoryRefusals.ExternalIdTaken;

    protected override (MerchantWanted Wanted, Merchant View) Example =>
        (
            new MerchantWanted("Corner Books", "M-1001", true, "AT"),
            new Merchant(Samples.Id, "Corner Books", "M-1001", true, 1, Samples.At, "AT")
        );

    protected override Merchant Read(NpgsqlDataReader row) =>
        new(
            row.GetGuid(0),
            row.GetString(1),
            row.IsDBNull(2) ? null : row.GetString(2),
            row.GetBoolean(3),
            row.GetInt32(4),
            row.GetFieldValue<DateTimeOffset>(5),
            row.Object<string>(6)
        );

    protected override MerchantWanted? Parse(Fields fields, Merchant? present)
    {
        var isPatch = present is not null;
        var name = isPatch && !fields.Names("name") ? present!.Name : fields.Text("name", 200);
        var externalId = isPatch && !fields.Names("external_id") ? present!.ExternalId : ExternalIds.Read(fields);
        var isActive =
            isPatch && !fields.Names("is_active")
                ? present!.IsActive
                : fields.Flag("is_active", required: false) ?? true;
        var region = isPatch && !fields.Names("region") ? present!.Region : fields.Text("region", 10, required: false);
        if (region is not null && !RegionNames.IsRegion(region))
        {
            fields.Add(
                "region",
                "unknown_region",
                "This has to be a country such as AT, or a part of one such as AT-9."
            );
        }

        return name is null ? null : new MerchantWanted(name, externalId, isActive, region);
    }

    protected override async Task<Merchant?> InsertAsync(UnitOfWork work, MerchantWanted wanted)
    {
        await using var command = work.Command(
            $"""
            insert into access.merchant (id, name, external_id, is_active, region) values ($1, $2, $3, $4, $5)
            on conflict do nothing returning {Columns}
            """,
            Guid.CreateVersion7(),
            wanted.Name,
            ExternalIds.Parameter(wanted.ExternalId),
            wanted.IsActive,
            ExternalIds.Parameter(wanted.Region)
        );
        return await OneAsync(command);
    }

    protected override async Task<Merchant?> UpdateAsync(UnitOfWork work, Merchant present, MerchantWanted wanted)
    {
        await using var command = work.Command(
            $"""
            update access.merchant m set name = $2, external_id = $3, is_active = $4, region = $5, version = version + 1
            where id = $1 and not exists (select from access.merchant o where o.external_id = $3 and o.id <> $1)
            returning {Columns}
            """,
            present.Id,
            wanted.Name,
            ExternalIds.Parameter(wanted.ExternalId),
            wanted.IsActive,
            ExternalIds.Parameter(wanted.Region)
        );
        return await OneAsync(command);
    }

    protected override string Filter(Query query, List<object?> values)
    {
        var conditions = new List<string> { "true" };
        if (query.Text("external_id", ExternalIds.MaximumLength) is { } externalId)
        {
            values.Add(externalId);
            conditions.Add($"external_id = ${values.Count}");
        }

        if (query.Flag("is_active") is { } isActive)
        {
            values.Add(isActive);
            conditions.Add($"is_active = ${values.Count}");
        }

        if (query.Text("search", 100) is { } search)
        {
            values.Add(search);
            conditions.Add($"strpos(lower(name), lower(${values.Count})) > 0");
        }

        return string.Join(" and ", conditions);
    }

    protected override string Scope(Caller caller, List<object?> values)
    {
        if (caller.MerchantId is not { } own)
        {
            return "true";
        }

        values.Add(own);
        return $"id = ${values.Count}";
    }

    protected override string SortKey(Merchant view, string sort) =>
        sort == "name" ? view.Name : base.SortKey(view, sort);

    protected override RouteHandlerBuilder Describe(RouteHandlerBuilder list) =>
        list.WithQuery("external_id", "string", "Only the one with this external id.")
            .WithQuery("is_active", "boolean", "Only those that take part, or do not.")
            .WithQuery("search", "string", "Only those with this text in their name.");
}
