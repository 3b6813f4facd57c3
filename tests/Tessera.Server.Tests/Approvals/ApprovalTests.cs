using System.Text.Json;
using Microsoft.Extensions.DependencyInjection;
using Microsoft.Extensions.Logging;
using Tessera.Core;
using Tessera.Server.Access;
using Tessera.Server.Approvals;
using Tessera.Server.Platform;
using Tessera.Server.Platform.Http;
using Tessera.Server.Tests.Support;
using Xunit;

namespace Tessera.Server.Tests.Approvals;

[Collection(PostgresCollection.Name)]
public sealed class ApprovalTests(PostgresFixture postgres) : IAsyncLifetime
{
    private const string Path = "/api/v1/approvals";

    private readonly RenameChannel _rename = new();
    private readonly LogLines _log = new();
    private TestHost _host = null!;
    private HttpClient _one = null!;
    private HttpClient _other = null!;

    public async Task InitializeAsync()
    {
        _host = await TestHost.StartAsync(
            postgres,
            builder =>
            {
                builder.Services.AddSingleton<IApprovedAction>(_rename);
                builder.Logging.AddProvider(_log);
                builder.Logging.SetMinimumLevel(LogLevel.Information);
            }
        );
        string[] all = [.. Permissions.All];
        _one = _host.ClientOf(await _host.KeyAsync(all));
        _other = _host.ClientOf(await _host.KeyAsync(all));
        await _host.Database.ExecuteAsync("insert into access.channel (id, name, kind) values ('web', 'Old', 'shop')");
    }

    public async Task DisposeAsync()
    {
        _one.Dispose();
        _other.Dispose();
        await _host.DisposeAsync();
        _log.Dispose();
    }

    [Fact]
    public async Task Another_person_approves_what_was_shown_and_it_is_done_once()
    {
        var asked = await AskAsync("New");
        Assert.Equal("pending", asked.GetProperty("state").GetString());
        Assert.Equal("Old", asked.GetProperty("effect").GetProperty("before").GetString());
        Assert.Equal("Old", await NameAsync());

        var (id, hash) = Keys(asked);
        var replies = await Task.WhenAll(
            Enumerable.Range(0, 8).Select(_ => _host.PostAsync($"{Path}/{id}/approve", Approve(hash), null, _other))
        );
        var done = Assert.Single(replies, r => r.Status == 200).Json;
        Assert.All(replies.Where(r => r.Status != 200), r => Assert.Equal("already_decided", r.Code));
        Assert.Equal("approved", done.GetProperty("way").GetString());
        Assert.NotEqual(done.GetProperty("requester").GetString(), done.GetProperty("decider").GetString());
        Assert.Equal("New", await NameAsync());
        Assert.Equal(1, _rename.Executed);
        Assert.Equal(
            ["approval.requested", "approval.executed"],
            await _host.Database.ColumnAsync<string>(
                "select type from platform.event where aggregateid = $1 order by position",
                id
            )
        );
    }

    [Fact]
    public async Task Nobody_approves_his_own_request_not_even_with_another_key_of_his()
    {
        var asked = await AskAsync("New");
        var (id, hash) = Keys(asked);
        Assert.Equal("same_person", (await _host.PostAsync($"{Path}/{id}/approve", Approve(hash), null, _one)).Code);

        // A second key, and a third made with the second: still the same person.
        using var second = _host.ClientOf(await MakeKeyAsync(_one));
        Assert.Equal("same_person", (await _host.PostAsync($"{Path}/{id}/approve", Approve(hash), null, second)).Code);
        using var third = _host.ClientOf(await MakeKeyAsync(second));
        var reply = await _host.PostAsync($"{Path}/{id}/approve", Approve(hash), null, third);
        Assert.Equal((403, "same_person"), (reply.Status, reply.Code));
        _log.AssertToldOnce(3001, reply, "same_person");
        Assert.Equal("same_person", (await _host.PostAsync($"{Path}/{id}/reject", new { }, null, third)).Code);
        Assert.Equal("Old", await NameAsync());

        // The database refuses it too, whatever the service believes.
        var error = await Assert.ThrowsAsync<Npgsql.PostgresException>(() =>
            _host.Database.ExecuteAsync(
                "update approvals.request set state = 'executed', way = 'approved', decider = requester, decided_at = requested_at"
            )
        );
        Assert.Equal("four_eyes", error.ConstraintName);
    }

