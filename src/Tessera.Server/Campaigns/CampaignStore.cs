using System.Text.Json;
using System.Text.Json.Nodes;
using Npgsql;
using NpgsqlTypes;
using Tessera.Core.Limits;
using Tessera.Server.Balances;
using Tessera.Server.Coupons;
using Tessera.Server.Platform;
using Tessera.Server.Platform.Http;

namespace Tessera.Server.Campaigns;

/// <summary>The SQL of campaigns; each change writes its event in the same transaction.</summary>
internal static class CampaignStore
{
    private const int CouponsShown = 100;

    /// <summary>Stores a new campaign.</summary>
    /// <returns>False when its id is taken, by a deleted one too.</returns>
    public static async Task<bool> TryInsertAsync(
        UnitOfWork work,
        CampaignWanted wanted,
        string id,
        CatalogueActor actor,
        DateTimeOffset now,
        CancellationToken cancel
    )
    {
        await using var insert = work.Command(
            """
            insert into campaigns.campaign (id, name, description, start_at, end_at, time_zone, merchant_id, utm_source,
                utm_medium, utm_campaign, marketing_channel, budget_minor, budget_currency, budget_uses, budget_on_overflow,
                created_by, created_at)
            values ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, $13, $14, $15, $16, $17)
            on conflict do nothing
            """
        );
        AddDefinition(insert, wanted, id, withMerchant: true);
        insert.Parameters.Add(new NpgsqlParameter { Value = actor.Actor });
        insert.Parameters.Add(UnitOfWork.Parameter(now));
        if (await insert.ExecuteNonQueryAsync(cancel) == 0)
        {
            return false;
        }

        var words = new EventWords();
        var definition = Definition(wanted, words);
        await words.WriteAsync(work, cancel);
        await LogAsync(work, id, "campaign.created", 1, definition, actor, now, cancel);
        return true;
    }

    /// <summary>Replaces the definition of a locked campaign.</summary>
    public static async Task UpdateAsync(
        UnitOfWork work,
        Campaign before,
        CampaignWanted wanted,
        CatalogueActor actor,
        DateTimeOffset now,
        CancellationToken cancel
    )
    {
        await using (
            var update = work.Command(
                """
                update campaigns.campaign set name = $2, description = $3, start_at = $4, end_at = $5, time_zone = $6,
                    utm_source = $7, utm_medium = $8, utm_campaign = $9, marketing_channel = $10, budget_minor = $11,
                    budget_currency = $12, budget_uses = $13, budget_on_overflow = $14, version = version + 1
                where id = $1
                """
            )
        )
        {
            AddDefinition(update, wanted, before.Id, withMerchant: false);
            await update.ExecuteNonQueryAsync(cancel);
        }

        var words = new EventWords();
        var changes = Changes(before, wanted, words);
        await words.WriteAsync(work, cancel);
        await LogAsync(work, before.Id, "campaign.updated", before.Version + 1, changes, actor, now, cancel);
    }

    /// <summary>Writes down what a campaign was cloned from.</summary>
    public static Task ToldClonedAsync(
        UnitOfWork work,
        string id,
        string from,
        int coupons,
        CatalogueActor actor,
        DateTimeOffset now,
        CancellationToken cancel
    ) => LogAsync(work, id, "campaign.cloned", 1, [("from", from), ("coupons", coupons)], actor, now, cancel);

    /// <summary>Takes a locked campaign out of lists; its coupons have gone before.</summary>
    public static async Task DeleteAsync(
        UnitOfWork work,
        Campaign campaign,
        CatalogueActor actor,
        DateTimeOffset now,
        CancellationToken cancel
    )
    {
        await work.ExecuteAsync(
            "update campaigns.campaign set deleted_at = $2, version = version + 1 where id = $1",
            [campaign.Id, now],
            cancel
        );
        await LogAsync(work, campaign.Id, "campaign.deleted", campaign.Version + 1, [], actor, now, cancel);
    }

