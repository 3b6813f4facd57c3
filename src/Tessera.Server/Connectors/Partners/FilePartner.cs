using System.Diagnostics;
using System.Globalization;
using System.Text;
using Tessera.Server.Platform.Http;

namespace Tessera.Server.Connectors.Partners;

/// <summary>
/// A partner that fetches CSV files from a directory below the deployment's file drop, for instance over SFTP by way of
/// a mounted path. A file appears whole or not at all, under a name made of its key, so that a repeat is the same file.
/// </summary>
internal sealed class FilePartner(Settings settings) : IPartner
{
    public async Task<PartnerAnswer> TellAsync(Target target, Message message, CancellationToken cancel)
    {
        var began = Stopwatch.GetTimestamp();
        if (settings.FileDrop is not { } root)
        {
            return new PartnerAnswer(
                Outcome.Failed,
                "no_file_drop",
                null,
                default,
                Excerpt: "TESSERA_FILE_DROP is not set."
            );
        }

        try
        {
            var directory = Path.Combine(root, target.Connector.Address);
            var file = Path.Combine(directory, message.Key + ".csv");
            Directory.CreateDirectory(directory);
            if (message.Kind != MessageKind.Test && !File.Exists(file))
            {
                await WriteAsync(file, message, cancel);
            }

            var good =
                target.Connector.Acknowledgement == "callback" && message.Kind != MessageKind.Test
                    ? Outcome.Accepted
                    : Outcome.Acknowledged;
            return new PartnerAnswer(good, "ok", null, Stopwatch.GetElapsedTime(began));
        }
        catch (Exception error) when (error is IOException or UnauthorizedAccessException)
        {
            // The message names paths of ours; the kind of failure is enough.
            var took = Stopwatch.GetElapsedTime(began);
            return new PartnerAnswer(Outcome.Failed, "write_failed", null, took, Excerpt: error.GetType().Name);
        }
    }

    public Task<(IReadOnlyList<long>? Usable, string? Reason)> QueryAsync(
        Target target,
        IReadOnlyList<long> ids,
        CancellationToken cancel
    ) => Task.FromResult<(IReadOnlyList<long>?, string?)>((null, "not_supported"));

    private static async Task WriteAsync(string file, Message message, CancellationToken cancel)
    {
        var text = new StringBuilder("sequence,action,subject,id,at\r\n");
        void Line(string action, string subject, long? id, DateTimeOffset at) =>
            text.Append(
                CultureInfo.InvariantCulture,
                $"{message.Sequence},{action},{subject},{id},{Instants.Format(at)}\r\n"
            );
        if (message.Mark is { } mark)
        {
            Line("ended_before", "instance", null, mark);
        }

        foreach (var exception in message.Exceptions ?? [])
        {
            foreach (var id in exception.Ids)
            {
                Line(exception.Kind == CommandKind.Disable ? "disable" : "enable", exception.Subject, id, exception.At);
            }
        }

        foreach (var id in message.Ids)
        {
            Line(message.Kind == MessageKind.Disable ? "disable" : "enable", message.Subject, id, message.At);
        }

        var draft = file + ".part";
        await using (var stream = new FileStream(draft, FileMode.Create, FileAccess.Write, FileShare.None))
        {
            await stream.WriteAsync(Encoding.UTF8.GetBytes(text.ToString()), cancel);
            stream.Flush(flushToDisk: true);
        }

        File.Move(draft, file, overwrite: true);
    }
}
