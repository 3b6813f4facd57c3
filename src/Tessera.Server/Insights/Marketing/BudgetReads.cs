using Npgsql;
using NpgsqlTypes;
using Tessera.Core;
using Tessera.Server.Platform;

namespace Tessera.Server.Insights.Marketing;

/// <summary>
/// The course of budgets. It ends where the account stands now; what stood at the end of a day before is that, less what
/// the days since have given.
/// </summary>
internal static class BudgetReads
{
    private const int RateDays = 7;

    public static async Task<BurnDown?> ReadAsync(
        Database database,
        string id,
        Guid? merchant,
        DateOnly today,
        CancellationToken cancel
    )
    {
        await using var work = await database.BeginAsync(cancel);
        await using (
            var seen = work.Command(
                "select from campaigns.campaign where id = $1 and deleted_at is null and ($2::uuid is null or merchant_id = $2)",
                id,
                new NpgsqlParameter { Value = merchant ?? (object)DBNull.Value, NpgsqlDbType = NpgsqlDbType.Uuid }
            )
        )
        await using (var rows = await seen.ExecuteReaderAsync(cancel))
        {
            if (!await rows.ReadAsync(cancel))
            {
                return null;
            }
        }

        var courses = new List<BudgetCourse>();
        foreach (var budget in await Budget.OfAsync(work, id, cancel))
        {
            courses.Add(await CourseAsync(work, budget, today, cancel));
        }

        return new BurnDown(id, courses);
    }

    private static async Task<BudgetCourse> CourseAsync(
        UnitOfWork work,
        Budget budget,
        DateOnly today,
        CancellationToken cancel
    )
    {
        var (unit, bound, posted, held) = (budget.Unit, budget.Bound, budget.Posted, budget.Held);
        decimal Shown(long amount) => unit == Budget.Uses ? amount : Currencies.ToMajor(amount, unit);
        var (first, end) = (budget.First, budget.End);
        var last = end < today ? end.Value : today;
        var days = await DaysAsync(work, budget.Campaign, unit, first, today, cancel);
        var points = new List<BudgetPoint>();
        var after = days.Where(d => d.Day > last).Sum(static d => d.Given);
        foreach (var day in days.Where(d => d.Day <= last).Reverse())
        {
            var spent = Math.Max(0, posted - after);
            var most = day.Bound ?? bound;
            var isNow = day.Day == today;
            points.Add(
                new BudgetPoint(
                    Period.Text(day.Day),
                    Shown(spent),
                    Shown(isNow ? held : day.MostHeld),
                    Shown(Math.Max(0, most - spent - (isNow ? held : 0))),
                    end is { } over && over > first ? Math.Round(Shown(bound) * Left(first, over, day.Day), 2) : null
                )
            );
            after += day.Given;
        }

        points.Reverse();
        var lately = days.Where(d => d.Day > today.AddDays(-RateDays)).Sum(static d => d.Given);
        return new BudgetCourse(
            unit,
            Shown(bound),
            Shown(posted),
            Shown(held),
            Shown(Math.Max(0, bound - posted - held)),
            ExhaustedOn(bound - posted, lately, today, end),
            points
        );
    }

    /// <summary>The share that should be left at the end of a day.</summary>
    private static decimal Left(DateOnly first, DateOnly end, DateOnly day) =>
        Math.Clamp((decimal)(end.DayNumber - day.DayNumber - 1) / (end.DayNumber - first.DayNumber), 0, 1);

    private static string? ExhaustedOn(long left, long lately, DateOnly today, DateOnly? end)
    {
        if (lately <= 0 || left <= 0 || end < today)
        {
            return null;
        }

        var days = left * RateDays / lately;
        return days > 3_650 || today.AddDays((int)days) is var day && day > end ? null : Period.Text(day);
    }

    private static async Task<IReadOnlyList<BudgetDay>> DaysAsync(
        UnitOfWork work,
        string campaign,
        string unit,
        DateOnly first,
        DateOnly today,
        CancellationToken cancel
    )
    {
        await using var command = work.Command(
            """
            with given as (
                select d.day, sum(case when $2 = 'use' then d.redemptions - d.rolled_back
                    when d.currency = $2 then d.discount_minor else 0 end)::bigint as amount
                from coupons.coupon c join insights.coupon_day d on d.coupon_id = c.id
                where c.campaign_id = $1 and d.day between $3 and $4 group by 1
            )
            select n::date, coalesce(g.amount, 0), b.bound, coalesce(b.most_held, 0)
            from generate_series(greatest($3::date, $4::date - 1100)::timestamp, $4::timestamp, interval '1 day') n
            left join given g on g.day = n::date
            left join insights.budget_day b on b.campaign_id = $1 and b.unit = $2 and b.day = n::date
            order by 1
            """,
            campaign,
            unit,
            first,
            today
        );
        var days = new List<BudgetDay>();
        await using var row = await command.ExecuteReaderAsync(cancel);
        while (await row.ReadAsync(cancel))
        {
            days.Add(
                new BudgetDay(row.GetFieldValue<DateOnly>(0), row.GetInt64(1), row.Value<long>(2), row.GetInt64(3))
            );
        }

        return days;
    }

    private readonly record struct BudgetDay(DateOnly Day, long Given, long? Bound, long MostHeld);
}
