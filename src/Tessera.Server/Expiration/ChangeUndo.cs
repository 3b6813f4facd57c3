using System.Text.Json;
using Tessera.Core.Expiration;
using Tessera.Server.Access;
using Tessera.Server.Platform;
using Tessera.Server.Platform.Jobs;

namespace Tessera.Server.Expiration;

/// <summary>Undoes an extension, a forced end, a cancellation or an archiving of many as a unit (BLK-07).</summary>
internal sealed class ChangeUndo : Undoing
{
    /// <summary>The kind of these operations.</summary>
    public const string Kind = "expiry_undo";

    /// <inheritdoc/>
    protected override string OperationKind => Kind;

    /// <inheritdoc/>
    public override async Task<IReadOnlyDictionary<Guid, Undoable>> FindAsync(
        UnitOfWork work,
        IReadOnlyCollection<Guid> operations,
        bool hold,
        CancellationToken cancel
    )
    {
        await using var query = work.Command(
            $"""
            select operation_id, id, action, merchant_id, undo_until, undone_by from expiration.change
            where operation_id = any($1) and undo_until is not null {(hold ? "for update" : "")}
            """,
            operations.ToArray()
        );
        await using var row = await query.ExecuteReaderAsync(cancel);
        var changes = new Dictionary<Guid, Undoable>();
        while (await row.ReadAsync(cancel))
        {
            changes[row.GetGuid(0)] = new Undoable(
                row.GetGuid(1),
                row.GetString(2),
                row.Value<Guid>(3),
                row.Value<DateTimeOffset>(4),
                row.Value<Guid>(5)
            )
            {
                Permission = Permissions.ExpiryChange,
            };
        }

        return changes;
    }

    /// <summary>Runs an operation that the caller holds, to its end or until it is taken away.</summary>
    public static async Task RunAsync(Database database, Operation operation, CancellationToken cancel)
    {
        AskedChange asked;
        Guid undone;
        await using (var look = await database.BeginAsync(cancel))
        {
            asked = (await ChangeStore.FindAsync(look, ChangeOf(operation), null, cancel))!;
            await using var query = look.Command("select operation_id from expiration.change where id = $1", asked.Id);
            undone = (Guid)(await query.ExecuteScalarAsync(cancel))!;
        }

        using var input = JsonDocument.Parse(operation.Input);
        var deed = new ReturnDeed(
            undone,
            asked.Change.Action is UnitAction.Expire or UnitAction.Cancel,
            operation.Actor,
            input.RootElement.GetProperty("request_id").GetString()!
        );
        var tally = operation.Cursor is null
            ? Tally.Of(operation) with
            {
                Line = FirstOf(operation),
            }
            : Tally.Of(operation);
        for (var isMore = true; isMore; )
        {
            var at = tally;
            var next = await ChangeOperation.BatchAsync(
                database,
                operation,
                async work =>
                {
                    if (await ChangeParts.NextAsync(work, asked, at.Line, cancel) is not { } part)
                    {
                        isMore = false;
                        return at;
                    }

                    var refusals = await UnitReturns.ApplyAsync(work, deed, part.Units, cancel);
                    var stay = part.Units.Zip(refusals).Where(static u => u.Second is not null).ToList();
                    await OperationErrors.KeepAsync(
                        work,
                        operation.Id,
                        [
                            .. stay.Select(static u => new OperationError(
                                u.First.Key.Id,
                                "instance_id",
                                u.Second!.Code,
                                u.Second.Message,
                                ChangeOperation.Invariant(u.First.Key.Id)
                            )),
                        ],
                        cancel
                    );
                    return at with
                    {
                        Line = part.Number,
                        Done = at.Done + part.Units.Count,
                        Changed = at.Changed + part.Units.Count - stay.Count,
                        Refused = at.Refused + stay.Count,
                    };
                },
                cancel
            );
            if (next is null)
            {
                return;
            }

            tally = next;
        }

        await ChangeOperation.EndAsync(database, operation, "succeeded", tally, null, cancel);
    }

    /// <inheritdoc/>
    protected override long? ReachedBy(Operation undo) => undo.Cursor is null ? null : Tally.Of(undo).Line;

    /// <inheritdoc/>
    protected override Task<long> CountAsync(UnitOfWork work, Undoable change, long after, CancellationToken cancel) =>
        ChangeParts.CountAsync(work, change.Id, after, cancel);

    /// <inheritdoc/>
    protected override Task MarkAsync(UnitOfWork work, Undoable change, Guid undo, CancellationToken cancel) =>
        work.ExecuteAsync("update expiration.change set undone_by = $2 where id = $1", [change.Id, undo], cancel);
}
