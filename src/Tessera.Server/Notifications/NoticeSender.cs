using System.Diagnostics.Metrics;
using Microsoft.Extensions.Logging;
using Tessera.Server.Notifications.Mail;
using Tessera.Server.Platform;
using Tessera.Server.Platform.Jobs;
using Tessera.Server.Platform.Metrics;
using Tessera.Server.Privacy;

namespace Tessera.Server.Notifications;

/// <summary>
/// Sends what is queued. Any node may: a message is held by a lease with a fencing number. A node that dies after the server
/// took the letter sends it again with the same Message-ID. Without a mail server nothing is taken, and all waits.
/// </summary>
internal sealed partial class NoticeSender(
    Database database,
    PersonStore persons,
    Settings settings,
    TimeProvider clock,
    ILogger<NoticeSender> log
) : Worker(clock, log, TimeSpan.FromMilliseconds(500))
{
    private const int AtOnce = 8;

    private static readonly Meter Meter = new(Measurements.MeterName);

    private static readonly Counter<long> Settled = Meter.CreateCounter<long>(
        "tessera.notification.messages",
        "{message}",
        "Messages to customers by kind and what became of the attempt: sent, deferred, bounced, failed, suppressed."
    );

    private readonly TimeProvider _clock = clock;

    /// <inheritdoc/>
    public override async Task<bool> RunOnceAsync(CancellationToken cancel)
    {
        if (settings.Smtp is not { } smtp)
        {
            return false;
        }

        var held = await NotificationStore.ClaimAsync(database, AtOnce, cancel);
        await Task.WhenAll(held.Select(message => SendAsync(smtp, message, cancel)));
        return held.Count == AtOnce;
    }

    private async Task SendAsync(SmtpOptions smtp, HeldMessage held, CancellationToken cancel)
    {
        try
        {
            if (await PrepareAsync(smtp, held, cancel) is not { } ready)
            {
                return;
            }

            var answer = await SmtpCall.SendAsync(smtp, ready.To, ready.Mail, cancel);
            await using var work = await database.BeginAsync(CancellationToken.None);
            if (answer.Handing == Handing.Deferred)
            {
                var isOver = await NotificationStore.DeferAsync(work, held, answer, CancellationToken.None);
                await work.CommitAsync(CancellationToken.None);
                Count(isOver ? "failed" : "deferred");
                LogDeferred(log, held.Id, answer.Cause!, answer.Status);
                return;
            }

            var end =
                answer.Handing == Handing.Accepted
                    ? new MessageEnd("sent", Status: answer.Status)
                    : new MessageEnd("bounced", answer.Cause, answer.Status);
            await NotificationStore.SettleAsync(work, held, end, wasTried: true, CancellationToken.None);
            await work.CommitAsync(CancellationToken.None);
            Count(end.State);
        }
        catch (Exception error) when (!cancel.IsCancellationRequested)
        {
            // The lease ends by itself, and the same Message-ID is sent again. The message of an error may have an address.
            LogFailed(log, held.Id, error.GetType().Name, Database.IsOutage(error) ? null : error.StackTrace);
        }
        catch (OperationCanceledException)
        {
            LogStopped(log, held.Id);
        }
    }

    /// <summary>
    /// Reads what there is to tell and where to, which the log tells like any reading of personal data. What cannot be sent is
    /// settled here.
    /// </summary>
    private async Task<(string To, byte[] Mail)?> PrepareAsync(
        SmtpOptions smtp,
        HeldMessage held,
        CancellationToken cancel
    )
    {
        await using var work = await database.BeginAsync(cancel);
        if (await NotificationStore.FindAsync(work, held, cancel) is not { } facts)
        {
            return null;
        }

        var end =
            facts.IsErased ? new MessageEnd("suppressed", "erased")
            : facts.Facts.Codes.Count > 0 ? null
            : facts.HasEnded ? new MessageEnd("failed", "too_late")
            : new MessageEnd("suppressed", "superseded");
        byte[]? mail = null;
        string? to = null;
        if (end is null)
        {
            var person = await persons.FindAsync(work, facts.CustomerId, cancel);
            if (person is not null)
            {
                await TellOfReadingAsync(work, held, facts.CustomerId, person.Version, cancel);
            }

            to = Letter.Usable(person?.Data.Email);
            end = to is null
                ? new MessageEnd("suppressed", person?.Data.Email is null ? "no_address" : "address_unusable")
                : null;
        }

        if (to is not null)
        {
            try
            {
                mail = ExpiryLetter.Write(held.Id, to, facts.Facts).Write(smtp, _clock.GetUtcNow());
            }
            catch (UnsafeHeaderException)
            {
                end = new MessageEnd("failed", "unsafe_header");
            }
        }

        if (end is not null)
        {
            await NotificationStore.SettleAsync(work, held, end, wasTried: false, cancel);
            Count(end.State);
        }

        await work.CommitAsync(cancel);
        return mail is null ? null : (to!, mail);
    }

    private static async Task TellOfReadingAsync(
        UnitOfWork work,
        HeldMessage held,
        Guid customer,
        int version,
        CancellationToken cancel
    )
    {
        var entry = new EventEntry(
            "personal_data",
            customer.ToString(),
            "personal_data.read",
            version,
            NotificationStore.Actor,
            EventLog.Payload(("customer_id", customer), ("notification_id", held.Id)),
            null
        );
        await EventLog.AppendAsync(work, await work.ClockAsync(cancel), [entry], cancel);
    }

    private static void Count(string outcome) => Settled.Add(1, new("kind", "coupon_expiry"), new("outcome", outcome));

    [LoggerMessage(4501, LogLevel.Warning, "Message {Message} could not be handed over: {Cause} {Status}")]
    private static partial void LogDeferred(ILogger log, Guid message, string cause, string? status);

    [LoggerMessage(4502, LogLevel.Error, "Message {Message} failed: {Kind} {Trace}")]
    private static partial void LogFailed(ILogger log, Guid message, string kind, string? trace);

    [LoggerMessage(4503, LogLevel.Debug, "Message {Message} stops with the node")]
    private static partial void LogStopped(ILogger log, Guid message);
}
