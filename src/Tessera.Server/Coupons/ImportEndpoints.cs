using System.Text;
using Microsoft.AspNetCore.Builder;
using Microsoft.AspNetCore.Http;
using Microsoft.AspNetCore.Http.Features;
using Microsoft.AspNetCore.Routing;
using Microsoft.AspNetCore.WebUtilities;
using Microsoft.Net.Http.Headers;
using Tessera.Core;
using Tessera.Server.Access;
using Tessera.Server.Coupons.Bulk;
using Tessera.Server.Platform;
using Tessera.Server.Platform.Files;
using Tessera.Server.Platform.Http;
using Tessera.Server.Platform.Jobs;

namespace Tessera.Server.Coupons;

/// <summary>Import of coupons from a file over HTTP (BLK-01, BLK-02, A.11).</summary>
internal static class ImportEndpoints
{
    /// <summary>The largest file of an upload.</summary>
    public const int MaximumFile = 10 * 1024 * 1024;

    private const int FormLimit = 64 * 1024;
    private const int MaximumParts = 16;

    private static readonly Refusal NotAForm = new(
        "unsupported_media_type",
        "This resource takes multipart/form-data.",
        RefusalKind.UnsupportedMedia
    );

    private static readonly Refusal NotOver = new(
        "operation_not_over",
        "The refused rows can be read when the import is over."
    );

    private static readonly Refusal Unreadable = new(
        "unreadable_file",
        "The file cannot be read.",
        RefusalKind.Invalid
    );

    public static void Map(IEndpointRouteBuilder api)
    {
        var import = api.MapGroup("/admin/coupons/import").WithTags("Import");
        import
            .MapGet("/template", TemplateAsync)
            .WithName("getImportTemplate")
            .WithSummary("Download an empty file with the columns of an import")
            .RequirePermission(Permissions.CouponsBulk)
            .WithAnswer(200, "The template.", "text/csv");
        import
            .MapPost("/preview", PreviewAsync)
            .WithName("previewImport")
            .WithSummary("Check a file of coupons row by row; nothing is written")
            .RequirePermission(Permissions.CouponsBulk)
            .WithMetadata(new BodyFact(typeof(ImportUpload), null, "multipart/form-data", true))
            .WithAnswer(
                200,
                new ImportPreview(
                    3,
                    2,
                    1,
                    1,
                    1,
                    0,
                    ["colour"],
                    ["SUMMER"],
                    [new ImportFault(3, "code", "too_short", "…", "X")],
                    [
                        new ImportPreviewRow(2, "SUMMER", "new", []),
                        new ImportPreviewRow(
                            4,
                            "SPRING27",
                            "update",
                            [new BulkFieldDiff("max_uses_total", "10", "20")]
                        ),
                    ],
                    [
                        ["code", "discount_type", "discount_value", "valid_from", "error_line", "error"],
                        ["X", "percentage", "10", "2099-03-01", "3", "code: …"],
                    ]
                ),
                "What an import would find."
            )
            .WithRefusals(NotAForm, Unreadable);
        import
            .MapGet("/{id:guid}/refused", RefusedAsync)
            .WithName("getRefusedRows")
            .WithSummary(
                "Download the rows an import refused, as they are in its file and why: mend them and import that file"
            )
            .RequirePermission(Permissions.CouponsBulk)
            .WithAnswer(
                200,
                "The columns of the file, then error_line and error, which an import leaves unread.",
                "text/csv"
            )
            .WithRefusals(NotOver);
        import
            .MapPost("", ImportAsync)
            .WithName("importCoupons")
            .WithSummary("Import a file of coupons, as an operation")
            .RequirePermission(Permissions.CouponsBulk)
            .WithMetadata(new BodyFact(typeof(ImportUpload), null, "multipart/form-data", true))
            .WithIdempotencyKey(required: true)
            .WithAnswer(202, new ImportAccepted(Samples.Id, 2), "Location is the operation that does it.")
            .WithRefusals(NotAForm, Unreadable);
    }

