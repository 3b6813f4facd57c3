using System.Text;
using Tessera.Server.Tests.Coupons;
using Tessera.Server.Tests.Platform.Files;
using Tessera.Server.Tests.Support;
using Xunit;

namespace Tessera.Server.Tests.Privacy;

/// <summary>Somebody's name wherever the API and outside systems may write words, though they should not.</summary>
internal sealed class NamedEverywhere(TestHost host, Guid customer, string first, string last)
{
    private string Full => $"{first} {last}";

    /// <summary>Writes it everywhere.</summary>
    public async Task WriteAsync()
    {
        await CatalogueAsync();
        await CampaignAsync();
        await FilesAsync();
        await SmallThingsAsync();
        await RowsAsync();
    }

    /// <summary>What the log tells of words, as its readers see it.</summary>
    public async Task<string> ToldAsync()
    {
        await Dump.SealedAsync(host.Database);
        var told = new StringBuilder();
        foreach (var type in (string[])["coupon.updated", "campaign.created", "campaign.updated", "customer.blocked"])
        {
            told.Append((await OkAsync(await host.GetAsync("/api/v1/audit/entries?type=" + type))).Body);
        }

        return told.Append((await host.GetAsync("/api/v1/events?limit=1000&type=campaign.cost_added")).Body).ToString();
    }

    private async Task CatalogueAsync()
    {
        const string path = "/api/v1/admin/coupons";
        Dictionary<string, object?> words = new()
        {
            ["internal_name"] = "Voucher for " + Full,
            ["description"] = new { en = $"A voucher for {first.ToUpperInvariant()} {last.ToUpperInvariant()}" },
            ["notes"] = $"Mrs {last} asked for it.",
        };
        var made = await OkAsync(await host.PostAsync(path, CouponBody.Of("NAMED-1", words)));
        words["internal_name"] = "Second voucher for " + Full;
        words["notes"] = $"Mrs {last} asked twice.";
        var place = $"{path}/{made.Json.GetProperty("id").GetInt64()}";
        var headers = new Dictionary<string, string> { ["If-Match"] = "*" };
        await OkAsync(await host.SendAsync(HttpMethod.Put, place, CouponBody.Of("NAMED-1", words), headers: headers));
        await EndAsync(
            await host.PostAsync(
                path + "/bulk/plans",
                new
                {
                    action = "edit",
                    selection = new { filter = new { search = last } },
                    set = new { notes = $"Ask Mrs {last} again." },
                }
            )
        );
        await EndAsync(
            await host.PostAsync(
                path + "/exports",
                new { format = "xlsx", selection = new { filter = new { search = last } } }
            )
        );
        await OkAsync(
            await host.PostAsync(
                "/api/v1/templates",
                new { name = "For " + Full, fields = new { internal_name = "For " + Full } }
            )
        );
        await OkAsync(await host.PostAsync("/api/v1/services", new { id = "named", name = "Coaching of " + Full }));
        await OkAsync(await host.PostAsync("/api/v1/segments", new { name = "Friends of " + Full }));
        await OkAsync(
            await host.PostAsync(
                "/api/v1/channels",
                new
                {
                    id = "named",
                    name = "Till of " + Full,
                    kind = "till",
                }
            )
        );
    }

    private async Task CampaignAsync()
    {
        const string path = "/api/v1/campaigns";
        var wanted = new
        {
            id = "named",
            name = "For " + Full,
            start_date = "2026-01-01",
        };
        var made = await OkAsync(await host.PostAsync(path, wanted));
        await OkAsync(
            await host.SendAsync(
                HttpMethod.Put,
                path + "/named",
                new
                {
                    name = "Again for " + Full,
                    start_date = "2026-01-01",
                    description = "All for " + Full,
                },
                headers: new Dictionary<string, string> { ["If-Match"] = made.Header("ETag")! }
            )
        );
        await OkAsync(
            await host.PostAsync(
                path + "/named/costs",
                new
                {
                    day = "2026-01-02",
                    amount = new { amount = 100, currency = "USD" },
                    note = $"Letter to Mrs {last}",
                }
            )
        );
    }

    /// <summary>Uploaded as text and as a workbook; the name is in rows that are refused, too.</summary>
    private async Task FilesAsync()
    {
        const string header = "code,discount_type,discount_value,valid_from,internal_name";
        var text = $"{header}\nX,percentage,101,{last},\nNAMED-2,percentage,10,2099-01-01,For {Full}\n";
        await EndAsync(await UploadAsync("named.csv", Encoding.UTF8.GetBytes(text)));
        var book = Workbook.Of(
            ["code", "discount_type", "discount_value", "valid_from", "colour"],
            ["NAMED-3", "percentage", 10m, new DateOnly(2099, 6, 1), $"as Mrs {last} likes it"]
        );
        await EndAsync(await UploadAsync($"of-{last}.xlsx", book));
    }

    private async Task<Reply> UploadAsync(string name, byte[] file)
    {
        using var form = new MultipartFormDataContent();
        using var content = new ByteArrayContent(file);
        form.Add(content, "file", name);
        using var request = new HttpRequestMessage(HttpMethod.Post, "/api/v1/admin/coupons/import") { Content = form };
        request.Headers.TryAddWithoutValidation("Idempotency-Key", Guid.CreateVersion7().ToString());
        using var response = await host.Client.SendAsync(request);
        return await Reply.OfAsync(response);
    }

