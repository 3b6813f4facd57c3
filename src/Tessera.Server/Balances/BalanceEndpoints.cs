using Microsoft.AspNetCore.Builder;
using Microsoft.AspNetCore.Http;
using Microsoft.AspNetCore.Routing;
using Npgsql;
using Tessera.Core;
using Tessera.Server.Access;
using Tessera.Server.Platform;
using Tessera.Server.Platform.Http;

namespace Tessera.Server.Balances;

/// <summary>What a customer has here in one currency.</summary>
/// <param name="CustomerId">Whose it is.</param>
/// <param name="AccountId">The account, as adjustments name it.</param>
/// <param name="Balance">All of it.</param>
/// <param name="Held">What waits to be withdrawn.</param>
/// <param name="Available">What may be withdrawn.</param>
internal sealed record CustomerBalance(Guid CustomerId, Guid AccountId, Money Balance, Money Held, Money Available);

/// <summary>All balances of a customer, one for each currency.</summary>
/// <param name="Data">By currency.</param>
internal sealed record CustomerBalances(IReadOnlyList<CustomerBalance> Data);

/// <summary>What moved a balance.</summary>
/// <param name="Id">Of the transfer; of a deposit, adjustment or withdrawal also of its request for approval.</param>
/// <param name="AccountId">The balance.</param>
/// <param name="Kind">
/// <c>deposit</c>, <c>adjust</c>, <c>withdraw</c>, or <c>restore</c>: a withdrawal that could not be paid out.
/// </param>
/// <param name="Reference">What it belongs to: the request for approval, or the withdrawal.</param>
/// <param name="Amount">Below zero for what was taken off.</param>
/// <param name="At">The database clock.</param>
internal sealed record BalanceMovement(
    Guid Id,
    Guid AccountId,
    string Kind,
    Guid Reference,
    Money Amount,
    DateTimeOffset At
);

/// <summary>Balances of customers over HTTP, and their movements (BAL-14): for staff, and for the customer.</summary>
internal static class BalanceEndpoints
{
    private const string OfCustomer = "a.kind = 'customer_deposit' and a.owner_id = {}::text";

    private static readonly Listed<BalanceMovement> Movements = Listed.ByTime(
        """
        select t.id, a.id, t.kind, t.reference, t.amounts[1], a.unit, t.at
        from balances.account a join balances.transfer t on t.account_ids[1] = a.id
            and t.kind in ('adjust', 'deposit', 'withdraw', 'restore')
        """,
        "t.at",
        "t.id",
        static row => new BalanceMovement(
            row.GetGuid(0),
            row.GetGuid(1),
            row.GetString(2),
            row.GetGuid(3),
            new Money(row.GetInt64(4), row.GetString(5)),
            row.GetFieldValue<DateTimeOffset>(6)
        ),
        static m => (m.At, m.Id)
    );

    private static readonly CustomerBalance Sample = new(
        Samples.Id,
        Samples.Id,
        new Money(5_000, "EUR"),
        new Money(1_200, "EUR"),
        new Money(3_800, "EUR")
    );

    private static readonly BalanceMovement Moved = new(
        Samples.Id,
        Samples.Id,
        "deposit",
        Samples.Id,
        new Money(5_000, "EUR"),
        Samples.At
    );

