using System.Text.RegularExpressions;
using Microsoft.AspNetCore.Builder;
using Npgsql;
using NpgsqlTypes;
using Tessera.Core;
using Tessera.Server.Access;
using Tessera.Server.Platform;
using Tessera.Server.Platform.Http;
using Tessera.Server.Platform.Outbound;

namespace Tessera.Server.Connectors;

/// <summary>The connectors of the deployment (CON-01, CON-12). Secrets are set apart and never shown.</summary>
internal sealed partial class ConnectorDirectory(bool hasPrivateNetworks) : Directory<ConnectorWanted, Connector>
{
    private const int MaximumScope = 1000;
    private const int Day = 24 * 60 * 60;

    internal static readonly string[] Kinds = ["ecommerce", "pos_proxy", "partner_rest", "file", "internal"];
    private static readonly string[] Encodings = ["single", "batch", "watermark"];
    private static readonly string[] Acknowledgements = ["sync", "callback"];

    internal static readonly Connector Sample = new(
        Samples.Id,
        "Corner Shops Ltd",
        "partner_rest",
        "https://coupons.example.com/v2",
        "batch",
        "sync",
        ["till-7"],
        null,
        false,
        1000,
        4,
        50,
        100_000,
        60,
        15,
        60,
        900,
        "P-17",
        "Operations desk, +49 30 1234567",
        "Ask for the coupons to be blocked by hand.",
        true,
        true,
        true,
        true,
        1,
        Samples.At
    );

    protected override bool IsSetting => true;

    protected override string Schema => "connectors";

    protected override string Reading => Permissions.ConnectorsRead;

    protected override string Writing => Permissions.ConnectorsWrite;

    protected override string Name => "connector";

    protected override string Plural => "connectors";

    protected override string Route => ":guid";

    protected override string Columns => Connector.Columns;

    protected override IReadOnlyList<string> ToldPlainly { get; } =
    [
        "kind",
        "address",
        "encoding",
        "acknowledgement",
        "channels",
        "merchants",
        "can_schedule",
        "batch_size",
        "concurrency",
        "rate_per_second",
        "quota_per_day",
        "sla_seconds",
        "timeout_seconds",
        "callback_seconds",
        "manual_after_seconds",
        "external_id",
        "is_active",
        "is_critical",
    ];

    protected override IReadOnlyList<string> ToldAsWords { get; } = ["name", "contact", "instructions"];

    protected override string IdType => "uuid";

    protected override IReadOnlyDictionary<string, (string Column, string Type)> Sorts { get; } =
        new Dictionary<string, (string, string)>
        {
            ["created_at"] = ("created_at", "timestamptz"),
            ["name"] = ("name", "text"),
        };

    protected override Refusal Taken => DirectoryRefusals.ExternalIdTaken;

    protected override (ConnectorWanted Wanted, Connector View) Example =>
        (
            new ConnectorWanted(
                Sample.Name,
                Sample.Kind,
                Sample.Address,
                Channels: Sample.Channels,
                RatePerSecond: 50,
                QuotaPerDay: 100_000,
                ExternalId: "P-17",
                Contact: Sample.Contact,
                Instructions: Sample.Instructions
            ),
            Sample
        );

    protected override Connector Read(NpgsqlDataReader row) => Of(row);

    /// <summary>A connector of a row of <see cref="Connector.Columns"/>.</summary>
    internal static Connector Of(NpgsqlDataReader row) =>
        new(
            row.GetGuid(0),
            row.GetString(1),
            row.GetString(2),
            row.GetString(3),
            row.GetString(4),
            row.GetString(5),
            row.Object<string[]>(6),
            row.Object<Guid[]>(7),
            row.GetBoolean(8),
            row.GetInt32(9),
            row.GetInt32(10),
            row.Value<int>(11),
            row.Value<int>(12),
            row.GetInt32(13),
            row.GetInt32(14),
            row.GetInt32(15),
            row.GetInt32(16),
            row.Object<string>(17),
            row.GetString(18),
            row.GetString(19),
            row.GetBoolean(20),
            row.GetBoolean(21),
            row.GetBoolean(22),
            row.GetBoolean(23),
            row.GetInt32(24),
            row.GetFieldValue<DateTimeOffset>(25)
        );

