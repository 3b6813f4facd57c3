using System.Net.Http.Headers;
using System.Text;
using System.Text.Json;
using Tessera.Server.Tests.Support;
using Xunit;

namespace Tessera.Server.Tests.Coupons;

[Collection(PostgresCollection.Name)]
public sealed class ImportUndoTests(PostgresFixture postgres) : IAsyncLifetime
{
    private const string Path = "/api/v1/admin/coupons/import";
    private const string Header = "code,discount_type,discount_value,valid_from,internal_name\n";

    private TestHost _host = null!;

    public async Task InitializeAsync() => _host = await TestHost.StartAsync(postgres);

    public async Task DisposeAsync() => await _host.DisposeAsync();

    [Fact]
    public async Task A_preview_tells_new_rows_from_updates_duplicates_and_errors()
    {
        await ImportAsync(Header + "KNOWN,percentage,10,2099-03-01,Known\n");
        const string file =
            Header
            + "FRESH,percentage,10,2099-03-01,Fresh\nKNOWN,percentage,12.5,2099-03-01,Renamed\n"
            + "X,percentage,10,2099-03-01,Short\nFRESH,percentage,10,2099-03-01,Again\n";
        var refusing = (await UploadAsync(Path + "/preview", file)).Json;
        Assert.Equal("2 new FRESH|3 error KNOWN|4 error X|5 error FRESH", RowsOf(refusing));
        var skipping = (await UploadAsync(Path + "/preview", file, ("skip_duplicates", "true"))).Json;
        Assert.Equal("2 new FRESH|3 duplicate KNOWN|4 error X|5 duplicate FRESH", RowsOf(skipping));
        var updating = (await UploadAsync(Path + "/preview", file, ("update_existing", "true"))).Json;
        Assert.Equal("2 new FRESH|3 update KNOWN|4 error X|5 update FRESH", RowsOf(updating));
        Assert.Equal(
            ["internal_name Known Renamed", "discount_value 10 12.5"],
            updating
                .GetProperty("rows")[1]
                .GetProperty("changes")
                .EnumerateArray()
                .Select(static c => $"{c.GetProperty("field")} {c.GetProperty("before")} {c.GetProperty("after")}")
        );
        Assert.Equal(
            (3, 1),
            (updating.GetProperty("valid_rows").GetInt32(), updating.GetProperty("invalid_rows").GetInt32())
        );
    }

    [Fact]
    public async Task An_import_is_undone_as_a_unit_but_for_what_was_used_or_changed_since()
    {
        await ImportAsync(Header + "OLD,percentage,10,2099-03-01,Old\n");
        var import = await ImportAsync(
            Header
                + "OLD,fixed_amount,5,2099-03-01,Changed\nNEW1,percentage,10,2099-03-01,New\n"
                + "NEW2,percentage,10,2099-03-01,New\nUSED,percentage,10,2099-03-01,New\n",
            ("update_existing", "true")
        );
        Assert.NotEqual(JsonValueKind.Null, import.GetProperty("undo_until").ValueKind);
        Assert.Equal(["NEW1 10", "NEW2 10", "OLD 500", "USED 10"], await CouponsAsync());
        await _host.Database.ExecuteAsync(
            "insert into coupons.usage (coupon_id, shard, redeemed_count) select id, 0, 1 from coupons.coupon where code = 'USED'"
        );
        await _host.Database.ExecuteAsync("update coupons.coupon set version = version + 1 where code = 'NEW2'");

        var undo = await _host.PostAsync($"/api/v1/operations/{import.GetProperty("id").GetString()}/undo");
        Assert.True(undo.Status == 202, undo.Body);
        var undone = await _host.EndOfAsync(undo.Header("Location")!);
        Assert.Equal(
            (2, 2),
            (
                undone.GetProperty("result").GetProperty("changed").GetInt32(),
                undone.GetProperty("error_count").GetInt32()
            )
        );
        Assert.Equal(["NEW2 10", "OLD 10", "USED 10"], await CouponsAsync());
        var errors = await _host.GetAsync(undone.GetProperty("errors_url").GetString()!);
        Assert.Contains("used_since", errors.Body, StringComparison.Ordinal);
        Assert.Contains("changed_since", errors.Body, StringComparison.Ordinal);
        var results = await _host.GetAsync(undone.GetProperty("output_url").GetString()!);
        Assert.Equal("text/csv", results.MediaType);
        Assert.Contains(",NEW1,restored,", results.Body, StringComparison.Ordinal);
        var read = await _host.GetAsync("/api/v1/operations/" + import.GetProperty("id").GetString());
        Assert.Equal(undone.GetProperty("id").GetString(), read.Json.GetProperty("undone_by").GetString());
    }

