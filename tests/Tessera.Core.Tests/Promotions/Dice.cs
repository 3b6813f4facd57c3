namespace Tessera.Core.Tests.Promotions;

/// <summary>Numbers that a seed determines, the same on every machine (SplitMix64).</summary>
internal sealed class Dice(int seed)
{
    private ulong state = (ulong)seed;

    /// <summary>From <paramref name="least"/> inclusive to <paramref name="end"/> exclusive.</summary>
    public int Next(int least, int end) => (int)NextInt64(least, end);

    /// <inheritdoc cref="Next"/>
    public long NextInt64(long least, long end)
    {
        unchecked
        {
            state += 0x9E3779B97F4A7C15;
            var mixed = state;
            mixed = (mixed ^ (mixed >> 30)) * 0xBF58476D1CE4E5B9;
            mixed = (mixed ^ (mixed >> 27)) * 0x94D049BB133111EB;
            return least + (long)((mixed ^ (mixed >> 31)) % (ulong)(end - least));
        }
    }
}
