using Microsoft.AspNetCore.Http;

namespace Tessera.Server.Access;

/// <summary>That the refusal of a request is a security event, though its status alone does not say so (convention 68).</summary>
public sealed record SecurityMatter;

/// <summary>How endpoints state it.</summary>
public static class SecurityMatterExtensions
{
    /// <summary>Says that this refusal is one to be written down: somebody may be trying something.</summary>
    public static void MatterOfSecurity(this HttpContext context)
    {
        ArgumentNullException.ThrowIfNull(context);
        context.Features.Set(new SecurityMatter());
    }
}
