using System.Net.Http.Headers;
using System.Text;
using Tessera.Server.Coupons;
using Tessera.Server.Platform.Files;
using Tessera.Server.Platform.Jobs;
using Tessera.Server.Tests.Platform.Files;
using Tessera.Server.Tests.Support;
using Xunit;

namespace Tessera.Server.Tests.Coupons;

[Collection(PostgresCollection.Name)]
public sealed class ImportTests(PostgresFixture postgres) : IAsyncLifetime
{
    private const string Path = "/api/v1/admin/coupons/import";
    private const string Header = "code,discount_type,discount_value,valid_from";

    private static readonly CatalogueActor Actor = new("job:test", "test");

    private TestHost _host = null!;

    public async Task InitializeAsync() => _host = await TestHost.StartAsync(postgres);

    public async Task DisposeAsync() => await _host.DisposeAsync();

    [Fact]
    public async Task A_file_is_imported_as_far_as_it_keeps_the_rules_and_the_rest_is_listed()
    {
        var text = $"""
            {Header},max_uses_total,internal_name,colour
            spring10,percentage,10,2099-03-01,100,Spring,red
            FIVE,fixed_amount,5.50,2099-03-01T08:00:00+02:00,,,
            X,percentage,101,yesterday,many,,
            "=BAD",percentage,10,2099-03-01,,,
            FIVE,fixed_amount,1,2099-03-01,,,
            SE"SSION,free_session,100,2099-03-01,,,
            SESSION,free_session,100,2099-03-01,,,
            COMMA,percentage,10,2099-03-01,,Ten, twenty,red
            "BREAK
            ",percentage,10,2099-03-01,-1,,
            """;
        var accepted = await UploadAsync(Path, "coupons.csv", Encoding.UTF8.GetBytes(text));
        Assert.Equal(202, accepted.Status);
        Assert.Equal(9, accepted.Json.GetProperty("rows").GetInt64());
        var ended = await _host.EndOfAsync(accepted.Header("Location")!);
        Assert.Equal("succeeded", ended.GetProperty("status").GetString());
        Assert.Equal(6, ended.GetProperty("error_count").GetInt64());
        Assert.Equal(3, ended.GetProperty("result").GetProperty("created").GetInt64());
        Assert.Equal(
            [
                "FIVE|550|FIVE|false|2099-03-01 06:00",
                "SESSION||SESSION|false|2099-03-01 00:00",
                "SPRING10||Spring|false|2099-03-01 00:00",
            ],
            await CouponsAsync()
        );

        var errors = await _host.GetAsync(ended.GetProperty("errors_url").GetString()!);
        Assert.Equal("text/csv", errors.MediaType);
        using var lines = new CsvReader(new MemoryStream(Encoding.UTF8.GetBytes(errors.Body)));
        var found = new List<string>();
        while (await lines.ReadAsync(default))
        {
            found.Add($"{lines.Cells[0]} {lines.Cells[1]} {lines.Cells[2]} {lines.Cells[4]}");
        }

        Assert.Equal(
            [
                "line field code value",
                "4 code too_short X",
                "4 discount_value out_of_range 101",
                "4 internal_name too_short ",
                "4 max_uses_total not_an_integer many",
                "4 valid_from not_an_instant yesterday",
                "5 code invalid_characters '=BAD",
                "6 code duplicate_code FIVE",
                "7  broken_row ",
                "9  broken_row ",
                "10 code invalid_characters BREAK\n",
                "10 max_uses_total not_positive '-1",
            ],
            found
        );
    }

