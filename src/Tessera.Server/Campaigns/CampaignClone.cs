using System.Security.Cryptography;
using Tessera.Core;
using Tessera.Core.Codes;
using Tessera.Core.Coupons;
using Tessera.Server.Coupons;
using Tessera.Server.Platform;
using Tessera.Server.Regions;

namespace Tessera.Server.Campaigns;

/// <summary>
/// Copies a campaign with its coupons (CMP-08): fresh codes, windows moved by as many days as the campaign, all of them
/// switched off until the campaign is switched on.
/// </summary>
internal static class CampaignClone
{
    /// <summary>Most coupons of a campaign that is cloned.</summary>
    public const int MaximumCoupons = 10_000;

    private const int SuffixLength = 6;
    private const int Attempts = 20;

    internal static readonly Refusal TooLarge = new(
        "campaign_too_large",
        $"A campaign with more than {MaximumCoupons:maximum} coupons cannot be cloned."
    );

    /// <summary>Copies the coupons of a campaign to one that was made from it.</summary>
    /// <returns>Id and code of each, or why not; then the transaction is to be rolled back.</returns>
    public static async Task<(IReadOnlyList<(long Id, string Code)> Made, Refusal? Refusal)> CopyCouponsAsync(
        UnitOfWork work,
        Campaign from,
        CampaignWanted to,
        string id,
        CatalogueActor actor,
        DateTimeOffset now,
        CancellationToken cancel
    )
    {
        var coupons = await CouponStore.OfCampaignAsync(work, from.Id, MaximumCoupons + 1, cancel);
        if (coupons.Count > MaximumCoupons)
        {
            return ([], TooLarge);
        }

        Zones.TryFind(to.TimeZone, out var zone);
        var days = Zones.DayOf(to.StartDate, zone).DayNumber - Zones.DayOf(from.StartDate, zone).DayNumber;
        var drafts = coupons.Select(c => Moved(c, id, days)).ToList();
        var regions = await RegionRules.OfMerchantsAsync(work, drafts.Select(static d => d.MerchantId), cancel);
        for (var i = 0; i < drafts.Count; i++)
        {
            if (RegionCheck.Validate(regions, before: null, drafts[i], now) is [var first, ..])
            {
                var message = $"Coupon {coupons[i].Code}: {first.Message}";
                return ([], Platform.Http.Problems.Invalid([new("start_date", "#/start_date", first.Code, message)]));
            }
        }

        if (await FreshAsync(work, drafts, cancel) is not { } fresh)
        {
            return ([], Catalogue.NoFreeCode);
        }

        var ids = await CouponStore.InsertAsync(work, fresh, actor, now, cancel);
        return ([.. fresh.Select((draft, place) => (ids[place], draft.Code!))], null);
    }

    private static CouponDraft Moved(Coupon coupon, string campaign, int days)
    {
        Zones.TryFind(coupon.TimeZone, out var zone);
        var draft = coupon.ToDraft();
        return draft with
        {
            CampaignId = campaign,
            ValidFrom = Zones.AddDays(coupon.ValidFrom, days, zone),
            ValidUntil = draft.ValidUntil is { } until ? Zones.AddDays(until, days, zone) : null,
            IsActive = false,
            ExternalId = null,
        };
    }

    /// <summary>The beginning of each code with an end that nobody has; they are drawn again until all are free.</summary>
    private static async Task<IReadOnlyList<CouponDraft>?> FreshAsync(
        UnitOfWork work,
        List<CouponDraft> drafts,
        CancellationToken cancel
    )
    {
        var used = new HashSet<string>(StringComparer.Ordinal);
        for (var attempt = 0; attempt < Attempts; attempt++)
        {
            var codes = drafts.ConvertAll(draft => CodeLike(draft.Code!, used));
            if ((await CouponStore.TakenAsync(work, codes, cancel)).Count == 0)
            {
                return [.. drafts.Select((draft, i) => draft with { Code = codes[i] })];
            }
        }

        return null;
    }

    private static string CodeLike(string code, HashSet<string> used)
    {
        var head = code[..Math.Min(code.Length, CodeAlphabet.MaximumLength - SuffixLength - 1)];
        var options = new CodeOptions(head + "-", Length: head.Length + 1 + SuffixLength);
        while (true)
        {
            var fresh = CodeAlphabet.Shape(options, default, RandomNumberGenerator.GetBytes(SuffixLength));
            if (used.Add(fresh))
            {
                return fresh;
            }
        }
    }
}
