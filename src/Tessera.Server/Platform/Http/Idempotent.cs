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

    /// <summary>Reads the body of a change and runs it; a body that cannot be read is refused before anything else.</summary>
    /// <param name="context">The request.</param>
    /// <param name="database">Where it runs.</param>
    /// <param name="clientId">Who asks.</param>
    /// <param name="run">Reads the members and makes the change; what it wrote is undone when it refuses.</param>
    /// <param name="required">Whether a request without a key is refused.</param>
    /// <param name="first">Why this caller may not, if that is so, whatever the body is.</param>
    public static async Task RunAsync(
        HttpContext context,
        Database database,
        Guid clientId,
        Func<UnitOfWork, Fields, Task<HttpAnswer>> run,
        bool required = false,
        Refusal? first = null
    )
    {
        ArgumentNullException.ThrowIfNull(run);
        if (await RequestBody.TakeAsync(context, first) is { } body)
        {
            Task<HttpAnswer> Change(UnitOfWork work) => run(work, Fields.Of(body));
            await RunAsync(context, database, clientId, body.Bytes, Change, required);
        }
    }

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
        var (key, unfit) = KeyOf(context, clientId, body.Span, required);
        if (unfit is not null)
        {
            await Problems.WriteAsync(context, unfit);
            return;
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

    /// <summary>
    /// Answers a request that was answered before. For what takes long, and so is done between this and
    /// <see cref="RunAsync(HttpContext, Database, Guid, ReadOnlyMemory{byte}, Func{UnitOfWork, Task{HttpAnswer}}, bool, Action?)"/>,
    /// which keeps its answer: a transaction that waited for it would be ended by the server.
    /// </summary>
    /// <returns>Whether it was answered, or cannot be; else what is done has to bear being done twice at the same time.</returns>
    public static async Task<bool> RepeatAsync(
        HttpContext context,
        Database database,
        Guid clientId,
        ReadOnlyMemory<byte> body,
        bool required = false
    )
    {
        ArgumentNullException.ThrowIfNull(context);
        ArgumentNullException.ThrowIfNull(database);
        var (key, refusal) = KeyOf(context, clientId, body.Span, required);
        if (refusal is null && key is { } wanted)
        {
            await using var work = await database.BeginAsync(context.RequestAborted);
            if (await FindAsync(work, wanted, context.RequestAborted) is { } known)
            {
                if (known.Answer is { } answer)
                {
                    await answer.SendAsync(context);
                    return true;
                }

                refusal = known.Refusal;
            }
        }

        if (refusal is not null)
        {
            await Problems.WriteAsync(context, refusal);
        }

        return refusal is not null;
    }

    private static (IdempotencyKey? Key, Refusal? Refusal) KeyOf(
        HttpContext context,
        Guid clientId,
        ReadOnlySpan<byte> body,
        bool required
    ) =>
        required || (TakesKey(context.Request.Method) && IdempotencyKey.IsGiven(context))
            ? IdempotencyKey.Read(context, clientId, body)
            : default((IdempotencyKey?, Refusal?));

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
