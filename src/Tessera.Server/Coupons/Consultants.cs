using System.Globalization;
using Microsoft.AspNetCore.Builder;
using Npgsql;
using Tessera.Core;
using Tessera.Server.Access;
using Tessera.Server.Platform;
using Tessera.Server.Platform.Http;

namespace Tessera.Server.Coupons;

/// <summary>A consultant, as written.</summary>
/// <param name="Id">A number above zero, chosen by the deployment; cannot change.</param>
/// <param name="Name">For people; 1 to 200 characters.</param>
/// <param name="IsActive">Whether sessions are offered.</param>
internal sealed record ConsultantWanted(int Id, string Name, bool IsActive);

/// <summary>Whose sessions a coupon may be restricted to (CPN-13).</summary>
/// <param name="Id">A number above zero.</param>
/// <param name="Name">For people.</param>
/// <param name="IsActive">Whether sessions are offered.</param>
/// <param name="Version">Counts its changes.</param>
/// <param name="CreatedAt">When it was made.</param>
internal sealed record Consultant(int Id, string Name, bool IsActive, int Version, DateTimeOffset CreatedAt) : IRecord
{
    string IRecord.Key => Id.ToString(CultureInfo.InvariantCulture);
}

/// <summary>The consultants coupons may name; everybody who reads coupons sees all of them.</summary>
internal sealed class Consultants : Directory<ConsultantWanted, Consultant>
{
    private static readonly Refusal Exists = new("consultant_exists", "There is a consultant of this id.");

    protected override string Schema => "coupons";

    protected override string Reading => Permissions.CouponsRead;

    protected override string Writing => Permissions.CouponsWrite;

    protected override string Name => "consultant";

    protected override string Plural => "consultants";

    protected override string Route => ":int";

    protected override string Columns => "id, name, is_active, version, created_at";

    protected override IReadOnlyList<string> ToldPlainly { get; } = ["id", "is_active"];

    protected override IReadOnlyList<string> ToldAsWords { get; } = ["name"];

    protected override string IdType => "integer";

    protected override IReadOnlyDictionary<string, (string Column, string Type)> Sorts { get; } =
        new Dictionary<string, (string, string)>
        {
            ["created_at"] = ("created_at", "timestamptz"),
            ["name"] = ("name", "text"),
        };

    protected override Refusal Taken => Exists;

    protected override (ConsultantWanted Wanted, Consultant View) Example =>
        (new ConsultantWanted(12, "Dr. Weber", true), new Consultant(12, "Dr. Weber", true, 1, Samples.At));

    protected override Consultant Read(NpgsqlDataReader row) =>
        new(
            row.GetInt32(0),
            row.GetString(1),
            row.GetBoolean(2),
            row.GetInt32(3),
            row.GetFieldValue<DateTimeOffset>(4)
        );

    protected override ConsultantWanted? Parse(Fields fields, Consultant? present)
    {
        var isPatch = present is not null;
        var id = isPatch && !fields.Names("id") ? present!.Id : fields.Integer("id", 1, int.MaxValue);
        var name = isPatch && !fields.Names("name") ? present!.Name : fields.Text("name", 200);
        var isActive =
            isPatch && !fields.Names("is_active")
                ? present!.IsActive
                : fields.Flag("is_active", required: false) ?? true;
        return id is null || name is null ? null : new ConsultantWanted((int)id, name, isActive);
    }

    protected override void Compare(Fields fields, Consultant present, ConsultantWanted wanted)
    {
        if (wanted.Id != present.Id)
        {
            fields.Add("id", "immutable", "The id of a consultant cannot change.");
        }
    }

    protected override async Task<Consultant?> InsertAsync(UnitOfWork work, ConsultantWanted wanted)
    {
        await using var command = work.Command(
            $"""
            insert into coupons.consultant (id, name, is_active) values ($1, $2, $3)
            on conflict do nothing returning {Columns}
            """,
            wanted.Id,
            wanted.Name,
            wanted.IsActive
        );
        return await OneAsync(command);
    }

    protected override async Task<Consultant?> UpdateAsync(UnitOfWork work, Consultant present, ConsultantWanted wanted)
    {
        await using var command = work.Command(
            $"""
            update coupons.consultant set name = $2, is_active = $3, version = version + 1
            where id = $1 returning {Columns}
            """,
            present.Id,
            wanted.Name,
            wanted.IsActive
        );
        return await OneAsync(command);
    }

    protected override async Task<bool> IsInUseAsync(UnitOfWork work, Consultant present)
    {
        await using var query = work.Command(
            """
            select exists (select from coupons.coupon
                where deleted_at is null and $1 = any(consultant_restrictions))
            """,
            present.Id
        );
        return (bool)(await query.ExecuteScalarAsync())!;
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

    protected override string Scope(Caller caller, List<object?> values) => "true";

    protected override string SortKey(Consultant view, string sort) =>
        sort == "name" ? view.Name : base.SortKey(view, sort);

    protected override RouteHandlerBuilder Describe(RouteHandlerBuilder list) =>
        list.WithQuery("is_active", "boolean", "Only those who offer sessions, or not.");
}