    protected override ConnectorWanted? Parse(Fields fields, Connector? present)
    {
        bool Keeps(string name) => present is not null && !fields.Names(name);
        int Number(string name, int most, int standard, int? kept) =>
            Keeps(name) ? kept!.Value : (int)(fields.Integer(name, 1, most, required: false) ?? standard);
        string Text(string name, int most, string? kept) =>
            Keeps(name) ? kept! : fields.Text(name, most, required: false) ?? "";

        var name = Keeps("name") ? present!.Name : fields.Text("name", 200);
        var kind = Keeps("kind") ? present!.Kind : fields.Word("kind", Kinds);
        var address = Text("address", 500, present?.Address);
        var encoding = Keeps("encoding") ? present!.Encoding : fields.Word("encoding", Encodings, required: false);
        var acknowledgement = Keeps("acknowledgement")
            ? present!.Acknowledgement
            : fields.Word("acknowledgement", Acknowledgements, required: false);
        var channels = Keeps("channels")
            ? present!.Channels
            : fields.List("channels", MaximumScope, static (item, place) => item.Text(place, 40), required: false);
        var merchants = Keeps("merchants")
            ? present!.Merchants
            : fields
                .List("merchants", MaximumScope, static (item, place) => item.Id(place), required: false)
                ?.Select(static id => id!.Value)
                .ToArray();
        var canSchedule = Keeps("can_schedule")
            ? present!.CanSchedule
            : fields.Flag("can_schedule", required: false) ?? false;
        var batchSize = Number("batch_size", CommandBatch.MaximumIds, 1000, present?.BatchSize);
        var concurrency = Number("concurrency", 32, 4, present?.Concurrency);
        var rate = Keeps("rate_per_second")
            ? present!.RatePerSecond
            : (int?)fields.Integer("rate_per_second", 1, 10_000, required: false);
        var quota = Keeps("quota_per_day")
            ? present!.QuotaPerDay
            : (int?)fields.Integer("quota_per_day", 1, int.MaxValue, required: false);
        var sla = Number("sla_seconds", Day, 60, present?.SlaSeconds);
        var timeout = Number("timeout_seconds", 15, 15, present?.TimeoutSeconds);
        var callback = Number("callback_seconds", Day, 60, present?.CallbackSeconds);
        var manual = Number("manual_after_seconds", 7 * Day, 900, present?.ManualAfterSeconds);
        var externalId = Keeps("external_id") ? present!.ExternalId : ExternalIds.Read(fields);
        var contact = Text("contact", 500, present?.Contact);
        var instructions = Text("instructions", 4000, present?.Instructions);
        var isActive = Keeps("is_active") ? present!.IsActive : fields.Flag("is_active", required: false) ?? true;
        var isCritical = Keeps("is_critical")
            ? present!.IsCritical
            : fields.Flag("is_critical", required: false) ?? true;
        if (name is null || kind is null)
        {
            return null;
        }

        if (WhyNot(kind, address) is { } wrong)
        {
            fields.Add("address", "invalid_address", wrong);
        }

        if (kind == "internal" && !isCritical)
        {
            fields.Add("is_critical", "always_critical", "What blocks our own redemptions never waits.");
        }

        return new ConnectorWanted(
            name,
            kind,
            address,
            encoding ?? "batch",
            acknowledgement ?? "sync",
            channels,
            merchants,
            canSchedule,
            batchSize,
            concurrency,
            rate,
            quota,
            sla,
            timeout,
            callback,
            manual,
            externalId,
            contact,
            instructions,
            isActive,
            isCritical
        );
    }

