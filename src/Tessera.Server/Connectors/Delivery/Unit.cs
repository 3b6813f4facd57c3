using Tessera.Server.Connectors.Partners;

namespace Tessera.Server.Connectors.Delivery;

/// <summary>A command of a stream, with the ids that are still to be told of it.</summary>
internal sealed record Pending(
    long Position,
    CommandKind Kind,
    string Subject,
    int Size,
    int Chunk,
    int Done,
    bool IsEarly,
    DateTimeOffset EndsAt,
    long[] Ids
);

/// <summary>One call: a message and the part of the stream it covers.</summary>
/// <param name="Message">What is said.</param>
/// <param name="FromPosition">First command covered.</param>
/// <param name="ToPosition">Last one; the same unless it is a mark.</param>
/// <param name="FromOffset">First id of the command covered.</param>
/// <param name="ToOffset">Beyond the last one.</param>
internal sealed record Unit(Message Message, long FromPosition, long ToPosition, int FromOffset, int ToOffset);

/// <summary>How the call of a unit ended.</summary>
internal sealed record Told(Unit Unit, PartnerAnswer Answer, DateTimeOffset At);

/// <summary>What a lane sends next, as one round.</summary>
/// <param name="Commands">Of the stream, in order.</param>
/// <param name="Units">The calls; they may be made at the same time.</param>
internal sealed record Slice(IReadOnlyList<Pending> Commands, IReadOnlyList<Unit> Units)
{
    public static Slice Empty { get; } = new([], []);
}

/// <summary>Makes units of pending commands.</summary>
internal static class Planning
{
    /// <summary>Most calls of a round: what a crash may cause to be sent again.</summary>
    public const int MaximumUnits = 256;

    /// <summary>Calls for commands told by id, in their order. Enabling and disabling never go in one round.</summary>
    public static Slice Calls(IReadOnlyList<Pending> pending, bool isSingle, int most)
    {
        var units = new List<Unit>();
        var used = new List<Pending>();
        foreach (var command in pending)
        {
            if (units.Count >= most || command.Kind != pending[0].Kind)
            {
                break;
            }

            used.Add(command);
            for (var at = 0; at < command.Ids.Length && units.Count < most; at += command.Chunk)
            {
                var ids = command.Ids[at..Math.Min(at + command.Chunk, command.Ids.Length)];
                var from = command.Done + at;
                var message = new Message(
                    FormattableString.Invariant($"c{command.Position}-{from}"),
                    command.Kind == CommandKind.Disable ? MessageKind.Disable : MessageKind.Enable,
                    command.Position,
                    command.Subject,
                    ids,
                    command.EndsAt,
                    isSingle
                );
                units.Add(new Unit(message, command.Position, command.Position, from, from + ids.Length));
            }
        }

        return new Slice(used, units);
    }

    /// <summary>
    /// One low-water mark for all pending commands: those whose end the partner knows are covered by the mark, the
    /// others are its exceptions. While exceptions are left over, they alone are told, and the mark waits for the last
    /// of them: else it would pass coupons that were extended.
    /// </summary>
    /// <param name="pending">In order; ids only of exceptions.</param>
    /// <param name="isAll">Whether these are all there are.</param>
    /// <param name="again">The end and the mark of the message that was tried before: it is made the same again.</param>
    public static Slice Mark(IReadOnlyList<Pending> pending, bool isAll, (long To, DateTimeOffset? Mark)? again)
    {
        List<Pending> covered = [.. pending.Where(p => again is not { } tried || p.Position <= tried.To)];
        var exceptions = new List<Pending>();
        var count = 0;
        foreach (var command in covered.Where(static c => IsException(c)))
        {
            if (count > 0 && count + command.Ids.Length > CommandBatch.MaximumIds)
            {
                isAll = false;
                break;
            }

            count += command.Ids.Length;
            exceptions.Add(command);
        }

        var waits = again is { } before ? before.Mark is null : !isAll && exceptions.Count > 0;
        if (waits)
        {
            covered = exceptions;
        }

        if (covered.Count == 0)
        {
            return Slice.Empty;
        }

        var ends = covered.Where(static c => !IsException(c)).Select(static c => c.EndsAt).ToArray();
        DateTimeOffset? mark =
            waits || ends.Length == 0 ? null
            : again is { } same ? same.Mark
            : ends.Max();
        var (first, last) = (covered[0].Position, covered[^1].Position);
        var message = new Message(
            FormattableString.Invariant($"w{first}-{last}"),
            MessageKind.Watermark,
            last,
            CommandBatch.Instance,
            [],
            covered[^1].EndsAt,
            Mark: mark,
            Exceptions: [.. exceptions.Select(static e => new MarkException(e.Kind, e.Subject, e.Ids, e.EndsAt))]
        );
        return new Slice(covered, [new Unit(message, first, last, 0, 0)]);
    }

    /// <summary>Whether a partner cannot know it from a mark.</summary>
    private static bool IsException(Pending command) =>
        command.Kind == CommandKind.Enable || command.IsEarly || command.Subject != CommandBatch.Instance;
}
