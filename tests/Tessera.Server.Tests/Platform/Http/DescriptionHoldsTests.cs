using System.Text.Json;
using Tessera.Server.Platform.Http.Api;
using Tessera.Server.Tests.Support;
using Xunit;

namespace Tessera.Server.Tests.Platform.Http;

/// <summary>That the service does what its description says, and says what it does (convention 9).</summary>
[Collection(PostgresCollection.Name)]
public sealed class DescriptionHoldsTests(PostgresFixture postgres) : IAsyncLifetime
{
    private TestHost _host = null!;
    private JsonElement _document;
    private SchemaCheck _check = null!;
    private readonly HashSet<string> _met = [];

    public async Task InitializeAsync()
    {
        _host = await TestHost.StartAsync(postgres);
        _document = (await _host.GetAsync(ApiDescription.Path)).Json;
        _check = new SchemaCheck(_document);
    }

    public async Task DisposeAsync() => await _host.DisposeAsync();

    [Fact]
    public void Every_example_fits_its_schema()
    {
        var count = 0;
        foreach (var (path, method, operation) in Operations())
        {
            foreach (var content in Contents(operation))
            {
                foreach (var example in Examples(content))
                {
                    count++;
                    var faults = _check.Faults(example, content.GetProperty("schema")).ToArray();
                    Assert.True(faults.Length == 0, $"{method} {path}: {string.Join("; ", faults)}");
                }
            }
        }

        Assert.True(count > 100, $"only {count} examples");
    }

    [Fact]
    public async Task Every_example_of_a_body_is_accepted_or_refused_for_its_references_only()
    {
        foreach (
            var (path, method, operation) in Operations().Where(o => !o.Path.Contains('{', StringComparison.Ordinal))
        )
        {
            if (!operation.TryGetProperty("requestBody", out var body))
            {
                continue;
            }

            if (!body.GetProperty("content").TryGetProperty("application/json", out var content))
            {
                continue;
            }

            var example = content.GetProperty("example").GetRawText();
            var asksForState =
                operation.TryGetProperty("parameters", out var parameters)
                && parameters.EnumerateArray().Any(p => p.GetProperty("name").GetString() == "If-Match");
            var reply = await SendAsync(method, path, path, example, asksForState ? "*" : null);
            // An invitation or a password of nobody, an account or balance of a key: read, and refused for what it refers to. And
            // this host has no public address.
            if (
                reply.Code
                is "invitation_not_valid"
                    or "sign_in_failed"
                    or "person_needed"
                    or "customers_only"
                    or "no_identity_provider"
                    or "passkeys_unavailable"
            )
            {
                continue;
            }

            var references = (string[])
                [
                    "unknown_customer",
                    "unknown_merchant",
                    "unknown_channel",
                    "unknown_campaign",
                    "unknown_account",
                    "unknown_coupon",
                    "unknown_reference",
                ];
            Assert.True(
                reply.Status < 400
                    || reply.Status == 409
                    || (reply.Errors.Count > 0 && reply.Errors.All(e => references.Contains(e.Code))),
                $"{method} {path}: {reply.Body}"
            );
        }
    }

    [Fact]
    public async Task What_the_service_answers_is_what_is_described()
    {
        var merchant = await MakeAsync("/api/v1/merchants", """{"name":"M"}""");
        var customer = await MakeAsync("/api/v1/customers", """{"external_id":"C","attributes":{"a":1.5,"b":true}}""");
        await MakeAsync("/api/v1/channels", """{"id":"till","name":"Till","kind":"till"}""");
        var key = await SendAsync("post", "/api/v1/api-keys", "/api/v1/api-keys", """{"name":"K","permissions":[]}""");
        foreach (
            var (plural, id) in ((string, string)[])
                [("merchants", merchant), ("customers", customer), ("channels", "till")]
        )
        {
            await SendAsync("get", $"/api/v1/{plural}", $"/api/v1/{plural}?limit=1");
            await SendAsync("get", $"/api/v1/{plural}", $"/api/v1/{plural}?nothing=1");
            await SendAsync("get", $"/api/v1/{plural}/{{id}}", $"/api/v1/{plural}/{id}");
            await SendAsync("patch", $"/api/v1/{plural}/{{id}}", $"/api/v1/{plural}/{id}", "{}", "*");
            await SendAsync("patch", $"/api/v1/{plural}/{{id}}", $"/api/v1/{plural}/{id}", "{}", "\"0\"");
            await SendAsync("put", $"/api/v1/{plural}/{{id}}", $"/api/v1/{plural}/{id}", "{}");
        }

        var keyId = key.Json.GetProperty("api_key").GetProperty("id").GetString();
        await SendAsync("get", "/api/v1/api-keys", "/api/v1/api-keys");
        await SendAsync("get", "/api/v1/api-keys/{id}", "/api/v1/api-keys/" + keyId);
        await SendAsync("post", "/api/v1/api-keys/{id}/revoke", $"/api/v1/api-keys/{keyId}/revoke");
        await RedeemAsync(customer);
        await ReadEventsAsync();
        await KeepCouponsAsync();
        Assert.True(_met.Count > 35, string.Join(", ", _met));
    }

