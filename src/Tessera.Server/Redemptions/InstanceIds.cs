using Npgsql;

namespace Tessera.Server.Redemptions;

/// <summary>
/// Numbers for units of shared codes, taken from the sequence a block at a time, so that a use costs no round trip.
/// Numbers of a block that is not used up are lost, never given twice. Not thread-safe: one a lane.
/// </summary>
internal sealed class InstanceIds
{
    private const int BlockSize = 1024;

    private long _next;
    private long _end;

    /// <summary>Makes sure that so many can be taken.</summary>
    public async Task EnsureAsync(NpgsqlConnection connection, int count, CancellationToken cancel)
    {
        ArgumentOutOfRangeException.ThrowIfGreaterThan(count, BlockSize);
        if (_end - _next >= count)
        {
            return;
        }

        await using var command = new NpgsqlCommand("select nextval('coupons.instance_block')", connection);
        _next = (long)(await command.ExecuteScalarAsync(cancel))! * BlockSize;
        _end = _next + BlockSize;
    }

    /// <summary>The next number.</summary>
    public long Take() =>
        _next < _end ? _next++ : throw new InvalidOperationException("More numbers were taken than ensured.");
}
