using Microsoft.Extensions.Hosting;
using Microsoft.Extensions.Logging;
using RabbitMQ.Client;
using RabbitMQ.Client.Events;
using Tessera.Server.Connectors.Ingestion;

namespace Tessera.Server.Connectors.Broker;

/// <summary>
/// Takes in what outside systems put into the queue (CPN-16). A message is acknowledged after its effect is committed;
/// one that comes again is known by its event id. One that is no event goes to the dead letters at once, one that fails
/// too often goes there by the broker's limit. Any number of nodes consume.
/// </summary>
internal sealed partial class BrokerIngestion(
    Settings settings,
    IngestionService service,
    TimeProvider clock,
    ILogger<BrokerIngestion> log
) : BackgroundService
{
    private static readonly TimeSpan Pause = TimeSpan.FromSeconds(2);

    private static readonly IngestionSource Source = new("queue:" + BrokerNames.Ingest, Guid.Empty, null);

    /// <inheritdoc/>
    protected override async Task ExecuteAsync(CancellationToken stoppingToken)
    {
        if (settings.Amqp is not { } address)
        {
            return;
        }

        await Task.Yield();
        while (!stoppingToken.IsCancellationRequested)
        {
            try
            {
                await ConsumeAsync(address, stoppingToken);
            }
            catch (Exception error) when (!stoppingToken.IsCancellationRequested)
            {
                LogFailed(log, error.Message);
            }
            catch (OperationCanceledException)
            {
                return;
            }

            await Task.Delay(Pause, clock, stoppingToken).ConfigureAwait(ConfigureAwaitOptions.SuppressThrowing);
        }
    }

    /// <summary>Consumes until the connection ends.</summary>
    private async Task ConsumeAsync(Uri address, CancellationToken cancel)
    {
        await using var connection = await BrokerConnection.OpenAsync(address, "tessera ingestion", cancel);
        await using var channel = await BrokerConnection.ConsumerAsync(connection, cancel);
        var ended = new TaskCompletionSource(TaskCreationOptions.RunContinuationsAsynchronously);
        channel.ChannelShutdownAsync += (_, _) =>
        {
            ended.TrySetResult();
            return Task.CompletedTask;
        };
        var consumer = new AsyncEventingBasicConsumer(channel);
        consumer.ReceivedAsync += (_, message) => TakeAsync(channel, message, cancel);
        await channel.BasicConsumeAsync(BrokerNames.Ingest, autoAck: false, consumer, cancel);
        await ended.Task.WaitAsync(cancel);
    }

    private async Task TakeAsync(IChannel channel, BasicDeliverEventArgs message, CancellationToken cancel)
    {
        // The body belongs to the connection as soon as this waits.
        var body = message.Body.ToArray();
        bool isTaken;
        try
        {
            isTaken = await service.ApplyAsync(Source, body, cancel) is not null;
        }
        catch (Exception error) when (!cancel.IsCancellationRequested)
        {
            LogFailed(log, error.Message);
            await Task.Delay(Pause, clock, cancel);
            await channel.BasicNackAsync(message.DeliveryTag, multiple: false, requeue: true, cancel);
            return;
        }

        if (isTaken)
        {
            await channel.BasicAckAsync(message.DeliveryTag, multiple: false, cancel);
        }
        else
        {
            await channel.BasicNackAsync(message.DeliveryTag, multiple: false, requeue: false, cancel);
        }
    }

    [LoggerMessage(4021, LogLevel.Error, "Ingestion from RabbitMQ failed and is tried again: {Reason}")]
    private static partial void LogFailed(ILogger log, string reason);
}