    [Fact]
    public void Every_operation_describes_its_answer_and_what_it_takes()
    {
        foreach (var (path, method, operation) in Operations())
        {
            var good = operation
                .GetProperty("responses")
                .EnumerateObject()
                .Where(r => r.Name[0] == '2' || r.Name == "303")
                .ToArray();
            Assert.True(good.Length > 0, $"{method} {path} describes no answer");
            foreach (var answer in good.Where(r => r.Name != "204" && r.Value.TryGetProperty("content", out _)))
            {
                var content = answer.Value.GetProperty("content").EnumerateObject().First();
                Assert.True(
                    content.Name != "application/json" || content.Value.TryGetProperty("example", out _),
                    $"{method} {path} has no example of its answer"
                );
            }

            if (operation.TryGetProperty("requestBody", out var body))
            {
                foreach (var content in body.GetProperty("content").EnumerateObject())
                {
                    Assert.True(
                        !content.Name.EndsWith("json", StringComparison.Ordinal)
                            || content.Value.TryGetProperty("example", out _),
                        $"{method} {path} has no example of its body"
                    );
                }
            }
        }
    }

    private Task ReadEventsAsync() =>
        Patience.UntilAsync(
            async () =>
                (await SendAsync("get", "/api/v1/events", "/api/v1/events?limit=1000"))
                    .Json.GetProperty("data")
                    .GetArrayLength() > 0,
            "an event to be sealed"
        );

    private async Task KeepCouponsAsync()
    {
        const string list = "/api/v1/admin/coupons";
        var id = await MakeAsync(
            list,
            """
            {"code":"KEPT","internal_name":"Kept","description":{"en":"Kept","de":"Gut"},"discount_type":"percentage",
             "discount_value":12.5,"valid_from":"2035-01-01","valid_until":"2035-01-31","time_zone":"Europe/Berlin"}
            """
        );
        await SendAsync("post", list, list, """{"code":"x"}""");
        await SendAsync("get", list, list + "?count=true&status=all&usageRange.min=0&dateRange.preset=today");
        const string one = "/api/v1/admin/coupons/{id}";
        await SendAsync("get", one, $"{list}/{id}");
        await SendAsync("get", one, $"{list}/987654321");
        await SendAsync("put", one, $"{list}/{id}", """{"code":"KEPT"}""", "*");
        await SendAsync("put", one, $"{list}/{id}", "{}");
        await SendAsync("post", one + "/activate", $"{list}/{id}/activate");
        await SendAsync("post", one + "/deactivate", $"{list}/{id}/deactivate");
        await SendAsync("get", one + "/usage", $"{list}/{id}/usage");
        await SendAsync("get", list + "/codes/{code}", list + "/codes/KEPT");
        await SendAsync("post", list + "/codes", list + "/codes", """{"prefix":"A","randomSuffix":true,"length":8}""");
        await SendAsync("get", "/api/v1/coupon-states/{code}", "/api/v1/coupon-states/KEPT");
        await SendAsync("get", "/api/v1/coupon-states/{code}", "/api/v1/coupon-states/none");
        await SendAsync("post", "/api/v1/coupon-states", "/api/v1/coupon-states", """{"codes":["KEPT","SAVE"]}""");
        foreach (var plural in (string[])["campaigns", "services", "consultants"])
        {
            await SendAsync("get", "/api/v1/" + plural, $"/api/v1/{plural}?limit=1");
        }
    }

