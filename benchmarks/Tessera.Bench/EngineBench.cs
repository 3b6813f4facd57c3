using BenchmarkDotNet.Attributes;
using BenchmarkDotNet.Configs;
using BenchmarkDotNet.Diagnosers;
using BenchmarkDotNet.Jobs;
using BenchmarkDotNet.Running;
using BenchmarkDotNet.Toolchains.InProcess.Emit;
using Tessera.Core.Promotions;

namespace Tessera.Bench;

/// <summary>The promotion engine by itself, with the statistics of BenchmarkDotNet: time and memory of one price.</summary>
public class EngineBench
{
    private readonly Cart _cart = QuoteBench.Cart();
    private PromotionBook _book = null!;

    /// <summary>Promotions that are active; 20 of them can meet the cart.</summary>
    [Params(10, 100, 1_000, 10_000)]
    public int Active { get; set; }

    /// <summary>Prints the table, and where its files are.</summary>
    internal static int Run(bool quick)
    {
        var job = (quick ? Job.ShortRun : Job.Default).WithToolchain(InProcessEmitToolchain.Instance);
        var results = Path.Combine(Path.GetTempPath(), "tessera-bench-engine");
        var config = DefaultConfig
            .Instance.AddJob(job)
            .AddDiagnoser(MemoryDiagnoser.Default)
            .WithArtifactsPath(results);
        var summary = BenchmarkRunner.Run<EngineBench>(config);
        return summary.HasCriticalValidationErrors || summary.Reports.Any(static r => !r.Success) ? 1 : 0;
    }

    [GlobalSetup]
    public void Index() => _book = new PromotionBook(QuoteBench.Promotions(Active));

    /// <summary>What one keystroke costs.</summary>
    [Benchmark]
    public Quote Price() => PromotionEngine.Price(_cart, _book, QuoteBench.Unused, QuoteBench.Now, QuoteBench.Rules);

    /// <summary>What a change of a promotion costs: the index anew.</summary>
    [Benchmark]
    public PromotionBook Rebuild() => new(QuoteBench.Promotions(Active));
}
