using Microsoft.AspNetCore.Builder;
using Microsoft.AspNetCore.Http;
using Microsoft.AspNetCore.Routing;
using Tessera.Server.Access;
using Tessera.Server.Platform;
using Tessera.Server.Platform.Http;

namespace Tessera.Server.Audit;

/// <summary>Whether the log is as it was sealed.</summary>
/// <param name="SealedTo">The last entry of the chain.</param>
/// <param name="Head">Its link, in hex: compare it with the heads kept outside.</param>
/// <param name="WalkStartedAt">When the chain was begun to be recomputed from the first entry.</param>
/// <param name="WalkedTo">The last entry recomputed since.</param>
/// <param name="WholeTo">Up to which entry the chain was last found whole, from the first; null while that was never.</param>
/// <param name="WholeAt">When.</param>
/// <param name="Fault">What is wrong; null where nothing was found.</param>
internal sealed record ChainView(
    long SealedTo,
    string Head,
    DateTimeOffset WalkStartedAt,
    long WalkedTo,
    long? WholeTo,
    DateTimeOffset? WholeAt,
    ChainFaultView? Fault
);

/// <summary>What is wrong with the chain.</summary>
/// <param name="Kind">missing: the entry or its event is gone; changed: it is not what was sealed; head: the chain ends otherwise.</param>
/// <param name="Seq">The first entry it is so of.</param>
/// <param name="FoundAt">When.</param>
internal sealed record ChainFaultView(string Kind, long Seq, DateTimeOffset FoundAt);

/// <summary>The state of the chain, as <see cref="ChainWalk"/> recomputes it.</summary>
internal static class ChainEndpoints
{
    private static readonly ChainView Sample = new(
        41,
        "2cf24dba5fb0a30e26e83b2ac5b9e29e1b161e5c1fa7425e73043362938b9824",
        Samples.At,
        41,
        41,
        Samples.At,
        null
    );

    public static void Map(IEndpointRouteBuilder api) =>
        api.MapGet("/audit/chain", ReadAsync)
            .WithName("getAuditChain")
            .WithTags("Audit")
            .WithSummary("Read whether the log is as it was sealed, and up to where that was recomputed")
            .RequirePermission(Permissions.AuditRead)
            .WithAnswer(200, Sample, "As of the last step of the walk, which goes on all the time.")
            .WithRefusals(AuditEndpoints.Scoped);

    private static async Task ReadAsync(HttpContext context, Database database)
    {
        if (Caller.Of(context).Realm != Realms.Staff)
        {
            await Problems.WriteAsync(context, AuditEndpoints.Scoped);
            return;
        }

        await using var command = database.Source.CreateCommand(
            """
            select s.seq, encode(s.hash, 'hex'), w.started_at, w.seq, w.whole_seq, w.whole_at, w.fault, w.fault_seq, w.fault_at
            from audit.chain_walk w cross join audit.seal s
            """
        );
        await using var row = await command.ExecuteReaderAsync(context.RequestAborted);
        await row.ReadAsync(context.RequestAborted);
        var view = new ChainView(
            row.GetInt64(0),
            row.GetString(1),
            row.GetFieldValue<DateTimeOffset>(2),
            row.GetInt64(3),
            row.Value<long>(4),
            row.Value<DateTimeOffset>(5),
            row.Object<string>(6) is { } kind
                ? new ChainFaultView(kind, row.GetInt64(7), row.GetFieldValue<DateTimeOffset>(8))
                : null
        );
        await HttpAnswer.Json(StatusCodes.Status200OK, view).SendAsync(context);
    }
}
