using System.Text.Json;
using Tessera.Server.Tests.Support;
using Xunit;

namespace Tessera.Server.Tests.Access.People;

/// <summary>What a person likes about the app is kept with the account (UI-12).</summary>
[Collection(PostgresCollection.Name)]
public sealed class PreferenceTests(PostgresFixture postgres) : IAsyncLifetime
{
    private const string Path = "/api/v1/account/preferences";

    private TestHost _host = null!;

    public async Task InitializeAsync() => _host = await TestHost.StartAsync(postgres);

    public async Task DisposeAsync() => await _host.DisposeAsync();

    [Fact]
    public async Task Likings_are_ones_own_and_saved_as_a_whole()
    {
        using var ada = await Person.StaffAsync(_host, "ada@example.com", "finance");
        using var bob = await Person.StaffAsync(_host, "bob@example.com", "finance");
        var none = await ada.GetAsync(Path);
        Assert.Equal("""{"sorts":{},"recent_searches":[],"toasts":null}""", none.Body);
        var liked = new
        {
            sorts = new { coupons = "revenue_desc,code_asc" },
            recent_searches = (string[])["spring", "Größe 42"],
            toasts = (string[])["expired"],
        };
        Assert.Equal(200, (await PutAsync(ada, liked)).Status);
        Assert.Equal(200, (await PutAsync(ada, liked)).Status);
        var kept = (await ada.GetAsync(Path)).Json;
        Assert.Equal("revenue_desc,code_asc", kept.GetProperty("sorts").GetProperty("coupons").GetString());
        Assert.Equal("Größe 42", kept.GetProperty("recent_searches")[1].GetString());
        Assert.Equal(none.Body, (await bob.GetAsync(Path)).Body);

        Assert.Equal(200, (await PutAsync(ada, new { sorts = new { } })).Status);
        Assert.Equal(none.Body, (await ada.GetAsync(Path)).Body);

        // Each change is told once, and never what was searched for.
        Assert.Equal(
            ["{}", "{}"],
            await _host.Database.ColumnAsync<string>(
                "select payload::text from platform.event where type = 'person.preferences_changed'"
            )
        );
    }

    [Fact]
    public async Task What_is_no_liking_is_refused_and_a_key_has_none()
    {
        using var ada = await Person.StaffAsync(_host, "ada@example.com", "finance");
        var wrong = await PutAsync(
            ada,
            new
            {
                sorts = new { coupons = "code; drop table", @Bad = "code_asc" },
                recent_searches = Enumerable.Repeat(new string('x', 201), 2),
                toasts = (string[])["thunder"],
                theme = "dark",
            }
        );
        Assert.Equal(
            [
                ("sorts.coupons", "invalid_sort"),
                ("sorts.Bad", "invalid_sort"),
                ("recent_searches.0", "too_long"),
                ("recent_searches.1", "too_long"),
                ("toasts.0", "unknown_value"),
                ("theme", "unknown_member"),
            ],
            wrong.Errors
        );
        var many = await PutAsync(ada, new { recent_searches = Enumerable.Repeat("x", 9) });
        Assert.Equal([("recent_searches", "too_many")], many.Errors);
        Assert.Equal("person_needed", (await _host.GetAsync(Path)).Code);
        Assert.Equal("person_needed", (await _host.SendAsync(HttpMethod.Put, Path, new { sorts = new { } })).Code);
    }

    private static Task<Reply> PutAsync(Browser browser, object likings) =>
        browser.SendAsync(HttpMethod.Put, Path, JsonSerializer.Serialize(likings));
}
