using Tessera.Server.Platform.Retention;

namespace Tessera.Server.Connectors;

/// <summary>What the room keeps that ages: what was done. What waits, and what people still have to look at, stays.</summary>
internal static class ConnectorRetention
{
    /// <summary>Calls and deliveries.</summary>
    private const int Month = 30;

    /// <summary>Commands: what was told to whom, and when it was confirmed.</summary>
    private const int Quarter = 90;

    public static IReadOnlyList<RetainedKind> Kinds { get; } =
    [
        new(
            "partner_call",
            "Calls of partners, with the beginning of the answer.",
            Month,
            "connectors.attempt",
            "d.at < $1"
        ),
        new(
            "awaited_callback",
            "Callbacks that came, or that nobody waits for any more.",
            Month,
            "connectors.awaited",
            "d.sent_at < $1 and (d.acknowledged_at is not null or d.lapsed_at is not null)"
        ),
        // A callback is refused as too old long before its id is forgotten.
        new(
            "callback_id",
            "Ids of callbacks, so that each counts once.",
            7,
            "connectors.accepted_callback",
            "d.at < $1"
        ),
        new(
            "webhook_delivery",
            "Deliveries to webhooks that arrived.",
            Month,
            "connectors.webhook_delivery",
            "d.state = 'delivered' and d.created_at < $1"
        )
        {
            Parts = [new("connectors.webhook_attempt", "p.delivery_id = d.id")],
        },
        new(
            "failed_delivery",
            "Deliveries to webhooks that were given up.",
            365,
            "connectors.webhook_delivery",
            "d.state = 'failed' and d.created_at < $1"
        )
        {
            Parts = [new("connectors.webhook_attempt", "p.delivery_id = d.id")],
        },
        new(
            "partner_command",
            "What partners were told and have confirmed, or people have done.",
            Quarter,
            "connectors.command",
            """
            d.created_at < $1 and d.state in ('acknowledged', 'done_by_hand', 'dropped')
                and not exists (select from connectors.task t where t.connector_id = d.connector_id
                    and t.position = d.position and t.state = 'open')
            """
        )
        {
            Parts = [new("connectors.task", "p.connector_id = d.connector_id and p.position = d.position")],
        },
        new(
            "command_batch",
            "The coupons of commands that are no more.",
            Quarter,
            "connectors.batch",
            "d.created_at < $1 and not exists (select from connectors.command c where c.batch_id = d.id)"
        ),
        new(
            "outside_event",
            "What outside systems handed in and is settled.",
            365,
            "connectors.ingested",
            "d.state <> 'parked' and d.updated_at < $1"
        )
        {
            // The same event is known again for so long.
            FewestDays = 30,
            MayArchive = true,
        },
    ];

    /// <summary>Words that may name a person.</summary>
    public static IReadOnlyList<KeptWords> Words { get; } =
    [
        KeptWords.Of("connectors.attempt", "answer"),
        KeptWords.Of("connectors.webhook_attempt", "answer"),
        KeptWords.Of("connectors.task", "evidence"),
        KeptWords.Of("connectors.command", "error"),
        KeptWords.Of("connectors.lane", "last_error"),
        KeptWords.Within("connectors.connector", "name contact instructions", also: "version = t.version + 1") with
        {
            IsShown = true,
        },
        KeptWords.Within("connectors.webhook", "name", also: "version = t.version + 1") with
        {
            IsShown = true,
        },
        new(
            "connectors.ingested",
            "t.body::text || ' ' || coalesce(t.reason, '')",
            """
            reason = case when t.reason is not null then '[erased]' end, body = '{"erased": true}', state = case t.state when 'parked' then 'dropped' else t.state end
            """,
            NamesCustomers: true
        ),
    ];
}
