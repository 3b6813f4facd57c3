using Tessera.Core;
using Tessera.Server.Access;
using Tessera.Server.Platform;
using Tessera.Server.Platform.Http;

namespace Tessera.Server.Connectors;

/// <summary>
/// Which connectors a caller sees (ACC-04): the house all of them, a merchant those that are told of its coupons alone. One
/// that serves others as well is the house's, and so is all that changes a connector or calls a partner.
/// </summary>
internal static class ConnectorScope
{
    /// <summary>The condition on rows of <c>connectors.connector</c>.</summary>
    public static string Of(Caller caller, List<object?> values)
    {
        if (caller.MerchantId is not { } merchant)
        {
            return "true";
        }

        values.Add(new[] { merchant });
        return $"merchants <> '{{}}' and merchants <@ ${values.Count}";
    }

    /// <summary>Whether a caller sees a connector.</summary>
    public static async Task<bool> SeesAsync(UnitOfWork work, Guid id, Caller caller, CancellationToken cancel)
    {
        List<object?> values = [id];
        await using var command = work.Command(
            $"select exists (select from connectors.connector where id = $1 and {Of(caller, values)})",
            [.. values]
        );
        return (bool)(await command.ExecuteScalarAsync(cancel))!;
    }

    /// <summary>Why a caller gets nothing of a connector; null for one it sees.</summary>
    public static async Task<Refusal?> RefusedAsync(Database database, Guid id, Caller caller, CancellationToken cancel)
    {
        await using var work = await database.BeginAsync(cancel);
        return await SeesAsync(work, id, caller, cancel) ? null : Entry.NotFound;
    }
}
