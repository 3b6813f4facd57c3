using Microsoft.Extensions.Logging;
using Tessera.Server.Platform.Jobs;

namespace Tessera.Server.Platform.Http;

/// <summary>
/// Forgets answers kept under idempotency keys once their time is over (convention 17). What they guarded stays guarded
/// by the unique business keys. Nodes that run it together delete different rows.
/// </summary>
public sealed class IdempotencyCleaner(Database database, TimeProvider clock, ILogger<IdempotencyCleaner> log)
    : Worker(clock, log, TimeSpan.FromMinutes(30))
{
    /// <summary>How long an answer is kept, in days; published with the header.</summary>
    public const int KeptDays = 7;

    private const int BatchLimit = 10_000;

    /// <inheritdoc/>
    public override async Task<bool> RunOnceAsync(CancellationToken cancel)
    {
        // now() and not the clock of decisions: it is constant within the statement, so the index can answer it.
        await using var command = database.Source.CreateCommand(
            """
            delete from platform.idempotency where key = any(array(
                select key from platform.idempotency where created_at < now() - make_interval(days => $1)
                limit $2 for update skip locked))
            """
        );
        command.Parameters.Add(new() { Value = KeptDays });
        command.Parameters.Add(new() { Value = BatchLimit });
        return await command.ExecuteNonQueryAsync(cancel) == BatchLimit;
    }
}
