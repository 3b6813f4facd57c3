using System.Globalization;
using System.Text.Json;
using Npgsql;
using NpgsqlTypes;
using Tessera.Core;
using Tessera.Server.Coupons;
using Tessera.Server.Platform;
using Tessera.Server.Platform.Http;
using Tessera.Server.Redemptions;

namespace Tessera.Server.Connectors.Ingestion;

/// <summary>
/// Applies what outside systems hand in, each event once (CPN-15, CPN-16): uses of coupons go through the lanes and the
/// state machine like any other, definitions through the catalogue. What is refused is parked with its reason.
/// </summary>
internal sealed class IngestionService(Database database, RedemptionService redemptions)
{
    /// <summary>The event, as a request that the lanes know again.</summary>
    private const string Path = "/api/v1/ingestion/events";

    /// <summary>Applies one event.</summary>
    /// <returns>Null when it has no id: then it cannot be kept, and its sender has to be told.</returns>
    public async Task<IngestionResult?> ApplyAsync(
        IngestionSource source,
        ReadOnlyMemory<byte> bytes,
        CancellationToken cancel
    )
    {
        var (read, id, refusal) = OutsideEvent.Read(bytes);
        if (id is null)
        {
            return null;
        }

        if (await FindAsync(source, id, cancel) is { } known)
        {
            return new IngestionResult(id, known.State == "applied" ? "known" : known.State, known.Reason);
        }

        return read is null || refusal is not null
            ? await ParkAsync(source, id, "unreadable", bytes, ReasonOf(refusal!), cancel)
            : await ApplyAsync(source, read, attempt: 1, cancel);
    }

    /// <summary>Applies an event that was parked once more.</summary>
    public async Task<IngestionResult?> RetryAsync(long id, CancellationToken cancel)
    {
        IngestionSource source;
        string body;
        int attempts;
        await using (
            var command = database.Source.CreateCommand(
                """
                update connectors.ingested set attempts = attempts + 1, updated_at = platform.clock()
                where id = $1 and state = 'parked' returning source, client_id, merchant_id, body::text, attempts
                """
            )
        )
        {
            command.Parameters.Add(UnitOfWork.Parameter(id));
            await using var row = await command.ExecuteReaderAsync(cancel);
            if (!await row.ReadAsync(cancel))
            {
                return null;
            }

            source = new IngestionSource(row.GetString(0), row.GetGuid(1), row.Value<Guid>(2));
            (body, attempts) = (row.GetString(3), row.GetInt32(4));
        }

        var (read, name, refusal) = OutsideEvent.Read(System.Text.Encoding.UTF8.GetBytes(body));
        return read is null || refusal is not null
            ? new IngestionResult(name ?? "", "parked", ReasonOf(refusal!))
            : await ApplyAsync(source, read, attempts, cancel);
    }

    private async Task<IngestionResult> ApplyAsync(
        IngestionSource source,
        OutsideEvent read,
        int attempt,
        CancellationToken cancel
    )
    {
        if (read.Type == OutsideEvent.Defined)
        {
            return await DefineAsync(source, read, cancel);
        }

        // The lane keeps its answer under this key in the transaction of the effect: whoever dies in between, the
        // event that comes again gets the same answer (convention 28).
        var name = attempt == 1 ? read.Id : string.Create(CultureInfo.InvariantCulture, $"{read.Id}#{attempt}");
        var key = IdempotencyKey.Of(source.ClientId, source.Name, "POST", Path, name, read.Bytes.Span);
        var asker = new Asker(
            source.ClientId,
            source.MerchantId,
            source.Name,
            true,
            key.KeyHash,
            key.RequestHash,
            read.Id.Length <= 64 ? read.Id : read.Id[..64],
            Path
        );
        var (command, wrong) = await CommandOfAsync(read, asker, cancel);
        if (command is null)
        {
            return await ParkAsync(source, read.Id, read.Type, read.Bytes, wrong!, cancel);
        }

        var answer = await redemptions.RunAsync(command);
        return answer.Accepted
            ? await NoteAsync(source, read.Id, read.Type, read.Bytes, "applied", null, cancel)
            : await ParkAsync(source, read.Id, read.Type, read.Bytes, CodeOf(answer), cancel);
    }

