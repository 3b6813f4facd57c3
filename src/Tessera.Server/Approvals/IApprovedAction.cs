using System.Collections.Frozen;
using Tessera.Core;
using Tessera.Server.Platform;
using Tessera.Server.Platform.Http;

namespace Tessera.Server.Approvals;

/// <summary>
/// One kind of change that may need a second person (OPS-03, ACC-07). Its room registers it; <see cref="ApprovalService"/>
/// asks it what exactly would happen, once when it is requested and again when it is carried out.
/// </summary>
public interface IApprovedAction
{
    /// <summary>Names the kind in requests, policies and events; stored, so it never changes.</summary>
    string Kind { get; }

    /// <summary>What a caller needs to request it.</summary>
    string Permission { get; }

    /// <summary>
    /// How much of it one person may do alone in 24 hours unless a policy says otherwise, in the unit of
    /// <see cref="ActionEffect.Size"/>; 0 when every request needs a second person.
    /// </summary>
    long FreeSize { get; }

    /// <summary>Reads what a caller wants done.</summary>
    /// <param name="input">The member <c>input</c> of the request; what is wrong is added to it.</param>
    /// <returns>A JSON object to keep and to give to <see cref="ShowAsync"/>; null when something is wrong.</returns>
    string? Read(Fields input);

    /// <summary>
    /// Locks what would be changed and says exactly what would happen. The same input gives the same effect for as long
    /// as nothing changed meanwhile, so an effect names the version of what it changes.
    /// </summary>
    /// <param name="work">The transaction the change would be part of.</param>
    /// <param name="input">As <see cref="Read"/> gave it, or another room.</param>
    /// <param name="cancel">Cancels.</param>
    Task<Shown> ShowAsync(UnitOfWork work, string input, CancellationToken cancel);

    /// <summary>Does it, with its events, in the transaction in which <see cref="ShowAsync"/> locked and showed it.</summary>
    Task<Executed> ExecuteAsync(UnitOfWork work, ApprovedAction action, CancellationToken cancel);

    /// <summary>Keeps what a request that waits will need, so that nothing else takes it meanwhile; most need nothing.</summary>
    Task KeepAsync(UnitOfWork work, WaitingRequest request, CancellationToken cancel) => Task.CompletedTask;

    /// <summary>Lets go of what was kept: before the request is shown and carried out, and when it comes to nothing.</summary>
    /// <param name="work">The transaction of the decision.</param>
    /// <param name="request">The request.</param>
    /// <param name="end">
    /// The state it ends in: <c>rejected</c>, <c>withdrawn</c>, <c>expired</c> or <c>void</c>; null when it is about to be
    /// carried out. One that turns out to be void was let go of before.
    /// </param>
    /// <param name="cancel">Cancels.</param>
    Task LetGoAsync(UnitOfWork work, WaitingRequest request, string? end, CancellationToken cancel) =>
        Task.CompletedTask;
}

/// <summary>A request that waits for another person.</summary>
/// <param name="Id">Of the request.</param>
/// <param name="Input">As it was requested.</param>
/// <param name="ExpiresAt">First instant at which nobody can approve it any more.</param>
/// <param name="Actor">Who asks or decides now.</param>
/// <param name="CorrelationId">Of the request over HTTP; null for the job.</param>
public sealed record WaitingRequest(
    Guid Id,
    string Input,
    DateTimeOffset ExpiresAt,
    string Actor,
    string? CorrelationId
);

/// <summary>What would happen, exactly.</summary>
/// <param name="Subject">What it concerns: <c>instance:1024</c>.</param>
/// <param name="Json">A JSON object of ids, integers and words, with before and after.</param>
/// <param name="Size">How much of it, for limits: an amount in minor units, or a number of things.</param>
/// <param name="Unit">What the size counts: a currency, or <c>item</c>.</param>
/// <param name="MerchantId">Whom it concerns; null for nobody in particular.</param>
public sealed record ActionEffect(string Subject, string Json, long Size, string Unit, Guid? MerchantId = null)
{
    /// <summary>Whether a second person has to agree, however little it is: it goes against a rule.</summary>
    public bool IsAgainstRule { get; init; }

    /// <summary>
    /// Members of the effect that hold words of people: the request keeps them, the log has the hash of the whole alone.
    /// </summary>
    public IReadOnlySet<string> Words { get; init; } = FrozenSet<string>.Empty;
}

/// <summary>The effect of an action, or why it cannot be had.</summary>
public readonly record struct Shown(ActionEffect? Effect, Refusal? Refusal)
{
    /// <summary>It can be had.</summary>
    public static implicit operator Shown(ActionEffect effect) => new(effect, null);

    /// <summary>It cannot.</summary>
    public static implicit operator Shown(Refusal refusal) => new(null, refusal);
}

/// <summary>What came of an action, or why it was not done after all; then nothing was written.</summary>
/// <param name="Json">A JSON object: ids of what was made.</param>
/// <param name="Refusal">Why not.</param>
public readonly record struct Executed(string? Json, Refusal? Refusal)
{
    /// <summary>It was done.</summary>
    public static Executed Done(string json = "{}") => new(json, null);

    /// <summary>It was not.</summary>
    public static implicit operator Executed(Refusal refusal) => new(null, refusal);
}

/// <summary>An action that may be carried out now.</summary>
/// <param name="Id">Of its request.</param>
/// <param name="Input">As it was requested.</param>
/// <param name="Effect">As it was shown, and is still.</param>
/// <param name="Reason">Why it was requested.</param>
/// <param name="RequestedBy">The account or key that asked.</param>
/// <param name="ExecutedBy">Who lets it happen: the approver, or who asked where no approval is needed.</param>
/// <param name="CorrelationId">Of the request that carries it out.</param>
public sealed record ApprovedAction(
    Guid Id,
    string Input,
    ActionEffect Effect,
    string Reason,
    string RequestedBy,
    Requester ExecutedBy,
    string CorrelationId
);

/// <summary>What another room or a caller wants done.</summary>
/// <param name="Kind">Of an <see cref="IApprovedAction"/>.</param>
/// <param name="Input">The JSON object its <see cref="IApprovedAction.ShowAsync"/> takes.</param>
/// <param name="Reason">Why, in words; 10 to 2000 characters.</param>
public sealed record ApprovalRequest(string Kind, string Input, string Reason)
{
    /// <summary>Whether another person has to agree, however little it is and whatever a policy says: a customer asks.</summary>
    public bool AlwaysWaits { get; init; }
}
