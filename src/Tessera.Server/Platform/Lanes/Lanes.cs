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
/// not on the row's lock. A lane with a long queue runs two batches, half of the work each: one is made ready and
/// waits for the locks while the other commits, so that a single hot row keeps the database busy. A batch that fails
/// as a whole is run again item by item, so that a neighbour is never failed.
/// </remarks>
public sealed class Lanes<TCommand, TAnswer> : IAsyncDisposable
{
    /// <summary>A queue this long is worth a second batch beside the one that runs; a shorter one waits for it.</summary>
    private const int SecondFrom = 96;

    private readonly Queue[] _queues;
    private readonly Task[] _workers;
    private readonly CancellationTokenSource _stop = new();
    private readonly int _batchLimit;
    private readonly Func<ILaneWorker<TCommand, TAnswer>> _open;
    private readonly Action<Exception> _failed;

    /// <summary>Starts the lanes.</summary>
    /// <param name="count">How many run side by side.</param>
    /// <param name="batchLimit">The most commands in one transaction.</param>
    /// <param name="queueLimit">The most commands waiting per lane; beyond that a caller is turned away.</param>
    /// <param name="open">
    /// Makes a worker, two a lane, which connect with their first command; again after a failure that may have broken
    /// a connection.
    /// </param>
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
        _queues = new Queue[count];
        _workers = new Task[count];
        for (var i = 0; i < count; i++)
        {
            var queue = _queues[i] = new Queue(queueLimit);
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
        if (!queue.TryAdd(ticket))
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
            queue.Complete();
        }

        await Task.WhenAll(_workers);
        await _stop.CancelAsync();
        _stop.Dispose();
    }

    private async Task WorkAsync(Queue queue)
    {
        var (one, two) = (new Seat(_open()), new Seat(_open()));
        while (await queue.WaitAsync())
        {
            LaneTraffic.Note();
            if (!one.IsIdle && !two.IsIdle)
            {
                await Task.WhenAny(one.Running, two.Running);
            }

            var (free, other) = one.IsIdle ? (one, two) : (two, one);
            if (!other.IsIdle)
            {
                await Task.WhenAny(other.Running, queue.LongAsync(SecondFrom));
            }

            free.Batch.Clear();
            free.Commands.Clear();
            var most = other.IsIdle ? _batchLimit : Math.Min(_batchLimit, (other.Batch.Count + queue.Length + 1) / 2);
            while (free.Batch.Count < most && queue.TryTake() is { } ticket)
            {
                free.Batch.Add(ticket);
                free.Commands.Add(ticket.Command);
            }

            free.Running = RunBatchAsync(free);
        }

        await Task.WhenAll(one.Running, two.Running);
        await one.Worker.DisposeAsync();
        await two.Worker.DisposeAsync();
    }

    private async Task RunBatchAsync(Seat seat)
    {
        try
        {
            var answers = await seat.Worker.RunAsync(seat.Commands, _stop.Token);
            for (var i = 0; i < seat.Batch.Count; i++)
            {
                seat.Batch[i].SetResult(answers[i]);
            }
        }
        catch (Exception error)
        {
            _failed(error);
            await ReopenAsync(seat);
            for (var i = 0; i < seat.Batch.Count; i++)
            {
                if (await RunAloneAsync(seat, seat.Batch[i]) is { } outage)
                {
                    // The database is away: the rest would wait for the same answer one time-out after the other.
                    seat.Batch.Skip(i + 1).ToList().ForEach(ticket => ticket.SetException(outage));
                    break;
                }
            }
        }
    }

    /// <summary>
    /// One command in a transaction of its own. A command whose first outcome is unknown finds its own answer by its
    /// idempotency key, so a second run has no second effect (convention 44).
    /// </summary>
    private async Task<LaneUnavailableException?> RunAloneAsync(Seat seat, Ticket ticket)
    {
        const int attempts = 3;
        for (var attempt = 1; ; attempt++)
        {
            try
            {
                ticket.SetResult((await seat.Worker.RunAsync([ticket.Command], _stop.Token))[0]);
                return null;
            }
            catch (Exception error)
            {
                await ReopenAsync(seat);
                if (seat.Worker.IsOutage(error))
                {
                    var outage = new LaneUnavailableException("The database cannot be reached.", error);
                    ticket.SetException(outage);
                    return outage;
                }

                if (attempt == attempts)
                {
                    _failed(error);
                    ticket.SetException(error);
                    return null;
                }
            }
        }
    }

    private async Task ReopenAsync(Seat seat)
    {
        try
        {
            await seat.Worker.DisposeAsync();
        }
        catch (Exception error)
        {
            _failed(error);
        }

        seat.Worker = _open();
    }

    /// <summary>One of the two workers of a lane, with the batch it runs.</summary>
    private sealed class Seat(ILaneWorker<TCommand, TAnswer> worker)
    {
        public ILaneWorker<TCommand, TAnswer> Worker { get; set; } = worker;

        public List<Ticket> Batch { get; } = [];

        public List<TCommand> Commands { get; } = [];

        public Task Running { get; set; } = Task.CompletedTask;

        public bool IsIdle => Running.IsCompleted;
    }

    /// <summary>The commands that wait for a lane.</summary>
    private sealed class Queue(int limit)
    {
        private readonly Channel<Ticket> _tickets = Channel.CreateBounded<Ticket>(
            new BoundedChannelOptions(limit) { SingleReader = true, FullMode = BoundedChannelFullMode.Wait }
        );
        private TaskCompletionSource? _long;
        private int _longFrom;

        public int Length => _tickets.Reader.Count;

        public bool TryAdd(Ticket ticket)
        {
            if (!_tickets.Writer.TryWrite(ticket))
            {
                return false;
            }

            if (Volatile.Read(ref _long) is { } waiting && Length >= _longFrom)
            {
                waiting.TrySetResult();
            }

            return true;
        }

        public Ticket? TryTake() => _tickets.Reader.TryRead(out var ticket) ? ticket : null;

        /// <summary>True with the first command that waits, false when no more will come.</summary>
        public ValueTask<bool> WaitAsync() => _tickets.Reader.WaitToReadAsync();

        /// <summary>Ends when so many wait.</summary>
        public Task LongAsync(int length)
        {
            _longFrom = length;
            var waiting = new TaskCompletionSource(TaskCreationOptions.RunContinuationsAsynchronously);
            Volatile.Write(ref _long, waiting);

            // Reading the length takes the lock that writers take, so none of them misses the task.
            if (Length >= length)
            {
                waiting.TrySetResult();
            }

            return waiting.Task;
        }

        public void Complete() => _tickets.Writer.TryComplete();
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
