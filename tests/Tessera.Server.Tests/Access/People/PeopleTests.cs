using System.Text.Json;
using Tessera.Server.Access;
using Tessera.Server.Access.People;
using Tessera.Server.Tests.Support;
using Xunit;

namespace Tessera.Server.Tests.Access.People;

/// <summary>Inviting, changing and switching off people, and the roles they get (ACC-01, ACC-02, ACC-04).</summary>
[Collection(PostgresCollection.Name)]
public sealed class PeopleTests(PostgresFixture postgres) : IAsyncLifetime
{
    private static readonly Dictionary<string, string> Any = new() { ["If-Match"] = "*" };

    private TestHost _host = null!;
    private Browser _admin = null!;

    public async Task InitializeAsync()
    {
        _host = await TestHost.StartAsync(postgres);
        _admin = await Person.StaffAsync(_host, "admin@example.com", ReadyRoles.Administrator);
    }

    public async Task DisposeAsync()
    {
        _admin.Dispose();
        await _host.DisposeAsync();
    }

    [Fact]
    public async Task An_invited_person_sets_a_password_once_and_signs_in()
    {
        var invited = await InviteAsync(_admin, "staff", "New@Example.com", ["finance"]);
        var token = invited.Json.GetProperty("invitation_token").GetString();
        using var browser = new Browser(_host.Address);
        var weak = await browser.PostAsync(
            "/api/v1/invitations/accept",
            new { token, password = "new@example.com!!!!" }
        );
        Assert.Equal([("password", "contains_context")], weak.Errors);
        object accepted = new { token, password = Person.Password };
        var both = await Task.WhenAll(
            browser.PostAsync("/api/v1/invitations/accept", accepted),
            browser.PostAsync("/api/v1/invitations/accept", accepted)
        );
        Assert.Equal([204, 404], both.Select(r => r.Status).Order());
        Assert.Equal(200, (await browser.SignInAsync("staff", "new@example.com", Person.Password)).Status);

        // Forgotten: the new token ends the old password's sessions.
        var id = invited.Json.GetProperty("person").GetProperty("id").GetString();
        var again = await _admin.PostAsync($"/api/v1/people/{id}/invitation");
        var next = again.Json.GetProperty("invitation_token").GetString();
        using var other = new Browser(_host.Address);
        await other.PostAsync(
            "/api/v1/invitations/accept",
            new { token = next, password = "another long pass phrase" }
        );
        Assert.Equal(401, (await browser.GetAsync("/api/v1/session")).Status);
        Assert.Equal(401, (await browser.SignInAsync("staff", "new@example.com", Person.Password)).Status);
    }

    [Fact]
    public async Task A_repeat_with_the_same_key_makes_nobody_and_shows_no_token()
    {
        var headers = new Dictionary<string, string> { ["Idempotency-Key"] = "k-1" };
        object body = Body("staff", "twice@example.com", ["finance"]);
        using var client = _host.ClientOf(_host.Key);
        var first = await _host.SendAsync(HttpMethod.Post, "/api/v1/people", body, "k-1", client);
        var second = await _host.SendAsync(HttpMethod.Post, "/api/v1/people", body, "k-1", client);
        Assert.Equal((201, 201), (first.Status, second.Status));
        Assert.NotNull(first.Json.GetProperty("invitation_token").GetString());
        Assert.Equal(JsonValueKind.Null, second.Json.GetProperty("invitation_token").ValueKind);
        Assert.Equal("person_exists", (await _admin.PostAsync("/api/v1/people", body)).Code);
    }

    [Fact]
    public async Task Switching_off_and_taking_a_role_away_end_all_sessions_at_once_on_every_node()
    {
        await using var second = await TestHost.StartAsync(new TestDatabase(_host.Database.ConnectionString));
        using var browser = await Person.StaffAsync(_host, "gone@example.com", "finance", "reviewer");
        using var elsewhere = new Browser(second.Address);
        await elsewhere.SignInAsync("staff", "gone@example.com", Person.Password);
        var id = await IdOfAsync("gone@example.com");
        var role = await _admin.SendAsync(
            HttpMethod.Patch,
            "/api/v1/people/" + id,
            new { roles = (string[])["finance"] },
            Any
        );
        Assert.Equal(200, role.Status);
        Assert.Equal(401, (await elsewhere.GetAsync("/api/v1/session")).Status);
        await elsewhere.SignInAsync("staff", "gone@example.com", Person.Password);
        var off = await _admin.SendAsync(HttpMethod.Patch, "/api/v1/people/" + id, new { is_active = false }, Any);
        Assert.False(off.Json.GetProperty("is_active").GetBoolean());
        Assert.Equal(401, (await elsewhere.GetAsync("/api/v1/session")).Status);
        Assert.Equal(401, (await browser.SignInAsync("staff", "gone@example.com", Person.Password)).Status);
        Assert.Equal("person_switched_off", (await _admin.PostAsync($"/api/v1/people/{id}/invitation")).Code);
    }

