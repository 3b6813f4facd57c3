using System.Collections.Frozen;

namespace Tessera.Core.Promotions;

/// <summary>Which lines a rule means; a line matches when all that is given holds. Null members ask nothing.</summary>
public sealed class LineFilter
{
    private FrozenSet<string>? skus;
    private FrozenSet<string>? categories;
    private FrozenSet<string>? withoutSkus;
    private FrozenSet<string>? withoutCategories;

    /// <summary>Matches every line.</summary>
    public static readonly LineFilter Any = new();

    /// <summary>One of these.</summary>
    public IReadOnlyList<string>? Skus
    {
        get;
        init
        {
            field = value;
            skus = value?.ToFrozenSet(StringComparer.Ordinal);
        }
    }

    /// <summary>In at least one of these.</summary>
    public IReadOnlyList<string>? Categories
    {
        get;
        init
        {
            field = value;
            categories = value?.ToFrozenSet(StringComparer.Ordinal);
        }
    }

    /// <summary>None of these (RUL-03).</summary>
    public IReadOnlyList<string>? ExcludeSkus
    {
        get;
        init
        {
            field = value;
            withoutSkus = value?.ToFrozenSet(StringComparer.Ordinal);
        }
    }

    /// <summary>In none of these (RUL-03).</summary>
    public IReadOnlyList<string>? ExcludeCategories
    {
        get;
        init
        {
            field = value;
            withoutCategories = value?.ToFrozenSet(StringComparer.Ordinal);
        }
    }

    /// <summary>Not on sale.</summary>
    public bool ExcludeOnSale { get; init; }

    /// <summary>Inclusive, in minor units, before any discount.</summary>
    public long? MinUnitPriceMinor { get; init; }

    /// <summary>Inclusive, in minor units, before any discount.</summary>
    public long? MaxUnitPriceMinor { get; init; }

    /// <summary>Booked services, sessions and consultants (RUL-07).</summary>
    public IReadOnlyList<string>? Services { get; init; }

    /// <summary>Session types (RUL-07).</summary>
    public IReadOnlyList<string>? SessionTypes { get; init; }

    /// <summary>Consultants (RUL-07).</summary>
    public IReadOnlyList<string>? Consultants { get; init; }

    /// <summary>Whether every line matches.</summary>
    public bool AsksNothing =>
        Skus is null
        && Categories is null
        && ExcludeSkus is null
        && ExcludeCategories is null
        && !ExcludeOnSale
        && MinUnitPriceMinor is null
        && MaxUnitPriceMinor is null
        && Services is null
        && SessionTypes is null
        && Consultants is null;

    /// <summary>Whether the line matches; whether it may take a discount is another question.</summary>
    public bool Matches(CartLine line)
    {
        ArgumentNullException.ThrowIfNull(line);
        return (skus is null || skus.Contains(line.Sku))
            && (withoutSkus is null || !withoutSkus.Contains(line.Sku))
            && (categories is null || Overlaps(categories, line.Categories))
            && (withoutCategories is null || !Overlaps(withoutCategories, line.Categories))
            && !(ExcludeOnSale && line.OnSale)
            && (MinUnitPriceMinor is not { } least || line.UnitPriceMinor >= least)
            && (MaxUnitPriceMinor is not { } most || line.UnitPriceMinor <= most)
            && Named(Services, line.Service)
            && Named(SessionTypes, line.SessionType)
            && Named(Consultants, line.Consultant);
    }

    private static bool Overlaps(FrozenSet<string> wanted, IReadOnlyList<string> present)
    {
        for (var i = 0; i < present.Count; i++)
        {
            if (wanted.Contains(present[i]))
            {
                return true;
            }
        }

        return false;
    }

    private static bool Named(IReadOnlyList<string>? wanted, string? present) =>
        wanted is null || (present is not null && wanted.Contains(present, StringComparer.Ordinal));
}
