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
/// Lists of codes or ids to be extended, ended or cancelled (EXP-09). What is to be done is in the query, the list is the body:
/// held in memory up to <see cref="MaximumFile"/>, kept in chunks, and worked through by an operation.
/// </summary>
internal static class UploadEndpoints
{
    /// <summary>The longest list, in bytes: a million codes of 24 characters and more.</summary>
    public const int MaximumFile = 32 * 1024 * 1024;

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
            .WithQuery("action", "string", "What is done.", ["extend", "expire", "cancel"])
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

        using var file = new MemoryStream();
        await context.Request.Body.CopyToAsync(file, context.RequestAborted);
        await Idempotent.RunAsync(
            context,
            database,
            caller.ClientId,
            file.GetBuffer().AsMemory(0, (int)file.Length),
            async work =>
            {
                var cancel = CancellationToken.None;
                var now = await work.ClockAsync(cancel);
                var (input, reason, refusal) = Read(context, now, caller);
                refusal ??= CheckHeader(file);
                if (refusal is not null)
                {
                    return HttpAnswer.Refused(context, refusal);
                }

                var lines = CountLines(file);
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

    private static Refusal? CheckHeader(MemoryStream file)
    {
        var head = Encoding.UTF8.GetString(file.GetBuffer(), 0, (int)Math.Min(file.Length, HeaderSize));
        var line = head.TrimStart('\uFEFF').Split('\n')[0].Trim().Trim('"');
        return UploadedList.AreCodes([line]) is not null
            ? null
            : Problems.Invalid([
                new FieldError("body", "", "no_header", "The first line has to be code or instance_id."),
            ]);
    }

    private static long CountLines(MemoryStream file)
    {
        var bytes = file.GetBuffer().AsSpan(0, (int)file.Length).TrimEnd("\r\n"u8);
        return bytes.Count((byte)'\n');
    }

    private static async Task<Guid> KeepAsync(
        UnitOfWork work,
        MemoryStream file,
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
