namespace Tessera.Core.Coupons;

/// <summary>What is done to many coupons at once (BLK-03).</summary>
public enum BulkAction
{
    /// <summary>Switch on.</summary>
    Activate,

    /// <summary>Switch off.</summary>
    Deactivate,

    /// <summary>Set fields to the same values, or move ends by the same span.</summary>
    Edit,

    /// <summary>Take out of lists and use (R-14).</summary>
    Delete,
}

/// <summary>A value that is set, or left as it is.</summary>
/// <param name="IsGiven">Whether it is set.</param>
/// <param name="Value">What it is set to.</param>
public readonly record struct Wanted<T>(bool IsGiven, T Value);

/// <summary>A change that is asked for of many coupons.</summary>
public sealed record BulkChange
{
    /// <summary>What is done.</summary>
    public required BulkAction Action { get; init; }

    /// <summary>The last day of all of them, each in its own zone; null within for no end.</summary>
    public Wanted<DateOnly?> LastDay { get; init; }

    /// <summary>The end of all of them as an instant.</summary>
    public Wanted<DateTimeOffset> End { get; init; }

    /// <summary>Days by which ends move; coupons without an end keep none. Zero for not at all.</summary>
    public int ExtendDays { get; init; }

    /// <summary>Uses in all; null within for no limit.</summary>
    public Wanted<long?> MaxUsesTotal { get; init; }

    /// <summary>Uses of one customer.</summary>
    public Wanted<int> MaxUsesPerUser { get; init; }

    /// <summary>The source by which coupons are filtered; null within for none.</summary>
    public Wanted<string?> CampaignSource { get; init; }

    /// <summary>For staff; null within for none.</summary>
    public Wanted<string?> Notes { get; init; }

    /// <summary>Whether any field is changed.</summary>
    public bool HasEdits =>
        LastDay.IsGiven
        || End.IsGiven
        || ExtendDays != 0
        || MaxUsesTotal.IsGiven
        || MaxUsesPerUser.IsGiven
        || CampaignSource.IsGiven
        || Notes.IsGiven;

    /// <summary>Days an end may be moved by.</summary>
    public const int MaximumDays = 3650;

    /// <summary>Most uses of one customer (A.5).</summary>
    public const int MaximumUsesPerUser = 10;

    private static readonly FieldError Gone = new("", "#", "not_found", "This coupon was deleted meanwhile.");

    private static readonly FieldError Moved = new(
        "",
        "#",
        "changed_meanwhile",
        "This coupon was changed after it was selected."
    );

    private static readonly FieldError NotAfterStart = new(
        "valid_until",
        "#/valid_until",
        "not_after_start",
        "Expiration date must be after start date"
    );

    /// <summary>What this change does to one coupon.</summary>
    /// <param name="row">As it is.</param>
    /// <param name="selectedVersion">Its version when it was selected.</param>
    /// <param name="now">The database clock.</param>
    /// <param name="rule">Of the region of its merchant; null where none counts (AUD-05).</param>
    public BulkVerdict Decide(BulkRow row, long selectedVersion, DateTimeOffset now, RegionRule? rule)
    {
        ArgumentNullException.ThrowIfNull(row);
        if (row.IsDeleted || row.Version != selectedVersion)
        {
            return new BulkVerdict([], row.IsDeleted ? Gone : Moved, null);
        }

        return Action switch
        {
            BulkAction.Edit => DecideEdit(row, now, rule),
            BulkAction.Delete => new BulkVerdict(
                [new BulkFieldChange("deleted_at", null, now)],
                null,
                row.Redeemed > 0 ? BulkWarning.WasUsed : null
            ),
            _ => DecideSwitch(row, Action == BulkAction.Activate, now),
        };
    }

    private static BulkVerdict DecideSwitch(BulkRow row, bool on, DateTimeOffset now) =>
        row.IsActive == on
            ? BulkVerdict.Unchanged
            : new BulkVerdict(
                [new BulkFieldChange("is_active", row.IsActive, on)],
                null,
                on && row.ValidUntil <= now ? BulkWarning.StillExpired : null
            );

