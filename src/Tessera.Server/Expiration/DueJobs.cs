namespace Tessera.Server.Expiration;

/// <summary>Jobs by what has come due of them: figures count by these conditions, and lists show their rows by the same (MET-24).</summary>
internal static class DueJobs
{
    /// <summary>Has come due, for a moment or longer.</summary>
    public const string Now = "now";

    /// <summary>Has come due and is not told after <see cref="GraceSeconds"/>: the backlog.</summary>
    public const string Behind = "behind";

    /// <summary>Is enqueued ahead of its hour.</summary>
    public const string Later = "later";

    /// <summary>Telling takes a moment: what has come due for no longer is not behind.</summary>
    private const int GraceSeconds = 5;

    public static readonly string[] Words = [Now, Behind, Later];

    /// <summary>The condition on rows of <c>expiration.job</c>, of alias <c>j</c>.</summary>
    /// <param name="word">One of <see cref="Words"/>.</param>
    /// <param name="now">An SQL expression.</param>
    public static string Are(string word, string now) =>
        "j.state = 'waiting' and "
        + word switch
        {
            Now => $"j.done_at < {now}",
            Behind => $"j.done_at < {now} - interval '{GraceSeconds} seconds'",
            _ => $"j.bucket > {now}",
        };

    /// <summary>Units of a job <c>j</c> that have come due and are not told, by its plan: known when its hour is over.</summary>
    public static string Units(string now) =>
        $"case when j.state = 'waiting' and j.until_at <= {now} then greatest(j.planned - j.units, 0) else 0 end";
}
