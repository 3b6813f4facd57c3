using System.Security.Cryptography;
using System.Text;
using Microsoft.AspNetCore.Builder;
using Microsoft.AspNetCore.Http;
using Microsoft.AspNetCore.Routing;
using Microsoft.Extensions.Logging;
using Tessera.Core;
using Tessera.Server.Access;
using Tessera.Server.Platform;
using Tessera.Server.Platform.Http;

namespace Tessera.Server.Privacy;

/// <summary>Why somebody wants to see personal data.</summary>
/// <param name="Reason">In words; 10 to 500 characters.</param>
internal sealed record RevealWanted(string Reason);

/// <summary>An address to look for.</summary>
/// <param name="Email">As the person gave it.</param>
internal sealed record FindWanted(string Email);

/// <summary>Who has an address.</summary>
/// <param name="CustomerIds">Their customers.</param>
internal sealed record FoundCustomers(IReadOnlyList<Guid> CustomerIds);

/// <summary>
/// Names and addresses of customers over HTTP (AUD-07): written, seen masked, and revealed with a reason that is logged.
/// </summary>
internal static partial class PersonalDataEndpoints
{
    private const int MinimumReason = 10;
    private const int MaximumReason = 500;

    private static readonly Refusal StaffOnly = new(
        "staff_only",
        "Only staff sees personal data of customers.",
        RefusalKind.Forbidden
    );

    private static readonly Refusal WasErased = new(
        "erased",
        "This customer was erased; nothing can be kept about the person any more."
    );

    private static readonly PersonalData Wanted = new(
        "Ada",
        "Lovelace",
        "ada@example.org",
        "+44 20 7946 0018",
        "1815-12-10",
        "12 St James's Square",
        "SW1Y 4JH",
        "London",
        "GB"
    );

    private static readonly PersonalDataView Sample = new(Samples.Id, true, Wanted.Masked(), 1, Samples.At);

    public static void Map(IEndpointRouteBuilder api)
    {
        var group = api.MapGroup("/customers/{id:guid}/personal-data").WithTags("Privacy");
        group
            .MapGet("", GetAsync)
            .WithName("getPersonalData")
            .WithSummary("Read the personal data of a customer, masked; that it was read is logged")
            .RequirePermission(Permissions.PersonalDataRead)
            .WithAnswer(200, Sample, "The data, masked, with its ETag.")
            .WithAnswer(304, "The caller has the present state.")
            .WithRefusals(StaffOnly);
        group
            .MapPut("", PutAsync)
            .WithName("setPersonalData")
            .WithSummary("Set the personal data of a customer")
            .WithRemark("If-Match is the ETag of what was read; \"0\" where there is none yet.")
            .RequirePermission(Permissions.PersonalDataWrite)
            .WithIfMatch()
            .WithBody(Wanted)
            .WithAnswer(200, Sample, "The new state, masked, with its ETag.")
            .WithRefusals(StaffOnly, WasErased);
        group
            .MapPost("/reveal", RevealAsync)
            .WithName("revealPersonalData")
            .WithSummary("See the personal data of a customer in full, for a reason that is logged")
            .WithRemark("A repeat with the same idempotency key gives the data masked: the answer is not kept in full.")
            .RequirePermission(Permissions.PersonalDataReveal)
            .WithBody(new RevealWanted("The customer called to correct the address."))
            .WithIdempotencyKey(required: false)
            .WithAnswer(200, Sample with { IsMasked = false, Data = Wanted }, "The data in full.")
            .WithRefusals(StaffOnly);
        api.MapPost("/personal-data/find", FindAsync)
            .WithName("findCustomersByEmail")
            .WithSummary("Find the customers who have an e-mail address")
            .WithTags("Privacy")
            .RequirePermission(Permissions.PersonalDataRead)
            .WithBody(new FindWanted("ada@example.org"))
            .WithAnswer(200, new FoundCustomers([Samples.Id]), "Their ids.")
            .WithRefusals(StaffOnly);
    }

