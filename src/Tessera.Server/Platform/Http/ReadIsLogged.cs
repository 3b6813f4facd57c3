using Microsoft.AspNetCore.Builder;

namespace Tessera.Server.Platform.Http;

/// <summary>That an operation's reads are written to the audit log.</summary>
/// <param name="What">What is read, as a word.</param>
/// <param name="Kind">The kind of the one thing that is read, where its address ends in an id; null where there is none.</param>
public sealed record ReadIsLogged(string What, string? Kind);

/// <summary>How endpoints state it.</summary>
public static class ReadIsLoggedExtensions
{
    /// <summary>Reads of this operation are audited (AUD-01).</summary>
    public static TBuilder LogReads<TBuilder>(this TBuilder builder, string what, string? kind = null)
        where TBuilder : IEndpointConventionBuilder => builder.WithMetadata(new ReadIsLogged(what, kind));
}
