using Microsoft.AspNetCore.Http;
using Npgsql;
using NpgsqlTypes;
using Tessera.Server.Access;
using Tessera.Server.Platform;
using Tessera.Server.Platform.Http;

namespace Tessera.Server.Audit;

/// <summary>
/// Writes down where a change came from, by which right and in which role, before it is made (AUD-01). Tills are left out: what they ask
/// keeps its own origin where it is decided, and waits for nothing here.
/// </summary>
public sealed class OriginLog(RequestDelegate next, Database database)
{
    private static readonly string[] AtTills =
    [
        Permissions.RedemptionsRedeem,
        Permissions.RedemptionsValidate,
        Permissions.SignedIn,
    ];

    /// <summary>Runs the request.</summary>
    public async Task InvokeAsync(HttpContext context)
    {
        ArgumentNullException.ThrowIfNull(context);
        var method = context.Request.Method;
        if (
            !HttpMethods.IsGet(method)
            && !HttpMethods.IsHead(method)
            && !HttpMethods.IsOptions(method)
            && context.Features.Get<Caller>() is { } caller
            && context.GetEndpoint()?.Metadata.GetMetadata<RequiredPermission>()?.Permission is { } permission
            && !AtTills.Contains(permission)
        )
        {
            await using var command = database.Source.CreateCommand(
                """
                insert into audit.request_origin (correlation_id, actor, permission, address, roles, at)
                values ($1, $2, $3, $4, $5, platform.clock())
                """
            );
            command.Parameters.Add(new() { Value = RequestIds.Of(context) });
            command.Parameters.Add(new() { Value = caller.Actor });
            command.Parameters.Add(new() { Value = permission });
            command.Parameters.Add(
                new NpgsqlParameter
                {
                    Value = context.Connection.RemoteIpAddress ?? (object)DBNull.Value,
                    NpgsqlDbType = NpgsqlDbType.Inet,
                }
            );
            command.Parameters.Add(new() { Value = caller.Roles.ToArray() });
            await command.ExecuteNonQueryAsync(context.RequestAborted);
        }

        await next(context);
    }
}
