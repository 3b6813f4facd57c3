using Tessera.Core;

namespace Tessera.Server.Approvals;

/// <summary>Why a request is not taken, approved or carried out.</summary>
internal static class ApprovalRefusals
{
    public static readonly Refusal StaffOnly = new(
        "staff_only",
        "A key that acts for one merchant cannot request or decide this.",
        RefusalKind.Forbidden
    );

    public static readonly Refusal PermissionMissing = new(
        "permission_missing",
        "This kind of request needs a permission that you do not have.",
        RefusalKind.Forbidden
    );

    public static readonly Refusal SamePerson = new(
        "same_person",
        "The person who asked cannot decide, whichever account or key is used. Another person has to.",
        RefusalKind.Forbidden
    );

    public static readonly Refusal NewAccount = new(
        "account_too_new",
        "An account that was made after a request cannot approve it.",
        RefusalKind.Forbidden
    );

    public static readonly Refusal NotRequester = new(
        "not_the_requester",
        "Only the person who asked can withdraw a request.",
        RefusalKind.Forbidden
    );

    public static readonly Refusal Decided = new("already_decided", "This request was decided before.");

    public static readonly Refusal Expired = new(
        "approval_expired",
        "Nobody decided in time. Ask again, so that the effect is shown as it would be now."
    );

    public static readonly Refusal ChangedMeanwhile = new(
        "changed_meanwhile",
        "What this request concerns has changed since the effect was shown, so nothing was done. Ask again."
    );

    public static readonly Refusal OtherEffect = new(
        "other_effect",
        "The effect_hash is not that of this request: read it again and decide on what it shows."
    );

    public static readonly Refusal NotOver = new("emergency_running", "End this emergency before it is reviewed.");

    public static readonly Refusal Reviewed = new("already_reviewed", "This emergency was reviewed before.");

    public static readonly Refusal Running = new(
        "emergency_exists",
        "You are in an emergency already. End it before you start another."
    );

    public static readonly Refusal Unreviewed = new(
        "emergency_unreviewed",
        "Your last emergency has not been reviewed for seven days. Have it reviewed before you start another."
    );
}
