using System.Text.Json;
using Microsoft.AspNetCore.Builder;
using Microsoft.AspNetCore.Http;
using Microsoft.AspNetCore.Routing;
using Tessera.Core;
using Tessera.Server.Access;
using Tessera.Server.Approvals;
using Tessera.Server.Platform;
using Tessera.Server.Platform.Http;

namespace Tessera.Server.Balances;

/// <summary>What a customer wants withdrawn.</summary>
/// <param name="Amount">How much.</param>
/// <param name="Destination">
/// Where to, as the payment system names it: letters, digits and any of <c>_ . : -</c>; never a card number.
/// </param>
internal sealed record OwnWithdrawalWanted(Money Amount, string Destination);

/// <summary>That a withdrawal was paid out.</summary>
/// <param name="PayoutReference">Of the payment, as the payment system names it.</param>
internal sealed record PaidWanted(string PayoutReference);

/// <summary>Nothing to say.</summary>
internal sealed record NothingWanted;

/// <summary>
/// Withdrawals over HTTP (BAL-10): asked for by the customer, or for the customer as a request for approval; listed with what
/// became of them; paid out, or put back.
/// </summary>
internal static class WithdrawalEndpoints
{
    private const string CustomerAsks = "The customer asks for this.";
    private const int LongestReference = 100;

    private static readonly Listed<Withdrawal> Withdrawals = Listed.ByTime(
        $"select {Withdrawal.Columns} from balances.withdrawal",
        "asked_at",
        "id",
        Withdrawal.Read,
        static w => (w.AskedAt, w.Id)
    );

    private static readonly Withdrawal Sample = new(
        Samples.Id,
        Samples.Id,
        Samples.Id,
        new Money(1_200, "EUR"),
        "ba_1Pq7",
        "requested",
        Samples.At,
        Samples.At,
        null,
        1
    );

    public static void Map(IEndpointRouteBuilder api)
    {
        var group = api.MapGroup("/withdrawals").WithTags("Balances");
        group
            .MapGet(
                "",
                (HttpContext context, Database database, Cursors cursors) =>
                    ListAsync(context, database, cursors, isOwn: false)
            )
            .WithName("listWithdrawals")
            .WithSummary("List withdrawals of customers' balances, and what became of them")
            .WithRemark("To ask for one, request an approval of the kind balance_withdrawal.")
            .RequirePermission(Permissions.BalancesRead)
            .WithPages(["asked_at"])
            .WithQuery("state", "string", "Only those in this state.", Withdrawal.States)
            .WithQuery("customer_id", "string", "Only those of this customer.")
            .WithQuery("currency", "string", "Only those in this currency.")
            .WithAnswer(200, new Page<Withdrawal>([Sample], false, null), "A page.")
            .WithRefusals(BalanceRefusals.StaffOnly);
        group
            .MapGet("/{id:guid}", GetAsync)
            .WithName("getWithdrawal")
            .WithSummary("Read a withdrawal")
            .RequirePermission(Permissions.BalancesRead)
            .WithAnswer(200, Sample, "The withdrawal.")
            .WithRefusals(BalanceRefusals.StaffOnly);
        group
            .MapPost("/{id:guid}/paid", PaidAsync)
            .WithName("payWithdrawal")
            .WithSummary("Say that an approved withdrawal was paid out")
            .RequirePermission(Permissions.BalancesPayOut)
            .WithIdempotencyKey(required: true)
            .WithBody(new PaidWanted("po_1Pq8"))
            .WithAnswer(200, Sample with { State = "paid", PayoutReference = "po_1Pq8" }, "The withdrawal.")
            .WithRefusals(BalanceRefusals.StaffOnly, BalanceRefusals.NotApproved);
        group
            .MapPost("/{id:guid}/failed", FailedAsync)
            .WithName("failWithdrawal")
            .WithSummary("Say that an approved withdrawal could not be paid out: the money is back on the balance")
            .RequirePermission(Permissions.BalancesPayOut)
            .WithIdempotencyKey(required: true)
            .WithBody(new NothingWanted())
            .WithAnswer(200, Sample with { State = "failed" }, "The withdrawal.")
            .WithRefusals(BalanceRefusals.StaffOnly, BalanceRefusals.NotApproved);
        var own = api.MapGroup("/own/withdrawals").WithTags("Balances");
        own.MapGet(
                "",
                (HttpContext context, Database database, Cursors cursors) =>
                    ListAsync(context, database, cursors, isOwn: true)
            )
            .WithName("listOwnWithdrawals")
            .WithSummary("Of a customer: list your withdrawals, and what became of them")
            .RequirePermission(Permissions.OwnRead)
            .WithPages(["asked_at"])
            .WithQuery("state", "string", "Only those in this state.", Withdrawal.States)
            .WithQuery("currency", "string", "Only those in this currency.")
            .WithAnswer(200, new Page<Withdrawal>([Sample], false, null), "A page.")
            .WithRefusals(BalanceRefusals.CustomersOnly);
        own.MapPost("", AskAsync)
            .WithName("requestOwnWithdrawal")
            .WithSummary("Of a customer: ask for a withdrawal; the amount is held until staff decides")
            .RequirePermission(Permissions.OwnWithdraw)
            .WithIdempotencyKey(required: true)
            .WithBody(new OwnWithdrawalWanted(Sample.Amount, Sample.Destination))
            .WithAnswer(201, Sample, "Taken.")
            .WithRefusals(BalanceRefusals.CustomersOnly, BalanceRefusals.NotCovered, BalanceRefusals.CustomerBlocked);
        own.MapPost("/{id:guid}/cancel", CancelAsync)
            .WithName("cancelOwnWithdrawal")
            .WithSummary("Of a customer: take back your request while nobody has decided")
            .RequirePermission(Permissions.OwnWithdraw)
            .WithIdempotencyKey(required: true)
            .WithBody(new NothingWanted())
            .WithAnswer(200, Sample with { State = "cancelled" }, "The withdrawal.")
            .WithRefusals(
                BalanceRefusals.CustomersOnly,
                ApprovalRefusals.NotRequester,
                ApprovalRefusals.Decided,
                ApprovalRefusals.Expired
            );
    }

