using System.Text.Json;
using Tessera.Server.Access;
using Tessera.Server.Tests.Insights;
using Tessera.Server.Tests.Support;
using Xunit;

namespace Tessera.Server.Tests.Expiration;

/// <summary>Each figure of the pipeline is as many as the rows it leads to (MET-24).</summary>
[Collection(PostgresCollection.Name)]
public sealed class FigureRowsTests(PostgresFixture postgres) : IAsyncLifetime
{
    private const string Path = "/api/v1/expiry";

    private TestHost _host = null!;

    public async Task InitializeAsync()
    {
        _host = await TestHost.StartAsync(postgres);
        // Nothing moves while figures and rows are compared.
        Assert.Equal(200, (await _host.PostAsync(Path + "/pause")).Status);
    }

    public async Task DisposeAsync() => await _host.DisposeAsync();

    [Fact]
    public async Task Backlog_lag_and_plan_are_those_of_the_jobs_they_lead_to()
    {
        // What is due of a job is known when its hour is over.
        await Midnight.HourAsync();
        // Hours that are over, one that may not be, two to come, and jobs that are done or given up.
        await _host.Database.ExecuteAsync(
            """
            with wanted (place, ago, state, planned, units, progress) as (values
                (1, interval '3 hours', 'waiting', 100, 40, interval '30 minutes'),
                (2, interval '5 hours', 'waiting', 70, 90, interval '50 minutes'),
                (3, interval '4 hours', 'waiting', 7, 0, interval '0'),
                (4, interval '10 minutes', 'waiting', 1000, 10, interval '0'),
                (5, interval '-3 hours', 'waiting', 500, 0, interval '0'),
                (6, interval '-9 hours', 'waiting', 11, 0, interval '0'),
                (7, interval '7 hours', 'done', 20, 20, interval '1 hour'),
                (8, interval '8 hours', 'failed', 30, 5, interval '1 minute')
            ), hour as (
                select w.*, date_trunc('hour', clock_timestamp() - ago, 'UTC') as at from wanted w
            ), b as (
                insert into expiration.bucket select at, at + interval '1 hour', planned, 'hand', clock_timestamp() from hour
                returning starts_at
            )
            insert into expiration.job (bucket, from_at, from_id, until_at, until_id, done_at, done_id, planned, units, state,
                created_at)
            select at, at, -1, at + interval '1 hour', -1, at + progress, -1, planned, units, state, clock_timestamp()
            from hour join b on b.starts_at = hour.at order by place
            """
        );
        var figures = (await _host.GetAsync(Path + "/figures")).Json;
        var (backlog, ahead) = (figures.GetProperty("backlog"), figures.GetProperty("ahead"));

        var behind = await JobsAsync("due=behind");
        Assert.Equal(4, behind.Count);
        Assert.Equal(behind.Count, backlog.GetProperty("jobs").GetInt32());
        Assert.Equal(Sum(behind, "units_due"), backlog.GetProperty("units").GetInt64());
        Assert.True(backlog.GetProperty("units").GetInt64() >= 67);

        // The one that is furthest behind is the first row, and says how far it has come.
        var due = await JobsAsync("due=now&sort=done_until");
        var oldest = backlog.GetProperty("oldest_due_at").GetDateTimeOffset();
        Assert.Equal(oldest, due[0].GetProperty("done_until").GetDateTimeOffset());
        Assert.Equal(due.Min(static j => j.GetProperty("done_until").GetDateTimeOffset()), oldest);
        Assert.Equal(
            (figures.GetProperty("as_of").GetDateTimeOffset() - oldest).TotalSeconds,
            backlog.GetProperty("lag_seconds").GetDouble(),
            tolerance: 0.001
        );

        var later = await JobsAsync("due=later");
        Assert.Equal((2, 511), (ahead.GetProperty("jobs").GetInt32(), ahead.GetProperty("units").GetInt64()));
        Assert.Equal((2, 511), (later.Count, Sum(later, "planned")));

        Assert.Equal(1, backlog.GetProperty("failed_jobs").GetInt32());
        Assert.Single(await JobsAsync("state=failed"));
        Assert.Equal(400, (await _host.GetAsync(Path + "/jobs?due=soon")).Status);
        Assert.Equal(400, (await _host.GetAsync(Path + "/jobs/totals?due=soon")).Status);
    }

