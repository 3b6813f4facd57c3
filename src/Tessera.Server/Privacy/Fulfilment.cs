using Tessera.Core;
using Tessera.Server.Platform;
using Tessera.Server.Platform.Http;

namespace Tessera.Server.Privacy;

/// <summary>Who does what was asked.</summary>
/// <param name="Actor">As events name him.</param>
/// <param name="RequestId">Of the request in which it is done.</param>
internal readonly record struct Fulfiller(string Actor, string RequestId);

/// <summary>Does what a person asked for, with proof: access, portability, rectification, objection, erasure.</summary>
internal sealed class Fulfilment(PersonStore persons, Erasure erasure)
{
    /// <summary>Days for which a copy can be fetched, once.</summary>
    public const int ExportDays = 7;

    private static readonly Refusal CorrectionMissing = Problems.Invalid([
        new("corrected", "#/corrected", "required", "Say what the data is to be."),
    ]);

    /// <summary>Does it, in the transaction that decides the request.</summary>
    /// <param name="work">Holds the request.</param>
    /// <param name="request">Open.</param>
    /// <param name="corrected">What is right, for a rectification.</param>
    /// <param name="now">The database clock.</param>
    /// <param name="by">Who does it.</param>
    /// <param name="cancel">Cancels.</param>
    /// <returns>The proof, as JSON; or why not.</returns>
    public Task<(string? Proof, Refusal? Refusal)> RunAsync(
        UnitOfWork work,
        PrivacyRequest request,
        PersonalData? corrected,
        DateTimeOffset now,
        Fulfiller by,
        CancellationToken cancel
    ) =>
        request.Kind switch
        {
            "erasure" => erasure.RunAsync(work, request, now, cancel),
            "rectification" => RectifyAsync(work, request, corrected, by, cancel),
            "objection" => ObjectAsync(work, request, now, cancel),
            _ => CopyAsync(work, request, cancel),
        };

    private async Task<(string? Proof, Refusal? Refusal)> RectifyAsync(
        UnitOfWork work,
        PrivacyRequest held,
        PersonalData? corrected,
        Fulfiller by,
        CancellationToken cancel
    )
    {
        if (corrected is null)
        {
            return (null, CorrectionMissing);
        }

        await work.ExecuteAsync("select from access.customer where id = $1 for update", [held.CustomerId], cancel);
        var version = ((await persons.FindAsync(work, held.CustomerId, cancel))?.Version ?? 0) + 1;
        var refusal = await PersonalDataEndpoints.SetAsync(
            work,
            persons,
            held.CustomerId,
            corrected,
            version,
            by.Actor,
            by.RequestId,
            cancel
        );
        return (EventLog.Payload(("version", version)), refusal);
    }

    private static async Task<(string? Proof, Refusal? Refusal)> ObjectAsync(
        UnitOfWork work,
        PrivacyRequest held,
        DateTimeOffset now,
        CancellationToken cancel
    )
    {
        await work.ExecuteAsync(
            """
            insert into privacy.objection (customer_id, purpose, since) select $1, unnest($2::text[]), $3
            on conflict do nothing
            """,
            [held.CustomerId, held.Purposes.ToArray(), now],
            cancel
        );
        return (EventLog.Payload(("purposes", held.Purposes)), null);
    }

    private async Task<(string? Proof, Refusal? Refusal)> CopyAsync(
        UnitOfWork work,
        PrivacyRequest held,
        CancellationToken cancel
    )
    {
        var personal = await persons.FindAsync(work, held.CustomerId, cancel);
        return (EventLog.Payload(("has_personal_data", personal is not null), ("days", ExportDays)), null);
    }
}