    private async Task RedeemAsync(string customer)
    {
        await new Catalogue(_host.Database).CouponAsync("SAVE", "max_uses_per_user", "9");
        string Body(string reference, string code = "SAVE", string? reservation = null) =>
            JsonSerializer.Serialize(
                new Dictionary<string, object?>
                {
                    ["code"] = code,
                    ["customer_id"] = customer,
                    ["reservation_id"] = reservation,
                    ["order"] = new { reference, amount = new { amount = 4999, currency = "USD" } },
                }
                    .Where(m => m.Value is not null)
                    .ToDictionary()
            );
        await SendAsync("post", "/api/v1/validations", "/api/v1/validations", Body("A"));
        await SendAsync("post", "/api/v1/validations", "/api/v1/validations", Body("A", "NONE"));
        var held = await MakeAsync("/api/v1/reservations", Body("B"));
        await SendAsync("get", "/api/v1/reservations/{id}", "/api/v1/reservations/" + held);
        await SendAsync("post", "/api/v1/reservations/{id}/release", $"/api/v1/reservations/{held}/release");
        await SendAsync("post", "/api/v1/reservations/{id}/release", $"/api/v1/reservations/{held}/release");
        var second = await MakeAsync("/api/v1/reservations", Body("C"));
        var used = await MakeAsync("/api/v1/redemptions", Body("C", reservation: second));
        await SendAsync("post", "/api/v1/redemptions", "/api/v1/redemptions", Body("D", "NONE"));
        await SendAsync("get", "/api/v1/redemptions", "/api/v1/redemptions");
        await SendAsync("get", "/api/v1/redemptions/{id}", "/api/v1/redemptions/" + used);
        const string rollback = "/api/v1/redemptions/{id}/rollback";
        await SendAsync("post", rollback, $"/api/v1/redemptions/{used}/rollback", """{"reason":"r"}""");
        await SendAsync("post", rollback, $"/api/v1/redemptions/{used}/rollback", """{"reason":"r"}""");
    }

    private async Task<string> MakeAsync(string path, string body)
    {
        var reply = await SendAsync("post", path, path, body);
        Assert.True(reply.Status == 201, reply.Body);
        return reply.Json.GetProperty("id").ToString();
    }

    /// <summary>Sends a request and holds the answer against the description of its operation.</summary>
    private async Task<Reply> SendAsync(
        string method,
        string template,
        string path,
        string? body = null,
        string? ifMatch = null
    )
    {
        Dictionary<string, string> headers = ifMatch is null ? [] : new() { ["If-Match"] = ifMatch };
        var reply = await _host.SendAsync(new HttpMethod(method.ToUpperInvariant()), path, body, headers: headers);
        var what = $"{method} {path}: {reply.Status} {reply.Body}";
        var operation = _document.GetProperty("paths").GetProperty(template).GetProperty(method);
        var status = reply.Status.ToString(System.Globalization.CultureInfo.InvariantCulture);
        Assert.True(operation.GetProperty("responses").TryGetProperty(status, out var response), what);
        var content = response.GetProperty("content").GetProperty(reply.MediaType!);
        Assert.Equal([], _check.Faults(reply.Json, content.GetProperty("schema")).Select(f => what + f));
        if (reply.Status >= 400)
        {
            var codes = response.GetProperty("x-problem-codes").EnumerateArray().Select(c => c.GetString());
            Assert.True(codes.Contains(reply.Code), what);
        }

        if (body is not null && reply.Status < 400)
        {
            var shape = operation.GetProperty("requestBody").GetProperty("content").EnumerateObject().First().Value;
            var isPatch = method == "patch";
            var faults = _check.Faults(JsonDocument.Parse(body).RootElement, shape.GetProperty("schema"));
            Assert.Equal(
                [],
                faults.Where(f => !isPatch || !f.EndsWith("is missing", StringComparison.Ordinal)).Select(f => what + f)
            );
        }

        _met.Add(method + " " + template);
        return reply;
    }

    private IEnumerable<(string Path, string Method, JsonElement Json)> Operations() =>
        _document
            .GetProperty("paths")
            .EnumerateObject()
            .SelectMany(p => p.Value.EnumerateObject().Select(o => (p.Name, o.Name, o.Value)));

    private static IEnumerable<JsonElement> Contents(JsonElement operation)
    {
        var holders = operation.GetProperty("responses").EnumerateObject().Select(r => r.Value);
        if (operation.TryGetProperty("requestBody", out var body))
        {
            holders = holders.Append(body);
        }

        return holders
            .Where(h => h.TryGetProperty("content", out _))
            .SelectMany(h => h.GetProperty("content").EnumerateObject().Select(c => c.Value))
            .Where(c => c.TryGetProperty("schema", out _));
    }

    private static IEnumerable<JsonElement> Examples(JsonElement content)
    {
        if (content.TryGetProperty("example", out var example))
        {
            yield return example;
        }

        if (content.TryGetProperty("examples", out var examples))
        {
            foreach (var one in examples.EnumerateObject())
            {
                yield return one.Value.GetProperty("value");
            }
        }
    }
}