    [Fact]
    public async Task What_was_told_in_the_last_hour_and_in_time_is_the_sum_of_its_events()
    {
        await _host.Database.ExecuteAsync(
            """
            insert into expiration.batch (id, coupon_id, from_state, version, runs, first_id, last_id, units, ends_from, ends_until,
                cause, created_at)
            select gen_random_uuid(), 1, 'issued', 1, int8multirange(int8range(n, n + 1)), n, n, units,
                clock_timestamp() - ago - late, clock_timestamp() - ago - late, cause, clock_timestamp() - ago
            from (values
                (1, 10, interval '5 minutes', interval '3 seconds', 'end_reached'),
                (2, 20, interval '40 minutes', interval '58 seconds', 'end_reached'),
                (3, 4, interval '50 minutes', interval '61 seconds', 'end_reached'),
                (4, 8, interval '30 minutes', interval '0', 'forced'),
                (5, 100, interval '2 hours', interval '1 second', 'end_reached'),
                (6, 50, interval '20 hours', interval '3 hours', 'end_reached'),
                (7, 1000, interval '25 hours', interval '1 second', 'end_reached')
            ) as told (n, units, ago, late, cause)
            """
        );
        var figures = (await _host.GetAsync(Path + "/figures")).Json;
        var end = figures.GetProperty("as_of").GetDateTimeOffset();
        var hour = Span(end, TimeSpan.FromHours(1));
        var day = Span(end, TimeSpan.FromDays(1));
        var sla = figures.GetProperty("sla");

        Assert.Equal(34, figures.GetProperty("processed_last_hour").GetInt64());
        Assert.Equal((3, 34, 30), await ReleasesAsync("cause=end_reached&" + hour));
        Assert.Equal((4, 42, 38), await ReleasesAsync(hour));
        Assert.Equal(184, sla.GetProperty("units").GetInt64());
        Assert.Equal((5, 184, 130), await ReleasesAsync("cause=end_reached&" + day));
        Assert.Equal(130, sla.GetProperty("in_time").GetInt64());
        Assert.Equal((3, 130, 130), await ReleasesAsync("cause=end_reached&in_time=true&" + day));
        Assert.Equal((2, 54, 0), await ReleasesAsync("cause=end_reached&in_time=false&" + day));
        Assert.Equal(130 / 184.0, sla.GetProperty("ratio").GetDouble(), 5);
        var totals = (await _host.GetAsync($"{Path}/releases/totals?cause=end_reached&{day}")).Json;
        Assert.Equal(sla.GetProperty("worst_seconds").GetDouble(), totals.GetProperty("worst_seconds").GetDouble(), 3);
        Assert.Equal(400, (await _host.GetAsync(Path + "/releases?cause=boredom&in_time=perhaps&from=never")).Status);
    }

