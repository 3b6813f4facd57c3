using Microsoft.AspNetCore.Builder;
using Microsoft.AspNetCore.Http;
using Microsoft.Extensions.Logging;
using Tessera.Server.Platform.Http;

namespace Tessera.Server.Access.Limits;

/// <summary>That an operation takes codes, which somebody could guess.</summary>
public sealed record CodesAreTaken;

/// <summary>Counts codes of a request that do not exist, or are not the caller's to know of.</summary>
/// <param name="Count">Told how many, before the answer is sent: whoever has it has been counted.</param>
public sealed record FailedLookups(Action<int> Count);

/// <summary>How endpoints state it, and say what they found.</summary>
public static class FailedCodesExtensions
{
    /// <summary>Failures at codes are counted, and beyond a limit refused (convention 53).</summary>
    public static TBuilder TakesCodes<TBuilder>(this TBuilder builder)
        where TBuilder : IEndpointConventionBuilder => builder.WithMetadata(new CodesAreTaken());

    /// <summary>Says that codes of this request were not found, before it is answered.</summary>
    public static void CodesNotFound(this HttpContext context, int count = 1)
    {
        ArgumentNullException.ThrowIfNull(context);
        context.Features.Get<FailedLookups>()?.Count(count);
    }
}

/// <summary>
/// Counts failed codes per caller, merchant and address, over all nodes, and refuses whoever goes on beyond a limit; all of
/// them together are counted too, for the alert of <see cref="SurgeWatch"/>. Codes that exist cost three looks into memory.
/// </summary>
public sealed partial class FailedCodes(
    RequestDelegate next,
    RateLimits limits,
    Settings settings,
    ILogger<FailedCodes> log
)
{
    private readonly FailedCodePolicies _policies = new(settings.FailedCodesPerMinute);

    /// <summary>Runs the request.</summary>
    public Task InvokeAsync(HttpContext context)
    {
        ArgumentNullException.ThrowIfNull(context);
        return
            context.GetEndpoint()?.Metadata.GetMetadata<CodesAreTaken>() is not null
            && context.Features.Get<Caller>() is { } caller
            ? RunAsync(context, caller)
            : next(context);
    }

    private async Task RunAsync(HttpContext context, Caller caller)
    {
        var address = RateLimits.Of(context.Connection.RemoteIpAddress);
        var beyond =
            limits.IsExhausted(_policies.Caller, caller.ClientId) ? _policies.Caller
            : caller.MerchantId is { } own && limits.IsExhausted(_policies.Merchant, own) ? _policies.Merchant
            : limits.IsExhausted(_policies.Address, address) ? _policies.Address
            : null;
        if (beyond is not null)
        {
            LogRefused(log, beyond.Name, caller.Actor, RequestIds.Of(context));
            await RateHeaders.RefuseAsync(context, beyond, limits.Count(beyond, WhoOf(beyond, caller, address)));
            return;
        }

        context.Features.Set(new FailedLookups(failed => Count(caller, address, failed)));
        await next(context);
    }

    private void Count(Caller caller, Guid address, int failed)
    {
        for (; failed > 0; failed--)
        {
            limits.Count(_policies.Caller, caller.ClientId);
            limits.Count(_policies.Address, address);
            limits.Count(_policies.Deployment, Guid.Empty);
            if (caller.MerchantId is { } merchant)
            {
                limits.Count(_policies.Merchant, merchant);
            }
        }
    }

    private Guid WhoOf(RatePolicy policy, Caller caller, Guid address) =>
        policy == _policies.Caller ? caller.ClientId
        : policy == _policies.Merchant ? caller.MerchantId!.Value
        : address;

    [LoggerMessage(3003, LogLevel.Warning, "Refused codes beyond {Policy} to {Who}, request {RequestId}")]
    private static partial void LogRefused(ILogger log, string policy, string who, string requestId);
}

/// <summary>How many failed codes a minute are let pass, and from how many on there is an alert.</summary>
/// <param name="perCaller">Of one caller.</param>
internal sealed class FailedCodePolicies(long perCaller)
{
    public RatePolicy Caller { get; } = new("failed-codes", perCaller);

    /// <summary>Several callers may share an address, and the keys of a merchant its customers.</summary>
    public RatePolicy Address { get; } = new("failed-codes-address", 2 * perCaller);

    /// <inheritdoc cref="Address"/>
    public RatePolicy Merchant { get; } = new("failed-codes-merchant", 2 * perCaller);

    /// <summary>All together: nobody is refused for it.</summary>
    public RatePolicy Deployment { get; } = new("failed-codes-all", 4 * perCaller);

    public IReadOnlyList<RatePolicy> All => [Caller, Address, Merchant, Deployment];

    /// <summary>Whom an alert names. An address is personal data and stays out.</summary>
    public string SubjectOf(string policy, Guid who) =>
        policy == Caller.Name ? "caller:" + who
        : policy == Merchant.Name ? "merchant:" + who
        : policy == Address.Name ? "address"
        : "deployment";
}
