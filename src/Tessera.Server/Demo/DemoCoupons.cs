using Tessera.Core.Coupons;

namespace Tessera.Server.Demo;

/// <summary>Who the coupons of the demo world belong to.</summary>
/// <param name="Bakery">A merchant.</param>
/// <param name="Books">A merchant.</param>
/// <param name="Yoga">A merchant.</param>
internal sealed record DemoMerchants(Guid Bakery, Guid Books, Guid Yoga);

/// <summary>The coupons of the demo world: every kind, every status.</summary>
internal static class DemoCoupons
{
    public const string Running = "autumn-favourites";
    public const string Scheduled = "winter-preview";
    public const string Ended = "summer-farewell";

    public static IReadOnlyList<CouponDraft> Of(DemoMerchants merchants, DateTimeOffset now)
    {
        var standard = new CouponDraft
        {
            Currency = "EUR",
            TimeZone = "Europe/Vienna",
            ValidFrom = now.AddDays(-20),
            ValidUntil = now.AddDays(60),
            IsActive = true,
        };
        CouponDraft Percent(string code, string name, string text, decimal percent) =>
            standard with
            {
                Code = code,
                InternalName = name,
                Description = new Dictionary<string, string> { ["en"] = text },
                DiscountType = "percentage",
                DiscountValue = percent,
            };
        CouponDraft Amount(string code, string name, string text, decimal amount) =>
            Percent(code, name, text, amount) with
            {
                DiscountType = "fixed_amount",
            };

        return
        [
            Percent("AUTUMN15", "Autumn favourites", "15% off everything this autumn.", 15) with
            {
                Distribution = "public",
                MaxDiscountAmount = 20,
                MaxUsesPerUser = 3,
                CampaignId = Running,
                CampaignRole = "primary",
                CampaignSource = "newsletter",
            },
            Amount("WELCOME5", "Welcome", "5 euros off a first order of 25 euros or more.", 5) with
            {
                ApplicableTo = "first_time_users",
                MinimumOrderValue = 25,
                ValidUntil = null,
            },
            Amount("SOURDOUGH", "Sourdough Saturday", "2 euros off every loaf in the city store.", 2) with
            {
                MerchantId = merchants.Bakery,
                Channels = ["city-store", "till-1"],
                Products = ["BREAD-SOUR-750", "BREAD-SOUR-1000"],
                MaxUsesPerUser = 10,
            },
            Percent("READMORE", "Readers' club", "A fifth off for members of the readers' club.", 20) with
            {
                MerchantId = merchants.Books,
                Distribution = "private",
                CampaignId = Running,
                CampaignRole = "secondary",
                MaxUsesTotal = 500,
            },
            Percent("BOOKGIFT", "Gift cards of the book shop", "10% off with a code of your own.", 10) with
            {
                MerchantId = merchants.Books,
                CodeKind = "unique",
            },
            Percent("FREECLASS", "First class free", "One yoga class at no charge.", 100) with
            {
                MerchantId = merchants.Yoga,
                DiscountType = "free_session",
                EligibleServices = ["book_a_meeting"],
                MaxDiscountAmount = 30,
            },
            Percent("MENTOR30", "Thirty minutes with a mentor", "Half off sessions with Ines or Jonas.", 50) with
            {
                ApplicableTo = "specific_consultants",
                ConsultantRestrictions = [1, 2],
            },
            Amount("LASTSEATS", "Last seats", "10 euros off, for the first two.", 10) with
            {
                MerchantId = merchants.Yoga,
                MaxUsesTotal = 2,
            },
            Percent("WINTER25", "Winter preview", "25% off from the first day of winter.", 25) with
            {
                ValidFrom = now.AddDays(30),
                ValidUntil = now.AddDays(120),
                CampaignId = Scheduled,
                CampaignRole = "primary",
            },
            Percent("SUMMER20", "Summer farewell", "20% off to say goodbye to summer.", 20) with
            {
                ValidFrom = now.AddDays(-90),
                ValidUntil = now.AddDays(-30),
                CampaignId = Ended,
                CampaignRole = "primary",
            },
            Percent("PAUSED10", "Partner week", "10% off, held back until the partner is ready.", 10) with
            {
                IsActive = false,
            },
            Amount("TOKYO500", "Tokyo pop-up store", "500 yen off.", 500) with
            {
                Currency = "JPY",
                TimeZone = "Asia/Tokyo",
                MinimumOrderValue = 3000,
            },
        ];
    }
}
