using Npgsql;
using NpgsqlTypes;
using Tessera.Core.Coupons;
using Tessera.Core.Promotions;
using Tessera.Server.Coupons;
using Tessera.Server.Platform;

namespace Tessera.Server.Promotions;

/// <summary>What a code stands for, and what is known of it for this cart.</summary>
/// <param name="Coupon">Its terms.</param>
/// <param name="Instance">The unit of a unique code.</param>
/// <param name="InAudience">Whether the customer is in the audience of the coupon's campaign.</param>
/// <param name="HasProduct">Whether the cart has a product it is good for.</param>
internal sealed record QuotedCode(CouponTerms Coupon, HeldInstance? Instance, bool InAudience, bool HasProduct)
{
    /// <summary>What stands in for it (CMP-01).</summary>
    public QuotedCode? Fallback { get; init; }

    /// <summary>What its customers read of the coupon.</summary>
    public string? Description { get; init; }
}

/// <summary>What a quote is computed from; nothing of it is locked.</summary>
internal sealed class QuoteFacts
{
    public DateTimeOffset Now { get; set; }

    public Dictionary<string, QuotedCode> Codes { get; } = new(StringComparer.Ordinal);

    public KnownCustomer? Customer { get; set; }
}

/// <summary>Reads what quotes need, in one round trip, and the accounts behind limits in a second where there are any.</summary>
internal static class QuoteStore
{
    /// <summary>The clock, what the codes stand for, and the customer.</summary>
    /// <param name="connection">May be in a transaction.</param>
    /// <param name="cart">Whose lines a coupon may be bound to.</param>
    /// <param name="codes">In their normal form.</param>
    /// <param name="customer">Who buys.</param>
    /// <param name="except">Channel and reference of the order that is priced anew: it does not count for its customer.</param>
    /// <param name="cancel">Cancels.</param>
    public static async Task<QuoteFacts> ReadAsync(
        NpgsqlConnection connection,
        Cart cart,
        IReadOnlyCollection<string> codes,
        Guid? customer,
        (string? Channel, string Reference)? except,
        CancellationToken cancel
    )
    {
        await using var batch = new NpgsqlBatch(connection);
        batch.BatchCommands.Add(new NpgsqlBatchCommand("select platform.clock()"));
        if (codes.Count > 0)
        {
            batch.BatchCommands.Add(CodesCommand(cart, codes, customer));
        }

        if (customer is { } known)
        {
            batch.BatchCommands.Add(Buyers.Command(known, except));
        }

        var facts = new QuoteFacts();
        await using var rows = await batch.ExecuteReaderAsync(cancel);
        await rows.ReadAsync(cancel);
        facts.Now = rows.GetFieldValue<DateTimeOffset>(0);
        if (codes.Count > 0)
        {
            await rows.NextResultAsync(cancel);
            while (await rows.ReadAsync(cancel))
            {
                var code = rows.GetString(0);
                var found = new QuotedCode(
                    CouponTermsRow.Read(rows, 12),
                    rows.IsDBNull(1) ? null : ReadInstance(rows),
                    rows.GetBoolean(8),
                    rows.GetBoolean(9)
                )
                {
                    Description = rows.Object<string>(11),
                };

                // What stands in follows the coupon it stands in for.
                facts.Codes[code] = rows.GetBoolean(10) ? facts.Codes[code] with { Fallback = found } : found;
            }
        }

        if (customer is not null)
        {
            await rows.NextResultAsync(cancel);
            facts.Customer = await rows.ReadAsync(cancel) ? Buyers.Read(rows, cart.Currency, facts.Now) : null;
        }

        return facts;
    }