    /// <summary>Reads personal data of a body.</summary>
    public static PersonalData Read(Fields fields)
    {
        var email = fields.Text("email", 254, required: false);
        if (email is not null && (email.Count(static c => c == '@') != 1 || email[0] == '@' || email[^1] == '@'))
        {
            fields.Add("email", "not_an_address", "This has to be an e-mail address.");
        }

        var birth = fields.Text("birth_date", 10, required: false);
        if (birth is not null && !DateOnly.TryParseExact(birth, "yyyy-MM-dd", out _))
        {
            fields.Add("birth_date", "not_a_date", "This has to be a date, such as 1990-02-28.");
        }

        var country = fields.Text("country", 2, required: false);
        if (country is not null && (country.Length != 2 || !country.All(char.IsAsciiLetterUpper)))
        {
            fields.Add("country", "not_a_country", "This has to be two capital letters.");
        }

        return new PersonalData(
            fields.Text("first_name", 100, required: false),
            fields.Text("last_name", 100, required: false),
            email,
            fields.Text("phone", 40, required: false),
            birth,
            fields.Text("street", 200, required: false),
            fields.Text("postal_code", 20, required: false),
            fields.Text("city", 100, required: false),
            country
        );
    }

    /// <summary>Writes personal data of a customer who is held, with its event.</summary>
    /// <returns>Why not; null when it was written.</returns>
    public static async Task<Refusal?> SetAsync(
        UnitOfWork work,
        PersonStore persons,
        Guid customer,
        PersonalData data,
        int version,
        string actor,
        string requestId,
        CancellationToken cancel
    )
    {
        await using (
            var erased = work.Command("select exists (select from privacy.erased where customer_id = $1)", customer)
        )
        {
            if ((bool)(await erased.ExecuteScalarAsync(cancel))!)
            {
                return WasErased;
            }
        }

        var now = await work.ClockAsync(cancel);
        await persons.SetAsync(work, customer, data, version, now, cancel);
        await TellAsync(work, customer, "personal_data.updated", version, actor, requestId, now, [], cancel);
        return null;
    }

    private static async Task GetAsync(HttpContext context, Guid id, Database database, PersonStore persons)
    {
        var cancel = context.RequestAborted;
        var caller = Caller.Of(context);
        if (caller.Realm != Realms.Staff)
        {
            await Problems.WriteAsync(context, StaffOnly);
            return;
        }

        await using var work = await database.BeginAsync(cancel);
        if (await persons.FindAsync(work, id, cancel) is not { } found)
        {
            await Problems.WriteAsync(context, Entry.NotFound);
            return;
        }

        var now = await work.ClockAsync(cancel);
        var requestId = RequestIds.Of(context);
        await TellAsync(work, id, "personal_data.read", found.Version, caller.Actor, requestId, now, [], cancel);
        await work.CommitAsync(cancel);
        await HttpAnswer.Resource(context, Masked(found), ETags.Of(found.Version)).SendAsync(context);
    }

    private static async Task PutAsync(HttpContext context, Guid id, Database database, PersonStore persons)
    {
        var caller = Caller.Of(context);
        var outsider = caller.Realm == Realms.Staff ? null : StaffOnly;
        if (await RequestBody.TakeAsync(context, outsider) is not { } body)
        {
            return;
        }

        var fields = Fields.Of(body);
        var data = Read(fields);
        if (fields.Finish() is { } wrong)
        {
            await Problems.WriteAsync(context, wrong);
            return;
        }

        await Idempotent.RunAsync(
            context,
            database,
            caller.ClientId,
            body.Bytes,
            async work =>
            {
                var cancel = CancellationToken.None;
                if (!await HoldAsync(work, id, cancel))
                {
                    return HttpAnswer.Refused(context, Entry.NotFound);
                }

                var version = (await persons.FindAsync(work, id, cancel))?.Version ?? 0;
                var requestId = RequestIds.Of(context);
                var refused =
                    ETags.Check(context, ETags.Of(version))
                    ?? await SetAsync(work, persons, id, data, version + 1, caller.Actor, requestId, cancel);
                if (refused is not null)
                {
                    return HttpAnswer.Refused(context, refused);
                }

                var view = Masked((await persons.FindAsync(work, id, cancel))!);
                return HttpAnswer.Json(200, view, etag: ETags.Of(view.Version));
            }
        );
    }

