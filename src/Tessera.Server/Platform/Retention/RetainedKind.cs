using Microsoft.Extensions.DependencyInjection;

namespace Tessera.Server.Platform.Retention;

/// <summary>
/// A kind of data that ages: what it is, when it is over and how it goes (AUD-08). Each room declares its own; the Privacy room
/// runs them all, with periods that can be changed, legal holds and a report.
/// </summary>
/// <param name="Name">Stored in policies and reports; never changes.</param>
/// <param name="Description">What it is.</param>
/// <param name="KeepDays">How long it is kept unless a policy says otherwise.</param>
/// <param name="Table">With its schema; not partitioned.</param>
/// <param name="Over">Which rows are over, of alias <c>d</c>; $1 is the instant before which they are.</param>
public sealed record RetainedKind(string Name, string Description, int KeepDays, string Table, string Over)
{
    /// <summary>Fewest days a policy may say, because something else relies on the data for so long.</summary>
    public int FewestDays { get; init; } = 1;

    /// <summary>Whose row it is: SQL of the customer's id, of alias <c>d</c>; null for data that belongs to nobody.</summary>
    public string? Customer { get; init; }

    /// <summary>What goes with a row.</summary>
    public IReadOnlyList<RetainedPart> Parts { get; init; } = [];

    /// <summary>What is taken out of a row that has to stay: the <c>set</c> of an update; null where the row itself goes.</summary>
    public string? TakenOut { get; init; }

    /// <summary>Whether nothing ever changes a row, so that none needs to be locked.</summary>
    public bool IsAppendOnly { get; init; }

    /// <summary>Whether a policy may have it archived instead: not what is secret, and not what is kept for repeats alone.</summary>
    public bool MayArchive { get; init; }
}

/// <summary>Rows of another table that go with a row.</summary>
/// <param name="Table">With its schema.</param>
/// <param name="Of">Which, of alias <c>p</c>, belong to the row <c>d</c>.</param>
/// <param name="TakenOut">What is taken out of them where they have to stay.</param>
public sealed record RetainedPart(string Table, string Of, string? TakenOut = null);

/// <summary>How rooms say what they keep.</summary>
public static class RetentionServices
{
    /// <summary>Declares kinds. What refers to something goes before it.</summary>
    public static IServiceCollection AddRetained(this IServiceCollection services, IEnumerable<RetainedKind> kinds)
    {
        ArgumentNullException.ThrowIfNull(kinds);
        foreach (var kind in kinds)
        {
            services.AddSingleton(kind);
        }

        return services;
    }

    /// <summary>Declares words that may name a person.</summary>
    public static IServiceCollection AddKeptWords(this IServiceCollection services, params IEnumerable<KeptWords> words)
    {
        ArgumentNullException.ThrowIfNull(words);
        foreach (var one in words)
        {
            services.AddSingleton(one);
        }

        return services;
    }
}
