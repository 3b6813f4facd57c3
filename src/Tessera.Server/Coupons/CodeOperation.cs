using System.Text;
using System.Text.Json;
using Microsoft.Extensions.Logging;
using Npgsql;
using Tessera.Core;
using Tessera.Core.Codes;
using Tessera.Server.Platform;
using Tessera.Server.Platform.Jobs;

namespace Tessera.Server.Coupons;

/// <summary>
/// The generation of any number of codes as an operation: each batch of units, the piece of the file that names their
/// codes, and the progress commit together. A run that was stopped goes on where it was; nothing is issued twice.
/// </summary>
public static class CodeOperation
{
    /// <summary>The kind of these operations.</summary>
    public const string Kind = "codes";

    /// <summary>The file an operation makes: one code a line.</summary>
    public const string Output = "output";

    /// <summary>Asks for codes.</summary>
    /// <param name="work">The transaction.</param>
    /// <param name="coupon">Below which units are issued.</param>
    /// <param name="count">How many.</param>
    /// <param name="prefix">In front of each code, in its normal form; may be empty.</param>
    /// <param name="actor">Who asks.</param>
    /// <param name="leased">Whether the caller runs it itself.</param>
    /// <param name="cancel">Cancels.</param>
    public static async Task<Operation> CreateAsync(
        UnitOfWork work,
        long coupon,
        long count,
        string prefix,
        CatalogueActor actor,
        bool leased,
        CancellationToken cancel
    )
    {
        ArgumentNullException.ThrowIfNull(actor);
        var input = InputOf(coupon, count, prefix, actor);
        var operation = await OperationStore.CreateAsync(work, Kind, input, count, actor.Actor, leased, cancel);
        await IssuedUnits.BeginAsync(work, operation.Id, actor, cancel);
        return operation;
    }

    /// <summary>Keeps a few units that were issued in the transaction of a request as an operation that is over.</summary>
    /// <returns>Its id.</returns>
    internal static async Task<Guid> RecordAsync(
        UnitOfWork work,
        Coupon coupon,
        string prefix,
        IReadOnlyList<NewInstance> units,
        CatalogueActor actor,
        CancellationToken cancel
    )
    {
        var id = Guid.CreateVersion7();
        var input = InputOf(coupon.Id, units.Count, prefix, actor);
        var result = EventLog.Payload(("coupon_id", coupon.Id));
        await OperationStore.RecordAsync(work, id, Kind, input, units.Count, 0, result, actor.Actor, cancel);
        await IssuedUnits.BeginAsync(work, id, actor, cancel);
        await KeepAsync(work, id, 0, CodeGeneration.TermsOf(coupon), units, cancel);
        return id;
    }

    private static string InputOf(long coupon, long count, string prefix, CatalogueActor actor) =>
        EventLog.Payload(
            ("coupon_id", coupon),
            ("count", count),
            ("prefix", prefix),
            ("request_id", actor.RequestId),
            ("merchant_id", actor.MerchantId)
        );

    /// <summary>The id of the coupon with unique codes that a code or id names.</summary>
    public static async Task<(long Id, Refusal? Refusal)> FindCouponAsync(
        UnitOfWork work,
        string named,
        CancellationToken cancel
    )
    {
        ArgumentNullException.ThrowIfNull(work);
        await using var query = work.Command(
            "select id from coupons.coupon where deleted_at is null and (code = $1 or id::text = $1)",
            CouponCode.TryNormalise(named, out var code) ? code : named
        );
        var id = (long?)await query.ExecuteScalarAsync(cancel) ?? 0;
        var coupon = await CouponStore.FindAsync(work, id, null, forUpdate: false, cancel);
        return coupon is null
            ? (0, Platform.Http.Entry.NotFound)
            : (id, await IssueUnits.WhyNotAsync(work, coupon, null, await work.ClockAsync(cancel), cancel));
    }

