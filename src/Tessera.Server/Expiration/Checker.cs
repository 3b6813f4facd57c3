using System.Globalization;
using Microsoft.Extensions.Logging;
using Npgsql;
using Tessera.Server.Connectors;
using Tessera.Server.Connectors.Partners;
using Tessera.Server.Coupons;
using Tessera.Server.Expiration.Schedules;
using Tessera.Server.Platform;

namespace Tessera.Server.Expiration;

/// <summary>
/// Proves all the time that nothing past its end is usable where one can ask (EXP-18): samples units that were told a
/// while ago, asks the own redemption system and the partners that answer questions, and raises an alert for each that
/// still says yes. What such a partner accepts is not honoured. It looks for anomalies of the pipeline on its way.
/// </summary>
internal sealed partial class Checker(
    Database database,
    ConnectorSecrets secrets,
    PartnerCalls calls,
    ILogger<Checker> log
) : IScheduledPass
{
    private const int SampleSize = 50;

    /// <summary>Alerts name the house's own redemption system so.</summary>
    private const string Own = "tessera";

    public string Name => "checker";

    public string Cron => "0 * * * * ?";

    public async Task RunOnceAsync(CancellationToken cancel)
    {
        await using (var work = await database.BeginAsync(cancel))
        {
            await Anomalies.CheckAsync(work, cancel);
            await work.CommitAsync(CancellationToken.None);
        }

        var sample = await SampleAsync(cancel);
        if (sample.Count == 0)
        {
            return;
        }

        await CheckOwnAsync(sample, cancel);
        foreach (var connector in await ConnectorsAsync(cancel))
        {
            await CheckPartnerAsync(connector, sample, cancel);
        }
    }

    /// <summary>Units of the last hour's events, told at least a minute ago, that have not got a later end since.</summary>
    private async Task<List<Sampled>> SampleAsync(CancellationToken cancel)
    {
        await using var query = database.Source.CreateCommand(
            $"""
            select i.id, i.code, i.merchant_id, i.channel from (
                select b.coupon_id, lower(r.run) + floor(random() * (upper(r.run) - lower(r.run)))::bigint as id
                from (select coupon_id, runs from expiration.batch
                    where created_at between platform.clock() - interval '1 hour' and platform.clock() - interval '1 minute'
                    order by random() limit {SampleSize}) b
                cross join lateral (select run from unnest(b.runs) run order by random() limit 1) r
            ) s join coupons.instance i on i.coupon_id = s.coupon_id and i.id = s.id
            where i.valid_until <= platform.clock() or i.state = 'expired'
            """
        );
        await using var rows = await query.ExecuteReaderAsync(cancel);
        var sample = new List<Sampled>();
        while (await rows.ReadAsync(cancel))
        {
            sample.Add(
                new Sampled(rows.GetInt64(0), rows.Object<string>(1), rows.Value<Guid>(2), rows.Object<string>(3))
            );
        }

        return sample;
    }

    private async Task CheckOwnAsync(List<Sampled> sample, CancellationToken cancel)
    {
        var codes = sample.Where(static s => s.Code is not null).Select(static s => s.Code!).Distinct().ToList();
        var states = codes.Count == 0 ? [] : await CodeStates.FindAsync(database, codes, null, cancel);
        var usable = states
            .Where(static s => s.Redeemable)
            .Select(static s => s.Code)
            .ToHashSet(StringComparer.Ordinal);
        await ReportAsync(
            Own,
            [.. sample.Where(s => s.Code is { } c && usable.Contains(c)).Select(static s => s.Id)],
            cancel
        );
    }

    private async Task CheckPartnerAsync(Connector connector, List<Sampled> sample, CancellationToken cancel)
    {
        long[] ids =
        [
            .. sample
                .Where(s =>
                    (s.MerchantId is null || connector.Merchants?.Contains(s.MerchantId.Value) != false)
                    && (s.Channel is null || connector.Channels?.Contains(s.Channel) != false)
                )
                .Select(static s => s.Id),
        ];
        if (ids.Length == 0)
        {
            return;
        }

        var target = new Target(connector, await secrets.OpenAsync(database.Source, connector.Id, cancel));
        var (usable, reason) = await calls.QueryAsync(target, ids, cancel);
        if (usable is null)
        {
            LogSilent(log, connector.Name, reason ?? "no answer");
            return;
        }

        await ReportAsync("connector:" + connector.Id, [.. usable.Intersect(ids)], cancel);
    }

    private async Task ReportAsync(string system, long[] usable, CancellationToken cancel)
    {
        await using var work = await database.BeginAsync(cancel);
        if (usable.Length == 0)
        {
            await Alerts.ClearAsync(work, "still_usable", system, cancel);
        }
        else
        {
            LogUsable(
                log,
                system,
                usable.Length,
                string.Join(", ", usable.Take(5).Select(static id => id.ToString(CultureInfo.InvariantCulture)))
            );
            await Alerts.RaiseAsync(
                work,
                "still_usable",
                system,
                EventLog.Payload(("count", usable.Length), ("instance_ids", usable)),
                cancel
            );
        }

        await work.CommitAsync(CancellationToken.None);
    }

    private async Task<List<Connector>> ConnectorsAsync(CancellationToken cancel)
    {
        await using var command = database.Source.CreateCommand(
            $"select {Connector.Columns} from connectors.connector where is_active and kind <> 'internal' order by id"
        );
        await using var rows = await command.ExecuteReaderAsync(cancel);
        var connectors = new List<Connector>();
        while (await rows.ReadAsync(cancel))
        {
            connectors.Add(ConnectorDirectory.Of(rows));
        }

        return connectors;
    }

    [LoggerMessage(4030, LogLevel.Error, "{System} still accepts {Count} sampled coupons that have ended: {Ids}")]
    private static partial void LogUsable(ILogger log, string system, int count, string ids);

    [LoggerMessage(4031, LogLevel.Debug, "{Connector} does not say what it accepts: {Reason}")]
    private static partial void LogSilent(ILogger log, string connector, string reason);

    private readonly record struct Sampled(long Id, string? Code, Guid? MerchantId, string? Channel);
}
