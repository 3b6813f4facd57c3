using System.Buffers.Binary;
using Microsoft.AspNetCore.Http;
using Tessera.Core;

namespace Tessera.Server.Platform.Http;

/// <summary>
/// Runs a change once per idempotency key: key, answer and effect commit in one transaction (conventions 13 to 17).
/// For everything that does not go through a lane; lanes keep their own answers.
/// </summary>
public static class Idempotent
{
    private static readonly Refusal InProgress = new(
        "idempotency_key_in_progress",
        "The first request with this key is still running.",
        RefusalKind.Conflict
    );

    private static readonly Refusal Reused = new(
        "idempotency_key_reused",
        "This key was used for another request.",
        RefusalKind.KeyReused
    );

    /// <summary>Runs a change in a transaction of its own and sends the answer.</summary>
    /// <param name="context">The request.</param>
    /// <param name="database">Where it runs.</param>
    /// <param name="clientId">Who asks.</param>
    /// <param name="body">As received.</param>
    /// <param name="run">Makes the change; what it wrote is undone when it refuses.</param>
    /// <param name="required">Whether a request without a key is refused.</param>
    /// <param name="committed">Told after the transaction and before the answer.</param>
    public static async Task RunAsync(
        HttpContext context,
        Database database,
        Guid clientId,
        ReadOnlyMemory<byte> body,
        Func<UnitOfWork, Task<HttpAnswer>> run,
        bool required = false,
        Action? committed = null
    )
    {
        ArgumentNullException.ThrowIfNull(context);
        ArgumentNullException.ThrowIfNull(database);
        ArgumentNullException.ThrowIfNull(run);
        IdempotencyKey? key = null;
        if (required || (TakesKey(context.Request.Method) && IdempotencyKey.IsGiven(context)))
        {
            var (given, refusal) = IdempotencyKey.Read(context, clientId, body.Span);
            if (refusal is not null)
            {
                await Problems.WriteAsync(context, refusal);
                return;
            }

            key = given;
        }

        // A change that was begun is finished even if the caller hangs up: half of it is nothing, all of it is an answer.
        await using var work = await database.BeginAsync(context.RequestAborted);
        if (key is { } wanted)
        {
            if (await FindAsync(work, wanted, CancellationToken.None) is { } known)
            {
                await (known.Refusal is { } no ? Problems.WriteAsync(context, no) : known.Answer!.SendAsync(context));
                return;
            }

            await work.ExecuteAsync("savepoint change", [], CancellationToken.None);
        }

        var answer = await run(work);
        if (key is { } used && IsKept(answer))
        {
            if (answer is { IsRefusal: true, LeavesTrace: false })
            {
                await work.ExecuteAsync("rollback to savepoint change", [], CancellationToken.None);
            }

            await KeepAsync(work, used, answer, CancellationToken.None);
            await work.CommitAsync(CancellationToken.None);
        }
        else if (!answer.IsRefusal || answer.LeavesTrace)
        {
            await work.CommitAsync(CancellationToken.None);
        }

        committed?.Invoke();
        await answer.SendAsync(context);
    }

    /// <summary>The other methods are idempotent by themselves; a key on them is ignored.</summary>
    private static bool TakesKey(string method) => HttpMethods.IsPost(method) || HttpMethods.IsPatch(method);

    /// <summary>Answers that were decided are kept; those given before anything ran, or by defect, are not.</summary>
    private static bool IsKept(HttpAnswer answer) => answer.Status is < 400 or 404 or 409 or 412;

    private static async Task<(HttpAnswer? Answer, Refusal? Refusal)?> FindAsync(
        UnitOfWork work,
        IdempotencyKey key,
        CancellationToken cancel
    )
    {
        Span<byte> bytes = stackalloc byte[16];
        key.KeyHash.TryWriteBytes(bytes);
        var place = BinaryPrimitives.ReadInt64LittleEndian(bytes);
        await using (var claim = work.Command("select pg_try_advisory_xact_lock($1)", place))
        {
            if (!(bool)(await claim.ExecuteScalarAsync(cancel))!)
            {
                return (null, InProgress);
            }
        }

        await using var read = work.Command(
            "select request_hash, status, location, etag, body from platform.idempotency where key = $1",
            key.KeyHash
        );
        await using var rows = await read.ExecuteReaderAsync(cancel);
        if (!await rows.ReadAsync(cancel))
        {
            return null;
        }

        if (rows.GetGuid(0) != key.RequestHash)
        {
            return (null, Reused);
        }

        var answer = new HttpAnswer(
            rows.GetInt16(1),
            rows.GetFieldValue<byte[]>(4),
            rows.IsDBNull(2) ? null : rows.GetString(2),
            rows.IsDBNull(3) ? null : rows.GetString(3)
        );
        return (answer with { Replayed = true }, null);
    }

    private static async Task KeepAsync(
        UnitOfWork work,
        IdempotencyKey key,
        HttpAnswer answer,
        CancellationToken cancel
    ) =>
        await work.ExecuteAsync(
            """
            insert into platform.idempotency (key, request_hash, status, location, etag, body)
            values ($1, $2, $3, $4, $5, $6)
            """,
            [
                key.KeyHash,
                key.RequestHash,
                (short)answer.Status,
                answer.Location,
                answer.ETag,
                (answer.Kept ?? answer.Body).ToArray(),
            ],
            cancel
        );
}