    public static void Map(IEndpointRouteBuilder api)
    {
        var customers = api.MapGroup("/customers/{id:guid}").WithTags("Balances");
        customers
            .MapGet("/balances", (HttpContext context, Guid id, Database database) => ReadAsync(context, id, database))
            .WithName("getCustomerBalances")
            .WithSummary("Read what a customer has here, by currency; that it was read is logged")
            .RequirePermission(Permissions.BalancesRead)
            .WithAnswer(200, new CustomerBalances([Sample]), "The balances; none where nothing was ever put there.")
            .WithRefusals(BalanceRefusals.StaffOnly)
            .LogReads("balances", "customer");
        customers
            .MapGet(
                "/balance-movements",
                (HttpContext context, Guid id, Database database, Cursors cursors) =>
                    ListAsync(context, id, database, cursors)
            )
            .WithName("listCustomerBalanceMovements")
            .WithSummary("List what moved the balances of a customer; that it was read is logged")
            .RequirePermission(Permissions.BalancesRead)
            .WithPages(["at"])
            .WithQuery("currency", "string", "Only the balance in this currency.")
            .WithAnswer(200, new Page<BalanceMovement>([Moved], false, null), "A page.")
            .WithRefusals(BalanceRefusals.StaffOnly)
            .LogReads("balance_movements", "customer");
        var own = api.MapGroup("/own").WithTags("Balances");
        own.MapGet("/balances", (HttpContext context, Database database) => ReadAsync(context, null, database))
            .WithName("getOwnBalances")
            .WithSummary("Of a customer: read what you have here, by currency")
            .RequirePermission(Permissions.OwnRead)
            .WithAnswer(200, new CustomerBalances([Sample]), "The balances; none where nothing was ever put there.")
            .WithRefusals(BalanceRefusals.CustomersOnly);
        own.MapGet(
                "/balance-movements",
                (HttpContext context, Database database, Cursors cursors) => ListAsync(context, null, database, cursors)
            )
            .WithName("listOwnBalanceMovements")
            .WithSummary("Of a customer: list what moved your balances")
            .RequirePermission(Permissions.OwnRead)
            .WithPages(["at"])
            .WithQuery("currency", "string", "Only the balance in this currency.")
            .WithAnswer(200, new Page<BalanceMovement>([Moved], false, null), "A page.")
            .WithRefusals(BalanceRefusals.CustomersOnly);
    }

    /// <summary>Whose balances are asked for: the customer's own, or the one that staff named.</summary>
    /// <returns>The customer; or why this caller does not get it.</returns>
    public static (Guid? Customer, Refusal? Refusal) WhoseOf(HttpContext context, Guid? named)
    {
        var caller = Caller.Of(context);
        return named is null ? (caller.CustomerId, caller.CustomerId is null ? BalanceRefusals.CustomersOnly : null)
            : caller.Realm == Realms.Staff ? (named, null)
            : (null, BalanceRefusals.StaffOnly);
    }

    private static async Task ReadAsync(HttpContext context, Guid? named, Database database)
    {
        var (customer, outsider) = WhoseOf(context, named);
        if ((new Query(context.Request).Finish() ?? outsider) is { } refusal)
        {
            await Problems.WriteAsync(context, refusal);
            return;
        }

        await using var work = await database.BeginAsync(context.RequestAborted);
        await using (var known = work.Command("select from access.customer where id = $1", customer!.Value))
        await using (var found = await known.ExecuteReaderAsync(context.RequestAborted))
        {
            if (!await found.ReadAsync(context.RequestAborted))
            {
                await Problems.WriteAsync(context, Entry.NotFound);
                return;
            }
        }

        await using var command = work.Command(
            $"""
            select a.id, a.unit, a.posted, a.pending from balances.account a
            where {OfCustomer.Replace("{}", "$1", StringComparison.Ordinal)} order by a.unit
            """,
            customer.Value
        );
        var balances = new List<CustomerBalance>();
        await using var row = await command.ExecuteReaderAsync(context.RequestAborted);
        while (await row.ReadAsync(context.RequestAborted))
        {
            balances.Add(Of(customer.Value, row));
        }

        await HttpAnswer.Json(200, new CustomerBalances(balances)).SendAsync(context);
    }

    private static CustomerBalance Of(Guid customer, NpgsqlDataReader row)
    {
        var (unit, posted, pending) = (row.GetString(1), row.GetInt64(2), row.GetInt64(3));
        return new CustomerBalance(
            customer,
            row.GetGuid(0),
            new Money(posted, unit),
            new Money(pending, unit),
            new Money(posted - pending, unit)
        );
    }

    private static async Task ListAsync(HttpContext context, Guid? named, Database database, Cursors cursors)
    {
        var (customer, outsider) = WhoseOf(context, named);
        var query = new Query(context.Request);
        var page = await cursors.ReadAsync(query, ["at"], "-at", customer, context.RequestAborted);
        var rows = new PageRows("true");
        rows.Where(OfCustomer, customer);
        rows.Equal("a.unit", query.Currency("currency"));
        await rows.AnswerAsync(context, database, query, page, Movements, outsider);
    }
}