    [Fact]
    public async Task Refused_rows_come_back_whole_with_their_reasons_and_that_file_is_mended_and_imported()
    {
        const string header = "code,discount_type,discount_value,valid_from,internal_name,colour\n";
        const string file =
            header
            + "GOOD,percentage,10,2099-03-01,Good,red\nMUCH,percentage,500,2099-03-01,\"Much, too\",blue\n"
            + "GOOD,percentage,10,2099-03-01,=1+1,red\nST\"RAY,percentage,10,2099-03-01,Stray,red\nSHORT,percentage\n";
        var preview = (await UploadAsync(Path + "/preview", file)).Json.GetProperty("refused_rows");
        Assert.Equal(5, preview.GetArrayLength());
        Assert.Equal("Much, too", preview[1][4].GetString());

        var import = await ImportAsync(file);
        Assert.Equal(4, import.GetProperty("result").GetProperty("refused").GetInt32());
        var refused = await _host.GetAsync($"{Path}/{import.GetProperty("id").GetString()}/refused");
        Assert.Equal((200, "text/csv"), (refused.Status, refused.MediaType));
        var lines = refused.Body.Split("\r\n", StringSplitOptions.RemoveEmptyEntries);
        Assert.Equal(header.Trim() + ",error_line,error", lines[0]);
        Assert.Equal(
            "MUCH,percentage,500,2099-03-01,\"Much, too\",blue,3,discount_value: Percentage discount cannot exceed 100%",
            lines[1]
        );
        Assert.Equal("GOOD,percentage,10,2099-03-01,'=1+1,red,4,code: Coupon code already exists", lines[2]);
        Assert.StartsWith(
            "\"ST\"\"RAY,percentage,10,2099-03-01,Stray,red\",,,,,,5,",
            lines[3],
            StringComparison.Ordinal
        );
        Assert.StartsWith("SHORT,percentage,,,,,6,", lines[4], StringComparison.Ordinal);

        // Mended in place, remarks and all.
        var mended = refused
            .Body.Replace(",500,", ",50,", StringComparison.Ordinal)
            .Replace("\nGOOD,", "\nAGAIN,", StringComparison.Ordinal)
            .Replace(
                "\"ST\"\"RAY,percentage,10,2099-03-01,Stray,red\",,,,,,",
                "STRAY,percentage,10,2099-03-01,Stray,red,",
                StringComparison.Ordinal
            )
            .Replace("SHORT,percentage,,,", "SHORT,percentage,10,2099-03-01,", StringComparison.Ordinal);
        var again = (await UploadAsync(Path + "/preview", mended)).Json;
        Assert.Equal("[\"colour\"]", again.GetProperty("unknown_columns").GetRawText());
        var second = await ImportAsync(mended);
        Assert.Equal(0, second.GetProperty("error_count").GetInt32());
        Assert.Equal(["AGAIN 10", "GOOD 10", "MUCH 50", "SHORT 10", "STRAY 10"], await CouponsAsync());
        Assert.Equal(
            "=1+1",
            await _host.Database.ScalarAsync<string>("select internal_name from coupons.coupon where code = 'AGAIN'")
        );
    }

    private static string RowsOf(JsonElement preview) =>
        string.Join(
            '|',
            preview
                .GetProperty("rows")
                .EnumerateArray()
                .Select(static r => $"{r.GetProperty("line")} {r.GetProperty("kind")} {r.GetProperty("code")}")
        );

    private Task<List<string>> CouponsAsync() =>
        _host.Database.ColumnAsync<string>(
            """
            select code || ' ' || coalesce(discount_minor::text, discount_percent::integer::text) from coupons.coupon
            where deleted_at is null order by code
            """
        );

    private async Task<JsonElement> ImportAsync(string text, params (string Name, string Value)[] options)
    {
        var accepted = await UploadAsync(Path, text, options);
        Assert.True(accepted.Status == 202, accepted.Body);
        return await _host.EndOfAsync(accepted.Header("Location")!);
    }

    private async Task<Reply> UploadAsync(string path, string text, params (string Name, string Value)[] options)
    {
        using var form = new MultipartFormDataContent();
        var file = new ByteArrayContent(Encoding.UTF8.GetBytes(text));
        file.Headers.ContentType = new MediaTypeHeaderValue("text/csv");
        form.Add(file, "file", "coupons.csv");
        foreach (var (name, value) in options)
        {
            form.Add(new StringContent(value), name);
        }

        using var request = new HttpRequestMessage(HttpMethod.Post, path) { Content = form };
        request.Headers.Add("Idempotency-Key", Guid.CreateVersion7().ToString());
        using var response = await _host.Client.SendAsync(request);
        return await Reply.OfAsync(response);
    }
}