    /// <summary>Reads a campaign, and locks it for a change: redemptions of its coupons wait, and it for them.</summary>
    public static async Task<Campaign?> FindAsync(
        UnitOfWork work,
        string id,
        Guid? merchant,
        bool forUpdate,
        CancellationToken cancel
    )
    {
        if (forUpdate)
        {
            await work.ExecuteAsync("select from campaigns.campaign where id = $1 for no key update", [id], cancel);
        }

        Campaign? campaign = null;
        await using (
            var query = work.Command(
                $"""
                select {Campaign.Columns} from campaigns.campaign c
                where c.id = $1 and c.deleted_at is null and ($2::uuid is null or c.merchant_id = $2)
                """,
                id,
                Uuid(merchant)
            )
        )
        await using (var rows = await query.ExecuteReaderAsync(cancel))
        {
            if (await rows.ReadAsync(cancel))
            {
                campaign = Campaign.Read(rows);
            }
        }

        if (campaign is null)
        {
            return null;
        }

        var spent = await AccountStore.StandingAsync(work, AccountsOf(campaign.Id), cancel);
        return WithSpent(campaign, spent) with { AssociatedCoupons = await CouponsAsync(work, campaign.Id, cancel) };
    }

    /// <summary>Whether a campaign of this id is there but deleted.</summary>
    public static async Task<bool> WasDeletedAsync(UnitOfWork work, string id, Guid? merchant, CancellationToken cancel)
    {
        await using var query = work.Command(
            """
            select exists (select from campaigns.campaign where id = $1 and deleted_at is not null
                and ($2::uuid is null or merchant_id = $2))
            """,
            id,
            Uuid(merchant)
        );
        return (bool)(await query.ExecuteScalarAsync(cancel))!;
    }

    /// <summary>Whether a campaign was sent to somebody, or has cost something: neither is a new version of it.</summary>
    public static async Task<bool> IsInUseAsync(UnitOfWork work, string id, CancellationToken cancel)
    {
        await using var query = work.Command(
            """
            select exists (select from campaigns.audience where campaign_id = $1)
                or exists (select from campaigns.cost where campaign_id = $1)
            """,
            id
        );
        return (bool)(await query.ExecuteScalarAsync(cancel))!;
    }

    /// <summary>Whether there is a merchant of this id, which then stays until the transaction ends.</summary>
    public static async Task<bool> HasMerchantAsync(UnitOfWork work, Guid merchant, CancellationToken cancel)
    {
        await using var query = work.Command("select true from access.merchant where id = $1 for key share", merchant);
        return await query.ExecuteScalarAsync(cancel) is true;
    }

    /// <summary>Whether a campaign has coupons in another currency.</summary>
    public static async Task<bool> HasOtherCurrencyAsync(
        UnitOfWork work,
        string id,
        string currency,
        CancellationToken cancel
    )
    {
        await using var query = work.Command(
            "select exists (select from coupons.coupon where campaign_id = $1 and deleted_at is null and currency <> $2)",
            id,
            currency
        );
        return (bool)(await query.ExecuteScalarAsync(cancel))!;
    }

    /// <summary>The accounts behind the budgets of a campaign: money, uses.</summary>
    public static Guid[] AccountsOf(string id) =>
        [LimitAccount.OfBudget(id, "", 1).Id, LimitAccount.OfCampaignUses(id, 1).Id];

    /// <summary>A campaign with what is spent and held of its budgets.</summary>
    public static Campaign WithSpent(Campaign campaign, IReadOnlyDictionary<Guid, Standing> standings)
    {
        var accounts = AccountsOf(campaign.Id);
        (long Spent, long Held) Of(Guid id) =>
            standings.TryGetValue(id, out var found) ? (found.Posted + found.Pending, found.Pending) : default;
        var (money, uses) = (Of(accounts[0]), Of(accounts[1]));
        return campaign with
        {
            BudgetSpent = campaign.Budget is { } budget ? budget with { Minor = money.Spent } : null,
            BudgetHeld = campaign.Budget is { } most ? most with { Minor = money.Held } : null,
            BudgetUsesSpent = campaign.BudgetUses is null ? null : uses.Spent,
            BudgetUsesHeld = campaign.BudgetUses is null ? null : uses.Held,
        };
    }

