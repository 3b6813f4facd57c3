using System.Text.Json.Serialization;
using Npgsql;
using Tessera.Core;
using Tessera.Core.Coupons;
using Tessera.Server.Coupons.Bulk;
using Tessera.Server.Platform;
using Tessera.Server.Platform.Http;
using Tessera.Server.Platform.Jobs;

namespace Tessera.Server.Coupons;

/// <summary>What became of one item.</summary>
/// <param name="Index">Its place in the request, from 0.</param>
/// <param name="Status">created or refused.</param>
/// <param name="Id">Of the coupon; null when refused.</param>
/// <param name="Code">Of the coupon, as far as it could be read.</param>
/// <param name="Reason">Why not.</param>
/// <param name="Errors">Its bad fields, with pointers into the request.</param>
internal sealed record BulkItem(
    int Index,
    string Status,
    long? Id,
    string? Code,
    [property: JsonIgnore(Condition = JsonIgnoreCondition.WhenWritingNull)] string? Reason = null,
    [property: JsonIgnore(Condition = JsonIgnoreCondition.WhenWritingNull)] IReadOnlyList<FieldError>? Errors = null
);

/// <summary>What became of a request for many coupons.</summary>
/// <param name="Created">How many were made.</param>
/// <param name="Refused">How many were not.</param>
/// <param name="Results">One a coupon, in the order of the request.</param>
/// <param name="OperationId">As which several coupons can be taken back as a unit; null for one alone.</param>
internal sealed record BulkAnswer(int Created, int Refused, IReadOnlyList<BulkItem> Results, Guid? OperationId);

/// <summary>
/// Creates many coupons in one transaction and answers item by item (BLK-01): those that keep the rules are made, the
/// others are refused without touching them.
/// </summary>
internal static class BulkCreate
{
    /// <summary>Most coupons of one request.</summary>
    public const int Maximum = 1000;

    /// <summary>How often codes that others took meanwhile are sorted out before the request is given up.</summary>
    private const int Attempts = 5;

    private static readonly FieldError ExternalIdTaken = new(
        "external_id",
        "#/external_id",
        "duplicate_external_id",
        "A coupon with this external id exists."
    );

    private static readonly FieldError NotAnObject = new("", "#", "not_an_object", "This has to be an object.");

    /// <summary>Creates them.</summary>
    /// <param name="work">The transaction.</param>
    /// <param name="items">As sent; null for what is no object.</param>
    /// <param name="actor">Who asks.</param>
    /// <param name="now">The database clock.</param>
    /// <param name="cancel">Cancels.</param>
    public static async Task<BulkAnswer> RunAsync(
        UnitOfWork work,
        IReadOnlyList<Fields?> items,
        CatalogueActor actor,
        DateTimeOffset now,
        CancellationToken cancel
    )
    {
        var results = new BulkItem?[items.Count];
        var drafts = new List<(int Index, CouponDraft Draft, Fields Fields)>();
        for (var i = 0; i < items.Count; i++)
        {
            if (items[i] is not { } fields)
            {
                var pointer = $"#/coupons/{i}";
                results[i] = Refused(i, null, [NotAnObject with { Field = $"coupons.{i}", Pointer = pointer }]);
                continue;
            }

            var draft = CouponRequests.Read(fields, actor.MerchantId);
            fields.Add(await Catalogue.CheckAsync(work, draft, before: null, now, cancel));
            if (await Catalogue.FinishAsync(work, fields, draft, null, cancel) is { } wrong)
            {
                results[i] = Refused(i, draft.Code, wrong.Errors!);
            }
            else
            {
                drafts.Add((i, draft, fields));
            }
        }

        foreach (var (index, id, draft) in await InsertAsync(work, drafts, results, actor, now, cancel))
        {
            results[index] = new BulkItem(index, "created", id, draft.Code);
        }

        var created = results.Count(static r => r!.Id is not null);
        Guid? operation = created > 1 ? await KeepAsync(work, results!, actor, cancel) : null;
        return new BulkAnswer(created, items.Count - created, results!, operation);
    }

    /// <summary>Keeps what was made as an operation that is over, which can be undone like an import.</summary>
    private static async Task<Guid> KeepAsync(
        UnitOfWork work,
        IReadOnlyList<BulkItem> results,
        CatalogueActor actor,
        CancellationToken cancel
    )
    {
        List<OperationError> errors =
        [
            .. results
                .Where(static r => r.Errors is not null)
                .Select(static r => new OperationError(
                    r.Index + 1,
                    r.Errors![0].Field,
                    r.Errors[0].Code,
                    r.Errors[0].Message,
                    r.Code
                )),
        ];
        var made = results.Where(static r => r.Id is not null).Select(static r => (r.Id!.Value, r.Code!)).ToList();
        return await MadeCoupons.KeepAsync(work, "create", "{}", made, errors, actor, cancel);
    }

    private static async Task<IReadOnlyList<(int Index, long Id, CouponDraft Draft)>> InsertAsync(
        UnitOfWork work,
        List<(int Index, CouponDraft Draft, Fields Fields)> drafts,
        BulkItem?[] results,
        CatalogueActor actor,
        DateTimeOffset now,
        CancellationToken cancel
    )
    {
        for (var attempt = 1; ; attempt++)
        {
            await RefuseTakenAsync(work, drafts, results, cancel);
            await work.ExecuteAsync("savepoint bulk", [], cancel);
            try
            {
                var ids = await CouponStore.InsertAsync(
                    work,
                    [.. drafts.Select(static d => d.Draft)],
                    actor,
                    now,
                    cancel
                );
                return [.. drafts.Select((d, place) => (d.Index, ids[place], d.Draft))];
            }
            catch (PostgresException taken)
                when (taken.SqlState == PostgresErrorCodes.UniqueViolation && attempt < Attempts)
            {
                // Somebody took one of the codes between the look and the insert: it shows now.
                await work.ExecuteAsync("rollback to savepoint bulk", [], cancel);
            }
        }
    }

    /// <summary>Sorts out codes and external ids that exist, or come twice in the request: the first of them counts.</summary>
    private static async Task RefuseTakenAsync(
        UnitOfWork work,
        List<(int Index, CouponDraft Draft, Fields Fields)> drafts,
        BulkItem?[] results,
        CancellationToken cancel
    )
    {
        var codes = await CouponStore.TakenAsync(work, drafts.Select(static d => d.Draft.Code!), cancel);
        var externalIds = await CouponStore.TakenExternalIdsAsync(
            work,
            drafts.Select(static d => d.Draft.ExternalId).OfType<string>(),
            cancel
        );
        drafts.RemoveAll(item =>
        {
            var isFree = !codes.Contains(item.Draft.Code!);
            var isNew = item.Draft.ExternalId is not { } external || !externalIds.Contains(external);
            if (isFree && isNew)
            {
                codes.Add(item.Draft.Code!);
                if (item.Draft.ExternalId is { } id)
                {
                    externalIds.Add(id);
                }

                return false;
            }

            item.Fields.Add([
                .. isFree ? (FieldError[])[] : [CouponRules.CodeTaken],
                .. isNew ? (FieldError[])[] : [ExternalIdTaken],
            ]);
            results[item.Index] = Refused(item.Index, item.Draft.Code, item.Fields.Errors);
            return true;
        });
    }

    private static BulkItem Refused(int index, string? code, IReadOnlyList<FieldError> errors) =>
        new(index, "refused", null, code, errors[0].Message, errors);
}
