using System.Reflection;
using System.Text.RegularExpressions;
using Microsoft.Extensions.Logging;
using Tessera.Core;
using Xunit;

namespace Tessera.Server.Tests;

/// <summary>The arrows of the house, read from the sources, so that an arrow is found before it is drawn a second time.</summary>
public sealed partial class ArchitectureTests
{
    /// <summary>A room calls only rooms above it. What has to travel the other way travels as events.</summary>
    private static readonly string[] Rooms =
    [
        "Platform",
        "Access",
        "Audit",
        "Approvals",
        "Privacy",
        "Balances",
        "Regions",
        "Coupons",
        "Campaigns",
        "Promotions",
        "Fraud",
        "Redemptions",
        "Connectors",
        "Expiration",
        "Notifications",
        "Operations",
        "Insights",
        "Replay",
        "Demo",
    ];

    /// <summary>Stores that another room may call, and why.</summary>
    private static readonly Dictionary<(string Room, string Store), string> SharedStores = new()
    {
        [("Replay", "CouponStore")] = "a replay sets a world up, in a simulation database",
        [("Replay", "PromotionStore")] = "a replay sets a world up, in a simulation database",
        [("Replay", "AccountStore")] = "a replay sets a world up, in a simulation database",
        [("Demo", "CouponStore")] = "the demo world is set up in one transaction",
        [("Demo", "CampaignStore")] = "the demo world is set up in one transaction",
        [("Redemptions", "ReceiptStore")] = "a receipt is kept in the transaction of what it explains",
        [("Redemptions", "AccountStore")] =
            "a redemption posts to the accounts it counts against, in its own transaction",
        [("Campaigns", "CouponStore")] = "switching a campaign switches its coupons, in one transaction",
        [("Campaigns", "AccountStore")] = "a campaign's budget is the bound of an account",
        [("Coupons", "AccountStore")] = "a coupon's limits are the bounds of accounts",
        [("Expiration", "AccountStore")] = "what expiry frees is posted in the transaction of its event",
        [("Notifications", "PersonStore")] = "an address is read when a message is sent, and kept nowhere else",
        [("Operations", "AccountStore")] = "an override posts what it records, and reverses what it takes back",
        [("Operations", "CouponStore")] = "an import writes coupons in bulk, in the transaction of its chunk",
        [("Operations", "InstanceStore")] = "an import issues instances in bulk, in the transaction of its chunk",
    };

    /// <summary>Tables written by a room that is not their owner, and why.</summary>
    private static readonly Dictionary<(string Room, string Table), string> SharedTables = new()
    {
        [("*", "platform.event")] = "everyone's: an event is written with the change that causes it",
        [("Replay", "*")] = "a replay sets a world up, in a simulation database",
        [("Demo", "*")] = "the demo world is set up in one transaction, in an empty database",
        [("Expiration", "coupons.instance")] =
            "an extension, a forced end or a cancellation sets its instance's state and end",
        [("Expiration", "coupons.code")] = "the code map names the end of an instance that was extended",
        [("Expiration", "platform.operation")] =
            "an uploaded list that was approved is let go with the change it belongs to",
        [("Expiration", "platform.operation_error")] =
            "the lines of a list that name nothing are kept in one statement",
        [("Privacy", "access.customer")] = "an erasure empties the record of the customer, in one transaction",
        [("Privacy", "redemptions.origin")] = "an erasure deletes where attempts came from",
        [("Privacy", "redemptions.placed_order")] = "an erasure takes the customer out of stored carts",
        [("Privacy", "redemptions.order_reservation")] = "an erasure takes the customer out of stored carts",
        [("Privacy", "redemptions.promotion_use")] = "an erasure removes the hash of the address a use was counted by",
        [("Privacy", "promotions.segment_member")] = "an erasure takes the customer out of segments",
        [("Privacy", "promotions.receipt")] = "an erasure takes the customer out of what a receipt was computed from",
        [("Privacy", "campaigns.audience")] = "an erasure takes the customer out of audiences",
        [("Privacy", "approvals.request")] = "an erasure takes out where money was to be paid to",
        [("Privacy", "notifications.message")] = "an erasure suppresses what was still to be sent",
        [("Privacy", "balances.withdrawal")] = "an erasure takes out where money was paid to",
        [("Privacy", "platform.idempotency")] =
            "an erasure deletes the answers about the customer that are kept for repeats",
        [("Privacy", "platform.secret")] = "addresses are found by a hash keyed with a secret of the deployment",
        [("Operations", "coupons.instance")] = "an override sets a unit's state, in the transaction of its approval",
        [("Operations", "coupons.usage")] = "an override counts the uses it records or takes back",
        [("Operations", "redemptions.redemption")] = "an override records or stamps the redemption behind the state",
        [("Operations", "redemptions.rollback")] = "an override that takes a redemption back says so",
        [("Operations", "balances.account")] = "an override opens the accounts of the limits its use counts against",
        [("Redemptions", "platform.idempotency")] = "the answer is kept in the statement of its effect",
        [("Redemptions", "balances.hold")] = "holds are made and settled in the statement of the redemption",
        [("Redemptions", "coupons.instance")] = "a redemption sets its instance's state",
        [("Redemptions", "coupons.usage")] = "a redemption counts its coupon's uses",
    };

