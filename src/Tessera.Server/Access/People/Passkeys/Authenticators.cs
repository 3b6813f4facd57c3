using System.Net;
using System.Runtime.ExceptionServices;
using Microsoft.AspNetCore.Http;
using Microsoft.AspNetCore.Identity;
using Microsoft.Extensions.Logging.Abstractions;
using Microsoft.Extensions.Options;
using Npgsql;
using Tessera.Server.Platform;

namespace Tessera.Server.Access.People.Passkeys;

/// <summary>
/// Asks authenticators and verifies what they answer (Web Authentication level 3), with ASP.NET Core Identity's handler:
/// challenge, origin, relying party, presence and verification of the user, signature, counter, owner. A passkey is bound
/// to the public address of the deployment; without one there are passkeys on localhost only.
/// </summary>
internal sealed class Authenticators : IDisposable
{
    /// <summary>COSE names of ES256 and RS256, which every authenticator can do one of.</summary>
    private static readonly int[] Algorithms = [-7, -257];

    private readonly string? _publicUrl;
    private readonly string? _domain;
    private readonly UserManager<PasskeyOwner> _owners;
    private readonly PasskeyHandler<PasskeyOwner> _handler;

    /// <summary>Asks nothing yet.</summary>
    public Authenticators(Database database, Settings settings)
    {
        _publicUrl = settings.PublicUrl;
        _domain = _publicUrl is null ? null : new Uri(_publicUrl).Host;
        _owners = new UserManager<PasskeyOwner>(
            new PasskeyOwners(database),
            Options.Create(new IdentityOptions()),
            new PasswordHasher<PasskeyOwner>(),
            [],
            [],
            new UpperInvariantLookupNormalizer(),
            new IdentityErrorDescriber(),
            null!,
            NullLogger<UserManager<PasskeyOwner>>.Instance
        );
        _handler = new PasskeyHandler<PasskeyOwner>(
            _owners,
            Options.Create(
                new IdentityPasskeyOptions
                {
                    ServerDomain = _domain,
                    AuthenticatorTimeout = TimeSpan.FromMinutes(5),
                    ChallengeSize = 32,
                    UserVerificationRequirement = "required",
                    ResidentKeyRequirement = "required",
                    AttestationConveyancePreference = "none",
                    IsAllowedAlgorithm = static algorithm => Algorithms.Contains(algorithm),
                    ValidateOrigin = asked => ValueTask.FromResult(IsOurs(asked)),
                }
            )
        );
    }

    /// <summary>Whether a browser that came by this address can have passkeys here: they need a name, not a number.</summary>
    public bool CanAsk(HttpContext context) =>
        _domain is null ? context.Request.Host.Host == "localhost" : !IPAddress.TryParse(_domain.Trim('[', ']'), out _);

    /// <summary>Asks for a new passkey.</summary>
    public Task<PasskeyCreationOptionsResult> AskForNewAsync(
        HttpContext context,
        Guid person,
        string email,
        string name
    ) =>
        _handler.MakeCreationOptionsAsync(
            new PasskeyUserEntity
            {
                Id = person.ToString(),
                Name = email,
                DisplayName = name,
            },
            context
        );

    /// <summary>Asks for any passkey of this deployment; whose it is, the answer says.</summary>
    public Task<PasskeyRequestOptionsResult> AskAsync(HttpContext context) =>
        _handler.MakeRequestOptionsAsync(null, context);

    /// <summary>Verifies the answer to <see cref="AskForNewAsync"/>.</summary>
    public Task<PasskeyAttestationResult> VerifyNewAsync(HttpContext context, string credential, string asked) =>
        _handler.PerformAttestationAsync(
            new PasskeyAttestationContext
            {
                HttpContext = context,
                CredentialJson = credential,
                AttestationState = asked,
            }
        );

    /// <summary>Verifies the answer to <see cref="AskAsync"/>.</summary>
    public Task<PasskeyAssertionResult<PasskeyOwner>> VerifyAsync(
        HttpContext context,
        string credential,
        string asked
    ) =>
        _handler.PerformAssertionAsync(
            new PasskeyAssertionContext
            {
                HttpContext = context,
                CredentialJson = credential,
                AssertionState = asked,
            }
        );

    /// <summary>Why an answer was refused, for the log.</summary>
    /// <exception cref="NpgsqlException">The answer was not looked at: the database could not be asked.</exception>
    public static string WhyNot(PasskeyException? failure)
    {
        if (failure?.InnerException is NpgsqlException away)
        {
            ExceptionDispatchInfo.Throw(away);
        }

        return failure is null ? "" : new string([.. failure.Message.Where(static c => !char.IsControl(c)).Take(200)]);
    }

    /// <inheritdoc/>
    public void Dispose() => _owners.Dispose();

    private bool IsOurs(PasskeyOriginValidationContext asked)
    {
        var request = asked.HttpContext.Request;
        return !asked.CrossOrigin && asked.Origin == (_publicUrl ?? $"{request.Scheme}://{request.Host.Value}");
    }
}