    private static async Task<IReadOnlyList<AssociatedCoupon>> CouponsAsync(
        UnitOfWork work,
        string id,
        CancellationToken cancel
    )
    {
        await using var query = work.Command(
            """
            select id, code, campaign_role from coupons.coupon where campaign_id = $1 and deleted_at is null
            order by array_position(array['primary', 'secondary', 'fallback'], campaign_role), id
            limit $2
            """,
            id,
            CouponsShown
        );
        var coupons = new List<AssociatedCoupon>();
        await using var rows = await query.ExecuteReaderAsync(cancel);
        while (await rows.ReadAsync(cancel))
        {
            coupons.Add(new AssociatedCoupon(rows.GetInt64(0), rows.GetString(1), rows.Object<string>(2)));
        }

        return coupons;
    }

    private static void AddDefinition(NpgsqlCommand command, CampaignWanted wanted, string id, bool withMerchant)
    {
        var end = new NpgsqlParameter
        {
            Value = wanted.EndDate ?? DateTimeOffset.MaxValue,
            NpgsqlDbType = NpgsqlDbType.TimestampTz,
        };
        var merchant = withMerchant ? new[] { Uuid(wanted.MerchantId) } : [];
        object?[] values =
        [
            id,
            wanted.Name,
            wanted.Description,
            wanted.StartDate,
            end,
            wanted.TimeZone,
            .. merchant,
            Text(wanted.Attribution.UtmSource),
            Text(wanted.Attribution.UtmMedium),
            Text(wanted.Attribution.UtmCampaign),
            Text(wanted.Attribution.MarketingChannel),
            Bigint(wanted.Budget?.Minor),
            Text(wanted.Budget?.Currency),
            Bigint(wanted.BudgetUses),
            wanted.BudgetOnOverflow,
        ];
        foreach (var value in values)
        {
            command.Parameters.Add(UnitOfWork.Parameter(value));
        }
    }

    private static (string Name, object? Value)[] Definition(CampaignWanted wanted, EventWords words) =>
        [
            .. Members(wanted)
                .Where(static m => m.Value is not null)
                .Select(m => (m.Key, (object?)Told(m.Key, m.Value, words))),
        ];

    /// <summary>Before and after of every member that changed, as text.</summary>
    private static (string Name, object? Value)[] Changes(Campaign before, CampaignWanted wanted, EventWords words)
    {
        var old = Members(
            new CampaignWanted(
                null,
                before.Name,
                before.Description,
                before.StartDate,
                before.EndDate,
                before.TimeZone,
                before.MerchantId,
                before.Attribution,
                before.Budget,
                before.BudgetUses,
                before.BudgetOnOverflow
            )
        );
        return
        [
            .. Members(wanted)
                .Where(m => m.Key != "id" && !JsonNode.DeepEquals(m.Value, old[m.Key]))
                .Select(m =>
                    (
                        m.Key,
                        (object?)
                            new Dictionary<string, string?>(StringComparer.Ordinal)
                            {
                                ["before"] = Told(m.Key, old[m.Key], words),
                                ["after"] = Told(m.Key, m.Value, words),
                            }
                    )
                ),
        ];
    }

    private static string? Told(string member, JsonNode? value, EventWords words) =>
        member is "name" or "description"
            ? words.Keep(value?.GetValue<string>(), isShown: true)
            : value?.ToJsonString();

    private static JsonObject Members(CampaignWanted wanted) =>
        JsonSerializer.SerializeToNode(wanted, Wire.Json)!.AsObject();

    private static Task LogAsync(
        UnitOfWork work,
        string id,
        string type,
        long version,
        (string Name, object? Value)[] payload,
        CatalogueActor actor,
        DateTimeOffset now,
        CancellationToken cancel
    ) =>
        EventLog.AppendAsync(
            work,
            now,
            [new EventEntry("campaign", id, type, version, actor.Actor, EventLog.Payload(payload), actor.RequestId)],
            cancel
        );

    private static NpgsqlParameter Uuid(Guid? value) =>
        new() { Value = value ?? (object)DBNull.Value, NpgsqlDbType = NpgsqlDbType.Uuid };

    private static NpgsqlParameter Text(string? value) =>
        new() { Value = value ?? (object)DBNull.Value, NpgsqlDbType = NpgsqlDbType.Text };

    private static NpgsqlParameter Bigint(long? value) =>
        new() { Value = value ?? (object)DBNull.Value, NpgsqlDbType = NpgsqlDbType.Bigint };
}