    private const RegexOptions Safe = RegexOptions.NonBacktracking | RegexOptions.ExplicitCapture;

    private static readonly string Server = Path.Combine(Root(), "src", "Tessera.Server");

    [Fact]
    public void Core_refers_to_nothing_but_the_base_library()
    {
        var foreign = typeof(Refusal)
            .Assembly.GetReferencedAssemblies()
            .Select(static a => a.Name!)
            .Where(static n =>
                !n.StartsWith("System.", StringComparison.Ordinal) && n is not ("System" or "netstandard")
            );
        Assert.Empty(foreign);

        var impure = SourcesOf(Path.Combine(Root(), "src", "Tessera.Core"))
            .SelectMany(static s => Impure().Matches(s.Text).Select(m => $"{s.Name}: {m.Value}"));
        Assert.Empty(impure);
    }

    [Fact]
    public void Every_folder_of_the_server_is_a_known_room()
    {
        var folders = Directory
            .GetDirectories(Server)
            .Select(static d => Path.GetFileName(d)!)
            .Where(static n => n is not ("bin" or "obj"));
        Assert.Empty(folders.Except(Rooms, StringComparer.Ordinal));
    }

    [Fact]
    public void A_room_uses_only_rooms_above_it()
    {
        var wrong = new List<string>();
        foreach (var (room, source) in RoomSources())
        {
            var below = Rooms.Skip(Array.IndexOf(Rooms, room) + 1).ToHashSet(StringComparer.Ordinal);
            wrong.AddRange(
                RoomUse()
                    .Matches(source.Text)
                    .Select(static m => m.Groups["room"].Value)
                    .Where(below.Contains)
                    .Select(used => $"{source.Name} uses {used}")
            );
        }

        Assert.Empty(wrong);
    }

    [Fact]
    public void A_room_leaves_the_stores_of_others_alone()
    {
        var owners = RoomSources()
            .SelectMany(static s =>
                StoreType().Matches(s.Source.Text).Select(m => (Store: m.Groups["store"].Value, s.Room))
            )
            .DistinctBy(static o => o.Store)
            .ToDictionary(static o => o.Store, static o => o.Room, StringComparer.Ordinal);
        Assert.NotEmpty(owners);

        var wrong =
            from s in RoomSources()
            from m in StoreName().Matches(s.Source.Text)
            let store = m.Value
            where owners.TryGetValue(store, out var owner) && owner != s.Room && owner != "Platform"
            where !SharedStores.ContainsKey((s.Room, store))
            select $"{s.Source.Name} uses {owners[store]}/{store}";
        Assert.Empty(wrong.Distinct());
    }

    /// <summary>Whoever counts refused sign-ins must not count sealed chains with them.</summary>
    [Fact]
    public void An_event_of_the_log_has_a_number_of_its_own()
    {
        const BindingFlags all =
            BindingFlags.Static | BindingFlags.Instance | BindingFlags.Public | BindingFlags.NonPublic;
        var shared =
            from type in typeof(Settings).Assembly.GetTypes()
            from method in type.GetMethods(all | BindingFlags.DeclaredOnly)
            let message = method.GetCustomAttribute<LoggerMessageAttribute>()
            where message is not null
            group type.Name by message.EventId into named
            where named.Count() > 1
            select $"{named.Key}: {string.Join(", ", named)}";
        Assert.Empty(shared);
    }