    private static async Task ListAsync(HttpContext context, Database database, Cursors cursors, bool isOwn)
    {
        var caller = Caller.Of(context);
        var query = new Query(context.Request);
        var page = await cursors.ReadAsync(query, ["asked_at"], "-asked_at", caller.CustomerId, context.RequestAborted);
        var rows = new PageRows("true");
        rows.Equal("state", query.Word("state", Withdrawal.States));
        rows.Equal("currency", query.Currency("currency"));
        rows.Equal("customer_id", isOwn ? caller.CustomerId : query.Id("customer_id"));
        await rows.AnswerAsync(context, database, query, page, Withdrawals, Outsider(caller, isOwn));
    }

    private static async Task GetAsync(HttpContext context, Guid id, Database database)
    {
        if (Outsider(Caller.Of(context), isOwn: false) is { } outsider)
        {
            await Problems.WriteAsync(context, outsider);
            return;
        }

        await using var work = await database.BeginAsync(context.RequestAborted);
        var found = await Deposits.FindAsync(work, id, null, context.RequestAborted);
        var answer = found is null ? HttpAnswer.Refused(context, Entry.NotFound) : HttpAnswer.Json(200, found);
        await answer.SendAsync(context);
    }

    private static Task AskAsync(HttpContext context, Database database, ApprovalService approvals) =>
        Idempotent.RunAsync(
            context,
            database,
            Caller.Of(context).ClientId,
            async (work, fields) =>
            {
                var caller = Caller.Of(context);
                var wanted = BalanceWithdrawal.Read(fields, caller.CustomerId);
                if ((fields.Finish() ?? Outsider(caller, isOwn: true)) is { } wrong)
                {
                    return HttpAnswer.Refused(context, wrong);
                }

                var cancel = CancellationToken.None;
                var by = await Requester.OfAsync(work, caller, RequestIds.Of(context), cancel);
                var input = JsonSerializer.Serialize(wanted, Wire.Json);
                var request = new ApprovalRequest(BalanceWithdrawal.Name, input, CustomerAsks) { AlwaysWaits = true };
                var (approval, refused) = await approvals.RequestAsync(work, request, by, cancel);
                return refused is not null
                    ? HttpAnswer.Refused(context, refused)
                    : HttpAnswer.Json(201, await Deposits.FindAsync(work, approval!.Id, caller.CustomerId, cancel));
            },
            required: true
        );