    private async Task SmallThingsAsync()
    {
        var neighbour = await OkAsync(await host.PostAsync("/api/v1/customers", new { external_id = "neighbour" }));
        var reason = new { reason = $"Ordered in the name of Mrs {last}." };
        await OkAsync(await host.PostAsync($"/api/v1/customers/{neighbour.Json.GetProperty("id")}/block", reason));
        var view = new
        {
            list = "coupons",
            name = "Hers",
            query = "search=" + last,
        };
        await OkAsync(await host.PostAsync("/api/v1/views", view));
        var marker = new
        {
            day = "2026-01-02",
            kind = "other",
            text = $"Mrs {last} wrote",
        };
        await OkAsync(await host.PostAsync("/api/v1/insights/markers", marker));
        var hold = await OkAsync(
            await host.PostAsync("/api/v1/legal-holds", new { matter = "Suit of " + last, data_kind = "node" })
        );
        await OkAsync(await host.PostAsync($"/api/v1/legal-holds/{hold.Json.GetProperty("id")}/end"));
    }

    /// <summary>What comes from outside, or stands there after much else: one row in each place.</summary>
    private Task RowsAsync() =>
        host.Database.ExecuteAsync(
            """
            with r as (select id from redemptions.redemption limit 1), o as (select id from redemptions.placed_order limit 1),
            back as (
                insert into redemptions.rollback (id, redemption_id, discount_minor, use_returned, reason, client_id, at)
                select gen_random_uuid(), id, 0, false, $1, id, now() from r
            ), returned as (
                insert into redemptions.order_return (id, order_id, paid_minor, discount_minor, reason, client_id, detail, at)
                select gen_random_uuid(), id, 0, 0, $1, id, '{}', now() from o
            ), changed as (
                insert into expiration.change (id, action, by_override, reason, selection, actor)
                values (gen_random_uuid(), 'cancel', false, $1, '{}', 'key:x')
            ), ingested as (
                insert into connectors.ingested (source, client_id, event_id, type, state, body)
                values ('shop', gen_random_uuid(), '1', 'order', 'parked', jsonb_build_object('name', $1::text)),
                    ('shop', gen_random_uuid(), '2', 'order', 'applied', jsonb_build_object('customer_id', $2::text, 'nick', 'Addie'))
            ), partner as (
                insert into connectors.connector (id, name, kind, address, encoding, acknowledgement, can_schedule, batch_size,
                    concurrency, sla_seconds, timeout_seconds, callback_seconds, manual_after_seconds, is_active, contact,
                    instructions)
                values (gen_random_uuid(), 'Post', 'internal', '', 'single', 'sync', false, 10, 1, 60, 10, 60, 600, false,
                    'Call ' || $3, 'Write to ' || $3)
                returning id
            ), called as (
                insert into connectors.attempt (connector_id, from_position, to_position, key, at, milliseconds, outcome, answer)
                select id, 1, 1, 'k', now(), 1, 'ok', $1 from partner
            ), subscribed as (
                insert into connectors.webhook (id, name, url, is_active)
                values (gen_random_uuid(), 'Of ' || $3, 'https://partner.example', false)
            ), priced as (
                insert into promotions.promotion (id, name, apply_order, definition, created_by)
                select p, 'For ' || $3, 1, jsonb_build_object('name', 'For ' || $3), 'key:x' from (select gen_random_uuid() p) x
                returning id, definition
            ), versioned as (
                insert into promotions.version (promotion_id, version, state, definition, created_by, created_at)
                select id, 1, 'inactive', definition, 'key:x', now() from priced
            ), searching as (
                insert into people.person (id, realm, email, name)
                values (gen_random_uuid(), 'staff', 'searching@example.com', 'Searching') returning id
            ), searched as (
                insert into people.preference (person_id, document)
                select id, jsonb_build_object('sorts', '{}'::jsonb, 'recent_searches', jsonb_build_array($3::text)) from searching
            ), archived as (
                insert into privacy.archived (data_kind, content, at) values ('approval', jsonb_build_object('reason', $1::text), now())
            ), ran as (
                insert into platform.operation (id, kind, status, input, actor, result)
                values (gen_random_uuid(), 'import', 'succeeded', jsonb_build_object('file', $1::text), 'key:x',
                    jsonb_build_object('message', $1::text)) returning id
            )
            insert into platform.operation_error (operation_id, row_number, code, message, value) select id, 1, 'bad', 'No.', $1 from ran
            """,
            $"Mrs {last} asked for it.",
            customer.ToString(),
            Full
        );

    private async Task EndAsync(Reply accepted)
    {
        Assert.True(accepted.Status == 202, accepted.Body);
        await host.EndOfAsync(accepted.Header("Location")!);
    }

    private static Task<Reply> OkAsync(Reply reply)
    {
        Assert.True(reply.Status is 200 or 201, reply.Body);
        return Task.FromResult(reply);
    }
}
