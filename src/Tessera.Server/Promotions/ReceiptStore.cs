using System.Text.Json;
using System.Text.Json.Serialization;
using Npgsql;
using NpgsqlTypes;
using Tessera.Core.Promotions;
using Tessera.Server.Platform;

namespace Tessera.Server.Promotions;

/// <summary>A price and all it was computed from.</summary>
/// <param name="Quote">The price.</param>
/// <param name="Cart">What was priced.</param>
/// <param name="Promotions">Those that could apply.</param>
/// <param name="Uses">Their use so far.</param>
/// <param name="Now">The instant.</param>
/// <param name="Rules">Rules of the house.</param>
internal sealed record PricedCart(
    Quote Quote,
    Cart Cart,
    IReadOnlyList<Promotion> Promotions,
    IReadOnlyDictionary<string, PromotionUse> Uses,
    DateTimeOffset Now,
    PricingRules Rules
)
{
    /// <summary>What people call the promotions, by id; for sentences.</summary>
    public IReadOnlyDictionary<string, string>? Names { get; init; }

    /// <summary>Why it came out as it did.</summary>
    public Receipt Receipt => Receipt.Of(Quote, Cart, Now);
}

/// <summary>Whose receipt it is, and what it explains.</summary>
/// <param name="Id">Of the receipt.</param>
/// <param name="Kind">quote, reservation, redemption or refusal.</param>
/// <param name="SubjectId">The reservation, redemption, order or refusal it explains.</param>
/// <param name="MerchantId">Whose promotions they were; null for the deployment's.</param>
/// <param name="ClientId">Who asked.</param>
/// <param name="CustomerId">The customer, where there is one.</param>
internal sealed record ReceiptHead(
    Guid Id,
    string Kind,
    Guid? SubjectId,
    Guid? MerchantId,
    Guid ClientId,
    Guid? CustomerId
);

/// <summary>A stored receipt.</summary>
/// <param name="Head">Whose it is.</param>
/// <param name="DecidedAt">When it was decided.</param>
/// <param name="Receipt">What was decided.</param>
/// <param name="Input">From what.</param>
internal sealed record StoredReceipt(ReceiptHead Head, DateTimeOffset DecidedAt, Receipt Receipt, ReceiptInput Input)
{
    /// <summary>What it is computed from, where it is of a single code and has no input of its own.</summary>
    public SingleUse? Single { get; init; }
}

/// <summary>Keeps receipts: written once, in the transaction of what they explain; only an erasure changes one.</summary>
internal static class ReceiptStore
{
    private const string Sql = """
        insert into promotions.receipt (id, kind, subject_id, merchant_id, client_id, customer_id, decided_at, receipt, input)
        values ($1, $2, $3, $4, $5, $6, $7, $8, $9)
        """;

    private static readonly JsonSerializerOptions Compact = new(JsonSerializerDefaults.Web)
    {
        DefaultIgnoreCondition = JsonIgnoreCondition.WhenWritingNull,
        Converters = { new JsonStringEnumConverter() },
    };

    /// <summary>Keeps the receipt of a price.</summary>
    public static async Task InsertAsync(UnitOfWork work, ReceiptHead head, PricedCart priced, CancellationToken cancel)
    {
        ArgumentNullException.ThrowIfNull(work);
        await using var command = work.Command(Sql);
        foreach (var parameter in Parameters(head, priced))
        {
            command.Parameters.Add(parameter);
        }

        await command.ExecuteNonQueryAsync(cancel);
    }

    /// <summary>The same as a part of a batch that writes what it explains.</summary>
    public static NpgsqlBatchCommand Insert(ReceiptHead head, PricedCart priced)
    {
        var command = new NpgsqlBatchCommand(Sql);
        foreach (var parameter in Parameters(head, priced))
        {
            command.Parameters.Add(parameter);
        }

        return command;
    }

    /// <summary>A receipt by its id, or by that of what it explains; of single codes it is made of their rows.</summary>
    public static async Task<StoredReceipt?> FindAsync(
        UnitOfWork work,
        Guid id,
        Guid? merchant,
        CancellationToken cancel
    )
    {
        ArgumentNullException.ThrowIfNull(work);
        await using var query = work.Command(
            """
            select id, kind, subject_id, merchant_id, client_id, customer_id, decided_at, receipt::text, input::text
            from promotions.receipt
            where (id = $1 or subject_id = $1
                or subject_id = (select u.order_id from redemptions.promotion_use u where u.id = $1)
                or subject_id = (select h.reservation_id from redemptions.promotion_hold h where h.id = $1))
                and ($2::uuid is null or merchant_id = $2)
            order by id = $1 desc, decided_at desc limit 1
            """,
            id,
            Uuid(merchant)
        );
        await using var row = await query.ExecuteReaderAsync(cancel);
        if (!await row.ReadAsync(cancel))
        {
            await row.DisposeAsync();
            return await SingleReceipts.FindAsync(work, id, merchant, cancel);
        }

        var head = new ReceiptHead(
            row.GetGuid(0),
            row.GetString(1),
            row.Value<Guid>(2),
            row.Value<Guid>(3),
            row.GetGuid(4),
            row.Value<Guid>(5)
        );
        return new StoredReceipt(
            head,
            row.GetFieldValue<DateTimeOffset>(6),
            Receipt.FromBytes(System.Text.Encoding.UTF8.GetBytes(row.GetString(7))),
            JsonSerializer.Deserialize<ReceiptInput>(row.GetString(8), Compact)!
        );
    }

