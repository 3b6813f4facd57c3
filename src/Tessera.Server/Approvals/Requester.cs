using Tessera.Server.Access;
using Tessera.Server.Platform;

namespace Tessera.Server.Approvals;

/// <summary>Who asks or decides, and the person behind the account or key (convention 52).</summary>
/// <param name="Actor">The account or key, for the log.</param>
/// <param name="Person">The person; two accounts or keys of one person are one.</param>
/// <param name="ClientId">The account or key.</param>
/// <param name="MerchantId">The merchant it acts for; null for staff.</param>
/// <param name="CorrelationId">The request.</param>
public sealed record Requester(string Actor, string Person, Guid ClientId, Guid? MerchantId, string CorrelationId)
{
    private const string KeyPrefix = "key:";
    private const string PersonPrefix = "person:";

    /// <summary>The person behind a caller, read in the transaction that relies on it.</summary>
    /// <remarks>
    /// A key belongs to whoever made it, however many keys are in between: otherwise anyone who may make keys could
    /// approve with the second what was requested with the first.
    /// </remarks>
    public static async Task<Requester> OfAsync(
        UnitOfWork work,
        Caller caller,
        string correlationId,
        CancellationToken cancel
    )
    {
        ArgumentNullException.ThrowIfNull(work);
        ArgumentNullException.ThrowIfNull(caller);
        var person = caller.Actor.StartsWith(KeyPrefix, StringComparison.Ordinal)
            ? await MakerAsync(work, caller.ClientId, cancel)
            : caller.Actor;
        return new Requester(caller.Actor, person, caller.ClientId, caller.MerchantId, correlationId);
    }

    /// <summary>
    /// Whether the account is older than an instant. One that is younger than a request may have been made to decide it.
    /// </summary>
    public async Task<bool> IsOlderThanAsync(UnitOfWork work, DateTimeOffset at, CancellationToken cancel)
    {
        if (!Person.StartsWith(PersonPrefix, StringComparison.Ordinal))
        {
            return true;
        }

        await using var command = work.Command(
            "select exists (select from people.person where id = $1 and created_at < $2)",
            Guid.Parse(Person.AsSpan(PersonPrefix.Length)),
            at
        );
        return (bool)(await command.ExecuteScalarAsync(cancel))!;
    }

    private static async Task<string> MakerAsync(UnitOfWork work, Guid key, CancellationToken cancel)
    {
        await using var command = work.Command(
            """
            with recursive maker as (
                select id, created_by, subject, 1 as step from access.api_key where id = $1
                union all
                select k.id, k.created_by, k.subject, m.step + 1
                from maker m join access.api_key k
                    on k.id = case when m.created_by like 'key:%' then substr(m.created_by, 5)::uuid end
                where m.step < 1000
            )
            select coalesce(subject, case when created_by like 'job:%' then 'key:' || id else created_by end)
            from maker order by step desc limit 1
            """,
            key
        );
        return await command.ExecuteScalarAsync(cancel) as string ?? KeyPrefix + key;
    }
}
