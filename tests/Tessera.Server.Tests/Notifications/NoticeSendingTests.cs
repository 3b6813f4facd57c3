using Microsoft.Extensions.DependencyInjection;
using Tessera.Server.Access;
using Tessera.Server.Expiration.Schedules;
using Tessera.Server.Notifications;
using Tessera.Server.Tests.Support;
using Xunit;

namespace Tessera.Server.Tests.Notifications;

/// <summary>Letters that a mail server puts off, refuses or takes twice, and nodes that die (NTF-07).</summary>
[Collection(PostgresCollection.Name)]
public sealed class NoticeSendingTests(PostgresFixture postgres) : ToldCustomers(postgres)
{
    [Fact]
    public async Task A_letter_that_is_put_off_goes_later_and_one_that_is_refused_bounces_at_once()
    {
        var isBusy = true;
        Smtp.Answer = line =>
            line == "RCPT TO:<gone@example.org>" ? "550 5.1.1 gone@example.org is unknown"
            : line == "RCPT TO:<busy@example.org>" && isBusy ? "451 4.7.1 busy@example.org, later"
            : null;
        await UnitAsync("BUSY", await PersonAsync("busy@example.org"));
        await UnitAsync("GONE", await PersonAsync("gone@example.org"));
        await TellAsync();
        await using var node = await NodeAsync();
        await UntilAsync("state = 'bounced' and attempts = 1 and cause = 'recipient' and smtp_status = '550 5.1.1'", 1);
        await UntilAsync(
            "state = 'queued' and attempts > 0 and cause = 'recipient' and smtp_status = '451 4.7.1' and next_attempt_at > created_at + interval '3 seconds'",
            1
        );
        isBusy = false;
        await Patience.UntilAsync(
            async () =>
            {
                // An attempt that is under way has heard that it is busy, and puts it off for minutes.
                await HurryAsync();
                return await CountAsync("state = 'sent'") == 1;
            },
            "a letter that was put off to be sent"
        );
        var attempts = Smtp.Open.Count(static line => line == "RCPT TO:<busy@example.org>");
        Assert.True(attempts > 1);
        Assert.Equal(1, await CountAsync(FormattableString.Invariant($"state = 'sent' and attempts = {attempts}")));
        Assert.Equal("busy@example.org", Assert.Single(Smtp.Taken).To);
        Assert.Equal(1, await CountAsync("state = 'bounced' and attempts = 1"));
        Assert.DoesNotContain("@example.org", await Dump.OfAsync(Database), StringComparison.OrdinalIgnoreCase);

        // Staff may have it sent again, who may; what is sent stays sent.
        Smtp.Answer = static _ => null;
        var (bounced, sent) = (await IdAsync("bounced"), await IdAsync("sent"));
        using var reader = Host.ClientOf(await Host.KeyAsync([Permissions.NotificationsRead]));
        Assert.Equal(403, (await Host.PostAsync($"{Path}/{bounced}/replay", null, null, reader)).Status);
        Assert.Equal("not_given_up", (await Host.PostAsync($"{Path}/{sent}/replay")).Code);
        Assert.Equal(404, (await Host.PostAsync($"{Path}/{Guid.CreateVersion7()}/replay")).Status);
        var again = await Host.PostAsync($"{Path}/{bounced}/replay");
        Assert.Equal((200, "queued"), (again.Status, again.Json.GetProperty("state").GetString()));
        await UntilAsync("state = 'sent'", 2);
        Assert.Equal(
            ["queued", "bounced", "replayed", "sent"],
            await Database.ColumnAsync<string>(
                "select substring(type from 14) from platform.event where aggregateid = $1 order by sequence",
                bounced.ToString()
            )
        );
    }

