using Npgsql;
using Tessera.Server.Platform;
using Tessera.Server.Platform.Secrets;

namespace Tessera.Server.Connectors.Webhooks;

/// <summary>The sealed signing secrets of the subscriptions; the old one signs along for 24 hours (convention 23).</summary>
internal sealed class WebhookSecrets(SecretBox box)
{
    /// <summary>Replaces the secret of a webhook whose row is held.</summary>
    public async Task SetAsync(UnitOfWork work, Guid id, string secret)
    {
        var cancel = CancellationToken.None;
        await using (
            var read = work.Command(
                "select sealed from connectors.webhook_secret where webhook_id = $1 and kind = 'signing'",
                id
            )
        )
        {
            if (await read.ExecuteScalarAsync(cancel) is byte[] old)
            {
                var former = await box.OpenAsync(old, PurposeOf(id, "signing"), cancel);
                await PutAsync(work, id, "former_signing", former, "platform.clock() + interval '24 hours'");
            }
        }

        await PutAsync(work, id, "signing", secret, "'infinity'");
        await work.ExecuteAsync("update connectors.webhook set version = version + 1 where id = $1", [id], cancel);
    }

    /// <summary>The secrets to sign with, the present one first.</summary>
    public async Task<IReadOnlyList<string>> OpenAsync(NpgsqlDataSource source, Guid id, CancellationToken cancel)
    {
        var found = new List<(string Kind, byte[] Sealed)>();
        await using (
            var read = source.CreateCommand(
                """
                select kind, sealed from connectors.webhook_secret
                where webhook_id = $1 and valid_until > platform.clock() order by kind desc
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

        var secrets = new List<string>();
        foreach (var (kind, value) in found)
        {
            secrets.Add(await box.OpenAsync(value, PurposeOf(id, kind), cancel));
        }

        return secrets;
    }

    private async Task PutAsync(UnitOfWork work, Guid id, string kind, string secret, string until) =>
        await work.ExecuteAsync(
            $"""
            insert into connectors.webhook_secret (webhook_id, kind, sealed, valid_until) values ($1, $2, $3, {until})
            on conflict (webhook_id, kind) do update
                set sealed = excluded.sealed, valid_until = excluded.valid_until, set_at = platform.clock()
            """,
            [id, kind, await box.SealAsync(secret, PurposeOf(id, kind), CancellationToken.None)],
            CancellationToken.None
        );

    private static string PurposeOf(Guid id, string kind) => $"connectors.webhook_secret/{id}/{kind}";
}
