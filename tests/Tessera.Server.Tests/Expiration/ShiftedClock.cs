namespace Tessera.Server.Tests.Expiration;

/// <summary>A clock that is off by so much.</summary>
internal sealed class ShiftedClock(TimeSpan by) : TimeProvider
{
    public override DateTimeOffset GetUtcNow() => System.GetUtcNow() + by;
}