    private async Task<(RedemptionCommand? Command, string? Wrong)> CommandOfAsync(
        OutsideEvent read,
        Asker asker,
        CancellationToken cancel
    )
    {
        var data = read.Data;
        if (read.Type != OutsideEvent.Cancelled)
        {
            var operation = read.Type == OutsideEvent.Redeemed ? Operation.Redeem : Operation.Reserve;
            var attempt = RedemptionRequests.Attempt(data, operation, asker);
            return data.Finish() is { } refusal ? (null, ReasonOf(refusal)) : (attempt, null);
        }

        var order = data.Text("order_reference", 100);
        var code = RedemptionRequests.Code(data, "code");
        var reason = data.Text("reason", 500, required: false) ?? "cancelled outside";
        var returnUse = data.Flag("return_use", required: false) ?? true;
        if (data.Finish() is { } wrong)
        {
            return (null, ReasonOf(wrong));
        }

        // A use comes before the hold that it may have been made of.
        if (await IdOfAsync("redemption", "rolled_back_at is null", order!, code!, cancel) is { } redemption)
        {
            return (new RollBackCommand(asker, redemption, returnUse, reason, Guid.CreateVersion7()), null);
        }

        return await IdOfAsync("reservation", "ended_at is null", order!, code!, cancel) is { } reservation
            ? (new ReleaseCommand(asker, reservation, Lapse: false), null)
            : (null, "nothing_to_cancel");
    }

    private async Task<Guid?> IdOfAsync(
        string table,
        string condition,
        string order,
        string code,
        CancellationToken cancel
    )
    {
        await using var command = database.Source.CreateCommand(
            $"""
            select r.id from redemptions.{table} r
            join coupons.code c on c.code = $2 and c.coupon_id = r.coupon_id
                and (c.instance_id is null or c.instance_id = r.instance_id)
            where r.order_reference = $1 and r.{condition} order by r.id desc limit 1
            """
        );
        command.Parameters.Add(UnitOfWork.Parameter(order));
        command.Parameters.Add(UnitOfWork.Parameter(code));
        return await command.ExecuteScalarAsync(cancel) as Guid?;
    }

    /// <summary>Creates or changes a coupon by its outside id; a version that is not newer changes nothing.</summary>
    private async Task<IngestionResult> DefineAsync(IngestionSource source, OutsideEvent read, CancellationToken cancel)
    {
        var data = read.Data;
        var external = data.Text("external_id", 200);
        var version = data.Integer("version", 1, Fields.MaximumInteger);
        var coupon = data.Object("coupon");
        var draft = coupon is null ? null : CouponRequests.Read(coupon, source.MerchantId);
        if (data.Errors.Count > 0 || draft is null)
        {
            return await ParkAsync(source, read.Id, read.Type, read.Bytes, ReasonOf(data.Finish()!), cancel);
        }

        draft = draft with { ExternalId = external };
        await using var work = await database.BeginAsync(cancel);
        await work.ExecuteAsync(
            "insert into connectors.definition (external_id, version) values ($1, 0) on conflict do nothing",
            [external],
            cancel
        );
        long known;
        await using (
            var hold = work.Command(
                "select version from connectors.definition where external_id = $1 for update",
                external
            )
        )
        {
            known = (long)(await hold.ExecuteScalarAsync(cancel))!;
        }

        if (version <= known)
        {
            return await NoteAsync(source, read.Id, read.Type, read.Bytes, "known", null, cancel);
        }

        var before = await Catalogue.FindByExternalIdAsync(work, external!, source.MerchantId, cancel);
        var now = await work.ClockAsync(cancel);
        coupon!.Add(await Catalogue.CheckAsync(work, draft, before, now, cancel));
        var refusal = data.Finish();
        var actor = new CatalogueActor(source.Name, read.Id, source.MerchantId);
        if (refusal is null)
        {
            refusal = before is null
                ? (await Catalogue.CreateAsync(work, draft, actor, now, cancel)).Refusal
                : await Catalogue.UpdateAsync(work, before, draft, actor, now, cancel);
        }

        if (refusal is not null)
        {
            await work.DisposeAsync();
            return await ParkAsync(source, read.Id, read.Type, read.Bytes, ReasonOf(refusal), cancel);
        }

        await work.ExecuteAsync(
            "update connectors.definition set version = $2, updated_at = platform.clock() where external_id = $1",
            [external, version],
            cancel
        );
        await using (var note = work.Command(NoteSql))
        {
            Fill(note, source, read.Id, read.Type, read.Bytes, "applied", null);
            await note.ExecuteNonQueryAsync(cancel);
        }

        await work.CommitAsync(cancel);
        return new IngestionResult(read.Id, "applied");
    }

