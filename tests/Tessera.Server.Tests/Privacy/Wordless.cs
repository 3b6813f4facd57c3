namespace Tessera.Server.Tests.Privacy;

/// <summary>Columns of text that no erasure looks through, by the reason why they name nobody.</summary>
internal static class Wordless
{
    private static readonly Dictionary<string, string> Reasons = new()
    {
        ["of the person: emptied or destroyed by id"] = """
            access.customer.attributes access.customer.external_id access.customer.groups
            balances.withdrawal.destination
            people.challenge.content people.challenge.hash people.external.issuer people.external.subject
            people.passkey.credential_id people.passkey.name people.passkey.public_key
            people.passkey.transports people.recovery_code.hash privacy.person_key.fingerprint
            privacy.person_key.sealed privacy.personal_data.email_hash privacy.personal_data.encrypted
            promotions.receipt.input promotions.receipt.receipt redemptions.order_reservation.cart
            redemptions.origin.device_fingerprint redemptions.origin.email_hash redemptions.placed_order.cart
            redemptions.promotion_use.email_hash
            """,
        ["accounts, which are persons of their own; a customer's is emptied by id"] = """
            access.merchant.name coupons.consultant.name people.assertion.hash people.attempt.key
            people.invitation.hash people.person.email people.person.name people.person.password_hash
            people.person.roles people.person.totp people.role.permissions people.session.agent
            people.session.hash
            """,
        ["accounts, keys and jobs, never by name"] = """
            access.api_key.created_by access.api_key.subject access.security_alert.subject
            approvals.emergency.actor approvals.emergency.person approvals.emergency.reviewed_by
            approvals.emergency.reviewer approvals.request.decided_by approvals.request.decider
            approvals.request.requested_by approvals.request.requester approvals.request.subject
            audit.request_origin.actor balances.account.owner_id balances.account.subject
            campaigns.campaign.created_by campaigns.cost.created_by connectors.lane.forced_by
            connectors.lane.leased_by connectors.task.assignee connectors.task.closed_by
            coupons.bulk_plan.created_by coupons.coupon.created_by expiration.alert.subject
            expiration.change.actor expiration.control.changed_by expiration.job.worker
            expiration.merchant_priority.set_by expiration.minute.node expiration.node.name
            expiration.time_to_live.set_by insights.alert.acknowledged_by access.security_alert.acknowledged_by
            expiration.alert.acknowledged_by insights.marker.created_by
            insights.saved_view.owner operations.unit_plan.created_by platform.event.actor platform.operation.actor
            privacy.legal_hold.created_by privacy.request.created_by privacy.request.decided_by
            privacy.reveal.actor promotions.category_tree.updated_by promotions.promotion.created_by
            promotions.segment.created_by promotions.segment_version.created_by promotions.version.created_by
            """,
        ["hashes, keys and secrets"] = """
            access.api_key.hash access.api_key.prefix access.rate.key approvals.request.effect_hash
            audit.entry.hash audit.seal.hash audit.chain_walk.hash connectors.attempt.key connectors.awaited.key
            connectors.secret.sealed connectors.webhook_secret.sealed coupons.bulk_plan.items_hash
            operations.unit_plan.lines_hash
            platform.event_word.mark platform.event_word.salt platform.idempotency.etag platform.secret.name
            platform.secret.value privacy.erased.fingerprint
            """,
        ["the log: its words are beside it"] = """
            platform.event.aggregateid platform.event.aggregatetype platform.event.correlation_id
            platform.event.payload platform.event.type
            """,
        ["numbers and ids of other systems, by which sales are known"] = """
            access.merchant.external_id balances.withdrawal.payout_reference audit.request_origin.correlation_id campaigns.audience.campaign_id
            campaigns.campaign.id campaigns.cost.campaign_id connectors.accepted_callback.webhook_id
            connectors.connector.external_id connectors.definition.external_id connectors.ingested.event_id
            coupons.code.code coupons.coupon.campaign_id coupons.coupon.external_id
            coupons.instance.campaign_id coupons.instance.code expiration.batch.campaign_id
            expiration.upload_line.code insights.budget_day.campaign_id insights.marker.campaign_id
            operations.unit_line.order_reference platform.idempotency.location platform.operation_error.code
            redemptions.order_reservation.reference redemptions.placed_order.reference
            redemptions.promotion_hold.code redemptions.promotion_hold.promotion_id
            redemptions.promotion_use.promotion_id redemptions.promotion_use.target_ids
            redemptions.redemption.order_reference redemptions.refusal.code_hint
            redemptions.refusal.order_reference redemptions.reservation.order_reference
            """,
        ["tags of links"] = """
            campaigns.campaign.utm_campaign campaigns.campaign.utm_medium campaigns.campaign.utm_source
            coupons.coupon.campaign_source coupons.coupon.utm_campaign coupons.coupon.utm_medium
            coupons.coupon.utm_source redemptions.arrival.campaign_source redemptions.arrival.utm_campaign
            redemptions.arrival.utm_medium redemptions.arrival.utm_source
            """,
        ["addresses of machines"] = """
            connectors.connector.address connectors.webhook.url
            """,
        ["files, looked through as files"] = """
            platform.operation_chunk.content
            """,
        ["counts, ids and closed words"] = """
            access.api_key.channels access.api_key.permissions access.security_alert.kind
            approvals.policy.kind approvals.request.kind approvals.request.unit
            audit.request_origin.permission audit.request_origin.roles balances.account.kind
            balances.account.unit campaigns.campaign.time_zone connectors.attempt.outcome
            connectors.batch.channel connectors.command.kind connectors.connector.channels
            connectors.feed.name connectors.ingested.source connectors.ingested.type connectors.task.cause
            connectors.webhook.disabled_reason connectors.webhook.events connectors.webhook_attempt.outcome
            connectors.webhook_delivery.event_type coupons.coupon.channels coupons.coupon.eligible_services
            coupons.coupon.products coupons.coupon.service_type_restrictions coupons.coupon.stacking_groups
            coupons.coupon.time_zone coupons.instance.channel coupons.instance.prior_state
            notifications.message.kind notifications.message.cause notifications.message.region
            coupons.service.session_types expiration.alert.detail expiration.batch.cause
            expiration.batch.channel expiration.batch.currency expiration.batch.from_state
            expiration.change.selection expiration.job.channels expiration.job.error insights.budget_day.unit
            insights.coupon_day.channel insights.coupon_day.currency insights.day_total.channel
            insights.day_total.currency insights.refusal_day.reason insights.saved_view.list
            insights.saved_view.realm insights.saved_view.role insights.view_day.channel
            insights.view_note.channel insights.view_total.channel operations.unit_line.refused
            expiration.change_part.currencies expiration.change_part.priors expiration.change_part.states
            operations.unit_line.prior_before operations.unit_line.state_before platform.operation.kind
            platform.operation_error.field privacy.archived.data_kind privacy.legal_hold.data_kind
            privacy.request.ground privacy.request.proof privacy.request.purposes privacy.retention.data_kind
            privacy.retention_run.data_kind promotions.segment_version.currency promotions.version.state
            redemptions.booking.began_as redemptions.order_reservation.channel redemptions.order_return.detail
            redemptions.placed_order.channel redemptions.promotion_use.targets redemptions.redemption.channel
            redemptions.refusal.change_kind redemptions.refusal.channel redemptions.refusal.currency
            redemptions.refusal.reason redemptions.reservation.channel redemptions.stand_in.reason
            """,
    };

    /// <summary>With schema and table.</summary>
    public static string[] Columns { get; } =
    [.. Reasons.Values.SelectMany(static r => r.Split([' ', '\n', '\r'], StringSplitOptions.RemoveEmptyEntries))];
}
