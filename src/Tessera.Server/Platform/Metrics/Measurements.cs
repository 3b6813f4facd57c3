using System.Collections.Concurrent;
using System.Diagnostics.Metrics;
using System.Globalization;
using System.Text;

namespace Tessera.Server.Platform.Metrics;

/// <summary>
/// Listens to the meters of this process and keeps their sums, for <c>/metrics</c> (convention 34). Labels come from
/// closed sets; beyond <see cref="SeriesLimit"/> series of one name, the rest is counted in one series of its own.
/// </summary>
public sealed class Measurements : IDisposable
{
    /// <summary>The meter of the product's own instruments.</summary>
    public const string MeterName = "Tessera";

    private const int SeriesLimit = 1000;

    private static readonly string[] Meters =
    [
        MeterName,
        "Microsoft.AspNetCore.Hosting",
        "Microsoft.AspNetCore.Server.Kestrel",
        "System.Runtime",
    ];

    private static readonly double[] DefaultBounds =
    [
        0.005,
        0.01,
        0.025,
        0.05,
        0.075,
        0.1,
        0.25,
        0.5,
        0.75,
        1,
        2.5,
        5,
        7.5,
        10,
    ];

    private readonly ConcurrentDictionary<string, Family> _families = new(StringComparer.Ordinal);
    private readonly MeterListener _listener = new();

    /// <summary>Listens from now on.</summary>
    public Measurements()
    {
        _listener.InstrumentPublished = (instrument, listener) =>
        {
            if (Meters.Contains(instrument.Meter.Name, StringComparer.Ordinal))
            {
                listener.EnableMeasurementEvents(instrument, FamilyOf(instrument));
            }
        };
        _listener.SetMeasurementEventCallback<long>(static (_, value, tags, state) => Add(state, value, tags));
        _listener.SetMeasurementEventCallback<int>(static (_, value, tags, state) => Add(state, value, tags));
        _listener.SetMeasurementEventCallback<double>(static (_, value, tags, state) => Add(state, value, tags));
        _listener.Start();
    }

    /// <summary>All families as text.</summary>
    /// <param name="isOpenMetrics">OpenMetrics 1.0.0; else Prometheus text 0.0.4.</param>
    public string Render(bool isOpenMetrics)
    {
        _listener.RecordObservableInstruments();
        var text = new StringBuilder();
        foreach (var family in _families.Values.OrderBy(static f => f.Name, StringComparer.Ordinal))
        {
            family.Write(text, isOpenMetrics);
        }

        return isOpenMetrics ? text.Append("# EOF\n").ToString() : text.ToString();
    }

    /// <inheritdoc/>
    public void Dispose() => _listener.Dispose();

    private Family FamilyOf(Instrument instrument)
    {
        var kind = instrument.GetType().Name.Split('`')[0];
        var unit = instrument.Unit switch
        {
            "s" => "seconds",
            "By" => "bytes",
            _ => null,
        };
        var name = instrument.Name.Replace('.', '_') + (unit is null ? "" : "_" + unit);
        var bounds = instrument is Histogram<double> { Advice.HistogramBucketBoundaries: { } advised }
            ? [.. advised]
            : DefaultBounds;
        return _families.GetOrAdd(
            name,
            static (n, f) =>
                new Family(n, f.unit, f.instrument.Description ?? "", f.kind, f.bounds, f.instrument.IsObservable),
            (unit, instrument, kind, bounds)
        );
    }

    private static void Add(object? state, double value, ReadOnlySpan<KeyValuePair<string, object?>> tags) =>
        ((Family)state!).Add(value, LabelsOf(tags));

    private static string LabelsOf(ReadOnlySpan<KeyValuePair<string, object?>> tags)
    {
        if (tags.IsEmpty)
        {
            return "";
        }

        var text = new StringBuilder();
        foreach (var (name, value) in tags)
        {
            text.Append(text.Length == 0 ? "" : ",").Append(name.Replace('.', '_')).Append("=\"");
            text.Append(Escaped(Convert.ToString(value, CultureInfo.InvariantCulture) ?? "").Replace("\"", "\\\""));
            text.Append('"');
        }

        return text.ToString();
    }

    private static string Escaped(string text) => text.Replace("\\", "\\\\").Replace("\n", "\\n");

    private sealed class Series(int buckets)
    {
        public double Sum { get; set; }

        public long Count { get; set; }

        public long[] Buckets { get; } = new long[buckets];
    }

    private sealed class Family(string name, string? unit, string help, string kind, double[] bounds, bool isObservable)
    {
        private const string Overflow = "otel_metric_overflow=\"true\"";

        private readonly Dictionary<string, Series> _series = new(StringComparer.Ordinal);
        private readonly bool _isHistogram = kind == "Histogram";
        private readonly bool _isCounter = kind is "Counter" or "ObservableCounter";

        public string Name => name;

        public void Add(double value, string labels)
        {
            lock (_series)
            {
                if (!_series.TryGetValue(labels, out var series))
                {
                    labels = _series.Count < SeriesLimit ? labels : Overflow;
                    if (!_series.TryGetValue(labels, out series))
                    {
                        series = _series[labels] = new Series(_isHistogram ? bounds.Length : 0);
                    }
                }

                // An observable instrument says where it stands, a gauge as well; the others say what was added.
                series.Sum = isObservable || kind == "Gauge" ? value : series.Sum + value;
                series.Count++;
                var place = _isHistogram ? Array.FindIndex(bounds, bound => value <= bound) : -1;
                if (place >= 0)
                {
                    series.Buckets[place]++;
                }
            }
        }

        public void Write(StringBuilder text, bool isOpenMetrics)
        {
            lock (_series)
            {
                if (_series.Count == 0)
                {
                    return;
                }

                var family = _isCounter && !isOpenMetrics ? name + "_total" : name;
                var type =
                    _isHistogram ? "histogram"
                    : _isCounter ? "counter"
                    : "gauge";
                text.Append("# HELP ").Append(family).Append(' ').Append(Escaped(help)).Append('\n');
                text.Append("# TYPE ").Append(family).Append(' ').Append(type).Append('\n');
                if (isOpenMetrics && unit is not null)
                {
                    text.Append("# UNIT ").Append(family).Append(' ').Append(unit).Append('\n');
                }

                foreach (var (labels, series) in _series.OrderBy(static s => s.Key, StringComparer.Ordinal))
                {
                    if (!_isHistogram)
                    {
                        Sample(text, _isCounter ? "_total" : "", labels, series.Sum);
                        continue;
                    }

                    long below = 0;
                    var comma = labels.Length == 0 ? "" : ",";
                    for (var i = 0; i < bounds.Length; i++)
                    {
                        below += series.Buckets[i];
                        Sample(text, "_bucket", $"{labels}{comma}le=\"{Number(bounds[i])}\"", below);
                    }

                    Sample(text, "_bucket", $"{labels}{comma}le=\"+Inf\"", series.Count);
                    Sample(text, "_sum", labels, series.Sum);
                    Sample(text, "_count", labels, series.Count);
                }
            }
        }

        private void Sample(StringBuilder text, string suffix, string labels, double value)
        {
            text.Append(name).Append(suffix);
            if (labels.Length > 0)
            {
                text.Append('{').Append(labels).Append('}');
            }

            text.Append(' ').Append(Number(value)).Append('\n');
        }

        private static string Number(double value) => value.ToString("R", CultureInfo.InvariantCulture);
    }
}
