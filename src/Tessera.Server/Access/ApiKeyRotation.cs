using Microsoft.AspNetCore.Http;
using Tessera.Core;
using Tessera.Server.Platform;
using Tessera.Server.Platform.Http;

namespace Tessera.Server.Access;

/// <summary>How a key is replaced.</summary>
/// <param name="OverlapSeconds">How long the old key goes on working: 0 to 604800, a day unless given.</param>
/// <param name="ExpiresAt">First instant at which the new key is dead; null for never.</param>
internal sealed record RotationWanted(int? OverlapSeconds = null, DateTimeOffset? ExpiresAt = null);

/// <summary>A key is replaced by one that may do the same, while the old one works on for a while (ACC-05).</summary>
internal static partial class ApiKeyEndpoints
{
    private const int MostOverlap = 7 * 24 * 3600;
    private const int StandardOverlap = 24 * 3600;

    private static readonly Refusal Dead = new("api_key_dead", "This key is revoked or has expired.");

    private static async Task RotateAsync(HttpContext context, Database database, ApiKeys keys, Guid id)
    {
        var caller = Caller.Of(context);
        if (await RequestBody.TakeAsync(context) is not { } body)
        {
            return;
        }

        var fields = Fields.Of(body);
        var overlap = fields.Integer("overlap_seconds", 0, MostOverlap, required: false) ?? StandardOverlap;
        var expires = fields.Instant("expires_at", required: false);
        if (fields.Finish() is { } wrong)
        {
            await Problems.WriteAsync(context, wrong);
            return;
        }

        await Idempotent.RunAsync(
            context,
            database,
            caller.ClientId,
            body.Bytes,
            async work =>
            {
                await using (var hold = work.Command("select from access.api_key where id = $1 for update", id))
                {
                    await hold.ExecuteNonQueryAsync();
                }

                if (await FindAsync(work, caller, id) is not { } old)
                {
                    return HttpAnswer.Refused(context, Entry.NotFound);
                }

                var now = await work.ClockAsync(CancellationToken.None);
                if (old.RevokedAt is not null || old.ExpiresAt <= now)
                {
                    return HttpAnswer.Refused(context, Dead);
                }

                if (expires <= now)
                {
                    fields.Add("expires_at", "in_the_past", "This has to be in the future.");
                    return HttpAnswer.Refused(context, fields.Finish()!);
                }

                var same = new ApiKeyWanted(old.Name, old.Permissions, old.MerchantId, old.Channels);
                return Overreach(caller, same) is { } no
                    ? HttpAnswer.Refused(context, no)
                    : await ReplaceAsync(context, work, caller, old, expires, now.AddSeconds(overlap));
            },
            committed: () => keys.Forget(id)
        );
    }

    private static async Task<HttpAnswer> ReplaceAsync(
        HttpContext context,
        UnitOfWork work,
        Caller caller,
        ApiKeyView old,
        DateTimeOffset? expires,
        DateTimeOffset end
    )
    {
        var plan = new NewApiKey(
            old.Name,
            old.Permissions,
            caller.Actor,
            old.MerchantId,
            old.Channels,
            expires,
            SubjectOf(caller),
            old.RequestsPerMinute,
            old.Id
        );
        var (id, key) = await ApiKeys.CreateAsync(work, plan, RequestIds.Of(context), CancellationToken.None);
        await work.ExecuteAsync(
            "update access.api_key set expires_at = least(expires_at, $2) where id = $1",
            [old.Id, end],
            CancellationToken.None
        );
        var made = new ApiKeyMade(key, (await FindAsync(work, caller, id))!);
        return HttpAnswer.Json(201, made, $"/api/v1/api-keys/{id}") with
        {
            Kept = HttpAnswer.Json(201, made with { Key = null }).Body,
        };
    }
}