    [Fact]
    public async Task A_letter_that_is_never_taken_isGiven_up_after_the_last_attempt_and_its_lateness_raises_an_alert()
    {
        Smtp.Answer = static line => line.StartsWith("MAIL", StringComparison.Ordinal) ? "550 5.7.1 not you" : null;
        await UnitAsync("NEVER", await PersonAsync("ada@example.org"));
        await TellAsync();
        await QueuedAsync(1);
        await using var node = await NodeAsync();
        var watch = WatchOf(node);
        await watch.RunOnceAsync(default);
        Assert.Empty(await AlertsAsync());
        await Database.ExecuteAsync(
            "update notifications.message set due_at = clock_timestamp() - interval '1 minute'"
        );
        await watch.RunOnceAsync(default);
        Assert.Equal(["notice_late"], await AlertsAsync());
        await Patience.UntilAsync(
            async () =>
            {
                await HurryAsync();
                return await CountAsync("state = 'failed'") > 0;
            },
            "a letter to be given up"
        );

        Assert.Equal(1, await CountAsync("state = 'failed' and attempts = 10 and cause = 'sender'"));
        await watch.RunOnceAsync(default);
        Assert.Equal(["notice_late"], await AlertsAsync());
        var late = (await Host.GetAsync(Path + "?late=true&state=failed")).Json.GetProperty("data")[0];
        Assert.True(late.GetProperty("is_late").GetBoolean());
        Assert.Empty((await Host.GetAsync(Path + "?late=false")).Json.GetProperty("data").EnumerateArray());

        Smtp.Answer = static _ => null;
        Assert.Equal(200, (await Host.PostAsync($"{Path}/{await IdAsync("failed")}/replay")).Status);
        await UntilAsync("state = 'sent'", 1);
        await watch.RunOnceAsync(default);
        Assert.Empty(await AlertsAsync());
    }

    [Fact]
    public async Task A_node_that_dies_in_the_middle_costs_a_repeat_that_can_be_recognised_and_no_message()
    {
        var arrived = new TaskCompletionSource<Mail>(TaskCreationOptions.RunContinuationsAsynchronously);
        var never = new TaskCompletionSource();
        Smtp.Confirming = mail => arrived.TrySetResult(mail) ? never.Task : Task.CompletedTask;
        await UnitAsync("KILLED", await PersonAsync("ada@example.org"));
        await TellAsync();
        await QueuedAsync(1);
        Mail first;
        await using (await NodeAsync())
        {
            await Patience.ForAsync(arrived.Task, "a letter");
            first = await arrived.Task;
        }

        // Nobody knows whether it was taken. It is held until its lease is over.
        Assert.Equal(1, await CountAsync("state = 'queued' and leased_until > clock_timestamp()"));
        await using var second = await NodeAsync();
        await Database.ExecuteAsync("update notifications.message set leased_until = clock_timestamp()");
        await UntilAsync("state = 'sent'", 1);
        Assert.Equal(first.Header("Message-ID"), Assert.Single(Smtp.Taken).Header("Message-ID"));
        never.SetResult();
        await Patience.UntilAsync(() => Task.FromResult(Smtp.Taken.Count == 2), "a letter nobody knows of");

        // The same when it is the server that hangs up after it took the letter. The next attempt waits until that was seen.
        var hangUps = 1;
        var letters = 0;
        var again = new TaskCompletionSource(TaskCreationOptions.RunContinuationsAsynchronously);
        Smtp.Confirming = _ => Interlocked.Increment(ref letters) == 1 ? Task.CompletedTask : again.Task;
        Smtp.Answer = line => line == "." && Interlocked.Decrement(ref hangUps) >= 0 ? "" : null;
        await UnitAsync("CUT", await PersonAsync("bob@example.org"));
        await TellAsync();
        await UntilAsync("state = 'queued' and cause = 'unreachable'", 1);
        await HurryAsync();
        again.SetResult();
        await UntilAsync("state = 'sent'", 2);
        var twice = Smtp.Taken.Where(static m => m.To == "bob@example.org").ToList();
        Assert.Equal(2, twice.Count);
        Assert.Equal(twice[0].Header("Message-ID"), twice[1].Header("Message-ID"));
    }