    private BulkVerdict DecideEdit(BulkRow row, DateTimeOffset now, RegionRule? rule)
    {
        var changes = new List<BulkFieldChange>();
        BulkWarning? warning = null;
        var end = EndOf(row);
        if (end <= row.ValidFrom)
        {
            return new BulkVerdict([], NotAfterStart, null);
        }

        if (rule?.Check(row.Window, row.ValidFrom, end, now) is { } broken)
        {
            return new BulkVerdict([], broken, null);
        }

        if (end != row.ValidUntil)
        {
            changes.Add(new BulkFieldChange("valid_until", row.ValidUntil, end));
            warning =
                end <= now ? BulkWarning.EndsAtOnce
                : row.ValidUntil <= now ? BulkWarning.WorksAgain
                : null;
        }

        if (MaxUsesTotal.IsGiven && MaxUsesTotal.Value != row.MaxUsesTotal)
        {
            changes.Add(new BulkFieldChange("max_uses_total", row.MaxUsesTotal, MaxUsesTotal.Value));
            warning ??= MaxUsesTotal.Value <= row.Redeemed ? BulkWarning.UsedUpAtOnce : null;
        }

        if (MaxUsesPerUser.IsGiven && MaxUsesPerUser.Value != row.MaxUsesPerUser)
        {
            changes.Add(new BulkFieldChange("max_uses_per_user", row.MaxUsesPerUser, MaxUsesPerUser.Value));
        }

        if (CampaignSource.IsGiven && CampaignSource.Value != row.CampaignSource)
        {
            changes.Add(new BulkFieldChange("campaign_source", row.CampaignSource, CampaignSource.Value));
        }

        if (Notes.IsGiven && Notes.Value != row.Notes)
        {
            changes.Add(new BulkFieldChange("notes", row.Notes, Notes.Value));
        }

        return changes.Count == 0 ? BulkVerdict.Unchanged : new BulkVerdict(changes, null, warning);
    }

    private DateTimeOffset EndOf(BulkRow row)
    {
        if (End.IsGiven)
        {
            return End.Value;
        }

        if (LastDay.IsGiven)
        {
            Zones.TryFind(row.TimeZone, out var zone);
            return LastDay.Value is { } day ? Zones.StartOf(day.AddDays(1), zone) : DateTimeOffset.MaxValue;
        }

        return row.ValidUntil == DateTimeOffset.MaxValue ? row.ValidUntil : row.ValidUntil.AddDays(ExtendDays);
    }
}

/// <summary>What of a coupon decides what a bulk change does to it.</summary>
/// <param name="Id">Of the coupon.</param>
/// <param name="Code">To name it in lists of results.</param>
/// <param name="Version">Counts its changes.</param>
/// <param name="IsDeleted">Whether it is out of lists and use.</param>
/// <param name="IsActive">Switched on.</param>
/// <param name="ValidFrom">First instant.</param>
/// <param name="ValidUntil">First instant after it; the greatest instant for no end.</param>
/// <param name="TimeZone">IANA name.</param>
/// <param name="MaxUsesTotal">Null for no limit.</param>
/// <param name="MaxUsesPerUser">1 to 10.</param>
/// <param name="CampaignSource">Null for none.</param>
/// <param name="Notes">Null for none.</param>
/// <param name="Redeemed">Uses so far.</param>
/// <param name="MerchantId">Who offers it; null for the deployment.</param>
/// <param name="CreatedAt">When it was made.</param>
public sealed record BulkRow(
    long Id,
    string Code,
    long Version,
    bool IsDeleted,
    bool IsActive,
    DateTimeOffset ValidFrom,
    DateTimeOffset ValidUntil,
    string TimeZone,
    long? MaxUsesTotal,
    int MaxUsesPerUser,
    string? CampaignSource,
    string? Notes,
    long Redeemed,
    Guid? MerchantId,
    DateTimeOffset CreatedAt
)
{
    /// <summary>When it can be used.</summary>
    public CouponWindow Window => new(ValidFrom, ValidUntil, CreatedAt);
}

/// <summary>One field of one coupon.</summary>
/// <param name="Field">The name of the column.</param>
/// <param name="Before">A flag, number, text or instant; null for none.</param>
/// <param name="After">Likewise.</param>
public sealed record BulkFieldChange(string Field, object? Before, object? After);

/// <summary>What somebody should know before it is done.</summary>
public enum BulkWarning
{
    /// <summary>It is switched on, and stays unusable as its end has passed.</summary>
    StillExpired,

    /// <summary>The new end has passed already.</summary>
    EndsAtOnce,

    /// <summary>It had ended, and will be usable again.</summary>
    WorksAgain,

    /// <summary>The new limit is reached already.</summary>
    UsedUpAtOnce,

    /// <summary>Customers have used it; their redemptions stay.</summary>
    WasUsed,
}

/// <summary>What becomes of one coupon.</summary>
/// <param name="Changes">None: it stays as it is.</param>
/// <param name="Refused">Why it cannot be done to this one.</param>
/// <param name="Warning">What should be known.</param>
public sealed record BulkVerdict(IReadOnlyList<BulkFieldChange> Changes, FieldError? Refused, BulkWarning? Warning)
{
    /// <summary>It is as wanted already.</summary>
    public static BulkVerdict Unchanged { get; } = new([], null, null);
}
