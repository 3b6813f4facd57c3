using Microsoft.AspNetCore.Builder;
using Microsoft.AspNetCore.Http;
using Microsoft.AspNetCore.Routing;
using Npgsql;
using Tessera.Core;
using Tessera.Server.Platform;
using Tessera.Server.Platform.Http;

namespace Tessera.Server.Access.Limits;

/// <summary>An alert about failed codes (convention 53).</summary>
/// <param name="Id">Of the alert.</param>
/// <param name="Kind">What is wrong: <c>failed_codes</c>.</param>
/// <param name="Subject">Of whom: <c>caller:…</c>, <c>merchant:…</c>, <c>address</c>, <c>deployment</c>.</param>
/// <param name="PerMinute">The limit that was reached.</param>
/// <param name="RaisedAt">When it was seen first.</param>
/// <param name="SeenAt">When it was seen last.</param>
/// <param name="ClearedAt">When it was over; null while it stands.</param>
/// <param name="AcknowledgedAt">When somebody took note; null while nobody has.</param>
/// <param name="AcknowledgedBy">Who did.</param>
/// <param name="AcknowledgedNote">What they said; null for nothing.</param>
internal sealed record SecurityAlert(
    Guid Id,
    string Kind,
    string Subject,
    long PerMinute,
    DateTimeOffset RaisedAt,
    DateTimeOffset SeenAt,
    DateTimeOffset? ClearedAt,
    DateTimeOffset? AcknowledgedAt,
    string? AcknowledgedBy,
    string? AcknowledgedNote
);

/// <summary>The alerts of <see cref="SurgeWatch"/>, for staff.</summary>
internal static class SecurityAlertEndpoints
{
    private static readonly string Select =
        $"select a.id, a.kind, a.subject, a.per_minute, a.raised_at, a.seen_at, a.cleared_at, {Acknowledging.Columns("a")}"
        + " from access.security_alert a";

    private static readonly Acknowledging Taking = new(
        "access.security_alert",
        "security_alert",
        "security.alert_acknowledged",
        "$4::uuid is null"
    );

    private static readonly SecurityAlert Sample = new(
        Samples.Id,
        "failed_codes",
        "deployment",
        24_000,
        Samples.At,
        Samples.At,
        null,
        null,
        null,
        null
    );

    private static readonly Refusal StaffOnly = new(
        "staff_only",
        "Only staff sees these alerts.",
        RefusalKind.Forbidden
    );

    public static void Map(IEndpointRouteBuilder api)
    {
        api.MapGet("/security-alerts", ListAsync)
            .WithName("listSecurityAlerts")
            .WithSummary("List the newest 100 alerts about codes that fail more often than people mistype")
            .WithTags("Audit")
            .RequirePermission(Permissions.AuditRead)
            .WithAnswer(200, new Page<SecurityAlert>([Sample], false, null), "The newest first.")
            .WithRefusals(StaffOnly);
        api.MapPost("/security-alerts/{id:guid}/acknowledge", AcknowledgeAsync)
            .WithName("acknowledgeSecurityAlert")
            .TakesNote()
            .WithTags("Audit")
            .RequirePermission(Permissions.AuditRead)
            .WithAnswer(
                200,
                Sample with
                {
                    AcknowledgedAt = Samples.At,
                    AcknowledgedBy = "person:ada",
                },
                "Somebody has."
            )
            .WithRefusals(StaffOnly);
    }

    private static async Task ListAsync(HttpContext context, Database database)
    {
        var cancel = context.RequestAborted;
        if (Caller.Of(context).Realm != Realms.Staff)
        {
            await Problems.WriteAsync(context, StaffOnly);
            return;
        }

        if (new Query(context.Request).Finish() is { } wrong)
        {
            await Problems.WriteAsync(context, wrong);
            return;
        }

        await using var command = database.Source.CreateCommand(
            Select + " order by a.raised_at desc, a.id desc limit 100"
        );
        var alerts = new List<SecurityAlert>();
        await using var rows = await command.ExecuteReaderAsync(cancel);
        while (await rows.ReadAsync(cancel))
        {
            alerts.Add(Read(rows));
        }

        await HttpAnswer.Json(200, new Page<SecurityAlert>(alerts, false, null)).SendAsync(context);
    }

    private static async Task AcknowledgeAsync(HttpContext context, Guid id, Database database)
    {
        if (Caller.Of(context).Realm != Realms.Staff)
        {
            await Problems.WriteAsync(context, StaffOnly);
            return;
        }

        await Taking.RunAsync(
            context,
            database,
            id,
            async work =>
            {
                await using var query = work.Command(Select + " where a.id = $1", id);
                await using var row = await query.ExecuteReaderAsync(CancellationToken.None);
                return await row.ReadAsync(CancellationToken.None) ? Read(row) : null;
            },
            static alert => (3, EventLog.Payload(("kind", alert.Kind), ("subject", alert.Subject)))
        );
    }

    private static SecurityAlert Read(NpgsqlDataReader row) =>
        new(
            row.GetGuid(0),
            row.GetString(1),
            row.GetString(2),
            row.GetInt64(3),
            row.GetFieldValue<DateTimeOffset>(4),
            row.GetFieldValue<DateTimeOffset>(5),
            row.Value<DateTimeOffset>(6),
            row.Value<DateTimeOffset>(7),
            row.Object<string>(8),
            row.Object<string>(9)
        );
}
