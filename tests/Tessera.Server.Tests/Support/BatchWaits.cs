using Npgsql;

namespace Tessera.Server.Tests.Support;

/// <summary>Waits for an operation that is stopped or killed between its batches.</summary>
internal static class BatchWaits
{
    /// <summary>Until some items of an operation are done, and its next batch waits for what somebody holds.</summary>
    /// <param name="database">Where.</param>
    /// <param name="operation">Which.</param>
    /// <param name="done">Items of the batches before.</param>
    /// <param name="holder">Who holds it: others wait for other things.</param>
    /// <returns>The session it waits in.</returns>
    public static async Task<int> UntilBlockedAsync(
        TestDatabase database,
        Guid operation,
        int done,
        NpgsqlConnection holder
    )
    {
        const string waiting = """
            select coalesce(max(a.pid), 0) from pg_stat_activity a, platform.operation o
            where a.datname = current_database() and $3 = any(pg_blocking_pids(a.pid)) and o.id = $1 and o.done = $2
            """;
        var session = 0;
        await Patience.UntilAsync(
            async () =>
            {
                session = await database.ScalarAsync<int>(waiting, operation, done, holder.ProcessID);
                return session != 0;
            },
            "an operation in its second batch"
        );
        return session;
    }

    /// <summary>Until the server has seen that the client of a session is gone.</summary>
    public static Task UntilGoneAsync(TestDatabase database, int session) =>
        Patience.UntilAsync(
            () =>
                database.ScalarAsync<bool>("select not exists (select from pg_stat_activity where pid = $1)", session),
            "the end of a session whose client is gone"
        );
}
