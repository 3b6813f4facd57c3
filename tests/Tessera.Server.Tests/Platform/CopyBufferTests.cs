using Tessera.Server.Platform;
using Tessera.Server.Tests.Support;
using Xunit;

namespace Tessera.Server.Tests.Platform;

[Collection(PostgresCollection.Name)]
public sealed class CopyBufferTests(PostgresFixture postgres)
{
    [Fact]
    public async Task What_is_copied_is_what_was_given()
    {
        await using var database = await postgres.DatabaseAsync(migrated: false);
        await database.ExecuteAsync(
            """
            create table copied (place int, t text, b bigint, f boolean, u uuid, at timestamptz, j jsonb, n numeric, ts text[], ns integer[]);
            do $$ begin create role tessera_app nologin; exception when duplicate_object then null; end $$;
            grant all on copied to tessera_app;
            """
        );
        var id = Guid.CreateVersion7();
        var at = new DateTimeOffset(2031, 5, 6, 7, 8, 9, TimeSpan.FromHours(2)).AddTicks(1234560);
        decimal?[] numbers = [0m, 10m, 12.50m, 0.001m, -99.999m, 12345678.9m, 79228162514264337593543950335m, null];
        var buffer = new CopyBuffer();
        for (var round = 0; round < 2; round++)
        {
            buffer.Begin();
            for (var i = 0; i < numbers.Length; i++)
            {
                buffer.Row(10);
                buffer.Add(i);
                buffer.Add(i % 2 == 0 ? "Grüße \n, \"x\"" : null);
                buffer.Add(i % 2 == 0 ? long.MinValue : (long?)null);
                buffer.Add(i % 2 == 0);
                buffer.Add(i % 2 == 0 ? id : (Guid?)null);
                buffer.Add(i % 2 == 0 ? at : DateTimeOffset.MaxValue);
                buffer.AddJson("""{"a": [1, null]}"""u8);
                buffer.Add(numbers[i]);
                buffer.Add(i % 2 == 0 ? ["a,b", ""] : (IReadOnlyList<string>?)null);
                buffer.Add(i % 2 == 0 ? [] : (IReadOnlyList<int>)[1, -2]);
            }

            await using var work = await database.Database.BeginAsync(default);
            await buffer.SendAsync(work, "copied", default);
            await work.CommitAsync(default);
        }

        Assert.Equal(
            numbers.Select(static n => n?.ToString(System.Globalization.CultureInfo.InvariantCulture) ?? "none"),
            await database.ColumnAsync<string>(
                "select distinct on (place) coalesce(n::text, 'none') from copied order by place"
            )
        );
        Assert.Equal(
            numbers.Length,
            await database.ScalarAsync<long>(
                """
                select count(*) from copied where case place % 2
                    when 0 then (t, b, f, u, at, ts, ns) = ('Grüße ' || chr(10) || ', "x"', -9223372036854775808, true, $1, $2, '{"a,b",""}', '{}')
                    else t is null and b is null and not f and u is null and at = 'infinity' and ts is null and ns = '{1,-2}' end
                    and j = '{"a": [1, null]}'
                """,
                id,
                at.ToUniversalTime()
            ) / 2
        );
    }
}
