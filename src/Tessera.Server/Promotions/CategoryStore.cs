using System.Text.Json;
using NpgsqlTypes;
using Tessera.Server.Coupons;
using Tessera.Server.Platform;

namespace Tessera.Server.Promotions;

/// <summary>What lies above each category of one owner (RUL-03).</summary>
/// <param name="Version">Counts the changes; 0 before the first.</param>
/// <param name="Parents">The parent of each category that has one.</param>
internal sealed record StoredCategories(int Version, IReadOnlyDictionary<string, string> Parents);

/// <summary>The SQL of category trees: one an owner, replaced whole, each time with an event.</summary>
internal static class CategoryStore
{
    /// <summary>The tree of an owner; an empty one where there is none.</summary>
    public static async Task<StoredCategories> FindAsync(UnitOfWork work, Guid? merchant, CancellationToken cancel)
    {
        await using var query = work.Command(
            "select version, parents::text from promotions.category_tree where owner_id = $1",
            merchant ?? Guid.Empty
        );
        await using var row = await query.ExecuteReaderAsync(cancel);
        return await row.ReadAsync(cancel)
            ? new StoredCategories(
                row.GetInt32(0),
                JsonSerializer.Deserialize<Dictionary<string, string>>(row.GetString(1))!
            )
            : new StoredCategories(0, new Dictionary<string, string>(StringComparer.Ordinal));
    }

    /// <summary>Keeps other changes of an owner's tree out until the transaction ends.</summary>
    public static Task LockAsync(UnitOfWork work, Guid? merchant, CancellationToken cancel) =>
        work.ExecuteAsync(
            "select pg_advisory_xact_lock(hashtextextended('promotions.categories' || $1::text, 0))",
            [merchant ?? Guid.Empty],
            cancel
        );

    /// <summary>Replaces the tree of an owner, which is locked.</summary>
    public static async Task SaveAsync(
        UnitOfWork work,
        StoredCategories tree,
        CatalogueActor actor,
        DateTimeOffset now,
        CancellationToken cancel
    )
    {
        var owner = actor.MerchantId ?? Guid.Empty;
        await work.ExecuteAsync(
            """
            insert into promotions.category_tree (owner_id, merchant_id, parents, version, updated_by, updated_at)
            values ($1, $2, $3, $4, $5, $6)
            on conflict (owner_id) do update set parents = excluded.parents, version = excluded.version,
                updated_by = excluded.updated_by, updated_at = excluded.updated_at
            """,
            [
                owner,
                ReceiptStore.Uuid(actor.MerchantId),
                new Npgsql.NpgsqlParameter
                {
                    Value = JsonSerializer.SerializeToUtf8Bytes(tree.Parents),
                    NpgsqlDbType = NpgsqlDbType.Jsonb,
                },
                tree.Version,
                actor.Actor,
                now,
            ],
            cancel
        );
        var entry = new EventEntry(
            "categories",
            owner.ToString(),
            "categories.replaced",
            tree.Version,
            actor.Actor,
            EventLog.Payload(("version", tree.Version), ("count", tree.Parents.Count)),
            actor.RequestId
        );
        await EventLog.AppendAsync(work, now, [entry], cancel);
    }
}
