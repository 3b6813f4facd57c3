using System.Threading.Channels;
using Tessera.Server.Access;
using Channel = System.Threading.Channels.Channel;

namespace Tessera.Server.Insights.Live;

/// <summary>One open stream: what it is still to be sent, and why it has to end.</summary>
/// <param name="caller">Who opened it.</param>
/// <param name="apiKey">The key it was opened with; null for a session.</param>
internal sealed class LiveViewer(Caller caller, string? apiKey)
{
    /// <summary>Messages kept for a viewer that reads slowly; beyond that it starts over.</summary>
    private const int MostWaiting = 64;

    private readonly Channel<ReadOnlyMemory<byte>> _messages = Channel.CreateBounded<ReadOnlyMemory<byte>>(
        new BoundedChannelOptions(MostWaiting) { SingleReader = true, FullMode = BoundedChannelFullMode.Wait }
    );

    public Caller Caller { get; } = caller;

    public string? ApiKey { get; } = apiKey;

    public ChannelReader<ReadOnlyMemory<byte>> Messages => _messages.Reader;

    /// <summary>Why no more comes: <c>session_ended</c>, <c>behind</c>; null while it goes on.</summary>
    public string? EndedBy { get; private set; }

    /// <summary>Adds a message; a viewer that does not keep up is let go, and catches up when it comes back.</summary>
    public void Send(ReadOnlyMemory<byte> message)
    {
        if (!_messages.Writer.TryWrite(message))
        {
            End("behind");
        }
    }

    public void End(string reason)
    {
        EndedBy ??= reason;
        _messages.Writer.TryComplete();
    }
}
