namespace Tessera.Server.Demo;

/// <summary>Numbers that look like chance and are the same for the same seed (SplitMix64); nothing secret rests on them.</summary>
internal sealed class Chance(ulong seed)
{
    private ulong _state = seed;

    /// <summary>At least 0, below 1.</summary>
    public double NextDouble() => (Next() >> 11) * (1.0 / (1UL << 53));

    /// <summary>At least 0, below the end.</summary>
    public int Next(int end) => (int)(NextDouble() * end);

    /// <summary>At least the start, below the end.</summary>
    public int Next(int start, int end) => start + Next(end - start);

    private ulong Next()
    {
        unchecked
        {
            var z = _state += 0x9E3779B97F4A7C15;
            z = (z ^ (z >> 30)) * 0xBF58476D1CE4E5B9;
            z = (z ^ (z >> 27)) * 0x94D049BB133111EB;
            return z ^ (z >> 31);
        }
    }
}