    /// <summary>Uses of promotions by a customer under whichever name: by id, by e-mail address, or both.</summary>
    public static async Task<Dictionary<string, long>> CustomerUsesAsync(
        NpgsqlConnection connection,
        IReadOnlyCollection<string> promotions,
        Guid? customer,
        string? email,
        CancellationToken cancel
    )
    {
        var uses = new Dictionary<string, long>(StringComparer.Ordinal);
        var hash = email is { Length: > 0 } ? PromotionLimits.HashOf(email) : null;
        if (promotions.Count == 0 || (customer is null && hash is null))
        {
            return uses;
        }

        await using var query = new NpgsqlCommand(Buyers.UsesSql, connection);
        query.Parameters.Add(new NpgsqlParameter<string[]> { TypedValue = [.. promotions] });
        query.Parameters.Add(
            new NpgsqlParameter { Value = customer ?? (object)DBNull.Value, NpgsqlDbType = NpgsqlDbType.Uuid }
        );
        query.Parameters.Add(
            new NpgsqlParameter { Value = hash ?? (object)DBNull.Value, NpgsqlDbType = NpgsqlDbType.Text }
        );
        query.Parameters.Add(new NpgsqlParameter { Value = DBNull.Value, NpgsqlDbType = NpgsqlDbType.Uuid });
        await using var rows = await query.ExecuteReaderAsync(cancel);
        while (await rows.ReadAsync(cancel))
        {
            uses[rows.GetString(0)] = rows.GetInt64(1);
        }

        return uses;
    }

    /// <summary>What stands on accounts by uses and live holds; a hold whose time is over counts for nothing (RED-05).</summary>
    public static async Task<List<(Guid Account, long Posted, long Pending)>> StandingAsync(
        NpgsqlConnection connection,
        IReadOnlyCollection<Guid> accounts,
        DateTimeOffset now,
        CancellationToken cancel
    )
    {
        var standing = new List<(Guid, long, long)>();
        await using var query = new NpgsqlCommand(
            """
            select a.id, a.posted, a.pending - case when a.pending = 0 then 0 else coalesce((select sum(h.amount)
                from balances.hold h where h.account_id = a.id and h.expires_at <= $2), 0) end::bigint
            from balances.account a where a.id = any($1)
            """,
            connection
        );
        query.Parameters.Add(new NpgsqlParameter<Guid[]> { TypedValue = [.. accounts] });
        query.Parameters.Add(UnitOfWork.Parameter(now));
        await using var rows = await query.ExecuteReaderAsync(cancel);
        while (await rows.ReadAsync(cancel))
        {
            standing.Add((rows.GetGuid(0), rows.GetInt64(1), (long)rows.GetFieldValue<decimal>(2)));
        }

        return standing;
    }

    private static NpgsqlBatchCommand CodesCommand(Cart cart, IReadOnlyCollection<string> codes, Guid? customer)
    {
        var skus = cart.Lines.Select(static l => l.Sku).Distinct(StringComparer.Ordinal).ToArray();
        return new NpgsqlBatchCommand(
            $"""
            select m.code, i.id, i.valid_until, i.valid_from, i.customer_id, i.state, i.prior_state, i.reserved_until,
                exists (select from campaigns.audience a where a.campaign_id = c.campaign_id and a.customer_id = $2),
                coalesce(c.products && $3, true), k.stands_in, c.description ->> 'en', {CouponTermsRow.Columns}
            from ({Fallbacks.OfCodesSql}) k
            join coupons.code m on m.code = k.code
            join coupons.coupon c on c.id = k.coupon_id
            left join campaigns.campaign g on g.id = c.campaign_id
            left join coupons.instance i on i.valid_until = m.valid_until and i.id = m.instance_id
            order by k.stands_in
            """
        )
        {
            Parameters =
            {
                new NpgsqlParameter<string[]> { TypedValue = [.. codes] },
                new NpgsqlParameter { Value = customer ?? (object)DBNull.Value, NpgsqlDbType = NpgsqlDbType.Uuid },
                new NpgsqlParameter<string[]> { TypedValue = skus },
            },
        };
    }

    private static HeldInstance ReadInstance(NpgsqlDataReader row) =>
        new(
            InstanceStates.Parse(row.GetString(5)),
            row.Object<string>(6) is { } prior ? InstanceStates.Parse(prior) : null,
            row.Value<Guid>(4),
            row.GetFieldValue<DateTimeOffset>(3),
            row.GetFieldValue<DateTimeOffset>(2),
            null,
            row.Value<DateTimeOffset>(7)
        );
}
