using System.Collections.Concurrent;
using Tessera.Server.Platform.Lanes;
using Xunit;

namespace Tessera.Server.Tests.Platform.Lanes;

public sealed class LanesTests
{
    private const int Limit = 256;

    private readonly ConcurrentQueue<Batch> _started = new();
    private readonly SemaphoreSlim _starts = new(0);

    [Fact]
    public async Task What_queues_up_behind_a_batch_becomes_the_next_one()
    {
        await using var lanes = Make();
        List<Task<int>> answers = [lanes.RunAsync(0, 0)];
        var first = await StartedAsync();
        answers.AddRange(Enumerable.Range(1, 20).Select(n => lanes.RunAsync(n, 0)));
        Assert.False(await _starts.WaitAsync(50), "A short queue must wait for the batch that runs.");
        first.Finish();
        var second = await StartedAsync();
        Assert.Equal(Enumerable.Range(1, 20), second.Commands);
        second.Finish();
        Assert.Equal(Enumerable.Range(0, 21).Select(n => -n), await Task.WhenAll(answers));
    }

    [Fact]
    public async Task A_long_queue_is_worked_by_two_batches_of_half_of_it_each()
    {
        await using var lanes = Make();
        List<Task<int>> answers = [lanes.RunAsync(0, 0)];
        var first = await StartedAsync();
        answers.AddRange(Enumerable.Range(1, 199).Select(n => lanes.RunAsync(n, 0)));
        var beside = await StartedAsync();
        Assert.InRange(beside.Commands.Count, 48, 100);
        Assert.False(await _starts.WaitAsync(50), "Two batches are the most.");
        first.Finish();
        var third = await StartedAsync();
        Assert.InRange(third.Commands.Count, 50, 151);
        beside.Finish();
        third.Finish();
        while (!answers.TrueForAll(answer => answer.IsCompleted))
        {
            if (await _starts.WaitAsync(50) && _started.TryDequeue(out var more))
            {
                more.Finish();
            }
        }

        Assert.Equal(Enumerable.Range(0, 200).Select(n => -n), await Task.WhenAll(answers));
    }

    [Fact]
    public async Task A_batch_that_fails_as_a_whole_is_run_item_by_item_and_fails_only_the_one_that_cannot()
    {
        await using var lanes = Make();
        var ahead = lanes.RunAsync(0, 0);
        var first = await StartedAsync();
        var bad = lanes.RunAsync(Worker.Poison, 0);
        var good = lanes.RunAsync(7, 0);
        first.Finish();
        Assert.Equal(0, await ahead);
        await Assert.ThrowsAsync<InvalidOperationException>(() => bad);
        (await StartedAsync()).Finish();
        Assert.Equal(-7, await good);
    }

    [Fact]
    public async Task An_outage_is_told_to_all_that_wait_in_the_batch_at_once()
    {
        await using var lanes = Make();
        var ahead = lanes.RunAsync(0, 0);
        var first = await StartedAsync();
        var waiting = Enumerable.Range(1, 5).Select(n => lanes.RunAsync(Worker.Outage + n, 0)).ToList();
        first.Finish();
        await ahead;
        foreach (var answer in waiting)
        {
            await Assert.ThrowsAsync<LaneUnavailableException>(() => answer);
        }
    }

    [Fact]
    public async Task Stopping_finishes_what_is_queued_and_takes_no_more()
    {
        var lanes = Make();
        var ahead = lanes.RunAsync(0, 0);
        var first = await StartedAsync();
        var queued = lanes.RunAsync(1, 0);
        var stopped = lanes.DisposeAsync().AsTask();
        first.Finish();
        (await StartedAsync()).Finish();
        await stopped;
        Assert.Equal(0, await ahead);
        Assert.Equal(-1, await queued);
        await Assert.ThrowsAsync<LaneUnavailableException>(() => lanes.RunAsync(2, 0));
    }

    private Lanes<int, int> Make() => new(1, Limit, 1024, () => new Worker(this), static _ => { });

    private async Task<Batch> StartedAsync()
    {
        Assert.True(await _starts.WaitAsync(TimeSpan.FromSeconds(30)), "No batch was started.");
        Assert.True(_started.TryDequeue(out var batch));
        return batch;
    }

    private sealed class Batch(IReadOnlyList<int> commands)
    {
        private readonly TaskCompletionSource _finish = new(TaskCreationOptions.RunContinuationsAsynchronously);

        public IReadOnlyList<int> Commands => commands;

        public Task Finished => _finish.Task;

        public void Finish() => _finish.SetResult();
    }

    /// <summary>Answers with the negative; a batch ends when the test says so.</summary>
    private sealed class Worker(LanesTests test) : ILaneWorker<int, int>
    {
        public const int Poison = 1_000;
        public const int Outage = 2_000;

        public async Task<IReadOnlyList<int>> RunAsync(IReadOnlyList<int> commands, CancellationToken cancel)
        {
            if (commands.Any(command => command >= Outage))
            {
                throw new TimeoutException();
            }

            if (commands.Contains(Poison))
            {
                throw new InvalidOperationException();
            }

            var batch = new Batch([.. commands]);
            test._started.Enqueue(batch);
            test._starts.Release();
            await batch.Finished;
            return [.. batch.Commands.Select(command => -command)];
        }

        public bool IsOutage(Exception error) => error is TimeoutException;

        public ValueTask DisposeAsync() => ValueTask.CompletedTask;
    }
}