    [Fact]
    public async Task A_preview_shows_the_same_errors_and_writes_nothing()
    {
        var workbook = Workbook.Of(
            ["code", "discount_type", "discount_value", "valid_from", "colour"],
            ["SUMMER", "percentage", 12.5m, new DateOnly(2099, 6, 1), "red"],
            ["Y", "percentage", 12.5m, new DateOnly(2099, 6, 1), "red"]
        );
        var preview = await UploadAsync(Path + "/preview", "coupons.xlsx", workbook);
        Assert.Equal(200, preview.Status);
        Assert.Equal(
            (2, 1),
            (preview.Json.GetProperty("total_rows").GetInt32(), preview.Json.GetProperty("valid_rows").GetInt32())
        );
        Assert.Equal("colour", preview.Json.GetProperty("unknown_columns")[0].GetString());
        Assert.Equal("SUMMER", preview.Json.GetProperty("codes")[0].GetString());
        Assert.Equal(3, preview.Json.GetProperty("errors")[0].GetProperty("line").GetInt32());
        Assert.Empty(await CouponsAsync());

        var dry = await UploadAsync(Path, "coupons.xlsx", workbook, ("dry_run", "true"));
        var ended = await _host.EndOfAsync(dry.Header("Location")!);
        Assert.Equal(1, ended.GetProperty("result").GetProperty("created").GetInt64());
        Assert.Empty(await CouponsAsync());

        await _host.EndOfAsync((await UploadAsync(Path, "coupons.xlsx", workbook)).Header("Location")!);
        Assert.Equal(["SUMMER||SUMMER|false|2099-06-01 00:00"], await CouponsAsync());
    }

    [Fact]
    public async Task Duplicates_are_refused_skipped_or_updated_as_asked()
    {
        await ImportAsync($"{Header},internal_name,max_uses_total\nTWICE,fixed_amount,5,2099-03-01,First name,7\n");
        var again = Encoding.UTF8.GetBytes($"{Header},internal_name\nTWICE,fixed_amount,6,2099-03-01,Second name\n");
        var refused = await ImportAsync(again);
        Assert.Equal(1, refused.GetProperty("refused").GetInt64());
        var skipped = await ImportAsync(again, ("skip_duplicates", "true"));
        Assert.Equal((0, 1), (skipped.GetProperty("refused").GetInt64(), skipped.GetProperty("skipped").GetInt64()));
        Assert.Equal(["TWICE|500|First name|false|2099-03-01 00:00"], await CouponsAsync());
        var updated = await ImportAsync(again, ("update_existing", "true"), ("activate_immediately", "true"));
        Assert.Equal(1, updated.GetProperty("updated").GetInt64());
        Assert.Equal(["TWICE|600|Second name|true|2099-03-01 00:00"], await CouponsAsync());
        Assert.Equal(7, await _host.Database.ScalarAsync<long>("select max_uses_total from coupons.coupon"));
        var both = await UploadAsync(Path, "c.csv", again, ("skip_duplicates", "true"), ("update_existing", "true"));
        Assert.Equal([("update_existing", "excludes")], both.Errors);
    }

    [Fact]
    public async Task A_row_changes_what_an_earlier_row_of_the_file_has_made_or_changed()
    {
        await ImportAsync(
            $"{Header},max_uses_total\nOLD,fixed_amount,5,2099-03-01,7\nINSTANCE,percentage,5,2099-03-01,\n"
        );
        await _host.Database.ExecuteAsync("update coupons.coupon set code = 'OTHER' where code = 'INSTANCE'");
        var file = Encoding.UTF8.GetBytes(
            $"""
            {Header},max_uses_total
            OLD,fixed_amount,6,2099-03-01,
            NEW,fixed_amount,1,2099-03-01,3
            OLD,fixed_amount,7,2099-03-01,9
            INSTANCE,percentage,9,2099-03-01,
            NEW,percentage,2.5,2099-03-01,
            LATE,percentage,2.5,2001-03-01,
            """
        );
        foreach (var dryRun in (bool[])[true, false])
        {
            var result = await ImportAsync(file, ("update_existing", "true"), ("dry_run", dryRun ? "true" : "false"));
            Assert.Equal(
                (1, 3, 2),
                (
                    result.GetProperty("created").GetInt32(),
                    result.GetProperty("updated").GetInt32(),
                    result.GetProperty("refused").GetInt32()
                )
            );
        }

        Assert.Equal(
            [
                "NEW||NEW|false|2099-03-01 00:00",
                "OLD|700|OLD|false|2099-03-01 00:00",
                "OTHER||INSTANCE|false|2099-03-01 00:00",
            ],
            await CouponsAsync()
        );
        Assert.Equal(
            ["1 coupon.created", "2 coupon.updated", "3 coupon.updated"],
            await _host.Database.ColumnAsync<string>(
                """
                select sequence || ' ' || type from platform.event
                where aggregateid = (select id::text from coupons.coupon where code = 'OLD') order by position
                """
            )
        );
        Assert.Equal(
            "2.500",
            await _host.Database.ScalarAsync<string>(
                "select discount_percent::text from coupons.coupon where code = 'NEW'"
            )
        );
    }