    [Fact]
    public void A_schema_is_written_by_its_room()
    {
        var schemas = Rooms.Select(static r => r.ToLowerInvariant()).ToHashSet(StringComparer.Ordinal);
        var wrong =
            from s in RoomSources()
            from m in Write().Matches(s.Source.Text)
            let schema = m.Groups["schema"].Value
            where schemas.Contains(schema) && !string.Equals(schema, s.Room, StringComparison.OrdinalIgnoreCase)
            let table = schema + "." + m.Groups["table"].Value
            where !SharedTables.ContainsKey((s.Room, table)) && !SharedTables.ContainsKey(("*", table))
            where !SharedTables.ContainsKey((s.Room, "*"))
            select $"{s.Source.Name} writes {table}";
        Assert.Empty(wrong.Distinct());
    }

    [Fact]
    public void A_namespace_is_its_folder()
    {
        var wrong =
            from s in RoomSources()
            let declared = Namespace().Match(s.Source.Text).Groups["name"].Value
            let expected = "Tessera.Server." + Path.GetDirectoryName(s.Source.Name)!.Replace('/', '.')
            where declared != expected
            select $"{s.Source.Name} is {declared}";
        Assert.Empty(wrong);
    }

    /// <summary>A free join may read all of the log for a few rows of it; only the verifier wants all of it.</summary>
    [Fact]
    public void Entries_of_the_log_find_their_events_in_one_way() =>
        Assert.Equal(
            ["Audit/Verification.cs"],
            RoomSources()
                .Select(static s => s.Source)
                .Where(static s => s.Text.Contains("join platform.event", StringComparison.Ordinal))
                .Select(static s => s.Name)
        );

    /// <summary>Sources of the rooms, comments left out: a comment may speak of anything.</summary>
    private static IEnumerable<(string Room, Source Source)> RoomSources() =>
        SourcesOf(Server)
            .Where(static s => s.Name.Contains('/', StringComparison.Ordinal))
            .Select(static s => (s.Name[..s.Name.IndexOf('/', StringComparison.Ordinal)], s));

    private static IEnumerable<Source> SourcesOf(string place) =>
        Directory
            .EnumerateFiles(place, "*.cs", SearchOption.AllDirectories)
            .Select(file => (File: file, Name: Path.GetRelativePath(place, file)))
            .Where(static f => !f.Name.StartsWith("obj/", StringComparison.Ordinal))
            .Where(static f => !f.Name.StartsWith("bin/", StringComparison.Ordinal))
            .Select(static f => new Source(f.Name, Comment().Replace(File.ReadAllText(f.File), "")));

    /// <summary>Where the checkout is.</summary>
    internal static string Root()
    {
        for (var place = new DirectoryInfo(AppContext.BaseDirectory); place is not null; place = place.Parent)
        {
            if (File.Exists(Path.Combine(place.FullName, "Tessera.slnx")))
            {
                return place.FullName;
            }
        }

        throw new InvalidOperationException("The tests do not run in a checkout.");
    }

    private sealed record Source(string Name, string Text);

    [GeneratedRegex(@"^\s*//.*$", Safe | RegexOptions.Multiline)]
    private static partial Regex Comment();

    [GeneratedRegex(@"\b(Guid\.NewGuid|Random\.Shared|TimeProvider|Environment\.|File\.|Console\.|HttpClient)\b", Safe)]
    private static partial Regex Impure();

    [GeneratedRegex(@"\bTessera\.Server\.(?<room>[A-Z]\w+)", Safe)]
    private static partial Regex RoomUse();

    [GeneratedRegex(@"\b(?:class|record|struct) (?<store>\w+Store)\b", Safe)]
    private static partial Regex StoreType();

    [GeneratedRegex(@"\b[A-Z]\w*Store\b", Safe)]
    private static partial Regex StoreName();

    [GeneratedRegex(
        @"\b(?:insert into|update|delete from|copy|merge into|truncate)\s+(?<schema>[a-z]+)\.(?<table>[a-z_]+)",
        Safe
    )]
    private static partial Regex Write();

    [GeneratedRegex(@"^namespace (?<name>[\w.]+);", Safe | RegexOptions.Multiline)]
    private static partial Regex Namespace();
}