    [Fact]
    public async Task Nobody_gives_a_role_that_is_more_than_his_own_or_takes_over_somebody_with_more()
    {
        await MakeRoleAsync("people_keeper", [Permissions.PeopleRead, Permissions.PeopleManage]);
        using var keeper = await Person.StaffAsync(_host, "keeper@example.com", "people_keeper");
        var admin = await IdOfAsync("admin@example.com");
        Reply[] replies =
        [
            await keeper.PostAsync("/api/v1/people", Body("staff", "puppet@example.com", ["administrator"])),
            await keeper.PostAsync($"/api/v1/people/{admin}/invitation"),
            await keeper.PostAsync($"/api/v1/people/{admin}/end-sessions"),
            await keeper.SendAsync(HttpMethod.Patch, "/api/v1/people/" + admin, new { is_active = false }, Any),
            await keeper.PostAsync("/api/v1/roles", RoleBody("way_up", [Permissions.KeysManage])),
            await keeper.SendAsync(
                HttpMethod.Patch,
                "/api/v1/people/" + await IdOfAsync("keeper@example.com"),
                new { roles = (string[])["people_keeper", "finance"] },
                Any
            ),
        ];
        Assert.All(replies, r => Assert.Equal((403, "role_not_yours"), (r.Status, r.Code)));
        Assert.Equal(201, (await InviteAsync(keeper, "staff", "peer@example.com", ["people_keeper"])).Status);
    }

    [Fact]
    public async Task The_last_administrator_stays()
    {
        var id = await IdOfAsync("admin@example.com");
        foreach (var patch in (object[])[new { is_active = false }, new { roles = (string[])["finance"] }])
        {
            var reply = await _admin.SendAsync(HttpMethod.Patch, "/api/v1/people/" + id, patch, Any);
            Assert.Equal((409, "last_administrator"), (reply.Status, reply.Code));
        }
    }

    [Fact]
    public async Task A_role_put_together_here_counts_at_once_and_stays_while_somebody_has_it()
    {
        var made = await MakeRoleAsync("night_shift", [Permissions.CouponsRead]);
        using var browser = await Person.StaffAsync(_host, "night@example.com", "night_shift");
        Assert.Equal(200, (await browser.GetAsync("/api/v1/admin/coupons")).Status);
        Assert.Equal(403, (await browser.GetAsync("/api/v1/merchants")).Status);
        var tag = new Dictionary<string, string> { ["If-Match"] = made.Header("ETag")! };
        var more = RoleBody("night_shift", [Permissions.DirectoryRead]);
        Assert.Equal(200, (await _admin.SendAsync(HttpMethod.Put, "/api/v1/roles/night_shift", more, tag)).Status);
        Assert.Equal(412, (await _admin.SendAsync(HttpMethod.Put, "/api/v1/roles/night_shift", more, tag)).Status);
        Assert.Equal(403, (await browser.GetAsync("/api/v1/admin/coupons")).Status);
        Assert.Equal(200, (await browser.GetAsync("/api/v1/merchants")).Status);
        Assert.Equal(
            "in_use",
            (await _admin.SendAsync(HttpMethod.Delete, "/api/v1/roles/night_shift", null, Any)).Code
        );
        var ready = await _admin.PostAsync("/api/v1/roles", RoleBody("finance", [Permissions.CouponsRead]));
        Assert.Equal("role_exists", ready.Code);
        var wrong = await _admin.PostAsync(
            "/api/v1/roles",
            new
            {
                id = "Bad",
                name = "x",
                realm = "customer",
                permissions = (string[])[Permissions.CouponsRead],
            }
        );
        Assert.Equal([("id", "invalid_id"), ("permissions.0", "unknown_value")], wrong.Errors.Order());
    }

