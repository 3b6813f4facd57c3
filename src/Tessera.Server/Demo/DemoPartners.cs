using System.Net;
using System.Text;
using Tessera.Server.Platform;
using Tessera.Server.Platform.Outbound;

namespace Tessera.Server.Demo;

/// <summary>The partners of the demo world: one that is always well, our own tills, and one that is not to be relied on.</summary>
internal static class DemoPartners
{
    /// <summary>Writes them, in the transaction of the demo world.</summary>
    public static async Task WriteAsync(UnitOfWork work, DateTimeOffset now, CancellationToken cancel)
    {
        (string Id, string Name, string Kind, string Address, string Instructions)[] partners =
        [
            (
                "demo-city-guide",
                "City guide",
                "partner_rest",
                "https://" + DemoPartner.Flaky,
                "Call the desk and have the voucher blocked."
            ),
            (
                "demo-corner-shops",
                "Corner shops",
                "ecommerce",
                "https://" + DemoPartner.Well,
                "Write to the shops' office."
            ),
            ("demo-tills", "Tills of the old town", "internal", "", ""),
        ];
        foreach (var (external, name, kind, address, instructions) in partners)
        {
            var id = Guid.CreateVersion7();
            await work.ExecuteAsync(
                """
                insert into connectors.connector (id, name, external_id, kind, address, encoding, acknowledgement, can_schedule,
                    batch_size, concurrency, sla_seconds, timeout_seconds, callback_seconds, manual_after_seconds, contact,
                    instructions, is_active)
                values ($1, $2, $3, $4, $5, 'batch', 'sync', false, 5, 2, 30, 5, 60, 240, $6, $7, true)
                """,
                [
                    id,
                    name,
                    external,
                    kind,
                    address,
                    address.Length > 0 ? "Operations desk, +43 1 000 0000" : "",
                    instructions,
                ],
                cancel
            );
            var entry = new EventEntry("connector", id.ToString(), "connector.created", 1, "job:demo", "{}", "demo");
            await EventLog.AppendAsync(work, now, [entry], cancel);
        }
    }
}

/// <summary>
/// A partner of the demo world, answered inside of this process: nothing leaves it. The flaky one is away for the first
/// minute of every four, fails now and then, and does not know every voucher.
/// </summary>
internal sealed class DemoPartner(string name, TimeProvider clock) : IHouseHost
{
    /// <summary>Name of the partner that fails now and then; no network resolves it (RFC 6761).</summary>
    public const string Flaky = "city-guide.demo.invalid";

    /// <summary>Name of the partner that is always well.</summary>
    public const string Well = "corner-shops.demo.invalid";

    private const int MinutesOfRound = 4;
    private static readonly TimeSpan Thinking = TimeSpan.FromMilliseconds(40);

    private int _calls;

    /// <inheritdoc/>
    public string Name => name;

    /// <inheritdoc/>
    public async Task<HttpResponseMessage> AnswerAsync(HttpRequestMessage request, CancellationToken cancel)
    {
        await Task.Delay(Thinking, clock, cancel);
        var call = Interlocked.Increment(ref _calls);
        var (status, body) =
            name != Flaky ? (HttpStatusCode.OK, "{}")
            : clock.GetUtcNow().Minute % MinutesOfRound == 0
                ? (HttpStatusCode.ServiceUnavailable, "{\"error\":\"maintenance\"}")
            : call % 7 == 3 ? (HttpStatusCode.InternalServerError, "{\"error\":\"try again\"}")
            : call % 11 == 5 ? (HttpStatusCode.UnprocessableEntity, "{\"error\":\"not in our books\"}")
            : (HttpStatusCode.OK, "{}");
        return new HttpResponseMessage(status) { Content = new StringContent(body, Encoding.UTF8, "application/json") };
    }
}
