using System.Text;
using System.Text.Json;
using Tessera.Server.Access;
using Tessera.Server.Platform.Files;
using Tessera.Server.Tests.Support;
using Xunit;

namespace Tessera.Server.Tests.Coupons;

[Collection(PostgresCollection.Name)]
public sealed class ExportTests(PostgresFixture postgres) : IAsyncLifetime
{
    private const string Path = "/api/v1/admin/coupons/exports";

    private TestHost _host = null!;

    public async Task InitializeAsync()
    {
        _host = await TestHost.StartAsync(postgres);
        var catalogue = new Catalogue(_host.Database);
        await catalogue.CouponAsync("ALPHA", "notes, campaign_source", "'x', '=HYPERLINK(\"http://evil\")'");
        await catalogue.CouponAsync("BETA", "valid_until, max_uses_total", "'2099-06-01T12:00:00Z', 7");
        await catalogue.CouponAsync("GAMMA", "is_flagged", "true");
        await _host.Database.ExecuteAsync(
            """
            insert into coupons.usage (coupon_id, shard, redeemed_count, refused_count, revenue_minor, discount_minor)
            select id, 0, 3, 1, 12345, 678 from coupons.coupon where code = 'BETA'
            """
        );
    }

    public async Task DisposeAsync() => await _host.DisposeAsync();

    [Fact]
    public async Task The_filtered_list_is_exported_as_csv_with_figures_and_without_formulas()
    {
        var file = await ExportAsync(
            new
            {
                format = "csv",
                selection = new { filter = new { status = "active" } },
                sort = "code_desc",
            }
        );
        using var rows = new CsvReader(new MemoryStream(Encoding.UTF8.GetBytes(file)));
        var found = new List<Dictionary<string, string>>();
        await rows.ReadAsync(default);
        string[] header = [.. rows.Cells];
        while (await rows.ReadAsync(default))
        {
            found.Add(header.Zip(rows.Cells).ToDictionary(static p => p.First, static p => p.Second));
        }

        Assert.Equal(["BETA", "ALPHA"], found.Select(static r => r["code"]));
        Assert.Equal(
            ("3", "1", "0.75", "123.45", "6.78"),
            (
                found[0]["usage_count"],
                found[0]["refused_count"],
                found[0]["conversion_rate"],
                found[0]["revenue_generated"],
                found[0]["total_discounts_given"]
            )
        );
        Assert.Equal("'=HYPERLINK(\"http://evil\")", found[1]["campaign_source"]);
    }

    [Fact]
    public async Task A_workbook_has_numbers_as_numbers_and_texts_as_texts()
    {
        var accepted = await _host.PostAsync(
            Path,
            new
            {
                format = "xlsx",
                selection = new { filter = new { } },
                sort = "code_asc",
            }
        );
        Assert.True(accepted.Status == 202, accepted.Body);
        var url = (await _host.EndOfAsync(accepted.Header("Location")!)).GetProperty("output_url").GetString()!;
        var bytes = await _host.Client.GetByteArrayAsync(url);
        using var sheet = XlsxReader.Open(new MemoryStream(bytes));
        Assert.True(await sheet.ReadAsync(default));
        string[] header = [.. sheet.Cells];
        var rows = new List<string[]>();
        while (await sheet.ReadAsync(default))
        {
            rows.Add([.. sheet.Cells]);
        }

        Assert.Equal(3, rows.Count);
        string Of(int row, string name) => rows[row][Array.IndexOf(header, name)];
        Assert.Equal("=HYPERLINK(\"http://evil\")", Of(0, "campaign_source"));
        Assert.Equal("123.45", Of(1, "revenue_generated"));
        Assert.StartsWith("2099-06-01", Of(1, "valid_until"), StringComparison.Ordinal);
        Assert.Equal("flagged", Of(2, "status"));
        Assert.DoesNotContain("<f>", Encoding.UTF8.GetString(bytes), StringComparison.Ordinal);
    }

    [Fact]
    public async Task An_export_needs_its_permission_shows_a_merchant_its_own_and_leaves_a_trace()
    {
        var merchant = Guid.CreateVersion7();
        var key = await _host.KeyAsync([Permissions.CouponsExport], merchant, merchantExists: false);
        await new Catalogue(_host.Database).CouponAsync("THEIRS", "merchant_id", $"'{merchant}'");
        using var reader = _host.ClientOf(await _host.KeyAsync([Permissions.CouponsRead]));
        var wanted = new { format = "csv", selection = new { filter = new { search = "e" } } };
        Assert.Equal(403, (await _host.PostAsync(Path, wanted, client: reader)).Status);

        using var client = _host.ClientOf(key);
        var accepted = await _host.PostAsync(Path, wanted, client: client);
        Assert.Equal(1, accepted.Json.GetProperty("coupons").GetInt32());
        var id = accepted.Json.GetProperty("operation_id").GetString();
        await _host.EndOfAsync(accepted.Header("Location")!);
        Assert.Equal(404, (await _host.GetAsync($"/api/v1/operations/{id}/output")).Status);
        var file = await _host.GetAsync($"{Path}/{id}/file", client);
        Assert.Contains("THEIRS", file.Body, StringComparison.Ordinal);
        Assert.DoesNotContain("BETA", file.Body, StringComparison.Ordinal);
        Assert.Equal(
            ["coupons.export_requested 1", "coupons.exported 1", "coupons.export_fetched -"],
            await _host.Database.ColumnAsync<string>(
                """
                select type || ' ' || coalesce(payload ->> 'rows', '-') from platform.event
                where aggregateid = $1 and type like 'coupons.%' order by position
                """,
                id
            )
        );
        var wrong = await _host.PostAsync(
            Path,
            new
            {
                format = "pdf",
                selection = new { filter = new { } },
                sort = "colour_asc",
            }
        );
        Assert.Equal(["format", "sort"], wrong.Errors.Select(static e => e.Field).Order(StringComparer.Ordinal));
    }

    private async Task<string> ExportAsync(object wanted)
    {
        var accepted = await _host.PostAsync(Path, wanted);
        Assert.True(accepted.Status == 202, accepted.Body);
        var ended = await _host.EndOfAsync(accepted.Header("Location")!);
        Assert.Equal("succeeded", ended.GetProperty("status").GetString());
        return (await _host.GetAsync(ended.GetProperty("output_url").GetString()!)).Body;
    }
}
