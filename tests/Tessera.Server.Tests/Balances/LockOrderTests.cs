using Tessera.Core.Limits;
using Tessera.Server.Balances;
using Tessera.Server.Tests.Support;
using Xunit;

namespace Tessera.Server.Tests.Balances;

[Collection(PostgresCollection.Name)]
public sealed class LockOrderTests(PostgresFixture postgres)
{
    [Fact]
    public async Task Uses_of_a_coupon_are_locked_after_those_of_its_customers_in_code_and_in_sql()
    {
        LimitAccount[] accounts =
        [
            .. Enumerable.Range(1, 20).Select(static n => LimitAccount.OfCoupon(n, 1)),
            .. Enumerable.Range(1, 20).Select(static n => LimitAccount.OfCustomer(n, Guid.CreateVersion7(), 1)),
        ];
        var ordered = accounts.Order(LockOrder.Comparer).ToArray();
        Assert.All(ordered[..20], static a => Assert.Equal(AccountKinds.CouponCustomerUses, a.Kind));
        var database = await postgres.DatabaseAsync();
        var inSql = await database.ScalarAsync<Guid[]>(
            $"select array_agg(a.id order by {LockOrder.Sql}) from unnest($1::uuid[], $2::text[]) as a (id, kind)",
            accounts.Select(static a => a.Id).ToArray(),
            accounts.Select(static a => a.Kind).ToArray()
        );
        Assert.Equal(ordered.Select(static a => a.Id), inSql);
    }
}
