using Tessera.Server.Platform.Retention;

namespace Tessera.Server.Privacy;

/// <summary>All kinds of data that age, as the rooms declared them.</summary>
internal sealed class RetainedKinds(IEnumerable<RetainedKind> kinds)
{
    /// <summary>In the order in which they are run.</summary>
    public IReadOnlyList<RetainedKind> All { get; } = [.. kinds];

    /// <summary>Their names.</summary>
    public string[] Names => [.. All.Select(static k => k.Name)];

    /// <summary>A kind; null if there is none of this name.</summary>
    public RetainedKind? Find(string name) => All.FirstOrDefault(k => k.Name == name);
}
