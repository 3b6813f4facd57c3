using System.Text.RegularExpressions;
using Microsoft.AspNetCore.Builder;
using Npgsql;
using Tessera.Core;
using Tessera.Server.Platform;
using Tessera.Server.Platform.Http;

namespace Tessera.Server.Access;

/// <summary>A channel, as written.</summary>
/// <param name="Id">Chosen by the deployment: lower-case letters, digits, hyphens, underscores; cannot change.</param>
/// <param name="Name">For people; 1 to 200 characters.</param>
/// <param name="Kind">One of shop, store, till, app, partner.</param>
/// <param name="IsActive">Whether it is in use.</param>
/// <param name="Location">Where it stands, for figures by location; up to 80 characters. Web shops have none.</param>
internal sealed record ChannelWanted(
    string Id,
    string Name,
    string Kind,
    bool IsActive = true,
    string? Location = null
);

/// <summary>Where coupons are used: a shop, a store, a till, an app, a partner.</summary>
/// <param name="Id">Chosen by the deployment.</param>
/// <param name="Name">For people.</param>
/// <param name="Kind">One of shop, store, till, app, partner.</param>
/// <param name="IsActive">Whether it is in use.</param>
/// <param name="Version">Counts its changes.</param>
/// <param name="CreatedAt">When it was made.</param>
/// <param name="Location">Where it stands; null for nowhere in particular.</param>
internal sealed record Channel(
    string Id,
    string Name,
    string Kind,
    bool IsActive,
    int Version,
    DateTimeOffset CreatedAt,
    string? Location = null
) : IRecord
{
    string IRecord.Key => Id;
}

/// <summary>The channels of the deployment. A key that is bound to some sees those.</summary>
internal sealed partial class Channels : Directory<ChannelWanted, Channel>
{
    private const int MaximumLocation = 80;

    private static readonly string[] Kinds = ["shop", "store", "till", "app", "partner"];

    protected override string Name => "channel";

    protected override string Plural => "channels";

    protected override string Route => "";

    protected override string Columns => "id, name, kind, is_active, version, created_at, location";

    protected override IReadOnlyList<string> ToldPlainly { get; } = ["id", "kind", "is_active"];

    protected override IReadOnlyList<string> ToldAsWords { get; } = ["name", "location"];

    protected override string IdType => "text";

    protected override IReadOnlyDictionary<string, (string Column, string Type)> Sorts { get; } =
        new Dictionary<string, (string, string)>
        {
            ["created_at"] = ("created_at", "timestamptz"),
            ["name"] = ("name", "text"),
        };

    protected override Refusal Taken => DirectoryRefusals.ChannelExists;

    protected override (ChannelWanted Wanted, Channel View) Example =>
        (
            new ChannelWanted("till-7", "Till 7, Main Street", "till", true, "Vienna"),
            new Channel("till-7", "Till 7, Main Street", "till", true, 1, Samples.At, "Vienna")
        );

    protected override Channel Read(NpgsqlDataReader row) =>
        new(
            row.GetString(0),
            row.GetString(1),
            row.GetString(2),
            row.GetBoolean(3),
            row.GetInt32(4),
            row.GetFieldValue<DateTimeOffset>(5),
            row.Object<string>(6)
        );

    protected override ChannelWanted? Parse(Fields fields, Channel? present)
    {
        var isPatch = present is not null;
        var id = isPatch && !fields.Names("id") ? present!.Id : fields.Text("id", 40);
        if (id is not null && !Id().IsMatch(id))
        {
            fields.Add("id", "invalid_id", "An id has lower-case letters, digits, hyphens and underscores only.");
        }

        var name = isPatch && !fields.Names("name") ? present!.Name : fields.Text("name", 200);
        var kind = isPatch && !fields.Names("kind") ? present!.Kind : fields.Word("kind", Kinds);
        var isActive =
            isPatch && !fields.Names("is_active")
                ? present!.IsActive
                : fields.Flag("is_active", required: false) ?? true;
        var location =
            isPatch && !fields.Names("location")
                ? present!.Location
                : fields.Text("location", MaximumLocation, required: false);
        return id is null || name is null || kind is null
            ? null
            : new ChannelWanted(id, name, kind, isActive, location is "" ? null : location);
    }

    protected override void Compare(Fields fields, Channel present, ChannelWanted wanted)
    {
        if (wanted.Id != present.Id)
        {
            fields.Add("id", "immutable", "The id of a channel cannot change.");
        }
    }

    protected override async Task<Channel?> InsertAsync(UnitOfWork work, ChannelWanted wanted)
    {
        await using var command = work.Command(
            $"""
            insert into access.channel (id, name, kind, is_active, location) values ($1, $2, $3, $4, $5)
            on conflict do nothing returning {Columns}
            """,
            wanted.Id,
            wanted.Name,
            wanted.Kind,
            wanted.IsActive,
            ExternalIds.Parameter(wanted.Location)
        );
        return await OneAsync(command);
    }

    protected override async Task<Channel?> UpdateAsync(UnitOfWork work, Channel present, ChannelWanted wanted)
    {
        await using var command = work.Command(
            $"""
            update access.channel set name = $2, kind = $3, is_active = $4, location = $5, version = version + 1
            where id = $1 returning {Columns}
            """,
            present.Id,
            wanted.Name,
            wanted.Kind,
            wanted.IsActive,
            ExternalIds.Parameter(wanted.Location)
        );
        return await OneAsync(command);
    }

    protected override string Filter(Query query, List<object?> values)
    {
        var conditions = new List<string> { "true" };
        if (query.Word("kind", Kinds) is { } kind)
        {
            values.Add(kind);
            conditions.Add($"kind = ${values.Count}");
        }

        if (query.Flag("is_active") is { } isActive)
        {
            values.Add(isActive);
            conditions.Add($"is_active = ${values.Count}");
        }

        return string.Join(" and ", conditions);
    }

    protected override string Scope(Caller caller, List<object?> values)
    {
        if (caller.Channels is not { } own)
        {
            return "true";
        }

        values.Add(own.ToArray());
        return $"id = any(${values.Count})";
    }

    protected override string SortKey(Channel view, string sort) =>
        sort == "name" ? view.Name : base.SortKey(view, sort);

    protected override RouteHandlerBuilder Describe(RouteHandlerBuilder list) =>
        list.WithQuery("kind", "string", "Only those of this kind.", Kinds)
            .WithQuery("is_active", "boolean", "Only those in use, or not.");

    [GeneratedRegex(@"\A[a-z0-9_-]{1,40}\z", RegexOptions.NonBacktracking)]
    private static partial Regex Id();
}