    private async Task<(string State, string? Reason)?> FindAsync(
        IngestionSource source,
        string id,
        CancellationToken cancel
    )
    {
        await using var command = database.Source.CreateCommand(
            "select state, reason from connectors.ingested where source = $1 and event_id = $2"
        );
        command.Parameters.Add(UnitOfWork.Parameter(source.Name));
        command.Parameters.Add(UnitOfWork.Parameter(id));
        await using var row = await command.ExecuteReaderAsync(cancel);
        return await row.ReadAsync(cancel) ? (row.GetString(0), row.Object<string>(1)) : null;
    }

    private Task<IngestionResult> ParkAsync(
        IngestionSource source,
        string id,
        string type,
        ReadOnlyMemory<byte> bytes,
        string reason,
        CancellationToken cancel
    ) => NoteAsync(source, id, type, bytes, "parked", reason, cancel);

    /// <summary>What was applied stays applied, whoever notes later.</summary>
    private const string NoteSql = """
        insert into connectors.ingested (source, event_id, type, state, reason, body, client_id, merchant_id)
        values ($1, $2, $3, $4, $5, $6, $7, $8)
        on conflict (source, event_id) do update
            set state = excluded.state, reason = excluded.reason, updated_at = platform.clock()
        where ingested.state = 'parked'
        """;

    private async Task<IngestionResult> NoteAsync(
        IngestionSource source,
        string id,
        string type,
        ReadOnlyMemory<byte> bytes,
        string state,
        string? reason,
        CancellationToken cancel
    )
    {
        await using var command = database.Source.CreateCommand(NoteSql);
        Fill(command, source, id, type, bytes, state, reason);
        await command.ExecuteNonQueryAsync(cancel);
        return new IngestionResult(id, state, reason);
    }

    private static void Fill(
        NpgsqlCommand command,
        IngestionSource source,
        string id,
        string type,
        ReadOnlyMemory<byte> bytes,
        string state,
        string? reason
    )
    {
        command.Parameters.Add(UnitOfWork.Parameter(source.Name));
        command.Parameters.Add(UnitOfWork.Parameter(id));
        command.Parameters.Add(UnitOfWork.Parameter(type));
        command.Parameters.Add(UnitOfWork.Parameter(state));
        command.Parameters.Add(new() { Value = (object?)reason ?? DBNull.Value, NpgsqlDbType = NpgsqlDbType.Text });
        command.Parameters.Add(new() { Value = bytes.ToArray(), NpgsqlDbType = NpgsqlDbType.Jsonb });
        command.Parameters.Add(UnitOfWork.Parameter(source.ClientId));
        command.Parameters.Add(
            new() { Value = (object?)source.MerchantId ?? DBNull.Value, NpgsqlDbType = NpgsqlDbType.Uuid }
        );
    }

    /// <summary>Code of a refusal, with the fields that are wrong.</summary>
    private static string ReasonOf(Refusal refusal) =>
        refusal.Errors is { Count: > 0 } errors
            ? refusal.Code + ": " + string.Join(", ", errors.Take(20).Select(static e => $"{e.Field} {e.Code}"))
            : refusal.Code;

    private static string CodeOf(Answer answer)
    {
        if (answer.Refusal is { } refusal)
        {
            return refusal.Code;
        }

        using var problem = JsonDocument.Parse(answer.Body);
        return problem.RootElement.TryGetProperty("code", out var code) ? code.GetString() ?? "refused" : "refused";
    }
}
