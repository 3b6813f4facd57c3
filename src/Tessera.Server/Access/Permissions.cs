using System.Collections.Frozen;
using System.Reflection;

namespace Tessera.Server.Access;

/// <summary>What a caller may do. The words are stored with keys, so they never change.</summary>
public static class Permissions
{
    /// <summary>What everyone has who is signed in: to see and end the own session. It is never granted.</summary>
    public const string SignedIn = "signed_in";

    /// <summary>Read coupons, instances and their figures.</summary>
    public const string CouponsRead = "coupons.read";

    /// <summary>Create, change and switch coupons.</summary>
    public const string CouponsWrite = "coupons.write";

    /// <summary>Act on many coupons at once, import, generate codes.</summary>
    public const string CouponsBulk = "coupons.bulk";

    /// <summary>Export coupons with their figures into files.</summary>
    public const string CouponsExport = "coupons.export";

    /// <summary>Read campaigns.</summary>
    public const string CampaignsRead = "campaigns.read";

    /// <summary>Create and change campaigns.</summary>
    public const string CampaignsWrite = "campaigns.write";

    /// <summary>Read promotions, their versions, and segments.</summary>
    public const string PromotionsRead = "promotions.read";

    /// <summary>Create, change and switch promotions and segments.</summary>
    public const string PromotionsWrite = "promotions.write";

    /// <summary>Price carts.</summary>
    public const string QuotesPrice = "quotes.price";

    /// <summary>Price carts as of another instant than now.</summary>
    public const string QuotesAnyTime = "quotes.any_time";

    /// <summary>Read why prices, redemptions and refusals came out as they did.</summary>
    public const string ReceiptsRead = "receipts.read";

    /// <summary>Read merchants, customers and channels.</summary>
    public const string DirectoryRead = "directory.read";

    /// <summary>Create and change merchants, customers and channels.</summary>
    public const string DirectoryWrite = "directory.write";

    /// <summary>Keep customers from using coupons, and let them again (RUL-13).</summary>
    public const string CustomersBlock = "customers.block";

    /// <summary>Set what the law of a region asks of the end of coupons (AUD-05).</summary>
    public const string RegionsManage = "regions.manage";

    /// <summary>Ask whether and for how much a coupon can be used; ask for the state of codes.</summary>
    public const string RedemptionsValidate = "redemptions.validate";

    /// <summary>Reserve, release and redeem.</summary>
    public const string RedemptionsRedeem = "redemptions.redeem";

    /// <summary>Give redemptions back.</summary>
    public const string RedemptionsRollBack = "redemptions.roll_back";

    /// <summary>Read redemptions and reservations.</summary>
    public const string RedemptionsRead = "redemptions.read";

    /// <summary>See the true reason of every refusal (convention 12).</summary>
    public const string RefusalsExplain = "refusals.explain";

    /// <summary>Follow the event log.</summary>
    public const string EventsRead = "events.read";

    /// <summary>See and steer long work.</summary>
    public const string Operations = "operations.run";

    /// <summary>Make, list and revoke API keys.</summary>
    public const string KeysManage = "keys.manage";

    /// <summary>Read connectors, their streams, figures and tasks.</summary>
    public const string ConnectorsRead = "connectors.read";

    /// <summary>Create and change connectors, set their secrets, force their breakers, send test calls.</summary>
    public const string ConnectorsWrite = "connectors.write";

    /// <summary>Work the manual queue of the connectors.</summary>
    public const string ConnectorsWork = "connectors.work";

    /// <summary>Read webhook subscriptions and their delivery logs.</summary>
    public const string WebhooksRead = "webhooks.read";

    /// <summary>Create and change webhook subscriptions, rotate their secrets, send again.</summary>
    public const string WebhooksWrite = "webhooks.write";

    /// <summary>Hand in events and coupon definitions of outside systems.</summary>
    public const string IngestionWrite = "ingestion.write";

    /// <summary>See what outside systems handed in and was refused, and try it again.</summary>
    public const string IngestionRead = "ingestion.read";

    /// <summary>See requests that need a second person, and emergencies.</summary>
    public const string ApprovalsRead = "approvals.read";

    /// <summary>Ask for a change that may need a second person; each kind needs its own permission too.</summary>
    public const string ApprovalsRequest = "approvals.request";