    [Fact]
    public async Task A_killed_node_loses_no_letter_and_another_repeats_those_it_had_in_hand()
    {
        const int people = 30;
        const int confirmed = 10;
        const int arrived = 16;
        for (var i = 0; i < people; i++)
        {
            await UnitAsync("HELD" + i, await PersonAsync($"p{i}@example.org"));
        }

        await TellAsync();
        await QueuedAsync(people);
        var letters = 0;
        var isGone = new TaskCompletionSource(TaskCreationOptions.RunContinuationsAsynchronously);
        Smtp.Confirming = _ => Interlocked.Increment(ref letters) > confirmed ? isGone.Task : Task.CompletedTask;
        await using (var killed = SenderProcess())
        {
            // The second eight are under way: two of them are confirmed, and six the server has, which the node does not know.
            await UntilAsync("state = 'sent'", confirmed);
            await Patience.UntilAsync(() => Task.FromResult(Volatile.Read(ref letters) == arrived), "letters in hand");
            await killed.KillAsync();
        }

        isGone.SetResult();
        await Patience.UntilAsync(() => Task.FromResult(Smtp.Taken.Count == arrived), "letters nobody knows of");
        Assert.Equal(arrived - confirmed, await CountAsync("state = 'queued' and leased_until > clock_timestamp()"));
        Assert.Equal(people - arrived, await CountAsync("state = 'queued' and fence = 0"));
        await Database.ExecuteAsync(
            "update notifications.message set leased_until = clock_timestamp() where state = 'queued'"
        );
        await using var second = SenderProcess();
        await UntilAsync("state = 'sent'", people);
        var taken = Smtp.Taken.ToList();
        Assert.Equal(people + arrived - confirmed, taken.Count);
        Assert.Equal(people, taken.Select(static m => m.To).Distinct().Count());
        Assert.Equal(people, taken.Select(static m => (m.To, m.Header("Message-ID"))).Distinct().Count());
        Assert.Equal(
            [$"notification.queued {people}", $"notification.sent {people}"],
            await Database.ColumnAsync<string>(
                "select type || ' ' || count(*) from platform.event where aggregatetype = 'notification' group by type order by type"
            )
        );
        await Verified.AssertAsync(Host);
    }

    [Fact]
    public async Task Without_aMail_server_nothing_is_lost_and_somebody_is_told()
    {
        await UnitAsync("WAITS", await PersonAsync("ada@example.org"));
        await TellAsync();
        await QueuedAsync(1);
        await WatchOf(Host).RunOnceAsync(default);
        Assert.Equal(["mail_missing"], await AlertsAsync());
        await Patience.UntilAsync(
            async () => (await Host.GetAsync("/readyz")).Body == "ready",
            "a node that is ready without a mail server"
        );
        Assert.Equal(1, await CountAsync("state = 'queued' and attempts = 0 and fence = 0"));

        await using var node = await NodeAsync();
        await UntilAsync("state = 'sent'", 1);
        await WatchOf(node).RunOnceAsync(default);
        Assert.Empty(await AlertsAsync());
    }

    [Fact]
    public async Task A_name_that_would_be_a_header_is_refused_until_it_is_set_right()
    {
        var merchant = await MerchantAsync("Shop\nBcc: eve@example.org");
        await Database.ExecuteAsync("update coupons.coupon set merchant_id = $2 where id = $1", Coupon, merchant);
        await UnitAsync("INJECTED", await PersonAsync("ada@example.org"));
        await TellAsync();
        await using var node = await NodeAsync();
        await UntilAsync("state = 'failed' and cause = 'unsafe_header'", 1);
        Assert.Empty(Smtp.Taken);
        await Database.ExecuteAsync("update access.merchant set name = 'Shop' where id = $1", merchant);
        await Host.PostAsync($"{Path}/{await IdAsync("failed")}/replay");
        await UntilAsync("state = 'sent'", 1);
        Assert.EndsWith(" – Shop", Assert.Single(Smtp.Taken).Subject, StringComparison.Ordinal);
    }

    /// <summary>A node of its own process that has the mail server.</summary>
    private NodeProcess SenderProcess() =>
        NodeProcess.Start(
            Database,
            ("TESSERA_SMTP_URL", $"smtp://127.0.0.1:{Smtp.Port}"),
            ("TESSERA_SMTP_FROM", Smtp.Options.From)
        );

    /// <summary>What waits for its next attempt waits no more.</summary>
    private Task HurryAsync() =>
        Database.ExecuteAsync(
            "update notifications.message set next_attempt_at = clock_timestamp() where state = 'queued'"
        );

    private static IScheduledPass WatchOf(TestHost host) =>
        host.Services.GetServices<IScheduledPass>().OfType<NoticeWatch>().Single();

    private Task<List<string>> AlertsAsync() =>
        Database.ColumnAsync<string>(
            "select kind from expiration.alert where cleared_at is null and subject = 'notifications' order by kind"
        );
}
