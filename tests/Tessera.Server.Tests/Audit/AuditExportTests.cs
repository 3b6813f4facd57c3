using System.Diagnostics;
using System.Security.Cryptography;
using System.Text;
using System.Text.Json.Nodes;
using Microsoft.Extensions.Logging.Abstractions;
using Tessera.Server.Audit;
using Tessera.Server.Tests.Support;
using Xunit;

namespace Tessera.Server.Tests.Audit;

/// <summary>Exports are checked by the script that is shipped, as an auditor would, and forged as an attacker would.</summary>
[Collection(PostgresCollection.Name)]
public sealed class AuditExportTests(PostgresFixture postgres) : IAsyncLifetime
{
    private readonly string _place = Directory.CreateTempSubdirectory("tessera-export-").FullName;
    private TestHost _host = null!;
    private List<string> _lines = null!;

    private string Heads => Path.Combine(_place, "heads");

    public async Task InitializeAsync()
    {
        _host = await TestHost.StartAsync(postgres);
        for (var i = 0; i < 12; i++)
        {
            await _host.PostAsync("/api/v1/merchants", new { name = "Merchant " + i });
        }

        // As every node does once a minute: the head goes to a file outside the database.
        var settings = new Settings { ConnectionString = _host.Database.ConnectionString, AuditHeadFile = Heads };
        await Patience.UntilAsync(
            async () =>
            {
                var sealer = new Sealer(
                    _host.Database.Database,
                    settings,
                    TimeProvider.System,
                    NullLogger<Sealer>.Instance
                );
                if ((await sealer.SealAsync(default))?.Seq >= 13)
                {
                    await sealer.RunOnceAsync(default);
                }

                return File.Exists(Heads);
            },
            "the head of the chain in a file"
        );

        var export = await _host.GetAsync("/api/v1/audit/export?type=merchant.created");
        Assert.Equal(200, export.Status);
        _lines = [.. export.Body.TrimEnd('\n').Split('\n')];
    }

    public async Task DisposeAsync()
    {
        await _host.DisposeAsync();
        Directory.Delete(_place, recursive: true);
    }

    [Fact]
    public async Task An_export_is_verified_without_the_program()
    {
        var (code, said) = await VerifyAsync(_lines);
        Assert.True(code == 0, said);
        Assert.Contains("12 match the filter", said, StringComparison.Ordinal);
        Assert.Contains("1 published heads agree", said, StringComparison.Ordinal);
        Assert.Equal(
            1,
            await _host.Database.ScalarAsync<long>("select count(*) from platform.event where type = 'audit.exported'")
        );

        // A part of it as well: the link before the first is in the header.
        var part = (await _host.GetAsync("/api/v1/audit/export?first_seq=4&last_seq=9")).Body;
        Assert.Equal(0, (await VerifyAsync([.. part.TrimEnd('\n').Split('\n')], heads: false)).Code);
    }

    [Fact]
    public async Task Forged_exports_are_found()
    {
        foreach (
            var (what, forge) in ((string, Func<List<string>, List<string>>)[])
                [
                    ("was changed", Changed),
                    ("is missing", static lines => [.. lines[..5], .. lines[6..]]),
                    ("cut off", static lines => lines[..^3]),
                    ("claims to reach", static lines => [.. lines[..^3], lines[^1]]),
                    (
                        "was changed",
                        static lines =>
                            [
                                .. lines[..4],
                                lines[5].Replace("\"seq\":5", "\"seq\":4", StringComparison.Ordinal),
                                lines[4],
                                .. lines[6..],
                            ]
                    ),
                    (
                        "marked wrongly",
                        static lines =>
                            [
                                .. lines.Select(
                                    (l, i) =>
                                        i == 6
                                            ? l.Replace("\"match\":true", "\"match\":false", StringComparison.Ordinal)
                                            : l
                                ),
                            ]
                    ),
                    // Whoever can compute every link anew is still caught by a head that was published.
                    ("what was published", lines => Rehashed(Changed(lines))),
                    ("no published head lies", lines => Rehashed(Renumbered([.. lines[..5], .. lines[6..]]))),
                ]
        )
        {
            var (code, said) = await VerifyAsync(forge([.. _lines]));
            Assert.True(code == 1, said);
            Assert.Contains(what, said, StringComparison.Ordinal);
        }
    }

    private static List<string> Changed(List<string> lines) =>
        [
            .. lines.Select(
                (l, i) =>
                    i == 3
                        ? l.Replace("merchant.created", "merchant.deleted", StringComparison.Ordinal)
                            .Replace("\"match\":true", "\"match\":false", StringComparison.Ordinal)
                        : l
            ),
        ];

    private static List<string> Renumbered(List<string> lines) =>
        [
            .. lines.Select(
                (l, i) =>
                {
                    var row = JsonNode.Parse(l)!.AsObject();
                    if (row.ContainsKey("seq"))
                    {
                        row["seq"] = i;
                    }

                    return row.ToJsonString();
                }
            ),
        ];

    private static List<string> Rehashed(List<string> lines)
    {
        var rows = lines.ConvertAll(static l => JsonNode.Parse(l)!.AsObject());
        var link = Convert.FromHexString(rows[0]["prev_hash"]!.GetValue<string>());
        foreach (var row in rows.Where(static r => r.ContainsKey("document")))
        {
            var document = Encoding.UTF8.GetBytes(row["document"]!.GetValue<string>());
            link = SHA256.HashData([.. link, .. document]);
            row["hash"] = Convert.ToHexStringLower(link);
        }

        rows[^1]["hash"] = Convert.ToHexStringLower(link);
        rows[^1]["matches"] = rows.Count(static r => r["match"]?.GetValue<bool>() == true);
        rows[0]["last_seq"] = rows.Count - 2;
        return rows.ConvertAll(static r => r.ToJsonString());
    }

    private async Task<(int Code, string Said)> VerifyAsync(List<string> lines, bool heads = true)
    {
        var file = Path.Combine(_place, "export.ndjson");
        await File.WriteAllLinesAsync(file, lines);
        var root = new DirectoryInfo(AppContext.BaseDirectory);
        while (!File.Exists(Path.Combine(root!.FullName, "Tessera.slnx")))
        {
            root = root.Parent;
        }

        var start = new ProcessStartInfo("python3")
        {
            UseShellExecute = false,
            RedirectStandardOutput = true,
            RedirectStandardError = true,
        };
        start.ArgumentList.Add(Path.Combine(root.FullName, "scripts", "verify-audit-export"));
        start.ArgumentList.Add(file);
        if (heads)
        {
            start.ArgumentList.Add("--heads");
            start.ArgumentList.Add(Heads);
        }

        using var script = Process.Start(start)!;
        var said = await script.StandardOutput.ReadToEndAsync() + await script.StandardError.ReadToEndAsync();
        await script.WaitForExitAsync();
        return (script.ExitCode, said);
    }
}
