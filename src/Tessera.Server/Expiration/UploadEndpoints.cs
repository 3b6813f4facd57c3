using System.Security.Cryptography;
using System.Text;
using Microsoft.AspNetCore.Builder;
using Microsoft.AspNetCore.Http;
using Microsoft.AspNetCore.Http.Features;
using Microsoft.AspNetCore.Routing;
using Tessera.Core;
using Tessera.Server.Access;
using Tessera.Server.Approvals;
using Tessera.Server.Platform;
using Tessera.Server.Platform.Files;
using Tessera.Server.Platform.Http;
using Tessera.Server.Platform.Jobs;

namespace Tessera.Server.Expiration;

/// <summary>
/// Lists of codes or ids to be extended, ended, cancelled or archived (EXP-09). What is to be done is in the query, the list is
/// the body: it goes to a file as it comes, is kept in chunks, and is worked through by an operation.
/// </summary>
internal static class UploadEndpoints
{
    /// <summary>The longest list, in bytes: ten million codes of 24 characters.</summary>
    public const long MaximumFile = 256L * 1024 * 1024;

    private const int ChunkSize = 1024 * 1024;
    private const int HeaderSize = 64;

    private static readonly Refusal NotCsv = new(
        "unsupported_media_type",
        "This resource takes text/csv.",
        RefusalKind.UnsupportedMedia
    );

    public static void Map(IEndpointRouteBuilder api) =>
        api.MapPost("/expiry/changes/upload", UploadAsync)
            .WithName("uploadInstanceChanges")
            .WithSummary("Extend, end or cancel the instances of a list, as an operation")
            .WithRemark(
                "The body is CSV with one column, code or instance_id, which its first line names. Lines that cannot be read, are "
                    + "unknown or may not be changed are in the error file of the operation; the others are changed."
            )
            .WithTags("Expiry")
            .RequirePermission(Permissions.ExpiryChange)
            .WithQuery("action", "string", "What is done.", ChangeInput.Actions)
            .WithQuery("reason", "string", "Why, in words; 10 to 500 characters.")
            .WithQuery("valid_until", "string", "The new end of an extension.")
            .WithQuery("override", "boolean", "Extend what has expired too: staff alone.")
            .WithMetadata(new BodyFact(typeof(string), null, "text/csv", true))
            .WithIdempotencyKey(required: true)
            .WithAnswer(
                202,
                new ChangeEndpoints.ChangeAnswer("accepted", Samples.Id, 0, 0, null, Samples.Id, null),
                "Location is the operation that does it, or the request that waits."
            )
            .WithRefusals(NotCsv, ChangeEndpoints.OverrideForbidden);

    private static async Task UploadAsync(HttpContext context, Database database, ApprovalService approvals)
    {
        var caller = Caller.Of(context);
        if (context.Request.ContentType?.StartsWith("text/csv", StringComparison.OrdinalIgnoreCase) != true)
        {
            await Problems.WriteAsync(context, NotCsv);
            return;
        }

        if (context.Features.Get<IHttpMaxRequestBodySizeFeature>() is { IsReadOnly: false } limit)
        {
            limit.MaxRequestBodySize = MaximumFile;
        }

        await using var file = new FileStream(
            Path.GetTempFileName(),
            FileMode.Open,
            FileAccess.ReadWrite,
            FileShare.None,
            1 << 16,
            FileOptions.DeleteOnClose
        );
        var (lines, hash) = await ReceiveAsync(context.Request.Body, file, context.RequestAborted);
        await Idempotent.RunAsync(
            context,
            database,
            caller.ClientId,
            hash,
            async work =>
            {
                var cancel = CancellationToken.None;
                var now = await work.ClockAsync(cancel);
                var (input, reason, refusal) = Read(context, now, caller);
                refusal ??= await CheckHeaderAsync(file, cancel);
                if (refusal is not null)
                {
                    return HttpAnswer.Refused(context, refusal);
                }

                var operation = await KeepAsync(work, file, lines, caller, RequestIds.Of(context), cancel);
                return await ChangeEndpoints.AnswerAsync(
                    context,
                    work,
                    input with
                    {
                        OperationId = operation,
                        Lines = lines,
                    },
                    reason!,
                    approvals,
                    cancel
                );
            },
            required: true
        );
    }

    /// <summary>The parameters as the body of the other endpoint would have them, with the same rules and errors.</summary>
    private static (ChangeInput Input, string? Reason, Refusal? Refusal) Read(
        HttpContext context,
        DateTimeOffset now,
        Caller caller
    )
    {
        var members = context.Request.Query.Select(static q => new KeyValuePair<string, object?>(
            q.Key,
            q.Key == "override" && bool.TryParse(q.Value, out var flag) ? flag : q.Value.ToString()
        ));
        var json = System.Text.Json.JsonSerializer.SerializeToElement(new Dictionary<string, object?>(members));
        var fields = Fields.Of(json);
        var (input, reason) = ChangeInput.Read(fields, now, caller.MerchantId);
        return (input, reason, ChangeEndpoints.Check(caller, fields, input, now));
    }

    /// <summary>Writes a list to a file as it comes.</summary>
    /// <returns>Its lines without the header, and the hash that stands for it in the key of the request.</returns>
    private static async Task<(long Lines, byte[] Hash)> ReceiveAsync(
        Stream body,
        FileStream file,
        CancellationToken cancel
    )
    {
        using var hash = IncrementalHash.CreateHash(HashAlgorithmName.SHA256);
        var buffer = new byte[ChunkSize];
        var ends = 0L;
        var last = (byte)'\n';
        while (await body.ReadAsync(buffer, cancel) is > 0 and var read)
        {
            var part = buffer.AsMemory(0, read);
            hash.AppendData(part.Span);
            ends += part.Span.Count((byte)'\n');
            last = part.Span[^1];
            await file.WriteAsync(part, cancel);
        }

        await file.FlushAsync(cancel);
        return (Math.Max(0, last == (byte)'\n' ? ends - 1 : ends), hash.GetHashAndReset());
    }

    private static async Task<Refusal?> CheckHeaderAsync(FileStream file, CancellationToken cancel)
    {
        var head = new byte[HeaderSize];
        file.Position = 0;
        var read = await file.ReadAtLeastAsync(head, HeaderSize, throwOnEndOfStream: false, cancel);
        var text = Encoding.UTF8.GetString(head, 0, read);
        var line = text.TrimStart('\uFEFF').Split('\n')[0].Trim().Trim('"');
        return UploadedList.AreCodes([line]) is not null
            ? null
            : Problems.Invalid([
                new FieldError("body", "", "no_header", "The first line has to be code or instance_id."),
            ]);
    }

    private static async Task<Guid> KeepAsync(
        UnitOfWork work,
        FileStream file,
        long lines,
        Caller caller,
        string request,
        CancellationToken cancel
    )
    {
        var input = EventLog.Payload(("upload", true), ("request_id", request), ("merchant_id", caller.MerchantId));
        var operation = await OperationStore.CreateAsync(
            work,
            ChangeOperation.Kind,
            input,
            lines,
            caller.Actor,
            leased: false,
            cancel
        );
        await OperationStore.TryMoveAsync(work, operation.Id, ["pending"], "paused", cancel);
        file.Position = 0;
        var buffer = new byte[ChunkSize];
        for (var number = 0; ; number++)
        {
            var read = await file.ReadAtLeastAsync(buffer, ChunkSize, throwOnEndOfStream: false, cancel);
            if (read == 0)
            {
                return operation.Id;
            }

            await OperationStore.WriteChunkAsync(work, operation.Id, "input", number, buffer[..read], cancel);
        }
    }
}
