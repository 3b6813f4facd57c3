using Microsoft.AspNetCore.Builder;
using Microsoft.AspNetCore.Http;
using Microsoft.AspNetCore.Routing;
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
internal sealed record SecurityAlert(
    Guid Id,
    string Kind,
    string Subject,
    long PerMinute,
    DateTimeOffset RaisedAt,
    DateTimeOffset SeenAt,
    DateTimeOffset? ClearedAt
);

/// <summary>The alerts of <see cref="SurgeWatch"/>, for staff.</summary>
internal static class SecurityAlertEndpoints
{
    private static readonly SecurityAlert Sample = new(
        Samples.Id,
        "failed_codes",
        "deployment",
        24_000,
        Samples.At,
        Samples.At,
        null
    );

    private static readonly Refusal StaffOnly = new(
        "staff_only",
        "Only staff sees these alerts.",
        RefusalKind.Forbidden
    );

    public static void Map(IEndpointRouteBuilder api) =>
        api.MapGet("/security-alerts", ListAsync)
            .WithName("listSecurityAlerts")
            .WithSummary("List the newest 100 alerts about codes that fail more often than people mistype")
            .WithTags("Audit")
            .RequirePermission(Permissions.AuditRead)
            .WithAnswer(200, new Page<SecurityAlert>([Sample], false, null), "The newest first.")
            .WithRefusals(StaffOnly);

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
            """
            select id, kind, subject, per_minute, raised_at, seen_at, cleared_at from access.security_alert
            order by raised_at desc, id desc limit 100
            """
        );
        var alerts = new List<SecurityAlert>();
        await using var rows = await command.ExecuteReaderAsync(cancel);
        while (await rows.ReadAsync(cancel))
        {
            alerts.Add(
                new SecurityAlert(
                    rows.GetGuid(0),
                    rows.GetString(1),
                    rows.GetString(2),
                    rows.GetInt64(3),
                    rows.GetFieldValue<DateTimeOffset>(4),
                    rows.GetFieldValue<DateTimeOffset>(5),
                    rows.IsDBNull(6) ? null : rows.GetFieldValue<DateTimeOffset>(6)
                )
            );
        }

        await HttpAnswer.Json(200, new Page<SecurityAlert>(alerts, false, null)).SendAsync(context);
    }
}
