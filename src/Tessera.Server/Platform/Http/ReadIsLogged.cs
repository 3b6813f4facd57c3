using Microsoft.AspNetCore.Builder;

namespace Tessera.Server.Platform.Http;

/// <summary>That an operation's reads are written to the audit log.</summary>
/// <param name="What">What is read, as a word.</param>
public sealed record ReadIsLogged(string What);

/// <summary>How endpoints state it.</summary>
public static class ReadIsLoggedExtensions
{
    /// <summary>Reads of this operation are audited (AUD-01).</summary>
    public static TBuilder LogReads<TBuilder>(this TBuilder builder, string what)
        where TBuilder : IEndpointConventionBuilder => builder.WithMetadata(new ReadIsLogged(what));
}