    /// <summary>Runs an operation that the caller holds, to its end or until it is taken away.</summary>
    /// <param name="database">Where.</param>
    /// <param name="operation">As taken.</param>
    /// <param name="progress">Told the units done, after each commit.</param>
    /// <param name="cancel">Stops after the batch that runs.</param>
    /// <returns>Whether it ended; false when it was paused, cancelled or taken over.</returns>
    public static async Task<bool> RunAsync(
        Database database,
        Operation operation,
        Action<long>? progress,
        CancellationToken cancel
    )
    {
        ArgumentNullException.ThrowIfNull(database);
        ArgumentNullException.ThrowIfNull(operation);
        using var input = JsonDocument.Parse(operation.Input);
        var asked = input.RootElement;
        var couponId = asked.GetProperty("coupon_id").GetInt64();
        var count = asked.GetProperty("count").GetInt64();
        var prefix = asked.GetProperty("prefix").GetString()!;
        var actor = new CatalogueActor(operation.Actor, asked.GetProperty("request_id").GetString()!);
        for (var done = operation.Done; done < count; )
        {
            await using var work = await database.BeginAsync(cancel);
            var coupon = await CouponStore.FindAsync(work, couponId, null, forUpdate: false, cancel);
            var now = await work.ClockAsync(cancel);
            var no = coupon is null
                ? Platform.Http.Entry.NotFound
                : await IssueUnits.WhyNotAsync(work, coupon, null, now, cancel);
            if (no is { } refusal)
            {
                return await EndAsync(work, operation, "failed", ("reason", refusal.Code), cancel);
            }

            var size = (int)Math.Min(CodeGeneration.BatchSize, count - done);
            var units = await CodeGeneration.DrawAsync(work, size, prefix, cancel);
            var terms = CodeGeneration.TermsOf(coupon!);
            try
            {
                await InstanceStore.IssueAsync(work, terms, units, actor, now, cancel);
            }
            catch (PostgresException taken) when (taken.SqlState == PostgresErrorCodes.UniqueViolation)
            {
                // One in 2^60 a pair: somebody chose such a code by hand. New ones then.
                continue;
            }

            // All batches before this one were full, so their number follows from what is done.
            var number = (int)(done / CodeGeneration.BatchSize);
            await KeepAsync(work, operation.Id, number, terms, units, cancel);
            if (!await OperationStore.TryAdvanceAsync(work, operation, done + size, 0, null, cancel))
            {
                return false;
            }

            await work.CommitAsync(CancellationToken.None);
            done += size;
            progress?.Invoke(done);
        }

        await using var last = await database.BeginAsync(cancel);
        return await EndAsync(last, operation, "succeeded", ("coupon_id", couponId), cancel);
    }

    private static async Task<bool> EndAsync(
        UnitOfWork work,
        Operation operation,
        string status,
        (string Name, object? Value) result,
        CancellationToken cancel
    )
    {
        var isOurs = await OperationStore.TryEndAsync(work, operation, status, EventLog.Payload(result), cancel);
        await work.CommitAsync(cancel);
        return isOurs;
    }

    /// <summary>Keeps a batch: its codes for the file, its ids for the undo.</summary>
    private static async Task KeepAsync(
        UnitOfWork work,
        Guid operation,
        int number,
        InstanceTerms terms,
        IReadOnlyList<NewInstance> units,
        CancellationToken cancel
    )
    {
        await OperationStore.WriteChunkAsync(work, operation, Output, number, Lines(units), cancel);
        await IssuedUnits.KeepAsync(work, operation, terms, units, cancel);
    }

    private static byte[] Lines(IReadOnlyList<NewInstance> units)
    {
        var text = new StringBuilder(units.Count * (CodeAlphabet.MaximumLength + 1));
        foreach (var unit in units)
        {
            text.Append(unit.Code).Append('\n');
        }

        return Encoding.ASCII.GetBytes(text.ToString());
    }
}

/// <summary>Runs the generations that callers have asked for. Every node may run it at once.</summary>
internal sealed class CodeWorker(Database database, TimeProvider clock, ILogger<CodeWorker> log)
    : Worker(clock, log, TimeSpan.FromSeconds(1))
{
    public override async Task<bool> RunOnceAsync(CancellationToken cancel)
    {
        if (await OperationStore.TakeAsync(database, CodeOperation.Kind, null, cancel) is not { } operation)
        {
            return false;
        }

        await CodeOperation.RunAsync(database, operation, null, cancel);
        return true;
    }
}
