using System.Collections.Frozen;

namespace Tessera.Server.Access.People;

/// <summary>A role that every deployment has.</summary>
/// <param name="Id">Stored with people; never changes.</param>
/// <param name="Name">For people.</param>
/// <param name="Realm">Whose role it is.</param>
/// <param name="Permissions">What it may do.</param>
public sealed record ReadyRole(string Id, string Name, string Realm, FrozenSet<string> Permissions);

/// <summary>
/// The roles of the vocabulary, ready-made (ACC-02). They belong to the program and not to the database, so a release
/// that adds a permission gives it to the roles it is meant for.
/// </summary>
public static class ReadyRoles
{
    /// <summary>The role that may do everything; somebody always has it.</summary>
    public const string Administrator = "administrator";

    private static readonly string[] Reading =
    [
        Permissions.CouponsRead,
        Permissions.CampaignsRead,
        Permissions.PromotionsRead,
        Permissions.DirectoryRead,
        Permissions.RedemptionsRead,
    ];

    /// <summary>All of them, by id.</summary>
    public static FrozenDictionary<string, ReadyRole> All { get; } =
        new[]
        {
            Staff(
                Administrator,
                "Administrator",
                [.. Permissions.All.Where(static p => !Permissions.IsOfCustomers(p))]
            ),
            Staff(
                "marketing_operations",
                "Marketing operations",
                [
                    Permissions.ApprovalsRead,
                    Permissions.ApprovalsRequest,
                    .. Reading,
                    Permissions.CouponsWrite,
                    Permissions.CouponsBulk,
                    Permissions.CouponsExport,
                    Permissions.CampaignsWrite,
                    Permissions.PromotionsWrite,
                    Permissions.QuotesPrice,
                    Permissions.QuotesAnyTime,
                    Permissions.ReceiptsRead,
                    Permissions.FinanceRead,
                    Permissions.RedemptionsValidate,
                    Permissions.Operations,
                    Permissions.NotificationsRead,
                ]
            ),
            Staff(
                "operations",
                "Operations",
                [
                    Permissions.ApprovalsRead,
                    Permissions.ApprovalsRequest,
                    Permissions.ApprovalsEmergency,
                    Permissions.InstancesOverride,
                    Permissions.AuditRead,
                    .. Reading,
                    Permissions.CouponsWrite,
                    Permissions.CouponsBulk,
                    Permissions.CouponsExport,
                    Permissions.DirectoryWrite,
                    Permissions.CustomersBlock,
                    Permissions.RedemptionsValidate,
                    Permissions.RedemptionsRollBack,
                    Permissions.RefusalsExplain,
                    Permissions.ReceiptsRead,
                    Permissions.EventsRead,
                    Permissions.Operations,
                    Permissions.ConnectorsRead,
                    Permissions.ConnectorsWrite,
                    Permissions.ConnectorsWork,
                    Permissions.ExpiryRead,
                    Permissions.ExpiryManage,
                    Permissions.ExpiryChange,
                    Permissions.NotificationsRead,
                    Permissions.NotificationsManage,
                    Permissions.WebhooksRead,
                    Permissions.WebhooksWrite,
                    Permissions.IngestionRead,
                    Permissions.IngestionWrite,
                ]
            ),
            Staff(
                "customer_support",
                "Customer support",
                [
                    Permissions.ApprovalsRead,
                    Permissions.ApprovalsRequest,
                    Permissions.InstancesOverride,
                    Permissions.BalancesRead,
                    Permissions.BalancesDeposit,
                    Permissions.BalancesWithdraw,
                    Permissions.PersonalDataReveal,
                    Permissions.PrivacyRequests,
                    Permissions.AuditRead,
                    .. Reading,
                    Permissions.RedemptionsValidate,
                    Permissions.RedemptionsRollBack,
                    Permissions.RefusalsExplain,
                    Permissions.ReceiptsRead,
                    Permissions.PersonalDataWrite,
                    Permissions.PersonalDataRead,
                    Permissions.NotificationsRead,
                    Permissions.NotificationsManage,
                ]
            ),
            Staff(
                "reviewer",
                "Reviewer",
                [
                    Permissions.ApprovalsRead,
                    Permissions.ApprovalsDecide,
                    Permissions.AuditRead,
                    .. Reading,
                    Permissions.RefusalsExplain,
                    Permissions.ReceiptsRead,
                    Permissions.EventsRead,
                ]
            ),
            Staff(
                "fraud_analyst",
                "Fraud analyst",
                [
                    Permissions.AuditRead,
                    Permissions.ApprovalsRead,
                    Permissions.ApprovalsRequest,
                    .. Reading,
                    Permissions.CustomersBlock,
                    Permissions.RedemptionsValidate,
                    Permissions.RefusalsExplain,
                    Permissions.ReceiptsRead,
                    Permissions.EventsRead,
                    Permissions.PersonalDataRead,
                ]
            ),
            Staff(
                "finance",
                "Finance",
                [
                    Permissions.ApprovalsRead,
                    Permissions.ApprovalsRequest,
                    Permissions.ApprovalsDecide,
                    Permissions.BalancesAdjust,
                    Permissions.BalancesRead,
                    Permissions.BalancesDeposit,
                    Permissions.BalancesWithdraw,
                    Permissions.BalancesPayOut,
                    Permissions.AuditRead,
                    Permissions.AuditExport,
                    .. Reading,
                    Permissions.EventsRead,
                    Permissions.FinanceRead,
                    Permissions.ReceiptsRead,
                ]
            ),
            Staff(
                "executive_viewer",
                "Executive viewer",
                [.. Reading, Permissions.FinanceRead, Permissions.StaffFiguresRead]
            ),
            Staff(
                "site_reliability",
                "Site reliability",
                [
                    Permissions.AuditRead,
                    Permissions.ApprovalsRead,
                    Permissions.ApprovalsEmergency,
                    Permissions.EventsRead,
                    Permissions.Operations,
                    Permissions.CouponsRead,
                    Permissions.CampaignsRead,
                    Permissions.ConnectorsRead,
                    Permissions.ConnectorsWork,
                    Permissions.ExpiryRead,
                    Permissions.ExpiryManage,
                    Permissions.NotificationsRead,
                    Permissions.NotificationsManage,
                    Permissions.WebhooksRead,
                    Permissions.IngestionRead,
                ]
            ),
            Of(
                "merchant_manager",
                "Manager of a merchant",
                Realms.Merchant,
                [
                    .. Reading,
                    Permissions.CouponsWrite,
                    Permissions.CouponsBulk,
                    Permissions.CouponsExport,
                    Permissions.CampaignsWrite,
                    Permissions.PromotionsWrite,
                    Permissions.QuotesPrice,
                    Permissions.FinanceRead,
                    Permissions.RedemptionsValidate,
                    Permissions.RedemptionsRedeem,
                    Permissions.RedemptionsRollBack,
                    Permissions.ExpiryChange,
                    Permissions.ConnectorsRead,
                    Permissions.Operations,
                    Permissions.KeysManage,
                    Permissions.PeopleRead,
                    Permissions.PeopleManage,
                ]
            ),
            Of(
                "merchant_till",
                "Till of a merchant",
                Realms.Merchant,
                [Permissions.RedemptionsValidate, Permissions.RedemptionsRedeem]
            ),
            Of("partner_viewer", "Partner, reading only", Realms.Merchant, [.. Reading, Permissions.ConnectorsRead]),
            Of("customer", "Customer", Realms.Customer, [Permissions.OwnRead, Permissions.OwnWithdraw]),
        }.ToFrozenDictionary(static r => r.Id, StringComparer.Ordinal);

    /// <summary>
    /// The permissions a role of a realm may hold. What a customer may do is bounded by the customer, and only the
    /// operations behind <see cref="Permissions.IsOfCustomers"/> are.
    /// </summary>
    public static IReadOnlySet<string> Grantable(string realm) =>
        realm switch
        {
            Realms.Staff => All[Administrator].Permissions,
            Realms.Merchant => All["merchant_manager"].Permissions,
            _ => All["customer"].Permissions,
        };

    private static ReadyRole Staff(string id, string name, string[] permissions) =>
        Of(id, name, Realms.Staff, permissions);

    private static ReadyRole Of(string id, string name, string realm, string[] permissions) =>
        new(id, name, realm, permissions.ToFrozenSet(StringComparer.Ordinal));
}
