using System.Text.Json;
using Tessera.Core;
using Tessera.Core.Coupons;
using Tessera.Core.Promotions;
using Tessera.Server.Platform.Http;

namespace Tessera.Server.Promotions;

/// <summary>A promotion as sent: what the engine prices, and what the house calls it.</summary>
/// <param name="Name">For people.</param>
/// <param name="CouponId">The coupon whose codes it prices; null for one that applies by itself.</param>
/// <param name="Promotion">As the engine prices it.</param>
internal sealed record PromotionDraft(string Name, long? CouponId, Promotion Promotion);

/// <summary>
/// Promotions on the wire and in the table: the names of the open test kit in the spelling of this API. Reading is
/// strict, and tells of everything that is wrong at once.
/// </summary>
internal static class PromotionJson
{
    /// <summary>Where a promotion stands that does not say: between those that must be early and those that must be late.</summary>
    public const int StandardOrder = 1000;

    /// <summary>Effects of one promotion.</summary>
    public const int MaxEffects = 20;

    private const int MaxNames = 1000;
    private const int MaxLimits = 20;

    private static readonly string[] Stops = ["line"];
    private static readonly string[] Budgets = ["spend", "usage"];
    private static readonly string[] Overflows = ["reject", "clip"];
    private static readonly string[] Periods = ["ever", "day", "week", "month"];
    private static readonly string[] Pers = ["all", "customer"];

    /// <summary>Reads a promotion; what is wrong is in the fields afterwards.</summary>
    /// <param name="fields">The members.</param>
    /// <param name="id">Its id.</param>
    /// <param name="version">Of the definition.</param>
    /// <param name="active">Whether it is switched on.</param>
    public static PromotionDraft? Read(Fields fields, string id, int version, bool active)
    {
        ArgumentNullException.ThrowIfNull(fields);
        var reading = new PromotionReading();
        var name = fields.Text("name", 200);
        var coupon = fields.Integer("coupon_id", 1, Fields.MaximumInteger, required: false);
        var order = fields.Integer("apply_order", 1, Stacking.LastOrder, required: false) ?? StandardOrder;
        var exclusive = fields.Word("stacking", Stacking.Words, required: false) == Stacking.ExclusiveWord;
        var groups = Names(fields, "groups") ?? [];
        var stops = fields.Word("stop_further", Stops, required: false) is not null;
        var from = fields.Instant("valid_from", required: false);
        var until = fields.Instant("valid_until", required: false);
        var channels = Names(fields, "channels");
        var currency = fields.Text("currency", 3, required: false);
        if (currency is not null && !Currencies.IsKnown(currency))
        {
            fields.Add("currency", "unknown_currency", "This has to be an ISO 4217 currency code.");
        }

        var most = fields.Integer("max_uses_total", 1, int.MaxValue, required: false);
        var own = fields.Integer("max_uses_per_user", 1, int.MaxValue, required: false);
        var limits = fields.List("limits", MaxLimits, Limit, required: false) ?? [];
        var stock = fields.Integer("stock", 1, Fields.MaximumInteger, required: false);
        var budget = Budget(fields, reading);
        var condition = fields.Object("conditions", required: false) is { } conditions
            ? reading.Condition(conditions)
            : null;
        var effects = reading.Effects(fields);
        if (reading.NamesMoney && currency is null && !fields.Has("currency"))
        {
            fields.Add("currency", "required", "An amount never crosses currencies: say which one is meant.");
        }

        var promotion = new Promotion(id, (int)order, effects)
        {
            Version = version,
            Active = active,
            Exclusive = exclusive,
            Groups = groups,
            StopsFurther = stops,
            ValidFrom = from,
            ValidUntil = until,
            Channels = channels,
            Currency = currency,
            MaxUses = (int?)most,
            MaxUsesPerCustomer = (int?)own,
            Limits = limits,
            Stock = stock,
            Budget = budget,
            Condition = condition,
        };
        return name is null ? null : new PromotionDraft(name, coupon, promotion);
    }

    /// <summary>Reads one that was stored: it was checked when it was saved.</summary>
    /// <exception cref="InvalidOperationException">It is not what this release writes.</exception>
    public static PromotionDraft Stored(ReadOnlyMemory<byte> definition, Guid id, int version, bool active)
    {
        var (body, _) = RequestBody.Parse(definition);
        if (body is not null)
        {
            var fields = Fields.Of(body);
            var draft = Read(fields, id.ToString(), version, active);
            if (draft is not null && fields.Finish() is null)
            {
                return draft;
            }
        }

        throw new InvalidOperationException($"Version {version} of promotion {id} cannot be read.");
    }

    /// <summary>The bytes that are stored.</summary>
    public static byte[] ToBytes(PromotionDraft draft) => JsonSerializer.SerializeToUtf8Bytes(View(draft), Wire.Json);

    /// <summary>Everything said of a draft beside what is active: errors go to the fields, warnings come back.</summary>
    public static IReadOnlyList<PromotionWarning> Check(
        Fields fields,
        PromotionDraft draft,
        IReadOnlyList<Promotion> others
    )
    {
        ArgumentNullException.ThrowIfNull(fields);
        ArgumentNullException.ThrowIfNull(draft);
        var findings = RuleCheck.Of(draft.Promotion, others);
        fields.Add(findings.Where(static f => f.IsError).Select(static f => ErrorOf(f)));
        return Warnings(findings);
    }

