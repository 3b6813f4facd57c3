using Microsoft.AspNetCore.Http.Metadata;
using Microsoft.AspNetCore.Routing;
using Microsoft.Extensions.DependencyInjection;
using Tessera.Server.Access;
using Tessera.Server.Access.People;
using Tessera.Server.Tests.Support;
using Xunit;

namespace Tessera.Server.Tests.Access;

/// <summary>Every route there is, with every role and with none (ACC-02, convention 49).</summary>
[Collection(PostgresCollection.Name)]
public sealed class WalkTests(PostgresFixture postgres) : IAsyncLifetime
{
    private const string NoRole = "";

    private TestHost _host = null!;

    public async Task InitializeAsync() => _host = await TestHost.StartAsync(postgres);

    public async Task DisposeAsync() => await _host.DisposeAsync();

    [Fact]
    public void Every_route_says_whom_it_lets_in()
    {
        var silent = _host
            .Services.GetRequiredService<EndpointDataSource>()
            .Endpoints.Where(e => e.Metadata.GetMetadata<RequiredPermission>() is null)
            .Select(e => e.DisplayName);
        Assert.Empty(silent);
    }

    [Fact]
    public async Task A_role_gets_in_where_its_permissions_say_and_nowhere_else()
    {
        var counts = new Dictionary<string, int>(StringComparer.Ordinal);
        foreach (var id in ReadyRoles.All.Keys.Append(NoRole))
        {
            using var browser = await SignInAsync(id);
            var granted = id == NoRole ? [] : ReadyRoles.All[id].Permissions;
            foreach (var (method, path, permission) in Routes())
            {
                var mayEnter = permission == Permissions.SignedIn || granted.Contains(permission);
                if (mayEnter && method != "GET")
                {
                    // What happens then is the route's own matter; here it would change the world of the walk.
                    continue;
                }

                var reply = await browser.SendAsync(
                    new HttpMethod(method),
                    path,
                    method is "GET" or "DELETE" ? null : "{}"
                );
                var what = $"{id} at {method} {path}, which needs {permission}: {reply.Status} {reply.Body}";
                if (mayEnter)
                {
                    Assert.True(reply.Status is 200 or 304 or 400 or 403 or 404 or 409, what);
                    counts[id] = counts.GetValueOrDefault(id) + 1;
                }
                else
                {
                    Assert.True((403, "forbidden") == (reply.Status, reply.Code), what);
                }
            }
        }

        // Signed in is all that somebody without a role is.
        Assert.Equal(6, counts[NoRole]);
        Assert.Equal(6 + 3, counts["customer"]);
        Assert.True(counts[ReadyRoles.Administrator] > 30, string.Join(", ", counts));
    }

    private async Task<Browser> SignInAsync(string role)
    {
        var realm = role == NoRole ? Realms.Staff : ReadyRoles.All[role].Realm;
        Guid? merchant = realm == Realms.Merchant ? Guid.CreateVersion7() : null;
        Guid? customer = realm == Realms.Customer ? Guid.CreateVersion7() : null;
        if (merchant is not null)
        {
            await _host.Database.ExecuteAsync("insert into access.merchant (id, name) values ($1, 'Own')", merchant);
        }

        if (customer is not null)
        {
            await _host.Database.ExecuteAsync("insert into access.customer (id) values ($1)", customer);
        }

        var email = $"{(role == NoRole ? "nothing" : role)}@example.com";
        await Person.MakeAsync(_host.Database, realm, email, role == NoRole ? [] : [role], merchant, customer);
        var browser = new Browser(_host.Address);
        var reply = await browser.SignInAsync(realm, email, Person.Password);
        Assert.True(reply.Status == 200, reply.Body);
        return browser;
    }

    private IEnumerable<(string Method, string Path, string Permission)> Routes() =>
        from endpoint in _host.Services.GetRequiredService<EndpointDataSource>().Endpoints.OfType<RouteEndpoint>()
        let permission = endpoint.Metadata.GetMetadata<RequiredPermission>()?.Permission
        where permission is not null
        from method in endpoint.Metadata.GetMetadata<IHttpMethodMetadata>()?.HttpMethods ?? ["GET"]
        select (method, PathOf(endpoint.RoutePattern.RawText!), permission);

    private static string PathOf(string template)
    {
        var options = System.Text.RegularExpressions.RegexOptions.NonBacktracking;
        var numbers = System.Text.RegularExpressions.Regex.Replace(
            template,
            "{[A-Za-z]+:(?:long|int)}",
            "987654321",
            options
        );
        return "/"
            + System
                .Text.RegularExpressions.Regex.Replace(
                    numbers,
                    "{[^}]*}",
                    "01970f3e-8a00-7c3e-9d52-000000000000",
                    options
                )
                .Trim('/');
    }
}