    /// <summary>Why an address cannot be one; whether it may be reached is decided when it is called.</summary>
    private string? WhyNot(string kind, string address) =>
        kind switch
        {
            "internal" => address.Length == 0 ? null : "The internal connector has no address.",
            "file" => Folder().IsMatch(address)
                ? null
                : "This has to be a directory below the file drop: names of letters, digits, - _ and ., with / between.",
            _ => Egress.WhyNot(address, hasPrivateNetworks),
        };

    protected override async Task<Connector?> InsertAsync(UnitOfWork work, ConnectorWanted wanted)
    {
        await using var command = work.Command(
            $"""
            insert into connectors.connector (name, kind, address, encoding, acknowledgement, channels, merchants,
                can_schedule, batch_size, concurrency, rate_per_second, quota_per_day, sla_seconds, timeout_seconds,
                callback_seconds, manual_after_seconds, external_id, contact, instructions, is_active, is_critical, id)
            values ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, $13, $14, $15, $16, $17, $18, $19, $20, $21, $22)
            on conflict do nothing returning {Columns}
            """,
            [.. Values(wanted), Guid.CreateVersion7()]
        );
        return await OneAsync(command);
    }

    protected override async Task<Connector?> UpdateAsync(UnitOfWork work, Connector present, ConnectorWanted wanted)
    {
        await using var command = work.Command(
            $"""
            update connectors.connector set name = $1, kind = $2, address = $3, encoding = $4, acknowledgement = $5,
                channels = $6, merchants = $7, can_schedule = $8, batch_size = $9, concurrency = $10,
                rate_per_second = $11, quota_per_day = $12, sla_seconds = $13, timeout_seconds = $14,
                callback_seconds = $15, manual_after_seconds = $16, external_id = $17, contact = $18,
                instructions = $19, is_active = $20, is_critical = $21, version = version + 1
            where id = $22 and not exists (select from connectors.connector o where o.external_id = $17 and o.id <> $22)
            returning {Columns}
            """,
            [.. Values(wanted), present.Id]
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

    protected override string Scope(Caller caller, List<object?> values) => ConnectorScope.Of(caller, values);

    protected override string SortKey(Connector view, string sort) =>
        sort == "name" ? view.Name : base.SortKey(view, sort);

    protected override RouteHandlerBuilder Describe(RouteHandlerBuilder list) =>
        list.WithQuery("kind", "string", "Only those of this kind.", Kinds)
            .WithQuery("is_active", "boolean", "Only those in use, or not.");

    private static object?[] Values(ConnectorWanted w) =>
        [
            w.Name,
            w.Kind,
            w.Address,
            w.Encoding,
            w.Acknowledgement,
            Nullable(w.Channels?.ToArray(), NpgsqlDbType.Array | NpgsqlDbType.Text),
            Nullable(w.Merchants?.ToArray(), NpgsqlDbType.Array | NpgsqlDbType.Uuid),
            w.CanSchedule,
            w.BatchSize,
            w.Concurrency,
            Nullable(w.RatePerSecond, NpgsqlDbType.Integer),
            Nullable(w.QuotaPerDay, NpgsqlDbType.Integer),
            w.SlaSeconds,
            w.TimeoutSeconds,
            w.CallbackSeconds,
            w.ManualAfterSeconds,
            ExternalIds.Parameter(w.ExternalId),
            w.Contact,
            w.Instructions,
            w.IsActive,
            w.IsCritical,
        ];

    private static NpgsqlParameter Nullable(object? value, NpgsqlDbType type) =>
        new() { Value = value ?? DBNull.Value, NpgsqlDbType = type };

    [GeneratedRegex(
        @"\A[A-Za-z0-9_-][A-Za-z0-9._-]{0,63}(/[A-Za-z0-9_-][A-Za-z0-9._-]{0,63}){0,7}\z",
        RegexOptions.NonBacktracking | RegexOptions.ExplicitCapture
    )]
    private static partial Regex Folder();
}