    /// <summary>Approve or reject what another person asked for; review emergencies.</summary>
    public const string ApprovalsDecide = "approvals.decide";

    /// <summary>Enter an emergency, in which no approval is needed (OPS-04).</summary>
    public const string ApprovalsEmergency = "approvals.emergency";

    /// <summary>Change what may be done without approval; itself subject to approval.</summary>
    public const string ApprovalsPolicy = "approvals.policy";

    /// <summary>Override the state of a coupon instance (OPS-02).</summary>
    public const string InstancesOverride = "instances.override";

    /// <summary>Adjust what stands on an account.</summary>
    public const string BalancesAdjust = "balances.adjust";

    /// <summary>See what customers have here, its movements and withdrawals (BAL-14).</summary>
    public const string BalancesRead = "balances.read";

    /// <summary>Ask for a deposit to be put on a customer's balance (BAL-07).</summary>
    public const string BalancesDeposit = "balances.deposit";

    /// <summary>Ask for a withdrawal of a customer's balance (BAL-10).</summary>
    public const string BalancesWithdraw = "balances.withdraw";

    /// <summary>Say that an approved withdrawal was paid out, or could not be.</summary>
    public const string BalancesPayOut = "balances.pay_out";

    /// <summary>Search the audit trail and see histories (AUD-03).</summary>
    public const string AuditRead = "audit.read";

    /// <summary>Export the audit trail with its proof (RPT-06).</summary>
    public const string AuditExport = "audit.export";

    /// <summary>See personal data of customers, masked (AUD-07).</summary>
    public const string PersonalDataRead = "personal_data.read";

    /// <summary>Write personal data of customers.</summary>
    public const string PersonalDataWrite = "personal_data.write";

    /// <summary>See personal data of a customer in full, with a reason that is logged (AUD-07).</summary>
    public const string PersonalDataReveal = "personal_data.reveal";

    /// <summary>Handle requests of data subjects: access, export, rectification, objection, erasure (AUD-06).</summary>
    public const string PrivacyRequests = "privacy.requests";

    /// <summary>Set retention periods and legal holds (AUD-08).</summary>
    public const string RetentionManage = "retention.manage";

    /// <summary>See people, their roles and sessions; see roles.</summary>
    public const string PeopleRead = "people.read";

    /// <summary>Invite people, switch them off, change their roles, put roles together.</summary>
    public const string PeopleManage = "people.manage";

    /// <summary>See sums of money: revenue, discounts given, costs, what is spent of budgets (ACC-03).</summary>
    public const string FinanceRead = "finance.read";

    /// <summary>See figures about the work of single members of staff (ACC-03).</summary>
    public const string StaffFiguresRead = "staff_figures.read";

    /// <summary>Of a customer: see what is the customer's own.</summary>
    public const string OwnRead = "own.read";

    /// <summary>Of a customer: ask for a withdrawal of the own balance.</summary>
    public const string OwnWithdraw = "own.withdraw";

    /// <summary>See the expiry pipeline: jobs, figures, alerts, releases.</summary>
    public const string ExpiryRead = "expiry.read";

    /// <summary>Pause, resume, drain and replay the expiry pipeline; set priorities; retry jobs.</summary>
    public const string ExpiryManage = "expiry.manage";

    /// <summary>Extend, end and cancel instances; extensions may need approval.</summary>
    public const string ExpiryChange = "expiry.change";

    /// <summary>See what customers are told by mail, and what became of it.</summary>
    public const string NotificationsRead = "notifications.read";

    /// <summary>Have a message to a customer sent again that could not be sent.</summary>
    public const string NotificationsManage = "notifications.manage";

    /// <summary>Whether it is a customer's: bounded by the customer who is signed in, and nobody else's.</summary>
    public static bool IsOfCustomers(string permission) => permission.StartsWith("own.", StringComparison.Ordinal);

    /// <summary>All of them: every word above but <see cref="SignedIn"/>.</summary>
    public static FrozenSet<string> All { get; } =
        typeof(Permissions)
            .GetFields(BindingFlags.Public | BindingFlags.Static)
            .Where(static f => f.IsLiteral && f.Name != nameof(SignedIn))
            .Select(static f => (string)f.GetRawConstantValue()!)
            .ToFrozenSet(StringComparer.Ordinal);
}