    [Theory]
    [InlineData("c.csv", "code,discount_type\nA,B\n", "wrong_header")]
    [InlineData("c.csv", "", "wrong_header")]
    [InlineData("c.csv", "code,code,discount_type,discount_value,valid_from\n", "wrong_header")]
    [InlineData("c.csv", Header + "\n\"never closed", "unclosed_quote")]
    [InlineData("c.csv", "PK\u0003\u0004", "wrong_file_type")]
    [InlineData("c.xlsx", Header + "\n", "wrong_file_type")]
    [InlineData("c.exe", Header + "\n", "wrong_file_type")]
    public async Task A_file_that_cannot_be_read_is_refused_whole(string name, string text, string code)
    {
        var reply = await UploadAsync(Path, name, Encoding.UTF8.GetBytes(text));
        Assert.Equal((400, "unreadable_file"), (reply.Status, reply.Code));
        Assert.Equal([("file", code)], reply.Errors);
        Assert.Equal(code, (await UploadAsync(Path + "/preview", name, Encoding.UTF8.GetBytes(text))).Errors[0].Code);
        Assert.Equal(0, await _host.Database.ScalarAsync<long>("select count(*) from platform.operation"));
    }

    [Fact]
    public async Task What_is_no_form_or_too_large_is_refused()
    {
        Assert.Equal(415, (await _host.PostAsync(Path, "{}")).Status);
        var large = await UploadAsync(Path, "c.csv", new byte[(10 * 1024 * 1024) + 1]);
        Assert.Equal((413, "body_too_large"), (large.Status, large.Code));
        var strange = await UploadAsync(
            Path,
            "c.csv",
            Encoding.UTF8.GetBytes(Header),
            ("fast", "yes"),
            ("dry_run", "1")
        );
        Assert.Equal([("fast", "unknown_member"), ("dry_run", "not_a_flag")], strange.Errors);
    }

    [Fact]
    public async Task An_import_that_was_stopped_goes_on_after_its_last_batch()
    {
        await using var database = await postgres.DatabaseAsync();
        var text = new StringBuilder(Header).Append('\n');
        for (var i = 0; i < 3 * ImportOperation.BatchSize; i++)
        {
            text.Append("ROW").Append(i).Append(",percentage,10,2099-03-01\n");
        }

        var operation = await CreateAsync(database, text.ToString(), leased: true);
        using var stop = new CancellationTokenSource();
        await Assert.ThrowsAnyAsync<OperationCanceledException>(() =>
            ImportOperation.RunAsync(database.Database, operation, _ => stop.Cancel(), stop.Token)
        );
        Assert.Equal(ImportOperation.BatchSize, await CountAsync(database));
        Assert.Null(await OperationStore.TakeAsync(database.Database, ImportOperation.Kind, null, default));

        // Its lease runs out, another takes it over, and the first one cannot write any more.
        await database.ExecuteAsync("update platform.operation set leased_until = now() - interval '1 second'");
        var taken = (await OperationStore.TakeAsync(database.Database, ImportOperation.Kind, null, default))!;
        Assert.False(
            await ImportOperation.RunAsync(database.Database, operation with { Cursor = taken.Cursor }, null, default)
        );
        Assert.Equal(ImportOperation.BatchSize, await CountAsync(database));
        Assert.True(await ImportOperation.RunAsync(database.Database, taken, null, default));
        Assert.Equal(3 * ImportOperation.BatchSize, await CountAsync(database));
        Assert.Equal(
            3 * ImportOperation.BatchSize,
            await database.ScalarAsync<long>("select done from platform.operation where status = 'succeeded'")
        );
        Assert.Equal(0, await database.ScalarAsync<long>("select count(*) from platform.operation_chunk"));
    }

