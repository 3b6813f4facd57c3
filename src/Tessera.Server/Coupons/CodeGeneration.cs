using System.Security.Cryptography;
using Npgsql;
using Tessera.Core.Codes;
using Tessera.Core.Coupons;
using Tessera.Server.Platform;

namespace Tessera.Server.Coupons;

/// <summary>
/// Issues any number of units with secret codes below one coupon (CPN-03): batch by batch, each in a transaction of its
/// own, so that memory stays flat and a run that was stopped has whole batches only.
/// </summary>
public static class CodeGeneration
{
    /// <summary>Units in one transaction.</summary>
    public const int BatchSize = 50_000;

    /// <summary>The most units of one request.</summary>
    public const long MaximumCount = 100_000_000;

    /// <summary>Issues units and hands over their codes, each batch after its commit.</summary>
    /// <param name="database">Where.</param>
    /// <param name="terms">What the units share.</param>
    /// <param name="count">How many.</param>
    /// <param name="prefix">In front of each code, in its normal form; may be empty.</param>
    /// <param name="actor">Who causes it.</param>
    /// <param name="issued">Takes the codes of a batch.</param>
    /// <param name="cancel">Stops between batches.</param>
    public static async Task RunAsync(
        Database database,
        InstanceTerms terms,
        long count,
        string prefix,
        CatalogueActor actor,
        Func<IReadOnlyList<NewInstance>, Task> issued,
        CancellationToken cancel
    )
    {
        ArgumentNullException.ThrowIfNull(database);
        ArgumentNullException.ThrowIfNull(issued);
        for (var done = 0L; done < count; )
        {
            var size = (int)Math.Min(BatchSize, count - done);
            IReadOnlyList<NewInstance> units;
            try
            {
                units = await IssueBatchAsync(database, terms, size, prefix, actor, cancel);
            }
            catch (PostgresException taken) when (taken.SqlState == PostgresErrorCodes.UniqueViolation)
            {
                // One in 2^60 a pair: somebody chose such a code by hand. New ones then.
                continue;
            }

            await issued(units);
            done += size;
        }
    }

    /// <summary>The terms that units of a coupon start with; null when the coupon cannot have any.</summary>
    public static async Task<InstanceTerms?> TermsOfAsync(
        Database database,
        long coupon,
        Guid? merchant,
        CancellationToken cancel
    )
    {
        ArgumentNullException.ThrowIfNull(database);
        await using var work = await database.BeginAsync(cancel);
        var found = await CouponStore.FindAsync(work, coupon, merchant, forUpdate: false, cancel);
        return found is { CodeKind: "unique" } ? TermsOf(found) : null;
    }

    /// <summary>The terms that units of a coupon with unique codes start with.</summary>
    internal static InstanceTerms TermsOf(Coupon coupon) =>
        new(coupon.Id, coupon.ValidFrom, coupon.ValidUntil, coupon.MerchantId, coupon.CampaignId);

    /// <summary>Draws ids and secret codes of units that are not stored yet.</summary>
    internal static async Task<NewInstance[]> DrawAsync(
        UnitOfWork work,
        int size,
        string prefix,
        CancellationToken cancel
    )
    {
        var ids = await InstanceStore.TakeIdsAsync(work, size, cancel);
        var units = new NewInstance[size];
        var random = RandomNumberGenerator.GetBytes(size * CodeAlphabet.SecretBytes);
        for (var i = 0; i < size; i++)
        {
            var secret = random.AsMemory(i * CodeAlphabet.SecretBytes, CodeAlphabet.SecretBytes);
            var code = string.Create(
                prefix.Length + CodeAlphabet.SecretLength,
                (prefix, secret),
                static (to, from) =>
                {
                    from.prefix.CopyTo(to);
                    CodeAlphabet.WriteSecret(from.secret.Span, to[from.prefix.Length..]);
                }
            );
            units[i] = new NewInstance(ids[i], code);
        }

        return units;
    }

    private static async Task<IReadOnlyList<NewInstance>> IssueBatchAsync(
        Database database,
        InstanceTerms terms,
        int size,
        string prefix,
        CatalogueActor actor,
        CancellationToken cancel
    )
    {
        await using var work = await database.BeginAsync(cancel);
        var units = await DrawAsync(work, size, prefix, cancel);
        await InstanceStore.IssueAsync(work, terms, units, actor, await work.ClockAsync(cancel), cancel);
        await work.CommitAsync(cancel);
        return units;
    }
}
