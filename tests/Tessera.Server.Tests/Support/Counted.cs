using System.Collections.Concurrent;
using System.Diagnostics.Metrics;

namespace Tessera.Server.Tests.Support;

/// <summary>The values of all tags of each count a meter reports while this lives.</summary>
internal sealed class Counted : IDisposable
{
    private readonly MeterListener _listener = new();
    private readonly ConcurrentQueue<string> _tags = [];

    public Counted(string instrument)
    {
        _listener.InstrumentPublished = (published, listener) =>
        {
            if (published.Name == instrument)
            {
                listener.EnableMeasurementEvents(published);
            }
        };
        _listener.SetMeasurementEventCallback<long>(
            (_, _, tags, _) =>
            {
                var values = new List<string>();
                foreach (var (_, value) in tags)
                {
                    values.Add($"{value}");
                }

                _tags.Enqueue(string.Join(' ', values));
            }
        );
        _listener.Start();
    }

    /// <summary>One entry a count: the values of its tags, in order.</summary>
    public IReadOnlyCollection<string> Tags => _tags;

    public void Dispose() => _listener.Dispose();
}