    [Fact]
    public async Task What_changed_meanwhile_is_not_done_and_the_request_is_void()
    {
        var (id, hash) = Keys(await AskAsync("New"));
        await _host.Database.ExecuteAsync("update access.channel set name = 'Else', version = version + 1");
        var reply = await _host.PostAsync($"{Path}/{id}/approve", Approve(hash), null, _other);
        Assert.Equal((409, "changed_meanwhile"), (reply.Status, reply.Code));
        _log.AssertToldOnce(3001, reply, "changed_meanwhile");
        Assert.Equal("Else", await NameAsync());

        // Changed back to what it said, it is still another version; and the request is void anyway.
        await _host.Database.ExecuteAsync("update access.channel set name = 'Old', version = version + 1");
        Assert.Equal(
            "already_decided",
            (await _host.PostAsync($"{Path}/{id}/approve", Approve(hash), null, _other)).Code
        );
        Assert.Equal("void", (await _host.GetAsync($"{Path}/{id}")).Json.GetProperty("state").GetString());
        Assert.Equal(0, _rename.Executed);
    }

    [Fact]
    public async Task An_approval_names_the_effect_that_was_seen()
    {
        var (id, hash) = Keys(await AskAsync("New"));
        var forged = (hash[0] == 'a' ? 'b' : 'a') + hash[1..];
        var reply = await _host.PostAsync($"{Path}/{id}/approve", Approve(forged), null, _other);
        Assert.Equal((409, "other_effect"), (reply.Status, reply.Code));

        // A request whose row was changed in the database is not what was hashed.
        await _host.Database.ExecuteAsync("update approvals.request set input = '{\"id\":\"web\",\"name\":\"Evil\"}'");
        Assert.Equal(
            "changed_meanwhile",
            (await _host.PostAsync($"{Path}/{id}/approve", Approve(hash), null, _other)).Code
        );
        Assert.Equal("Old", await NameAsync());
    }

    [Fact]
    public async Task Requests_expire_and_are_rejected_or_withdrawn()
    {
        var (late, hash) = Keys(await AskAsync("Late"));
        await _host.Database.ExecuteAsync(
            "update approvals.request set requested_at = now() - interval '4 days', expires_at = now() - interval '1 second'"
        );
        Assert.Equal(
            "approval_expired",
            (await _host.PostAsync($"{Path}/{late}/approve", Approve(hash), null, _other)).Code
        );
        Assert.Equal("expired", (await _host.GetAsync($"{Path}/{late}")).Json.GetProperty("state").GetString());

        var (mine, _) = Keys(await AskAsync("Mine"));
        Assert.Equal(
            "not_the_requester",
            (await _host.PostAsync($"{Path}/{mine}/withdraw", new { }, null, _other)).Code
        );
        Assert.Equal(200, (await _host.PostAsync($"{Path}/{mine}/withdraw", new { }, null, _one)).Status);

        var (bad, _) = Keys(await AskAsync("Bad"));
        var rejected = await _host.PostAsync($"{Path}/{bad}/reject", new { note = "No." }, null, _other);
        Assert.Equal("rejected", rejected.Json.GetProperty("state").GetString());
        Assert.Equal("Old", await NameAsync());
        var pending = await _host.GetAsync($"{Path}?state=pending");
        Assert.Equal(0, pending.Json.GetProperty("data").GetArrayLength());
    }

    [Fact]
    public async Task A_request_that_expires_while_its_approval_waits_is_not_carried_out()
    {
        var (id, hash) = Keys(await AskAsync("Late"));
        await _host.Database.ExecuteAsync(
            "update approvals.request set expires_at = clock_timestamp() + interval '3 seconds'"
        );
        Task<Reply> approved;
        await using (var holder = await _host.Database.Database.BeginAsync(default))
        {
            await holder.ExecuteAsync("select from approvals.request for update", [], default);
            approved = _host.PostAsync($"{Path}/{id}/approve", Approve(hash), null, _other);
            await Patience.UntilAsync(
                () =>
                    _host.Database.ScalarAsync<bool>(
                        """
                        select expires_at <= clock_timestamp() and exists (select from pg_stat_activity
                            where datname = current_database() and wait_event_type = 'Lock' and query like '%approvals.request%')
                        from approvals.request
                        """
                    ),
                "an approval that waits for its request until this is over"
            );
        }

        Assert.Equal("approval_expired", (await approved).Code);
        Assert.Equal("Old", await NameAsync());
    }

    [Fact]
    public async Task Requests_that_were_split_are_summed()
    {
        _rename.FreeSize = 10;
        Assert.Equal("below_limit", (await AskAsync("Four", 4)).GetProperty("way").GetString());
        Assert.Equal("below_limit", (await AskAsync("Eight", 4)).GetProperty("way").GetString());

        // A third of the same size would come to 12; a second key of the same person changes nothing.
        using var second = _host.ClientOf(await MakeKeyAsync(_one));
        Assert.Equal("pending", (await AskAsync("Twelve", 4, second)).GetProperty("state").GetString());
        Assert.Equal("below_limit", (await AskAsync("Ten", 2)).GetProperty("way").GetString());
        Assert.Equal("pending", (await AskAsync("More", 1)).GetProperty("state").GetString());
        Assert.Equal("below_limit", (await AskAsync("Else", 10, _other)).GetProperty("way").GetString());
    }

