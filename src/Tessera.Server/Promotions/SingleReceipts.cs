using System.Globalization;
using System.Text.Json;
using Npgsql;
using Tessera.Core;
using Tessera.Core.Coupons;
using Tessera.Core.Promotions;
using Tessera.Server.Coupons;
using Tessera.Server.Platform;

namespace Tessera.Server.Promotions;

/// <summary>A single code that was used, held or refused: all its receipt is computed from.</summary>
/// <param name="CouponId">Of the coupon; null for a code nobody knows.</param>
/// <param name="Version">Of its definition.</param>
/// <param name="OrderMinor">What it was used on.</param>
/// <param name="DiscountMinor">What it gave; null when it was refused.</param>
/// <param name="CutToMinor">What was left of the campaign's budget, where the discount was cut to that.</param>
/// <param name="Names">What people call the coupons.</param>
internal sealed record SingleUse(
    long? CouponId,
    long Version,
    long OrderMinor,
    long? DiscountMinor,
    long? CutToMinor,
    IReadOnlyDictionary<string, string> Names
);

/// <summary>
/// The receipts of single codes. Their rows are the compact form: version, amounts, reason and the change that would have
/// helped stand in them, so that a redemption writes nothing more, however many there are.
/// </summary>
internal static class SingleReceipts
{
    private const string Sql = """
        select 'redemption', c.merchant_id, r.client_id, r.customer_id, r.decided_at, r.currency, r.order_minor, r.coupon_id,
            r.coupon_version, r.discount_minor, null as reason, null as change_kind, null::bigint as change_amount,
            null::timestamptz as change_at, null as code_hint, s.coupon_id, s.reason, c.description ->> 'en',
            p.description ->> 'en', k.left_minor
        from redemptions.redemption r
        join coupons.coupon c on c.id = r.coupon_id
        left join redemptions.stand_in s on s.attempt_id = r.id
        left join redemptions.cut k on k.attempt_id = r.id
        left join coupons.coupon p on p.id = s.coupon_id
        where r.id = $1 and ($2::uuid is null or c.merchant_id = $2)
        union all
        select 'reservation', c.merchant_id, r.client_id, r.customer_id, r.decided_at, r.currency, r.order_minor, r.coupon_id,
            r.coupon_version, r.discount_minor, null, null, null, null, null, s.coupon_id, s.reason, c.description ->> 'en',
            p.description ->> 'en', k.left_minor
        from redemptions.reservation r
        join coupons.coupon c on c.id = r.coupon_id
        left join redemptions.stand_in s on s.attempt_id = r.id
        left join redemptions.cut k on k.attempt_id = r.id
        left join coupons.coupon p on p.id = s.coupon_id
        where r.id = $1 and r.coupon_version is not null and ($2::uuid is null or c.merchant_id = $2)
        union all
        select 'refusal', c.merchant_id, f.client_id, f.customer_id, f.decided_at, coalesce(f.currency, c.currency),
            coalesce(f.order_minor, 0), f.coupon_id, coalesce(f.coupon_version, 0), null, f.reason, f.change_kind,
            f.change_amount, f.change_at, f.code_hint, null, null, c.description ->> 'en', null, null
        from redemptions.refusal f
        left join coupons.coupon c on c.id = f.coupon_id
        where f.id = $1 and ($2::uuid is null or c.merchant_id = $2)
        """;

    /// <summary>The receipt of a redemption, reservation or refusal of a single code.</summary>
    public static async Task<StoredReceipt?> FindAsync(
        UnitOfWork work,
        Guid id,
        Guid? merchant,
        CancellationToken cancel
    )
    {
        ArgumentNullException.ThrowIfNull(work);
        await using var query = work.Command(Sql, id, ReceiptStore.Uuid(merchant));
        await using var row = await query.ExecuteReaderAsync(cancel);
        return await row.ReadAsync(cancel) ? Read(row, id) : null;
    }

    /// <summary>Computes the discount again, by the definition of the version that decided.</summary>
    /// <returns>The first thing that differs; null when nothing does.</returns>
    public static async Task<string?> ReplayAsync(UnitOfWork work, SingleUse use, CancellationToken cancel)
    {
        ArgumentNullException.ThrowIfNull(use);
        if (use is not { CouponId: { } id, DiscountMinor: { } given })
        {
            // Of a refusal there is nothing to compute: its reason was decided by what stood then.
            return null;
        }

        if (await TermsAsync(work, id, use.Version, cancel) is not { } terms)
        {
            return $"version {use.Version} of coupon {id} is not in the log";
        }

        var full = CouponPricing.Discount(terms, use.OrderMinor);
        var now = Math.Min(full, use.CutToMinor ?? full);
        return now == given ? null : $"discount: {given}, now {now}";
    }

