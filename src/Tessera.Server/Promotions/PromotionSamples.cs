using Tessera.Server.Access;

namespace Tessera.Server.Promotions;

/// <summary>Examples of the API description.</summary>
internal static class PromotionSamples
{
    public static readonly PromotionDefinition Definition = new()
    {
        Name = "15 % off shoes from 60 EUR",
        ApplyOrder = 100,
        Currency = "EUR",
        ValidFrom = Samples.At,
        Channels = ["web"],
        Conditions = new ConditionShape
        {
            Subtotal = new SpendShape(6000),
            Any =
            [
                new ConditionShape { CustomerGroups = ["members"] },
                new ConditionShape { Hours = new HoursShape("18:00", "22:00", "Europe/Vienna", ["friday"]) },
            ],
        },
        Effects =
        [
            new EffectShape
            {
                Type = "percent",
                Target = "lines",
                Percent = 15,
                Filter = new FilterShape { Categories = ["shoes"], ExcludeOnSale = true },
                MaxDiscountAmount = 3000,
            },
        ],
    };

    public static readonly PromotionView View = new()
    {
        Id = Samples.Id,
        State = "inactive",
        Version = 1,
        MerchantId = null,
        Warnings =
        [
            new PromotionWarning(
                "stacking",
                "free_by_stacking",
                "With the promotions it may combine with, goods cost next to nothing."
            ),
        ],
        CreatedBy = "key:01970f3e-8a00-7c3e-9d52-6f1b2a3c4d5e",
        CreatedAt = Samples.At,
        UpdatedAt = Samples.At,
        Name = Definition.Name,
        ApplyOrder = Definition.ApplyOrder,
        Currency = Definition.Currency,
        ValidFrom = Definition.ValidFrom,
        Channels = Definition.Channels,
        Conditions = Definition.Conditions,
        Effects = Definition.Effects,
    };
}