    private static Task CancelAsync(HttpContext context, Guid id, Database database, ApprovalService approvals) =>
        Idempotent.RunAsync(
            context,
            database,
            Caller.Of(context).ClientId,
            async (work, fields) =>
            {
                var caller = Caller.Of(context);
                if ((fields.Finish() ?? Outsider(caller, isOwn: true)) is { } wrong)
                {
                    return HttpAnswer.Refused(context, wrong);
                }

                var cancel = CancellationToken.None;
                if (await Deposits.FindAsync(work, id, caller.CustomerId, cancel) is null)
                {
                    return HttpAnswer.Refused(context, Entry.NotFound);
                }

                var by = await Requester.OfAsync(work, caller, RequestIds.Of(context), cancel);
                return await approvals.RefuseAsync(work, id, withdraw: true, null, by, cancel) is { } refused
                    ? HttpAnswer.Refused(context, refused)
                    : HttpAnswer.Json(200, await Deposits.FindAsync(work, id, caller.CustomerId, cancel));
            },
            required: true
        );

    private static Task PaidAsync(HttpContext context, Guid id, Database database) =>
        EndAsync(
            context,
            id,
            database,
            static fields =>
            {
                var reference = fields.Text("payout_reference", LongestReference);
                if (reference is not null && CardNumbers.AreIn(reference))
                {
                    fields.Add(
                        "payout_reference",
                        "card_number",
                        "Card numbers are not taken: give the payment's own."
                    );
                }

                return reference;
            },
            "paid"
        );

    private static Task FailedAsync(HttpContext context, Guid id, Database database) =>
        EndAsync(context, id, database, static _ => null, "failed");

    private static Task EndAsync(
        HttpContext context,
        Guid id,
        Database database,
        Func<Fields, string?> read,
        string state
    ) =>
        Idempotent.RunAsync(
            context,
            database,
            Caller.Of(context).ClientId,
            async (work, fields) =>
            {
                var caller = Caller.Of(context);
                var cancel = CancellationToken.None;
                var reference = read(fields);
                if ((fields.Finish() ?? Outsider(caller, isOwn: false)) is { } wrong)
                {
                    return HttpAnswer.Refused(context, wrong);
                }

                if (await Deposits.FindAsync(work, id, null, cancel) is not { Wanted: var wanted })
                {
                    return HttpAnswer.Refused(context, Entry.NotFound);
                }

                var deposit = await Deposits.HoldAsync(work, wanted.CustomerId, wanted.Amount.Currency, cancel);
                var now = await work.ClockAsync(cancel);
                var over = await Deposits.TurnAsync(work, id, "approved", state, reference, now, cancel);
                if (over is null)
                {
                    return HttpAnswer.Refused(context, BalanceRefusals.NotApproved);
                }

                (string, object?)[] told = [];
                if (state == "failed")
                {
                    var amount = wanted.Amount.Minor;
                    var back = new Transfer(Guid.CreateVersion7(), "restore", id, [over.AccountId], [amount]);
                    await Deposits.MoveAsync(work, back, wanted.Account, now, cancel);
                    told = [("transfer_id", back.Id), .. Deposits.Moved(deposit!.Posted, amount)];
                }

                var by = (caller.Actor, RequestIds.Of(context));
                await Deposits.TellAsync(work, id, wanted, over.Version, state, by, now, cancel, told);
                return HttpAnswer.Json(200, over);
            },
            required: true
        );

    private static Refusal? Outsider(Caller caller, bool isOwn) =>
        isOwn
            ? caller.CustomerId is null
                ? BalanceRefusals.CustomersOnly
                : null
            : caller.Realm == Realms.Staff
                ? null
                : BalanceRefusals.StaffOnly;
}