    private static StoredReceipt Read(NpgsqlDataReader row, Guid id)
    {
        var head = new ReceiptHead(id, row.GetString(0), id, row.Value<Guid>(1), row.GetGuid(2), row.Value<Guid>(3));
        var (at, currency, order) = (
            row.GetFieldValue<DateTimeOffset>(4),
            row.Object<string>(5) ?? "",
            row.GetInt64(6)
        );
        var (coupon, version, discount) = (row.Value<long>(7), row.GetInt64(8), row.Value<long>(9));
        var names = new Dictionary<string, string>(StringComparer.Ordinal);
        var name = NameOf(coupon, row.Object<string>(17), names);
        var change = row.Object<string>(11) is { } kind
            ? new Remedy(kind, row.Value<long>(12) ?? 0, row.Value<DateTimeOffset>(13))
            : null;
        var verdict = new Verdict(
            name,
            (int)version,
            discount is null ? row.Object<string>(14) + "…" : null,
            discount ?? 0,
            row.Object<string>(10),
            change
        )
        {
            IsCut = !row.IsDBNull(19),
        };
        var receipt = new Receipt(
            at,
            currency,
            order,
            order - (discount ?? 0),
            0,
            [verdict],
            discount > 0 ? [new PricingStep(name!, EffectTarget.Order, "", order, discount.Value)] : []
        )
        {
            StandIns = NameOf(row.Value<long>(15), row.Object<string>(18), names) is { } primary
                ? [new StandIn(names[primary], primary, 0, row.GetString(16), name!)]
                : null,
        };
        var cart = new KeptCart(currency, []);
        var rules = new KeptRules(default, default, null, null, null, null);
        return new StoredReceipt(head, at, receipt, new ReceiptInput(cart, at, rules, [], null, null))
        {
            Single = new SingleUse(coupon, version, order, discount, row.Value<long>(19), names),
        };
    }

    private static string? NameOf(long? coupon, string? description, Dictionary<string, string> names)
    {
        if (coupon is not { } id)
        {
            return null;
        }

        var key = string.Create(CultureInfo.InvariantCulture, $"coupon:{id}");
        names[key] = CartNames.Spoken(description, key);
        return key;
    }

    /// <summary>The terms of a version: those of now, with every change since then taken back.</summary>
    private static async Task<CouponTerms?> TermsAsync(
        UnitOfWork work,
        long coupon,
        long version,
        CancellationToken cancel
    )
    {
        CouponTerms? terms = null;
        await using (
            var query = work.Command(
                $"""
                select {CouponTermsRow.Columns} from coupons.coupon c
                left join campaigns.campaign g on g.id = c.campaign_id where c.id = $1
                """,
                coupon
            )
        )
        await using (var row = await query.ExecuteReaderAsync(cancel))
        {
            if (await row.ReadAsync(cancel))
            {
                terms = CouponTermsRow.Read(row, 0);
            }
        }

        if (terms is null || terms.Version == version)
        {
            return terms;
        }

        await using var changes = work.Command(
            """
            select payload::text from platform.event
            where aggregatetype = 'coupon' and aggregateid = $1 and type = 'coupon.updated' and sequence > $2
            order by sequence desc
            """,
            coupon.ToString(CultureInfo.InvariantCulture),
            version
        );
        await using var rows = await changes.ExecuteReaderAsync(cancel);
        while (await rows.ReadAsync(cancel))
        {
            using var payload = JsonDocument.Parse(rows.GetString(0));
            terms = Before(terms, payload.RootElement);
        }

        return terms with
        {
            Version = version,
        };
    }

    /// <summary>The terms before a change, as far as they say what a use gives.</summary>
    private static CouponTerms Before(CouponTerms terms, JsonElement changes)
    {
        // The currency first: amounts are told in its major units.
        terms = terms with
        {
            Currency = Was("currency") ?? terms.Currency,
            DiscountType = Was("discount_type") switch
            {
                "percentage" => DiscountType.Percentage,
                "fixed_amount" => DiscountType.FixedAmount,
                "free_session" => DiscountType.FreeSession,
                _ => terms.DiscountType,
            },
        };
        if (changes.TryGetProperty("max_discount_amount", out _))
        {
            terms = terms with { MaxDiscountMinor = Minor(Was("max_discount_amount")) };
        }

        if (Was("discount_value") is { } value)
        {
            terms =
                terms.DiscountType == DiscountType.FixedAmount
                    ? terms with
                    {
                        AmountMinor = Minor(value) ?? 0,
                    }
                    : terms with
                    {
                        Percent = decimal.Parse(value, CultureInfo.InvariantCulture),
                    };
        }

        return terms;

        string? Was(string name) =>
            changes.TryGetProperty(name, out var change) ? change.GetProperty("before").GetString() : null;

        long? Minor(string? major) =>
            major is not null
            && Currencies.TryToMinor(decimal.Parse(major, CultureInfo.InvariantCulture), terms.Currency, out var minor)
                ? minor
                : null;
    }
}
