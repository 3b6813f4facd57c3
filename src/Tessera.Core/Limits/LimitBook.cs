namespace Tessera.Core.Limits;

/// <summary>One side of a transfer: how much of which account.</summary>
public readonly record struct Leg(LimitAccount Account, long Amount);

/// <summary>
/// The accounts one batch has locked, and what its decisions do to them. The one primitive behind every limit: a use
/// posts, a reservation holds, a settled hold posts what it held, a void frees it, a rollback reverses what was posted.
/// </summary>
/// <remarks>
/// Posted and pending never go below zero, their sum never beyond the bound. The book is a snapshot under locks: it
/// must not outlive the transaction that holds them. Not thread-safe.
/// </remarks>
public sealed class LimitBook
{
    private readonly Dictionary<Guid, Entry> _entries = [];

    /// <summary>What changed since loading, for the store to write.</summary>
    public IEnumerable<AccountChange> Changes =>
        _entries
            .Values.Where(e => e.PostedChange != 0 || e.PendingChange != 0)
            .Select(e => new AccountChange(e.Id, e.Account, e.PostedChange, e.PendingChange, e.Exists));

    /// <summary>Takes in a locked row.</summary>
    /// <param name="id">Of the account.</param>
    /// <param name="posted">As stored.</param>
    /// <param name="pending">As stored.</param>
    /// <param name="ahead">Uses that the row counts already and that are still to be decided.</param>
    public void Load(Guid id, long posted, long pending, long ahead = 0) =>
        _entries[id] = new Entry(-ahead)
        {
            Id = id,
            Posted = posted - ahead,
            Pending = pending,
            Exists = true,
        };

    /// <summary>The first leg that does not fit, or null when all do.</summary>
    public LimitAccount? FirstBeyondBound(ReadOnlySpan<Leg> legs)
    {
        foreach (var (account, amount) in legs)
        {
            if (account.Bound is not { } bound)
            {
                continue;
            }

            var entry = Of(account);
            if (amount > bound - entry.Posted - entry.Pending)
            {
                return account;
            }
        }

        return null;
    }

    /// <summary>What may still be used of an account; null for no limit.</summary>
    public long? Available(LimitAccount account) =>
        account.Bound is { } bound
            ? Of(account) is var e
                ? bound - e.Posted - e.Pending
                : 0
            : null;

    /// <summary>How much of an account is used at present.</summary>
    public long Posted(Guid id) => _entries.TryGetValue(id, out var entry) ? entry.Posted : 0;

    /// <summary>How much of an account is held at present.</summary>
    public long Pending(Guid id) => _entries.TryGetValue(id, out var entry) ? entry.Pending : 0;

    /// <summary>A use. The caller has asked <see cref="FirstBeyondBound"/> before.</summary>
    public void Post(ReadOnlySpan<Leg> legs)
    {
        foreach (var (account, amount) in legs)
        {
            Of(account).Post(amount);
        }
    }

    /// <summary>A reservation. The caller has asked <see cref="FirstBeyondBound"/> before.</summary>
    public void Hold(ReadOnlySpan<Leg> legs)
    {
        foreach (var (account, amount) in legs)
        {
            Of(account).Hold(amount);
        }
    }

    /// <summary>Frees a hold: it was released, lapsed, or is about to be posted.</summary>
    public void Void(ReadOnlySpan<Guid> accounts, ReadOnlySpan<long> amounts)
    {
        for (var i = 0; i < accounts.Length; i++)
        {
            Of(accounts[i]).Hold(-amounts[i]);
        }
    }

    /// <summary>Gives back what was posted.</summary>
    public void Reverse(ReadOnlySpan<Guid> accounts, ReadOnlySpan<long> amounts)
    {
        for (var i = 0; i < accounts.Length; i++)
        {
            Of(accounts[i]).Post(-amounts[i]);
        }
    }

    private Entry Of(LimitAccount account)
    {
        var entry = Of(account.Id);
        entry.Account = account;
        return entry;
    }

    private Entry Of(Guid id)
    {
        if (!_entries.TryGetValue(id, out var entry))
        {
            _entries[id] = entry = new Entry { Id = id };
        }

        return entry;
    }

    private sealed class Entry(long postedChange = 0)
    {
        public required Guid Id { get; init; }

        public LimitAccount? Account { get; set; }

        public long Posted { get; set; }

        public long Pending { get; set; }

        public long PostedChange { get; private set; } = postedChange;

        public long PendingChange { get; private set; }

        public bool Exists { get; init; }

        public void Post(long amount)
        {
            Posted += amount;
            PostedChange += amount;
        }

        public void Hold(long amount)
        {
            Pending += amount;
            PendingChange += amount;
        }
    }
}

/// <summary>What a batch does to one account.</summary>
/// <param name="Id">Of the account.</param>
/// <param name="Account">What it counts; null when the change only takes back, so the row is there already.</param>
/// <param name="Posted">Change of posted.</param>
/// <param name="Pending">Change of pending.</param>
/// <param name="Exists">Whether the row was among those locked.</param>
public sealed record AccountChange(Guid Id, LimitAccount? Account, long Posted, long Pending, bool Exists);