    [Fact]
    public async Task A_file_that_changes_meanwhile_is_noticed()
    {
        await using var database = await postgres.DatabaseAsync();
        await using var work = await database.Database.BeginAsync(default);
        var changing = new Changing(Encoding.UTF8.GetBytes(Header + "\nONE,percentage,10,2099-03-01\n"));
        var error = await Assert.ThrowsAsync<UnreadableFileException>(() =>
            ImportOperation.CreateAsync(work, "c.csv", changing, new ImportOptions(), Actor, leased: true, default)
        );
        Assert.Equal("file_changed", error.Code);

        var operation = await CreateAsync(database, Header + "\nTWO,percentage,10,2099-03-01\n", leased: true);
        await database.ExecuteAsync("update platform.operation_chunk set content = content || '\\x0a'::bytea");
        Assert.True(await ImportOperation.RunAsync(database.Database, operation, null, default));
        Assert.Equal(
            "file_changed",
            await database.ScalarAsync<string>(
                "select result ->> 'reason' from platform.operation where status = 'failed'"
            )
        );
        Assert.Equal(0, await CountAsync(database));
    }

    private static Task<long> CountAsync(TestDatabase database) =>
        database.ScalarAsync<long>("select count(*) from coupons.coupon");

    private static async Task<Operation> CreateAsync(TestDatabase database, string text, bool leased)
    {
        await using var work = await database.Database.BeginAsync(default);
        var file = new MemoryStream(Encoding.UTF8.GetBytes(text));
        var operation = await ImportOperation.CreateAsync(
            work,
            "c.csv",
            file,
            new ImportOptions(),
            Actor,
            leased,
            default
        );
        await work.CommitAsync(default);
        return operation;
    }

    private Task<System.Text.Json.JsonElement> ImportAsync(string text) => ImportAsync(Encoding.UTF8.GetBytes(text));

    private async Task<System.Text.Json.JsonElement> ImportAsync(byte[] file, params (string, string)[] options)
    {
        var accepted = await UploadAsync(Path, "c.csv", file, options);
        return (await _host.EndOfAsync(accepted.Header("Location")!)).GetProperty("result");
    }

    private async Task<Reply> UploadAsync(string path, string name, byte[] file, params (string, string)[] options)
    {
        using var form = new MultipartFormDataContent();
        foreach (var (option, value) in options)
        {
            form.Add(new StringContent(value), option);
        }

        var content = new ByteArrayContent(file);
        content.Headers.ContentType = MediaTypeHeaderValue.Parse("application/octet-stream");
        form.Add(content, "file", name);
        using var request = new HttpRequestMessage(HttpMethod.Post, path) { Content = form };
        request.Headers.TryAddWithoutValidation("Idempotency-Key", Guid.CreateVersion7().ToString());
        using var response = await _host.Client.SendAsync(request);
        return await Reply.OfAsync(response);
    }

    private Task<List<string>> CouponsAsync() =>
        _host.Database.ColumnAsync<string>(
            """
            select concat_ws('|', code, coalesce(discount_minor::text, ''), internal_name, is_active::text,
                to_char(valid_from at time zone 'UTC', 'YYYY-MM-DD HH24:MI'))
            from coupons.coupon order by code
            """
        );

    /// <summary>A file that somebody writes to: every time it is read from its beginning it is another.</summary>
    private sealed class Changing : MemoryStream
    {
        private readonly byte[] _content;
        private readonly int _place;
        private byte _digit = (byte)'0';

        public Changing(byte[] content)
            : base(content) => (_content, _place) = (content, content.AsSpan().IndexOf(",10"u8) + 2);

        public override long Position
        {
            get => base.Position;
            set
            {
                _content[_place] = ++_digit;
                base.Position = value;
            }
        }
    }
}
