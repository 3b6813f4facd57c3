using System.Threading.Channels;

namespace Tessera.Server.Platform.Lanes;

/// <summary>
/// Runs contested work in batches: each lane takes what queued up while its previous batch was committing, so it
/// batches by itself under load and adds no delay when idle.
/// </summary>
/// <typeparam name="TCommand">What is asked.</typeparam>
/// <typeparam name="TAnswer">What is answered, after the commit.</typeparam>
/// <remarks>
/// One queue a lane; the caller's routing value picks the lane, so that commands on one hot row meet in one batch and
/// not on the row's lock. A batch that fails as a whole is run again item by item, so that a neighbour is never failed.
/// </remarks>
public sealed class Lanes<TCommand, TAnswer> : IAsyncDisposable
{
    private readonly Channel<Ticket>[] _queues;
    private readonly Task[] _workers;
    private readonly CancellationTokenSource _stop = new();
    private readonly int _batchLimit;
    private readonly Func<ILaneWorker<TCommand, TAnswer>> _open;
    private readonly Action<Exception> _failed;

    /// <summary>Starts the lanes.</summary>
    /// <param name="count">How many run side by side.</param>
    /// <param name="batchLimit">The most commands in one transaction.</param>
    /// <param name="queueLimit">The most commands waiting per lane; beyond that a caller is turned away.</param>
    /// <param name="open">Makes the worker of a lane; again after a failure that may have broken its connection.</param>
    /// <param name="failed">Told of failures that were not a caller's fault.</param>
    public Lanes(
        int count,
        int batchLimit,
        int queueLimit,
        Func<ILaneWorker<TCommand, TAnswer>> open,
        Action<Exception> failed
    )
    {
        ArgumentOutOfRangeException.ThrowIfLessThan(count, 1);
        _batchLimit = batchLimit;
        _open = open;
        _failed = failed;
        _queues = new Channel<Ticket>[count];
        _workers = new Task[count];
        for (var i = 0; i < count; i++)
        {
            _queues[i] = Channel.CreateBounded<Ticket>(
                new BoundedChannelOptions(queueLimit) { SingleReader = true, FullMode = BoundedChannelFullMode.Wait }
            );
            var queue = _queues[i].Reader;
            _workers[i] = Task.Run(() => WorkAsync(queue));
        }
    }

    /// <summary>Queues a command and waits for its answer, which is given after the commit.</summary>
    /// <param name="command">What is asked.</param>
    /// <param name="route">Equal values meet in one lane.</param>
    /// <exception cref="LaneBusyException">Too many are waiting.</exception>
    /// <exception cref="LaneUnavailableException">The database cannot be reached.</exception>
    public Task<TAnswer> RunAsync(TCommand command, int route)
    {
        var ticket = new Ticket(command);
        var queue = _queues[(int)(unchecked((uint)route) % (uint)_queues.Length)];
        if (!queue.Writer.TryWrite(ticket))
        {
            throw _stop.IsCancellationRequested
                ? new LaneUnavailableException("The lanes are stopped.", null)
                : new LaneBusyException();
        }

        return ticket.Task;
    }

    /// <summary>Takes no more commands, finishes those queued, and stops.</summary>
    public async ValueTask DisposeAsync()
    {
        foreach (var queue in _queues)
        {
            queue.Writer.TryComplete();
        }

        await Task.WhenAll(_workers);
        await _stop.CancelAsync();
        _stop.Dispose();
    }

    private async Task WorkAsync(ChannelReader<Ticket> queue)
    {
        var worker = _open();
        var batch = new List<Ticket>(_batchLimit);
        var commands = new List<TCommand>(_batchLimit);
        while (await queue.WaitToReadAsync())
        {
            batch.Clear();
            commands.Clear();
            while (batch.Count < _batchLimit && queue.TryRead(out var ticket))
            {
                batch.Add(ticket);
                commands.Add(ticket.Command);
            }

            worker = await RunBatchAsync(worker, batch, commands);
        }

        await worker.DisposeAsync();
    }

    private async Task<ILaneWorker<TCommand, TAnswer>> RunBatchAsync(
        ILaneWorker<TCommand, TAnswer> worker,
        List<Ticket> batch,
        List<TCommand> commands
    )
    {
        try
        {
            var answers = await worker.RunAsync(commands, _stop.Token);
            for (var i = 0; i < batch.Count; i++)
            {
                batch[i].SetResult(answers[i]);
            }

            return worker;
        }
        catch (Exception error)
        {
            _failed(error);
            worker = await ReopenAsync(worker);
            for (var i = 0; i < batch.Count; i++)
            {
                (worker, var outage) = await RunAloneAsync(worker, batch[i]);
                if (outage is not null)
                {
                    // The database is away: the rest would wait for the same answer one time-out after the other.
                    batch.Skip(i + 1).ToList().ForEach(ticket => ticket.SetException(outage));
                    break;
                }
            }

            return worker;
        }
    }

    /// <summary>
    /// One command in a transaction of its own. A command whose first outcome is unknown finds its own answer by its
    /// idempotency key, so a second run has no second effect (convention 44).
    /// </summary>
    private async Task<(ILaneWorker<TCommand, TAnswer> Worker, LaneUnavailableException? Outage)> RunAloneAsync(
        ILaneWorker<TCommand, TAnswer> worker,
        Ticket ticket
    )
    {
        const int attempts = 3;
        for (var attempt = 1; ; attempt++)
        {
            try
            {
                ticket.SetResult((await worker.RunAsync([ticket.Command], _stop.Token))[0]);
                return (worker, null);
            }
            catch (Exception error)
            {
                worker = await ReopenAsync(worker);
                if (worker.IsOutage(error))
                {
                    var outage = new LaneUnavailableException("The database cannot be reached.", error);
                    ticket.SetException(outage);
                    return (worker, outage);
                }

                if (attempt == attempts)
                {
                    _failed(error);
                    ticket.SetException(error);
                    return (worker, null);
                }
            }
        }
    }

    private async Task<ILaneWorker<TCommand, TAnswer>> ReopenAsync(ILaneWorker<TCommand, TAnswer> worker)
    {
        try
        {
            await worker.DisposeAsync();
        }
        catch (Exception error)
        {
            _failed(error);
        }

        return _open();
    }

    private sealed class Ticket(TCommand command)
        : TaskCompletionSource<TAnswer>(TaskCreationOptions.RunContinuationsAsynchronously)
    {
        public TCommand Command { get; } = command;
    }
}

/// <summary>Runs batches on a connection of its own.</summary>
public interface ILaneWorker<TCommand, TAnswer> : IAsyncDisposable
{
    /// <summary>Holds, decides and writes one batch.</summary>
    /// <returns>One answer a command, in order; all of it is committed.</returns>
    Task<IReadOnlyList<TAnswer>> RunAsync(IReadOnlyList<TCommand> commands, CancellationToken cancel);

    /// <summary>Whether the failure means that the database is away.</summary>
    bool IsOutage(Exception error);
}

/// <summary>More commands are waiting than a lane takes.</summary>
public sealed class LaneBusyException() : Exception("Too many requests are waiting.");

/// <summary>The database cannot be reached; nothing is known to have happened.</summary>
public sealed class LaneUnavailableException(string message, Exception? cause) : Exception(message, cause);
