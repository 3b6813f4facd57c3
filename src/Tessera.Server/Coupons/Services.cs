using System.Text.RegularExpressions;
using Microsoft.AspNetCore.Builder;
using Npgsql;
using Tessera.Core;
using Tessera.Server.Access;
using Tessera.Server.Platform;
using Tessera.Server.Platform.Http;

namespace Tessera.Server.Coupons;

/// <summary>A service, as written.</summary>
/// <param name="Id">Chosen by the deployment: lower-case letters, digits, hyphens, underscores; cannot change.</param>
/// <param name="Name">For people; 1 to 200 characters.</param>
/// <param name="SessionTypes">The forms it is given in, such as video or phone; at most 50.</param>
internal sealed record ServiceWanted(string Id, string Name, IReadOnlyList<string> SessionTypes);

/// <summary>What a coupon may be for (CPN-13).</summary>
/// <param name="Id">Chosen by the deployment.</param>
/// <param name="Name">For people.</param>
/// <param name="SessionTypes">The forms it is given in.</param>
/// <param name="Version">Counts its changes.</param>
/// <param name="CreatedAt">When it was made.</param>
internal sealed record Service(
    string Id,
    string Name,
    IReadOnlyList<string> SessionTypes,
    int Version,
    DateTimeOffset CreatedAt
) : IRecord
{
    string IRecord.Key => Id;
}

/// <summary>The services coupons may target; everybody who reads coupons sees all of them.</summary>
internal sealed partial class Services : Directory<ServiceWanted, Service>
{
    private const int MaximumSessionTypes = 50;

    private static readonly Refusal Exists = new("service_exists", "There is a service of this id.");

    protected override string Schema => "coupons";

    protected override string Reading => Permissions.CouponsRead;

    protected override string Writing => Permissions.CouponsWrite;

    protected override string Name => "service";

    protected override string Plural => "services";

    protected override string Route => "";

    protected override string Columns => "id, name, session_types, version, created_at";

    protected override IReadOnlyList<string> ToldPlainly { get; } = ["id", "session_types"];

    protected override IReadOnlyList<string> ToldAsWords { get; } = ["name"];

    protected override string IdType => "text";

    protected override IReadOnlyDictionary<string, (string Column, string Type)> Sorts { get; } =
        new Dictionary<string, (string, string)>
        {
            ["created_at"] = ("created_at", "timestamptz"),
            ["name"] = ("name", "text"),
        };

    protected override Refusal Taken => Exists;

    protected override (ServiceWanted Wanted, Service View) Example =>
        (
            new ServiceWanted("first_talk", "First talk", ["video", "phone"]),
            new Service("first_talk", "First talk", ["video", "phone"], 1, Samples.At)
        );

    protected override Service Read(NpgsqlDataReader row) =>
        new(
            row.GetString(0),
            row.GetString(1),
            row.GetFieldValue<string[]>(2),
            row.GetInt32(3),
            row.GetFieldValue<DateTimeOffset>(4)
        );

    protected override ServiceWanted? Parse(Fields fields, Service? present)
    {
        var isPatch = present is not null;
        var id = isPatch && !fields.Names("id") ? present!.Id : fields.Text("id", 64);
        if (id is not null && !Id().IsMatch(id))
        {
            fields.Add("id", "invalid_id", "An id has lower-case letters, digits, hyphens and underscores only.");
        }

        var name = isPatch && !fields.Names("name") ? present!.Name : fields.Text("name", 200);
        var types =
            isPatch && !fields.Names("session_types")
                ? present!.SessionTypes
                : fields.List(
                    "session_types",
                    MaximumSessionTypes,
                    static (item, place) => item.Text(place, 200),
                    required: false
                ) ?? [];
        return id is null || name is null ? null : new ServiceWanted(id, name, [.. types.Distinct()]);
    }

    protected override void Compare(Fields fields, Service present, ServiceWanted wanted)
    {
        if (wanted.Id != present.Id)
        {
            fields.Add("id", "immutable", "The id of a service cannot change.");
        }
    }

    protected override async Task<Service?> InsertAsync(UnitOfWork work, ServiceWanted wanted)
    {
        await using var command = work.Command(
            $"""
            insert into coupons.service (id, name, session_types) values ($1, $2, $3)
            on conflict do nothing returning {Columns}
            """,
            wanted.Id,
            wanted.Name,
            wanted.SessionTypes.ToArray()
        );
        return await OneAsync(command);
    }

    protected override async Task<Service?> UpdateAsync(UnitOfWork work, Service present, ServiceWanted wanted)
    {
        await using var command = work.Command(
            $"""
            update coupons.service set name = $2, session_types = $3, version = version + 1
            where id = $1 returning {Columns}
            """,
            present.Id,
            wanted.Name,
            wanted.SessionTypes.ToArray()
        );
        return await OneAsync(command);
    }

    protected override async Task<bool> IsInUseAsync(UnitOfWork work, Service present)
    {
        await using var query = work.Command(
            """
            select exists (select from coupons.coupon
                where deleted_at is null and (applicable_to = $1 or $1 = any(eligible_services)))
            """,
            present.Id
        );
        return (bool)(await query.ExecuteScalarAsync())!;
    }

    protected override string Filter(Query query, List<object?> values) => "true";

    protected override string Scope(Caller caller, List<object?> values) => "true";

    protected override string SortKey(Service view, string sort) =>
        sort == "name" ? view.Name : base.SortKey(view, sort);

    protected override RouteHandlerBuilder Describe(RouteHandlerBuilder list) => list;

    [GeneratedRegex(@"\A[a-z0-9_-]{1,64}\z", RegexOptions.NonBacktracking)]
    private static partial Regex Id();
}