    private static async Task TemplateAsync(HttpContext context)
    {
        var text = new StringBuilder();
        CsvText.AppendRow(text, [.. ImportRows.Required, .. ImportRows.Optional]);
        context.Response.ContentType = "text/csv; charset=utf-8";
        context.Response.Headers.ContentDisposition = "attachment; filename=\"coupons.csv\"";
        await context.Response.WriteAsync(text.ToString(), context.RequestAborted);
    }

    private static async Task PreviewAsync(HttpContext context, Database database)
    {
        var cancel = context.RequestAborted;
        var (form, _, refusal) = await ReadAsync(context);
        if (refusal is not null)
        {
            await Problems.WriteAsync(context, refusal);
            return;
        }

        await using var work = await database.BeginAsync(cancel);
        var now = await work.ClockAsync(cancel);
        try
        {
            using var rows = await ImportRows.OpenAsync(
                form!.Name,
                new MemoryStream(form.Content),
                form.Options,
                Caller.Of(context).MerchantId,
                cancel
            );
            var view = await ImportPreviewing.RunAsync(
                work,
                rows,
                form.Options,
                Caller.Of(context).MerchantId,
                now,
                cancel
            );
            await HttpAnswer.Json(200, view).SendAsync(context);
        }
        catch (UnreadableFileException error)
        {
            await Problems.WriteAsync(context, RefusalOf(error));
        }
    }

    private static async Task ImportAsync(HttpContext context, Database database)
    {
        var caller = Caller.Of(context);
        var (form, bytes, refusal) = await ReadAsync(context);
        if (refusal is not null)
        {
            await Problems.WriteAsync(context, refusal);
            return;
        }

        await Idempotent.RunAsync(
            context,
            database,
            caller.ClientId,
            bytes,
            async work =>
            {
                try
                {
                    var operation = await ImportOperation.CreateAsync(
                        work,
                        form!.Name,
                        new MemoryStream(form.Content),
                        form.Options,
                        CatalogueActor.Of(context),
                        leased: false,
                        CancellationToken.None
                    );
                    var accepted = new ImportAccepted(operation.Id, operation.Total ?? 0);
                    return HttpAnswer.Json(202, accepted, "/api/v1/operations/" + operation.Id);
                }
                catch (UnreadableFileException error)
                {
                    return HttpAnswer.Refused(context, RefusalOf(error));
                }
            },
            required: true
        );
    }

    private static async Task RefusedAsync(HttpContext context, Guid id, Database database)
    {
        var cancel = context.RequestAborted;
        Operation? operation;
        await using (var work = await database.BeginAsync(cancel))
        {
            operation = await OperationStore.FindAsync(work, id, Caller.Of(context).MerchantId, cancel);
        }

        if (operation is not { Kind: ImportOperation.Kind, IsOver: true })
        {
            var isImport = operation is { Kind: ImportOperation.Kind };
            await Problems.WriteAsync(context, isImport ? NotOver : Entry.NotFound);
            return;
        }

        context.Response.ContentType = "text/csv; charset=utf-8";
        context.Response.Headers.ContentDisposition = "attachment; filename=\"refused-rows.csv\"";
        await OperationStore.CopyChunksAsync(database, id, RejectedRows.Kind, context.Response.Body, cancel);
    }

    private static Refusal RefusalOf(UnreadableFileException error) =>
        Unreadable with
        {
            Message = error.Message,
            Errors = [new FieldError("file", "", error.Code, error.Sentence)],
        };