    /// <summary>A finding as an error of the request.</summary>
    /// <param name="finding">By the engine's names.</param>
    /// <param name="root">What the engine calls the place the request has under another name.</param>
    /// <param name="name">That name.</param>
    public static FieldError ErrorOf(RuleFinding finding, string root = "", string name = "")
    {
        ArgumentNullException.ThrowIfNull(finding);
        var field = name + PathOf(finding.Field)[root.Length..];
        return new FieldError(field, "#/" + field.Replace('.', '/'), finding.Code, finding.Message);
    }

    /// <summary>What should be looked at in a promotion that was saved, beside what is active now.</summary>
    public static IReadOnlyList<PromotionWarning> Warnings(PromotionDraft draft, IReadOnlyList<Promotion> others)
    {
        ArgumentNullException.ThrowIfNull(draft);
        return Warnings(RuleCheck.Of(draft.Promotion, others));
    }

    private static IReadOnlyList<PromotionWarning> Warnings(IReadOnlyList<RuleFinding> findings) =>
        [
            .. findings
                .Where(static f => !f.IsError)
                .Select(static f => new PromotionWarning(PathOf(f.Field), f.Code, f.Message.Text)),
        ];

    /// <summary>The promotion as written.</summary>
    public static PromotionDefinition View(PromotionDraft draft)
    {
        ArgumentNullException.ThrowIfNull(draft);
        var promotion = draft.Promotion;
        return new PromotionDefinition
        {
            Name = draft.Name,
            CouponId = draft.CouponId,
            ApplyOrder = promotion.Priority,
            Stacking = Stacking.Words[promotion.Exclusive ? 1 : 0],
            Groups = promotion.Groups.Count == 0 ? null : promotion.Groups,
            StopFurther = promotion.StopsFurther ? "line" : null,
            ValidFrom = promotion.ValidFrom,
            ValidUntil = promotion.ValidUntil,
            Channels = promotion.Channels,
            Currency = promotion.Currency,
            MaxUsesTotal = promotion.MaxUses,
            MaxUsesPerUser = promotion.MaxUsesPerCustomer,
            Limits = promotion.Limits.Count == 0 ? null : [.. promotion.Limits.Select(Limit)],
            Stock = promotion.Stock,
            Budget = promotion.Budget is { } budget
                ? new BudgetShape(
                    budget.InUses ? "usage" : "spend",
                    budget.Limit,
                    budget.Overflow == BudgetOverflow.Clip ? "clip" : "reject"
                )
                : null,
            Conditions = promotion.Condition is AllOf all ? PromotionWriting.Condition(all) : null,
            Effects = [.. promotion.Effects.Select(PromotionWriting.Effect)],
        };
    }

    /// <summary>A list of names; empty ones are wrong.</summary>
    internal static IReadOnlyList<string>? Names(Fields fields, string name) =>
        fields.List(name, MaxNames, static (item, place) => item.Text(place, 100), required: false);

    private static UseLimit? Limit(Fields item, string place)
    {
        if (item.Object(place) is not { } fields)
        {
            return null;
        }

        var max = fields.Integer("max", 1, Fields.MaximumInteger);
        var period = fields.Word("period", Periods, required: false) ?? Periods[0];
        var zone = fields.Text("time_zone", 64, required: false) ?? "UTC";
        if (!Zones.TryFind(zone, out _))
        {
            fields.Add("time_zone", "unknown_time_zone", "This has to be the IANA name of a time zone.");
        }

        var perCustomer = fields.Word("per", Pers, required: false) == "customer";
        var channel = fields.Text("channel", 40, required: false);
        return max is null
            ? null
            : new UseLimit(max.Value)
            {
                Period = (LimitPeriod)Array.IndexOf(Periods, period),
                Zone = zone,
                PerCustomer = perCustomer,
                Channel = channel,
            };
    }

    private static LimitShape Limit(UseLimit limit) =>
        new(limit.Max, Periods[(int)limit.Period], limit.Zone, limit.PerCustomer ? "customer" : "all", limit.Channel);

    private static PromotionBudget? Budget(Fields fields, PromotionReading reading)
    {
        if (fields.Object("budget", required: false) is not { } budget)
        {
            return null;
        }

        var type = budget.Word("type", Budgets);
        var limit = budget.Integer("limit", 1, Fields.MaximumInteger);
        var clips = budget.Word("on_overflow", Overflows, required: false) == "clip";
        reading.NamesMoney |= type == "spend";
        return type is null || limit is null
            ? null
            : new PromotionBudget(type == "usage", limit.Value, clips ? BudgetOverflow.Clip : BudgetOverflow.Reject);
    }

    /// <summary>From the engine's way of naming a place (<c>effects[0].filter</c>) to this API's.</summary>
    private static string PathOf(string field) =>
        field.Replace("[", ".", StringComparison.Ordinal).Replace("]", "", StringComparison.Ordinal);
}
