using System.Text.Json;
using Microsoft.Extensions.DependencyInjection;
using Tessera.Server.Access;
using Tessera.Server.Platform;
using Tessera.Server.Platform.Http;

namespace Tessera.Server.Approvals;

/// <summary>
/// Changes how much of a kind one person may do alone. It needs a second person itself, or the limit would be no limit
/// (ACC-07).
/// </summary>
internal sealed class PolicyChange(IServiceProvider services) : IApprovedAction
{
    private const int LongestExpiryHours = 24 * 30;

    /// <inheritdoc/>
    public string Kind => "approval_policy";

    /// <inheritdoc/>
    public string Permission => Permissions.ApprovalsPolicy;

    /// <inheritdoc/>
    public long FreeSize => 0;

    /// <inheritdoc/>
    public string? Read(Fields input)
    {
        // Asked for late: the service is made of all kinds, and this is one of them. This kind has no policy.
        var kinds = services.GetRequiredService<ApprovalService>().Actions.Select(static a => a.Kind);
        var kind = input.Word("kind", [.. kinds.Where(k => k != Kind)]);
        var freeSize = input.Integer("free_size", 0, Fields.MaximumInteger);
        var hours = input.Integer("expires_after_hours", 1, LongestExpiryHours);
        return kind is null || freeSize is null || hours is null
            ? null
            : JsonSerializer.Serialize(new Input(kind, freeSize.Value, (int)hours.Value), Wire.Json);
    }

    /// <inheritdoc/>
    public async Task<Shown> ShowAsync(UnitOfWork work, string input, CancellationToken cancel)
    {
        var wanted = JsonSerializer.Deserialize<Input>(input, Wire.Json)!;
        await work.ExecuteAsync(
            "select pg_advisory_xact_lock(hashtextextended('approvals.policy ' || $1, 0))",
            [wanted.Kind],
            cancel
        );
        var before = await ApprovalStore.PolicyAsync(work, wanted.Kind, cancel);
        var standard = services.GetRequiredService<ApprovalService>().Find(wanted.Kind)?.FreeSize ?? 0;
        var effect = EventLog.Payload(
            ("before", new { free_size = before?.FreeSize ?? standard, version = before?.Version ?? 0 }),
            ("after", new { free_size = wanted.FreeSize, expires_after_hours = wanted.ExpiresAfterHours })
        );
        return new ActionEffect("approval_policy:" + wanted.Kind, effect, 1, "item");
    }

    /// <inheritdoc/>
    public async Task<Executed> ExecuteAsync(UnitOfWork work, ApprovedAction action, CancellationToken cancel)
    {
        var wanted = JsonSerializer.Deserialize<Input>(action.Input, Wire.Json)!;
        await work.ExecuteAsync(
            """
            insert into approvals.policy as p (kind, free_size, expires_after) values ($1, $2, make_interval(hours => $3))
            on conflict (kind) do update set free_size = excluded.free_size, expires_after = excluded.expires_after,
                version = p.version + 1
            """,
            [wanted.Kind, wanted.FreeSize, wanted.ExpiresAfterHours],
            cancel
        );
        return Executed.Done();
    }

    private sealed record Input(string Kind, long FreeSize, int ExpiresAfterHours);
}