    private static async Task RevealAsync(
        HttpContext context,
        Guid id,
        Database database,
        PersonStore persons,
        ILogger<PersonStore> log
    )
    {
        var caller = Caller.Of(context);
        var outsider = caller.Realm == Realms.Staff ? null : StaffOnly;
        if (await RequestBody.TakeAsync(context, outsider) is not { } body)
        {
            return;
        }

        var fields = Fields.Of(body);
        var reason = fields.Text("reason", MaximumReason)?.Trim();
        if (reason is { Length: < MinimumReason })
        {
            fields.Add("reason", "too_short", $"Say why in at least {MinimumReason:minimum} characters.");
        }

        if (fields.Finish() is { } wrong)
        {
            await Problems.WriteAsync(context, wrong);
            return;
        }

        await Idempotent.RunAsync(
            context,
            database,
            caller.ClientId,
            body.Bytes,
            async work =>
            {
                var cancel = CancellationToken.None;
                if (await persons.FindAsync(work, id, cancel) is not { } found)
                {
                    return HttpAnswer.Refused(context, Entry.NotFound);
                }

                // The words may name the person, so that the log has their hash; the line of the node's log has them not.
                var hash = Convert.ToHexStringLower(SHA256.HashData(Encoding.UTF8.GetBytes(reason!)));
                var now = await work.ClockAsync(cancel);
                var requestId = RequestIds.Of(context);
                await work.ExecuteAsync(
                    "insert into privacy.reveal (id, customer_id, actor, reason, at) values ($1, $2, $3, $4, $5)",
                    [Guid.CreateVersion7(), id, caller.Actor, reason, now],
                    cancel
                );
                (string, object?)[] facts = [("reason_hash", hash)];
                await TellAsync(
                    work,
                    id,
                    "personal_data.revealed",
                    found.Version,
                    caller.Actor,
                    requestId,
                    now,
                    facts,
                    cancel
                );
                LogRevealed(log, caller.Actor, id, requestId);
                var kept = HttpAnswer.Json(200, Masked(found));
                return HttpAnswer.Json(200, found) with { Kept = kept.Body };
            }
        );
    }

    private static async Task FindAsync(HttpContext context, Database database)
    {
        var caller = Caller.Of(context);
        var outsider = caller.Realm == Realms.Staff ? null : StaffOnly;
        if (await RequestBody.TakeAsync(context, outsider) is not { } body)
        {
            return;
        }

        var fields = Fields.Of(body);
        var email = fields.Text("email", 254);
        if (fields.Finish() is { } wrong)
        {
            await Problems.WriteAsync(context, wrong);
            return;
        }

        await using var work = await database.BeginAsync(context.RequestAborted);
        var found = await PersonStore.FindByEmailAsync(work, email!, context.RequestAborted);
        var now = await work.ClockAsync(context.RequestAborted);
        foreach (var customer in found)
        {
            await TellAsync(
                work,
                customer,
                "personal_data.found",
                1,
                caller.Actor,
                RequestIds.Of(context),
                now,
                [],
                context.RequestAborted
            );
        }

        await work.CommitAsync(context.RequestAborted);
        await HttpAnswer.Json(200, new FoundCustomers(found)).SendAsync(context);
    }

    private static PersonalDataView Masked(PersonalDataView view) =>
        view with
        {
            IsMasked = true,
            Data = view.Data.Masked(),
        };

    private static async Task<bool> HoldAsync(UnitOfWork work, Guid id, CancellationToken cancel)
    {
        await using var command = work.Command("select true from access.customer where id = $1 for update", id);
        return await command.ExecuteScalarAsync(cancel) is true;
    }

    private static async Task TellAsync(
        UnitOfWork work,
        Guid customer,
        string type,
        int version,
        string actor,
        string requestId,
        DateTimeOffset now,
        (string, object?)[] facts,
        CancellationToken cancel
    )
    {
        var entry = new EventEntry(
            "personal_data",
            customer.ToString(),
            type,
            version,
            actor,
            EventLog.Payload([("customer_id", customer), .. facts]),
            requestId
        );
        await EventLog.AppendAsync(work, now, [entry], cancel);
    }

    [LoggerMessage(3201, LogLevel.Warning, "{Who} revealed the personal data of {Customer}, request {RequestId}")]
    private static partial void LogRevealed(ILogger log, string who, Guid customer, string requestId);
}
