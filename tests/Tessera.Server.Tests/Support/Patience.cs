using System.Diagnostics;

namespace Tessera.Server.Tests.Support;

/// <summary>
/// How tests wait for a state or a message: never without an end. What does not come fails its test and is named, instead of
/// keeping all the others waiting.
/// </summary>
public static class Patience
{
    /// <summary>Far longer than a loaded machine takes: only what never comes is cut off.</summary>
    public static readonly TimeSpan Limit = TimeSpan.FromMinutes(2);

    private static readonly TimeSpan Pause = TimeSpan.FromMilliseconds(20);

    /// <summary>Looks again and again until something holds.</summary>
    /// <param name="holds">Whether it does.</param>
    /// <param name="what">What is waited for, as the failure names it.</param>
    public static Task UntilAsync(Func<Task<bool>> holds, string what) =>
        UntilAsync(holds, () => Task.FromResult(what));

    /// <summary>The same, where the failure says what there is instead.</summary>
    public static async Task UntilAsync(Func<Task<bool>> holds, Func<Task<string>> what)
    {
        for (var since = Stopwatch.StartNew(); !await holds(); await Task.Delay(Pause))
        {
            if (since.Elapsed > Limit)
            {
                throw Missing(await what());
            }
        }
    }

    /// <summary>Waits for what comes by itself: a message, a line, a connection.</summary>
    /// <param name="wait">Waits until it is cancelled.</param>
    /// <param name="what">What is waited for, as the failure names it.</param>
    public static async Task<T> ForAsync<T>(Func<CancellationToken, Task<T>> wait, string what)
    {
        using var within = new CancellationTokenSource(Limit);
        try
        {
            return await wait(within.Token);
        }
        catch (OperationCanceledException) when (within.IsCancellationRequested)
        {
            throw Missing(what);
        }
    }

    /// <summary>Waits for what nothing can cancel.</summary>
    public static async Task ForAsync(Task task, string what)
    {
        try
        {
            await task.WaitAsync(Limit);
        }
        catch (TimeoutException) when (!task.IsCompleted)
        {
            throw Missing(what);
        }
    }

    private static TimeoutException Missing(string what) => new($"Waited {Limit.TotalMinutes} minutes for {what}.");
}