    private static async Task<(Form? Form, ReadOnlyMemory<byte> Bytes, Refusal? Refusal)> ReadAsync(HttpContext context)
    {
        var cancel = context.RequestAborted;
        if (
            !MediaTypeHeaderValue.TryParse(context.Request.ContentType, out var type)
            || !type.MediaType.Equals("multipart/form-data", StringComparison.OrdinalIgnoreCase)
            || HeaderUtilities.RemoveQuotes(type.Boundary).Value is not { Length: > 0 and <= 100 } boundary
        )
        {
            return (null, default, NotAForm);
        }

        if (context.Features.Get<IHttpMaxRequestBodySizeFeature>() is { IsReadOnly: false } limit)
        {
            limit.MaxRequestBodySize = MaximumFile + FormLimit;
        }

        if (context.Request.ContentLength > MaximumFile + FormLimit)
        {
            return (null, default, RequestBody.TooLarge);
        }

        using var body = new MemoryStream();
        await context.Request.Body.CopyToAsync(body, cancel);
        body.Position = 0;
        try
        {
            var (form, refusal) = await ReadFormAsync(new MultipartReader(boundary, body), cancel);
            return (form, body.ToArray(), refusal);
        }
        catch (Exception error) when (error is InvalidDataException or IOException)
        {
            return (
                null,
                default,
                Unreadable with
                {
                    Message = "The form is broken or one of its parts is too large.",
                }
            );
        }
    }

    private static async Task<(Form? Form, Refusal? Refusal)> ReadFormAsync(
        MultipartReader parts,
        CancellationToken cancel
    )
    {
        var flags = new Dictionary<string, bool>(StringComparer.Ordinal);
        var errors = new List<FieldError>();
        (string Name, byte[] Content)? file = null;
        string[] names =
        [
            "skip_duplicates",
            "update_existing",
            "activate_immediately",
            "send_notifications",
            "dry_run",
        ];
        void Add(string field, string code, Sentence message) => errors.Add(new FieldError(field, "", code, message));
        for (var count = 0; await parts.ReadNextSectionAsync(cancel) is { } part; count++)
        {
            if (count == MaximumParts)
            {
                Add("", "too_many_parts", "The form has too many parts.");
                break;
            }

            var disposition = part.GetContentDispositionHeader();
            var name = HeaderUtilities.RemoveQuotes(disposition?.Name ?? default).Value ?? "";
            using var content = new MemoryStream();
            await part.Body.CopyToAsync(content, cancel);
            if (name == "file" && disposition!.IsFileDisposition() && file is null)
            {
                var given = disposition!.FileNameStar.HasValue ? disposition.FileNameStar : disposition.FileName;
                file = (HeaderUtilities.RemoveQuotes(given).Value ?? "", content.ToArray());
                if (content.Length > MaximumFile)
                {
                    return (null, RequestBody.TooLarge);
                }
            }
            else if (!names.Contains(name) || flags.ContainsKey(name))
            {
                Add(
                    name,
                    flags.ContainsKey(name) ? "duplicate_member" : "unknown_member",
                    "This is not expected here."
                );
            }
            else if (Encoding.UTF8.GetString(content.ToArray()) is ("true" or "false") and var flag)
            {
                flags[name] = flag == "true";
            }
            else
            {
                Add(name, "not_a_flag", "This has to be true or false.");
            }
        }

        bool Flag(int place) => flags.GetValueOrDefault(names[place]);
        if (file is null)
        {
            Add("file", "required", "This is required.");
        }

        if (Flag(0) && Flag(1))
        {
            Add("update_existing", "excludes", "Duplicates are either skipped or updated.");
        }

        return errors.Count > 0
            ? (null, Problems.Invalid(errors))
            : (new Form(file!.Value.Name, file.Value.Content, new(Flag(0), Flag(1), Flag(2), Flag(3), Flag(4))), null);
    }

    private sealed record Form(string Name, byte[] Content, ImportOptions Options);

    /// <summary>The parts of the form.</summary>
    /// <param name="File">A .csv or .xlsx of at most 10 MB.</param>
    /// <param name="SkipDuplicates">Leave out rows whose code exists.</param>
    /// <param name="UpdateExisting">Change the coupons whose code exists.</param>
    /// <param name="ActivateImmediately">Switch the coupons on.</param>
    /// <param name="SendNotifications">Kept with the operation.</param>
    /// <param name="DryRun">Write nothing but the errors.</param>
    private sealed record ImportUpload(
        string File,
        bool? SkipDuplicates,
        bool? UpdateExisting,
        bool? ActivateImmediately,
        bool? SendNotifications,
        bool? DryRun
    );

    /// <summary>The operation that imports.</summary>
    private sealed record ImportAccepted(Guid OperationId, long Rows);
}
