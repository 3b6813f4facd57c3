using Npgsql;
using Tessera.Server.Access;
using Tessera.Server.Platform;
using Tessera.Server.Platform.Secrets;

namespace Tessera.Server.Connectors;

/// <summary>The sealed secrets of the connectors.</summary>
internal sealed class ConnectorSecrets(SecretBox box)
{
    /// <summary>How long the old signing secret signs along after a rotation (convention 23).</summary>
    private const string Overlap = "24 hours";

    /// <summary>Holds a connector and counts the change.</summary>
    /// <returns>Null when there is none, or it is not the caller's.</returns>
    public static async Task<Connector?> HoldAsync(UnitOfWork work, Guid id, Caller caller)
    {
        await using var command = work.Command(
            $"select {Connector.Columns} from connectors.connector where id = $1 and $2::uuid is null for update",
            id,
            new NpgsqlParameter
            {
                Value = caller.MerchantId ?? (object)DBNull.Value,
                NpgsqlDbType = NpgsqlTypes.NpgsqlDbType.Uuid,
            }
        );
        await using var rows = await command.ExecuteReaderAsync();
        return await rows.ReadAsync() ? ConnectorDirectory.Of(rows) : null;
    }

    /// <summary>Replaces a secret, and counts it as a change of the connector. A signing secret keeps its former.</summary>
    public async Task SetAsync(UnitOfWork work, Guid id, string kind, string secret)
    {
        var cancel = CancellationToken.None;
        if (kind == "signing")
        {
            await using var read = work.Command(
                "select sealed from connectors.secret where connector_id = $1 and kind = 'signing'",
                id
            );
            if (await read.ExecuteScalarAsync(cancel) is byte[] old)
            {
                var former = await box.OpenAsync(old, PurposeOf(id, "signing"), cancel);
                await PutAsync(work, id, "former_signing", former, $"platform.clock() + interval '{Overlap}'");
            }
        }

        await PutAsync(work, id, kind, secret, "'infinity'");
        await work.ExecuteAsync("update connectors.connector set version = version + 1 where id = $1", [id], cancel);
    }

    /// <summary>Opens the secrets of a connector.</summary>
    public async Task<OpenSecrets> OpenAsync(NpgsqlDataSource source, Guid id, CancellationToken cancel)
    {
        var found = new List<(string Kind, byte[] Sealed)>();
        await using (
            var read = source.CreateCommand(
                """
                select kind, sealed from connectors.secret
                where connector_id = $1 and valid_until > platform.clock()
                """
            )
        )
        {
            read.Parameters.Add(UnitOfWork.Parameter(id));
            await using var rows = await read.ExecuteReaderAsync(cancel);
            while (await rows.ReadAsync(cancel))
            {
                found.Add((rows.GetString(0), rows.GetFieldValue<byte[]>(1)));
            }
        }

        var signing = new List<string>();
        string? credential = null;
        foreach (var (kind, box1) in found.OrderByDescending(static f => f.Kind, StringComparer.Ordinal))
        {
            var text = await box.OpenAsync(box1, PurposeOf(id, kind), cancel);
            if (kind == "credential")
            {
                credential = text;
            }
            else
            {
                signing.Add(text);
            }
        }

        return new OpenSecrets(signing, credential);
    }

    private async Task PutAsync(UnitOfWork work, Guid id, string kind, string secret, string until) =>
        await work.ExecuteAsync(
            $"""
            insert into connectors.secret (connector_id, kind, sealed, valid_until) values ($1, $2, $3, {until})
            on conflict (connector_id, kind) do update
                set sealed = excluded.sealed, valid_until = excluded.valid_until, set_at = platform.clock()
            """,
            [id, kind, await box.SealAsync(secret, PurposeOf(id, kind), CancellationToken.None)],
            CancellationToken.None
        );

    private static string PurposeOf(Guid id, string kind) => $"connectors.secret/{id}/{kind}";
}

/// <summary>Secrets in clear, for as long as a lane runs.</summary>
/// <param name="Signing">The present one first, then the one that signs along.</param>
/// <param name="Credential">What is presented to the partner.</param>
internal sealed record OpenSecrets(IReadOnlyList<string> Signing, string? Credential);
