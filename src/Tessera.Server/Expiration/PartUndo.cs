using System.Text.Json;
using Tessera.Core;
using Tessera.Server.Platform;
using Tessera.Server.Platform.Jobs;

namespace Tessera.Server.Expiration;

/// <summary>Undoes what is kept a batch of units a row, row by row.</summary>
internal abstract class PartUndo : Undoing
{
    /// <summary>Runs an operation that the caller holds, to its end or until it is taken away.</summary>
    public async Task RunAsync(Database database, Operation operation, CancellationToken cancel)
    {
        using var input = JsonDocument.Parse(operation.Input);
        var request = input.RootElement.GetProperty("request_id").GetString()!;
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
                    if (await NextAsync(work, ChangeOf(operation), at.Line, cancel) is not { } part)
                    {
                        isMore = false;
                        return at;
                    }

                    var deed = new ReturnDeed(part.Of, part.WasFreeing, operation.Actor, request);
                    var refusals = await UnitReturns.ApplyAsync(work, deed, part.Units, cancel);
                    var stay = part.Units.Zip(refusals).Where(static u => u.Second is not null).ToList();
                    await OperationErrors.KeepAsync(
                        work,
                        operation.Id,
                        [.. stay.Select(static u => ChangeOperation.Error(u.First.Key.Id, u.Second!))],
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

    /// <summary>The batch after one; null when there are no more.</summary>
    protected abstract Task<FormerUnits?> NextAsync(UnitOfWork work, Guid change, long after, CancellationToken cancel);

    /// <inheritdoc/>
    protected override long? ReachedBy(Operation undo) => undo.Cursor is null ? null : Tally.Of(undo).Line;
}

/// <summary>Units as they were before a change of many: a batch of it.</summary>
/// <param name="Number">Of the batch.</param>
/// <param name="Of">The operation that changed them.</param>
/// <param name="WasFreeing">Whether it has freed units and budget.</param>
/// <param name="Units">The units.</param>
internal sealed record FormerUnits(long Number, Guid Of, bool WasFreeing, IReadOnlyList<FormerUnit> Units);
