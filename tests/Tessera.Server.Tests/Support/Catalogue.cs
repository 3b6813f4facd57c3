namespace Tessera.Server.Tests.Support;

/// <summary>Coupons, units and customers that a test states in a line, written straight into the tables.</summary>
public sealed class Catalogue(TestDatabase database)
{
    private int _customers;

    /// <summary>A coupon with a shared code; its columns as SQL, over sensible defaults.</summary>
    public async Task<long> CouponAsync(string code, string columns = "", string values = "", string kind = "shared")
    {
        var more = columns.Length == 0 ? "" : ", " + columns;
        var moreValues = values.Length == 0 ? "" : ", " + values;
        var valid = columns.Contains("valid_from", StringComparison.Ordinal)
            ? ("", "")
            : ("valid_from, ", "clock_timestamp() - interval '1 day', ");
        var id = await database.ScalarAsync<long>(
            $"""
            insert into coupons.coupon (code, code_kind, internal_name, description, {valid.Item1}discount_type, discount_percent,
                discount_minor, is_active, created_by{more})
            values ($1, $2, 'A coupon', '{"{"}"en": "A coupon"{"}"}', {valid.Item2}{Discount(
                columns
            )}, true, 'job:test'{moreValues})
            returning id
            """,
            code,
            kind
        );
        await database.ExecuteAsync("insert into coupons.code (code, coupon_id) values ($1, $2)", code, id);
        return id;

        static string Discount(string columns) =>
            columns.Contains("max_discount_minor", StringComparison.Ordinal)
                ? "'percentage', 50, null"
                : "'percentage', 10, null";
    }

    /// <summary>A unit with a unique code.</summary>
    public async Task<long> UnitAsync(
        long coupon,
        string code,
        Guid? holder = null,
        string from = "clock_timestamp() - interval '1 day'",
        string until = "'infinity'"
    )
    {
        var id = await database.ScalarAsync<long>("select nextval('coupons.instance_block') * 1024");
        // Said once: a month may end between two looks at the clock.
        var end = await database.ScalarAsync<string>($"select ({until})::timestamptz::text");
        await database.ExecuteAsync("select coupons.ensure_instance_months(array[$1::timestamptz])", end);
        await database.ExecuteAsync(
            $"""
            with i as (
                insert into coupons.instance (id, valid_until, coupon_id, code, customer_id, valid_from)
                values ($1, $5::timestamptz, $2, $3, $4, {from}) returning valid_until
            )
            insert into coupons.code (code, coupon_id, instance_id, valid_until) select $3, $2, $1, valid_until from i
            """,
            id,
            coupon,
            code,
            holder,
            end
        );
        await database.ExecuteAsync(
            """
            insert into platform.event (id, aggregatetype, aggregateid, type, sequence, actor, payload, created_at)
            values (gen_random_uuid(), 'coupon', $1::text, 'coupon.instances_issued', 1, 'job:test',
                jsonb_build_object('first_id', $2, 'last_id', $2), clock_timestamp())
            """,
            coupon,
            id
        );
        return id;
    }

    /// <summary>Makes an issued unit a paid one, as its second step.</summary>
    public async Task PayAsync(long unit)
    {
        await database.ExecuteAsync("update coupons.instance set state = 'paid', version = 2 where id = $1", unit);
        await database.ExecuteAsync(
            """
            insert into platform.event (id, aggregatetype, aggregateid, type, sequence, actor, payload, created_at)
            values (gen_random_uuid(), 'instance', $1::text, 'coupon.state_changed', 2, 'job:test',
                '{"from": "issued", "to": "paid"}', clock_timestamp())
            """,
            unit
        );
    }

    /// <summary>Lets the window of a unit be over, without anybody having changed it.</summary>
    public async Task EndAsync(long unit)
    {
        var end = await database.ScalarAsync<DateTime>("select clock_timestamp() - interval '1 minute'");
        await database.ExecuteAsync("select coupons.ensure_instance_months(array[$1])", end);
        await database.ExecuteAsync("update coupons.instance set valid_until = $2 where id = $1", unit, end);
    }

    public async Task<Guid> CustomerAsync(string? externalId = null)
    {
        var id = Guid.CreateVersion7();
        await database.ExecuteAsync(
            "insert into access.customer (id, external_id) values ($1, $2)",
            id,
            externalId ?? "c" + Interlocked.Increment(ref _customers)
        );
        return id;
    }
}
