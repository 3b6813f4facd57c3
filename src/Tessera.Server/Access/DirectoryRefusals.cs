using Tessera.Core;

namespace Tessera.Server.Access;

/// <summary>Why a change to the directory is refused.</summary>
internal static class DirectoryRefusals
{
    public static readonly Refusal MerchantKey = new(
        "merchant_key_not_allowed",
        "A key that acts for one merchant cannot change the directory.",
        RefusalKind.Forbidden
    );

    public static readonly Refusal SumsNotYours = new(
        "sums_not_yours",
        "What is sent sums of money can be set up and changed only by those who may see them: it takes the permission "
            + Permissions.FinanceRead
            + ".",
        RefusalKind.Forbidden
    );

    public static readonly Refusal InUse = new(
        "in_use",
        "Other records refer to this one. Switch it off instead of deleting it."
    );

    public static readonly Refusal ExternalIdTaken = new(
        "external_id_taken",
        "Another record of this kind has this external id."
    );

    public static readonly Refusal ChannelExists = new("channel_exists", "There is a channel of this id.");
}