    /// <summary>
    /// What people called the promotions of a receipt, in the versions it names; codes go by themselves, and what stood in for
    /// one by its description.
    /// </summary>
    public static async Task<IReadOnlyDictionary<string, string>> NamesAsync(
        UnitOfWork work,
        StoredReceipt stored,
        CancellationToken cancel
    )
    {
        ArgumentNullException.ThrowIfNull(work);
        ArgumentNullException.ThrowIfNull(stored);
        if (stored.Single is { } single)
        {
            return single.Names;
        }

        var input = stored.Input;
        var names = new Dictionary<string, string>(StringComparer.Ordinal);
        var known = new List<KeptPromotion>();
        var others = new Dictionary<string, long>(StringComparer.Ordinal);
        foreach (var promotion in input.Promotions)
        {
            if (Guid.TryParseExact(promotion.Id, "D", out _))
            {
                known.Add(promotion);
            }
            else if (promotion is { Code: { } code, Fallback: null })
            {
                names[promotion.Id] = code;
            }
            else if (CartNames.CouponOf(promotion.Id) is { } coupon)
            {
                others[promotion.Id] = coupon;
            }
        }

        if (others.Count > 0)
        {
            await AddDescriptionsAsync(work, others, names, cancel);
        }

        await using var query = work.Command(
            """
            select v.promotion_id, v.definition ->> 'name' from unnest($1::uuid[], $2::integer[]) k (id, version)
            join promotions.version v on v.promotion_id = k.id and v.version = k.version
            """,
            new NpgsqlParameter<Guid[]> { TypedValue = [.. known.Select(static p => Guid.Parse(p.Id))] },
            new NpgsqlParameter<int[]> { TypedValue = [.. known.Select(static p => p.Version)] }
        );
        await using var rows = await query.ExecuteReaderAsync(cancel);
        while (await rows.ReadAsync(cancel))
        {
            names[rows.GetGuid(0).ToString()] = rows.GetString(1);
        }

        return names;
    }

    private static async Task AddDescriptionsAsync(
        UnitOfWork work,
        Dictionary<string, long> coupons,
        Dictionary<string, string> names,
        CancellationToken cancel
    )
    {
        await using var query = work.Command(
            """
            select k.name, c.description ->> 'en' from unnest($1::text[], $2::bigint[]) k (name, id)
            join coupons.coupon c on c.id = k.id
            """,
            new NpgsqlParameter<string[]> { TypedValue = [.. coupons.Keys] },
            new NpgsqlParameter<long[]> { TypedValue = [.. coupons.Values] }
        );
        await using var rows = await query.ExecuteReaderAsync(cancel);
        while (await rows.ReadAsync(cancel))
        {
            names[rows.GetString(0)] = CartNames.Spoken(rows.Object<string>(1), rows.GetString(0));
        }
    }

    /// <summary>What a price was computed from, as it is kept.</summary>
    internal static ReceiptInput InputOf(PricedCart priced)
    {
        ArgumentNullException.ThrowIfNull(priced);
        var (rules, uses) = (priced.Rules, new Dictionary<string, KeptUse>(StringComparer.Ordinal));
        foreach (var (id, use) in priced.Uses)
        {
            if (use != default && priced.Promotions.Any(p => p.Id == id))
            {
                uses[id] = new KeptUse(
                    use.Uses,
                    use.Held,
                    use.CustomerUses,
                    use.SpentMinor,
                    use.Exhausted?.Reason,
                    use.Exhausted?.Until,
                    use.Exhausted?.Change,
                    use.LeftMinor
                );
            }
        }

        return new ReceiptInput(
            CartJson.Keep(priced.Cart),
            priced.Now,
            new KeptRules(
                rules.PercentBase,
                rules.Selection,
                rules.MaxCodes,
                rules.LastCodesWin ? true : null,
                rules.AllCodesOrNone ? true : null,
                rules.ReportAutomatic ? true : null
            ),
            [.. priced.Promotions.Select(Keep)],
            uses.Count == 0 ? null : uses,
            priced.Quote.IsSearchedWhole ? null : false
        );
    }

    private static KeptPromotion Keep(Promotion promotion) =>
        Guid.TryParseExact(promotion.Id, "D", out _)
            ? new KeptPromotion(promotion.Id, promotion.Version, promotion.Code, Fallback: Yes(promotion.IsFallback))
            : new KeptPromotion(
                promotion.Id,
                promotion.Version,
                promotion.Code,
                promotion.Priority,
                PromotionJson.View(new PromotionDraft(promotion.Id, null, promotion)),
                promotion.Active ? null : false,
                Yes(promotion.IsFallback)
            );

    private static bool? Yes(bool value) => value ? true : null;

    private static NpgsqlParameter[] Parameters(ReceiptHead head, PricedCart priced) =>
        [
            new() { Value = head.Id },
            new() { Value = head.Kind },
            Uuid(head.SubjectId),
            Uuid(head.MerchantId),
            new() { Value = head.ClientId },
            Uuid(head.CustomerId),
            new() { Value = priced.Now, NpgsqlDbType = NpgsqlDbType.TimestampTz },
            new() { Value = priced.Receipt.ToBytes(), NpgsqlDbType = NpgsqlDbType.Jsonb },
            new()
            {
                Value = JsonSerializer.SerializeToUtf8Bytes(InputOf(priced), Compact),
                NpgsqlDbType = NpgsqlDbType.Jsonb,
            },
        ];

    internal static NpgsqlParameter Uuid(Guid? value) =>
        new() { Value = value ?? (object)DBNull.Value, NpgsqlDbType = NpgsqlDbType.Uuid };
}
