using System.Diagnostics;
using Tessera.Server.Platform;

namespace Tessera.Server.Connectors.Partners;

/// <summary>
/// Our own redeem API as a partner. It needs no telling, because every redemption asks the clock under its lock
/// (RED-07): it confirms what it finds, and rejects the ids that could still be redeemed although they should not.
/// </summary>
internal sealed class InternalPartner(Database database) : IPartner
{
    public async Task<PartnerAnswer> TellAsync(Target target, Message message, CancellationToken cancel)
    {
        var began = Stopwatch.GetTimestamp();
        try
        {
            var rejected = new List<RejectedId>();
            if (message is { Kind: MessageKind.Disable, Subject: CommandBatch.Instance })
            {
                var usable = await UsableAsync(message, cancel);
                rejected.AddRange(usable.Select(static id => new RejectedId(id, "still_redeemable")));
            }

            var reason = rejected.Count == 0 ? "ok" : "some_rejected";
            var took = Stopwatch.GetElapsedTime(began);
            return new PartnerAnswer(Outcome.Acknowledged, reason, null, took, Rejected: rejected);
        }
        catch (Exception error) when (Database.IsOutage(error))
        {
            return new PartnerAnswer(
                Outcome.Failed,
                "database_unavailable",
                null,
                Stopwatch.GetElapsedTime(began),
                Excerpt: error.Message
            );
        }
    }

    public Task<(IReadOnlyList<long>? Usable, string? Reason)> QueryAsync(
        Target target,
        IReadOnlyList<long> ids,
        CancellationToken cancel
    ) => Task.FromResult<(IReadOnlyList<long>?, string?)>((null, "not_supported"));

    private async Task<List<long>> UsableAsync(Message message, CancellationToken cancel)
    {
        // A unit is found by its end and id: one partition, by key. One whose end has passed is dead whatever it says.
        await using var command = database.Source.CreateCommand(
            """
            select id from coupons.instance
            where valid_until = $2 and id = any($1) and valid_until > platform.clock()
                and state in ('issued', 'paid', 'reserved', 'pending_expiration', 'extended')
            """
        );
        command.Parameters.Add(UnitOfWork.Parameter(message.Ids.ToArray()));
        command.Parameters.Add(UnitOfWork.Parameter(message.At));
        var usable = new List<long>();
        await using var rows = await command.ExecuteReaderAsync(cancel);
        while (await rows.ReadAsync(cancel))
        {
            usable.Add(rows.GetInt64(0));
        }

        return usable;
    }
}
