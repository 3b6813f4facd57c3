using System.Text.Json;
using Microsoft.AspNetCore.Builder;
using Npgsql;
using NpgsqlTypes;
using Tessera.Core;
using Tessera.Server.Access;
using Tessera.Server.Platform;
using Tessera.Server.Platform.Http;

namespace Tessera.Server.Coupons;

/// <summary>A template, as written.</summary>
/// <param name="Name">For people; 1 to 100 characters, one of each.</param>
/// <param name="Fields">Members of a coupon as it is written, but for its code, its dates and its external id.</param>
/// <param name="ValidDays">Days a coupon made from it is valid, from the day it begins; null for no end.</param>
internal sealed record TemplateWanted(string Name, JsonElement Fields, int? ValidDays = null);

/// <summary>Field values that new coupons begin with (BLK-04).</summary>
/// <param name="Id">UUIDv7.</param>
/// <param name="Name">For people.</param>
/// <param name="Fields">Members of a coupon.</param>
/// <param name="ValidDays">Days from its beginning; null for no end.</param>
/// <param name="Version">Counts its changes.</param>
/// <param name="CreatedAt">When it was made.</param>
internal sealed record Template(
    Guid Id,
    string Name,
    JsonElement Fields,
    int? ValidDays,
    int Version,
    DateTimeOffset CreatedAt
) : IRecord
{
    string IRecord.Key => Id.ToString();
}

/// <summary>
/// The templates of the deployment; everybody who reads coupons sees all of them. Their values are checked for what they
/// are when a template is written, and against the rules when a coupon is made from it.
/// </summary>
internal sealed class Templates : Directory<TemplateWanted, Template>
{
    private const int MaximumName = 100;
    private const int MaximumDays = 3650;

    private static readonly Refusal Exists = new("template_exists", "There is a template of this name.");

    /// <summary>What each coupon has of its own.</summary>
    private static readonly string[] OfOneCoupon = ["code", "valid_from", "valid_until", "external_id"];

    private static readonly JsonElement ExampleFields = JsonDocument
        .Parse("""{"discount_type":"percentage","discount_value":15,"currency":"EUR","max_uses_per_user":1}""")
        .RootElement;

    protected override string Schema => "coupons";

    protected override string Reading => Permissions.CouponsRead;

    protected override string Writing => Permissions.CouponsWrite;

    protected override string Name => "template";

    protected override string Plural => "templates";

    protected override string Route => ":guid";

    protected override string Columns => "id, name, fields::text, valid_days, version, created_at";

    protected override IReadOnlyList<string> ToldPlainly { get; } = ["valid_days"];

    protected override IReadOnlyList<string> ToldAsWords { get; } = ["name"];

    protected override string IdType => "uuid";

    protected override IReadOnlyDictionary<string, (string Column, string Type)> Sorts { get; } =
        new Dictionary<string, (string, string)>
        {
            ["created_at"] = ("created_at", "timestamptz"),
            ["name"] = ("name", "text"),
        };

    protected override Refusal Taken => Exists;

    protected override (TemplateWanted Wanted, Template View) Example =>
        (
            new TemplateWanted("Spring sale", ExampleFields, 30),
            new Template(Samples.Id, "Spring sale", ExampleFields, 30, 1, Samples.At)
        );

    protected override Template Read(NpgsqlDataReader row) =>
        new(
            row.GetGuid(0),
            row.GetString(1),
            JsonDocument.Parse(row.GetString(2)).RootElement,
            row.Value<int>(3),
            row.GetInt32(4),
            row.GetFieldValue<DateTimeOffset>(5)
        );

    protected override TemplateWanted? Parse(Fields fields, Template? present)
    {
        var isPatch = present is not null;
        var name = isPatch && !fields.Names("name") ? present!.Name : fields.Text("name", MaximumName);
        var days =
            isPatch && !fields.Names("valid_days")
                ? present!.ValidDays
                : (int?)fields.Integer("valid_days", 1, MaximumDays, required: false);
        if (isPatch && !fields.Names("fields"))
        {
            return name is null ? null : new TemplateWanted(name, present!.Fields, days);
        }

        if (fields.Object("fields") is not { } values)
        {
            return null;
        }

        CouponRequests.Read(values, isTemplate: true);
        foreach (var own in OfOneCoupon.Where(values.Names))
        {
            values.Add(own, "not_in_template", "Each coupon has this of its own.");
        }

        return name is null ? null : new TemplateWanted(name, fields.Raw("fields"), days);
    }

    protected override async Task<Template?> InsertAsync(UnitOfWork work, TemplateWanted wanted)
    {
        await using var command = work.Command(
            $"""
            insert into coupons.template (id, name, fields, valid_days) values ($1, $2, $3, $4)
            on conflict do nothing returning {Columns}
            """,
            Guid.CreateVersion7(),
            wanted.Name,
            Json(wanted),
            Days(wanted)
        );
        return await OneAsync(command);
    }

    protected override async Task<Template?> UpdateAsync(UnitOfWork work, Template present, TemplateWanted wanted)
    {
        await using var command = work.Command(
            $"""
            update coupons.template set name = $2, fields = $3, valid_days = $4, version = version + 1
            where id = $1 and not exists (select from coupons.template where name = $2 and id <> $1) returning {Columns}
            """,
            present.Id,
            wanted.Name,
            Json(wanted),
            Days(wanted)
        );
        return await OneAsync(command);
    }

    protected override string Filter(Query query, List<object?> values) => "true";

    protected override string Scope(Caller caller, List<object?> values) => "true";

    protected override string SortKey(Template view, string sort) =>
        sort == "name" ? view.Name : base.SortKey(view, sort);

    protected override RouteHandlerBuilder Describe(RouteHandlerBuilder list) => list;

    private static NpgsqlParameter Json(TemplateWanted wanted) =>
        new() { Value = wanted.Fields.GetRawText(), NpgsqlDbType = NpgsqlDbType.Jsonb };

    private static NpgsqlParameter Days(TemplateWanted wanted) =>
        new() { Value = wanted.ValidDays ?? (object)DBNull.Value, NpgsqlDbType = NpgsqlDbType.Integer };
}