    [Fact]
    public async Task The_rate_of_failures_is_that_of_the_minutes_it_leads_to()
    {
        await _host.Database.ExecuteAsync(
            """
            insert into expiration.minute (at, node, units, steps, failures, late_ms)
            select date_trunc('minute', clock_timestamp() - ago), node, units, steps, failures, 900
            from (values
                (interval '5 minutes', 'a', 100, 9, 0), (interval '5 minutes', 'b', 50, 5, 1),
                (interval '50 minutes', 'a', 10, 2, 3), (interval '2 hours', 'a', 7, 7, 7)
            ) as worked (ago, node, units, steps, failures)
            """
        );
        var figures = (await _host.GetAsync(Path + "/figures")).Json;
        var hour = Span(figures.GetProperty("as_of").GetDateTimeOffset(), TimeSpan.FromHours(1));
        var minutes = await MinutesAsync(hour);
        Assert.Equal(3, minutes.Count);
        var (steps, failures) = (Sum(minutes, "steps"), Sum(minutes, "failures"));
        Assert.Equal((16, 4), (steps, failures));
        Assert.Equal(failures / (double)(steps + failures), figures.GetProperty("failure_rate").GetDouble(), 5);
        Assert.Equal(2, (await MinutesAsync("has_failures=true&" + hour)).Count);

        // A minute of the chart: what all nodes did.
        foreach (var minute in figures.GetProperty("minutes").EnumerateArray())
        {
            var at = minute.GetProperty("at").GetDateTimeOffset();
            var rows = await MinutesAsync($"from={Stamp(at)}&to={Stamp(at.AddMinutes(1))}");
            Assert.Equal(minute.GetProperty("units").GetInt64(), Sum(rows, "units"));
            Assert.Equal(minute.GetProperty("failures").GetInt64(), Sum(rows, "failures"));
        }

        Assert.Equal(400, (await _host.GetAsync(Path + "/minutes?has_failures=perhaps")).Status);
    }

    [Fact]
    public async Task The_rows_of_the_pipeline_are_not_for_merchants_and_take_its_permission()
    {
        using var merchant = _host.ClientOf(
            await _host.KeyAsync([Permissions.ExpiryRead], Guid.CreateVersion7(), merchantExists: false)
        );
        using var stranger = _host.ClientOf(await _host.KeyAsync([Permissions.CouponsRead]));
        foreach (
            var list in (string[])["jobs", "jobs/totals", "releases", "releases/totals", "minutes", "minutes/totals"]
        )
        {
            Assert.Equal("not_for_merchants", (await _host.GetAsync($"{Path}/{list}", merchant)).Code);
            Assert.Equal(403, (await _host.GetAsync($"{Path}/{list}", stranger)).Status);
        }
    }

    private async Task<List<JsonElement>> JobsAsync(string filter)
    {
        var rows = await Drilldown.RowsAsync(_host, $"{Path}/jobs?{filter}");
        var totals = (
            await _host.GetAsync(
                $"{Path}/jobs/totals?{filter.Replace("&sort=done_until", "", StringComparison.Ordinal)}"
            )
        ).Json;
        Assert.Equal(rows.Count, totals.GetProperty("jobs").GetInt32());
        foreach (var name in (string[])["planned", "units", "units_due"])
        {
            Assert.Equal(Sum(rows, name), totals.GetProperty(name).GetInt64());
        }

        return rows;
    }

    private async Task<(int Events, long Units, long InTime)> ReleasesAsync(string filter)
    {
        var rows = await Drilldown.RowsAsync(_host, $"{Path}/releases?{filter}");
        var totals = (await _host.GetAsync($"{Path}/releases/totals?{filter}")).Json;
        Assert.Equal(rows.Count, totals.GetProperty("events").GetInt32());
        Assert.Equal(Sum(rows, "units"), totals.GetProperty("units").GetInt64());
        return (rows.Count, Sum(rows, "units"), totals.GetProperty("in_time").GetInt64());
    }

    private async Task<List<JsonElement>> MinutesAsync(string filter)
    {
        var rows = await Drilldown.RowsAsync(_host, $"{Path}/minutes?{filter}");
        var totals = (await _host.GetAsync($"{Path}/minutes/totals?{filter}")).Json;
        foreach (var name in (string[])["units", "steps", "failures"])
        {
            Assert.Equal(Sum(rows, name), totals.GetProperty(name).GetInt64());
        }

        return rows;
    }

    private static long Sum(IEnumerable<JsonElement> rows, string name) =>
        rows.Sum(r => r.GetProperty(name).GetInt64());

    private static string Span(DateTimeOffset end, TimeSpan length) => $"from={Stamp(end - length)}&to={Stamp(end)}";

    private static string Stamp(DateTimeOffset at) => Uri.EscapeDataString(at.ToString("O"));
}