    [Fact]
    public async Task Requests_at_once_are_summed_as_well()
    {
        _rename.FreeSize = 10;
        var ways = await Task.WhenAll(Enumerable.Range(0, 12).Select(i => AskAsync("N" + i, 3)));
        Assert.Equal(3, ways.Count(w => w.GetProperty("state").GetString() == "executed"));
    }

    [Fact]
    public async Task Bad_requests_name_all_that_is_wrong()
    {
        var reply = await _host.PostAsync(
            Path,
            new
            {
                kind = "channel_rename",
                input = new { },
                reason = "short",
                x = 1,
            }
        );
        Assert.Equal(
            [("reason", "too_short"), ("input.id", "required"), ("input.name", "required"), ("x", "unknown_member")],
            reply.Errors
        );
        Assert.Equal([("kind", "unknown_value")], (await _host.PostAsync(Path, Body("nothing", "A", 1))).Errors);
        using var weak = _host.ClientOf(await _host.KeyAsync([Permissions.ApprovalsRequest]));
        var refused = await _host.PostAsync(Path, Body("channel_rename", "A", 1), null, weak);
        Assert.Equal((403, "permission_missing"), (refused.Status, refused.Code));
        using var merchant = _host.ClientOf(
            await _host.KeyAsync([.. Permissions.All], Guid.CreateVersion7(), merchantExists: false)
        );
        Assert.Equal("staff_only", (await _host.PostAsync(Path, Body("channel_rename", "A", 1), null, merchant)).Code);
        var (id, hash) = Keys(await AskAsync("New"));
        Assert.Equal(404, (await _host.GetAsync($"{Path}/{id}", merchant)).Status);
        Assert.Equal("staff_only", (await _host.PostAsync($"{Path}/{id}/approve", Approve(hash), null, merchant)).Code);
    }

    private async Task<JsonElement> AskAsync(string name, long size = 1, HttpClient? client = null)
    {
        var reply = await _host.PostAsync(Path, Body("channel_rename", name, size), null, client ?? _one);
        Assert.True(reply.Status == 201, reply.Body);
        return reply.Json;
    }

    private async Task<string> MakeKeyAsync(HttpClient client)
    {
        var body = new { name = "second", permissions = Permissions.All };
        var reply = await _host.PostAsync("/api/v1/api-keys", body, null, client);
        return reply.Json.GetProperty("key").GetString()!;
    }

    private Task<string> NameAsync() =>
        _host.Database.ScalarAsync<string>("select name from access.channel where id = 'web'");

    private static object Body(string kind, string name, long size) =>
        new
        {
            kind,
            input = new
            {
                id = "web",
                name,
                size,
            },
            reason = "The sign above the door was changed.",
        };

    private static object Approve(string hash) => new { effect_hash = hash };

    private static (string Id, string Hash) Keys(JsonElement approval) =>
        (approval.GetProperty("id").GetString()!, approval.GetProperty("effect_hash").GetString()!);

    /// <summary>The smallest kind there can be: gives a channel another name.</summary>
    private sealed class RenameChannel : IApprovedAction
    {
        public string Kind => "channel_rename";

        public string Permission => Permissions.DirectoryWrite;

        public long FreeSize { get; set; }

        public int Executed { get; private set; }

        public string? Read(Fields input)
        {
            var id = input.Text("id", 40);
            var name = input.Text("name", 40);
            var size = input.Integer("size", 1, 100, required: false) ?? 1;
            return id is null || name is null
                ? null
                : JsonSerializer.Serialize(
                    new
                    {
                        id,
                        name,
                        size,
                    }
                );
        }

        public async Task<Shown> ShowAsync(UnitOfWork work, string input, CancellationToken cancel)
        {
            var wanted = JsonDocument.Parse(input).RootElement;
            await using var command = work.Command(
                "select name, version from access.channel where id = $1 for update",
                wanted.GetProperty("id").GetString()
            );
            await using var rows = await command.ExecuteReaderAsync(cancel);
            if (!await rows.ReadAsync(cancel))
            {
                return Entry.NotFound;
            }

            var effect = new
            {
                before = rows.GetString(0),
                after = wanted.GetProperty("name").GetString(),
                version = rows.GetInt32(1),
            };
            return new ActionEffect(
                "channel:web",
                JsonSerializer.Serialize(effect),
                wanted.TryGetProperty("size", out var size) ? size.GetInt64() : 1,
                "item"
            );
        }

        public async Task<Executed> ExecuteAsync(UnitOfWork work, ApprovedAction action, CancellationToken cancel)
        {
            Executed++;
            var wanted = JsonDocument.Parse(action.Input).RootElement;
            await work.ExecuteAsync(
                "update access.channel set name = $2, version = version + 1 where id = $1",
                [wanted.GetProperty("id").GetString(), wanted.GetProperty("name").GetString()],
                cancel
            );
            return Tessera.Server.Approvals.Executed.Done();
        }
    }
}
