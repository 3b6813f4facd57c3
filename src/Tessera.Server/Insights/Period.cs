using Tessera.Server.Platform.Http;

namespace Tessera.Server.Insights;

/// <summary>Days of a figure, both counted whole, in UTC.</summary>
/// <param name="From">First day.</param>
/// <param name="To">Last day.</param>
public sealed record Period(DateOnly From, DateOnly To)
{
    private const int DefaultDays = 30;
    private const int MaximumDays = 3_700;

    /// <summary>How many days it has.</summary>
    public int Days => To.DayNumber - From.DayNumber + 1;

    /// <summary>The period of the same length before it.</summary>
    public Period Before => new(From.AddDays(-Days), From.AddDays(-1));

    /// <summary>A day as the API writes it.</summary>
    public static string Text(DateOnly day) => Instants.Format(day);

    /// <summary>Reads <c>from</c> and <c>to</c>; thirty days to today unless given.</summary>
    public static Period Read(Query query, DateOnly today)
    {
        ArgumentNullException.ThrowIfNull(query);
        var to = query.Day("to") ?? today;
        var from = query.Day("from") ?? to.AddDays(1 - DefaultDays);
        if (from > to)
        {
            query.Add("from", "after_its_end", "The period begins after its end.");
        }
        else if (to.DayNumber - from.DayNumber >= MaximumDays)
        {
            query.Add("from", "too_long", $"The period may have {MaximumDays:days} days.");
        }

        return new Period(from, to);
    }
}