    [Fact]
    public async Task A_merchants_manager_sees_and_invites_people_of_his_own_merchant_only()
    {
        var (own, other) = (Guid.CreateVersion7(), Guid.CreateVersion7());
        await _host.Database.ExecuteAsync(
            "insert into access.merchant (id, name) values ($1, 'Own'), ($2, 'Other')",
            own,
            other
        );
        await Person.MakeAsync(_host.Database, "merchant", "boss@own.example", ["merchant_manager"], own);
        var their = await Person.MakeAsync(
            _host.Database,
            "merchant",
            "boss@other.example",
            ["merchant_manager"],
            other
        );
        using var boss = new Browser(_host.Address);
        Assert.Equal(200, (await boss.SignInAsync("merchant", "boss@own.example", Person.Password)).Status);
        var list = await boss.GetAsync("/api/v1/people");
        Assert.Equal(
            "boss@own.example",
            Assert.Single(list.Json.GetProperty("data").EnumerateArray()).GetProperty("email").GetString()
        );
        Assert.Equal(404, (await boss.GetAsync("/api/v1/people/" + their)).Status);
        Assert.Equal(404, (await boss.PostAsync($"/api/v1/people/{their}/invitation")).Status);
        Assert.Equal(
            404,
            (await boss.SendAsync(HttpMethod.Patch, "/api/v1/people/" + their, new { name = "x" }, Any)).Status
        );
        Assert.Equal(201, (await InviteAsync(boss, "merchant", "till@own.example", ["merchant_till"])).Status);
        var staff = await InviteAsync(boss, "staff", "spy@own.example", ["administrator"]);
        Assert.Equal([("realm", "unknown_value")], staff.Errors);
        var elsewhere = await boss.PostAsync(
            "/api/v1/people",
            new
            {
                realm = "merchant",
                email = "a@b.example",
                name = "x",
                roles = (string[])["merchant_till"],
                merchant_id = other,
            }
        );
        Assert.Equal([("merchant_id", "unknown_merchant")], elsewhere.Errors);
        var roles = (await boss.GetAsync("/api/v1/roles")).Json.GetProperty("data").EnumerateArray();
        Assert.All(roles, r => Assert.Equal("merchant", r.GetProperty("realm").GetString()));

        // The same address in another realm is another person.
        Assert.Equal(401, (await boss.SignInAsync("staff", "boss@own.example", Person.Password)).Status);
        await _host.Database.ExecuteAsync("update access.merchant set is_active = false where id = $1", own);
        Assert.Equal(401, (await boss.GetAsync("/api/v1/session")).Status);
    }

    [Fact]
    public async Task No_event_holds_a_name_or_an_address()
    {
        await InviteAsync(_admin, "staff", "secret.person@example.com", ["finance"]);
        var events = await _host.Database.ScalarAsync<string>(
            "select string_agg(payload::text || actor, ' ') from platform.event"
        );
        Assert.Contains("finance", events, StringComparison.Ordinal);
        Assert.DoesNotContain("secret.person", events, StringComparison.OrdinalIgnoreCase);
        Assert.DoesNotContain("Somebody", events, StringComparison.Ordinal);
    }

    [Fact]
    public void Every_permission_is_the_administrators_and_each_ready_role_is_of_its_realm()
    {
        Assert.Equal(
            Permissions.All.Where(p => !Permissions.IsOfCustomers(p)).Order(),
            ReadyRoles.All[ReadyRoles.Administrator].Permissions.Order()
        );
        Assert.All(
            ReadyRoles.All.Values,
            r => Assert.True(r.Permissions.All(ReadyRoles.Grantable(r.Realm).Contains), r.Id)
        );
        string[] vocabulary =
        [
            "administrator",
            "customer_support",
            "executive_viewer",
            "finance",
            "fraud_analyst",
            "marketing_operations",
            "operations",
            "reviewer",
            "site_reliability",
        ];
        var staff = ReadyRoles.All.Values.Where(r => r.Realm == Realms.Staff).Select(r => r.Id);
        Assert.Equal(vocabulary, staff.Order(StringComparer.Ordinal));
    }

    /// <summary>A permission that came late and was given to nobody's role would be the administrator's alone.</summary>
    [Fact]
    public void Every_permission_is_in_a_ready_made_role_besides_the_administrators()
    {
        Dictionary<string, string> why = new()
        {
            [Permissions.ApprovalsPolicy] = "whoever sets the thresholds must not be one who works under them",
            [Permissions.RegionsManage] =
                "states the law that everybody works under, and no role of the vocabulary is a lawyer's",
            [Permissions.RetentionManage] = "deletes by rule, and no role of the vocabulary keeps the records",
        };
        var given = ReadyRoles
            .All.Values.Where(r => r.Id != ReadyRoles.Administrator)
            .SelectMany(r => r.Permissions)
            .ToHashSet();
        Assert.Equal(why.Keys.Order(), Permissions.All.Except(given).Order());
    }

    private static object Body(string realm, string email, string[] roles) =>
        new
        {
            realm,
            email,
            name = "Somebody",
            roles,
        };

    private static object RoleBody(string id, string[] permissions) =>
        new
        {
            id,
            name = id,
            realm = "staff",
            permissions,
        };

    private static Task<Reply> InviteAsync(Browser browser, string realm, string email, string[] roles) =>
        browser.PostAsync("/api/v1/people", Body(realm, email, roles));

    private async Task<Reply> MakeRoleAsync(string id, string[] permissions)
    {
        var reply = await _admin.PostAsync("/api/v1/roles", RoleBody(id, permissions));
        Assert.True(reply.Status == 201, reply.Body);
        return reply;
    }

    private Task<Guid> IdOfAsync(string email) =>
        _host.Database.ScalarAsync<Guid>("select id from people.person where email = $1", email);
}
