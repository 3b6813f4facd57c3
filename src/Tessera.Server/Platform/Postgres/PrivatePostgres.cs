using System.Diagnostics;
using System.Globalization;
using System.Security.Cryptography;
using System.Text;
using Npgsql;

namespace Tessera.Server.Platform.Postgres;

/// <summary>
/// A PostgreSQL of this node's own, in a directory: made on first use, started, watched and stopped with the node. It
/// listens on a Unix socket in a directory that only its user may enter, and on no network address.
/// </summary>
/// <remarks>
/// PostgreSQL refuses to run as root: then it runs as a system user. A server left behind by a node that was killed is
/// taken over; one that was killed itself recovers by its own log when it is started again. Several processes may use
/// one server, such as a command beside a node: the last of them stops it.
/// </remarks>
public sealed class PrivatePostgres : IAsyncDisposable
{
    /// <summary>The superuser of the cluster and owner of the database.</summary>
    public const string UserName = "tessera";

    private static readonly TimeSpan StartWithin = TimeSpan.FromSeconds(120);
    private static readonly TimeSpan Pause = TimeSpan.FromMilliseconds(20);

    private readonly string _binaries;
    private readonly string _cluster;
    private readonly string _socket;
    private readonly SystemUser? _user;
    private readonly IReadOnlyList<string> _options;
    private readonly CancellationTokenSource _stop = new();
    private Task _watch = Task.CompletedTask;
    private FileStream? _use;
    private Process? _server;
    private volatile string _lastWords = "it says nothing";

    private PrivatePostgres(
        string binaries,
        string cluster,
        string socket,
        SystemUser? user,
        IReadOnlyList<string> options
    ) => (_binaries, _cluster, _socket, _user, _options) = (binaries, cluster, socket, user, options);

    /// <summary>How to connect to it as its superuser, to the database <c>postgres</c>.</summary>
    public string ConnectionString => ConnectionStringTo("postgres");

    private string PidFile => Path.Combine(_cluster, "postmaster.pid");

    /// <summary>Process id of the server; it changes when the server is started again.</summary>
    public int ProcessId => ReadProcessId() ?? 0;

    /// <summary>How to connect to one of its databases.</summary>
    public string ConnectionStringTo(string database) =>
        new NpgsqlConnectionStringBuilder
        {
            Host = _socket,
            Username = UserName,
            Database = database,
            SslMode = SslMode.Disable,
        }.ConnectionString;

    /// <summary>Makes the cluster if it is not there, and starts it if it does not run.</summary>
    /// <param name="binaries">Directory of <c>initdb</c> and <c>postgres</c>.</param>
    /// <param name="directory">Where the cluster lives; made if missing.</param>
    /// <param name="options">More settings, <c>name=value</c>.</param>
    /// <param name="cancel">Gives up.</param>
    /// <exception cref="InvalidOperationException">It does not start; the message has the end of its log.</exception>
    public static async Task<PrivatePostgres> StartAsync(
        string binaries,
        string directory,
        IReadOnlyList<string> options,
        CancellationToken cancel
    )
    {
        var user = SystemUser.ToRunServers();
        directory = Path.GetFullPath(directory);
        binaries = Path.GetFullPath(binaries);
        if (user is not null)
        {
            directory = SystemUser.IsReachable(directory) ? directory : SystemUser.ReachableInstead(directory);
            if (!SystemUser.IsReachable(binaries))
            {
                binaries = CopyBinaries(binaries, directory);
            }
        }

        var name = Convert.ToHexStringLower(SHA256.HashData(Encoding.UTF8.GetBytes(directory)))[..12];
        var postgres = new PrivatePostgres(
            binaries,
            Path.Combine(directory, "postgres"),
            Path.Combine(Path.GetTempPath(), "tessera-" + name),
            user,
            options
        );
        try
        {
            await postgres.StartAsync(cancel);
        }
        catch
        {
            await (postgres._use?.DisposeAsync() ?? default);
            throw;
        }

        postgres._watch = Task.Run(postgres.WatchAsync, CancellationToken.None);
        return postgres;
    }

    /// <summary>Makes a database if it is not there.</summary>
    public async Task EnsureDatabaseAsync(string name, CancellationToken cancel)
    {
        await using var connection = new NpgsqlConnection(ConnectionString + ";Pooling=false");
        await connection.OpenAsync(cancel);
        await using var query = new NpgsqlCommand(
            "select exists (select from pg_database where datname = $1)",
            connection
        );
        query.Parameters.Add(new NpgsqlParameter { Value = name });
        if (!(bool)(await query.ExecuteScalarAsync(cancel))!)
        {
            await using var create = new NpgsqlCommand($"create database \"{name}\"", connection);
            await create.ExecuteNonQueryAsync(cancel);
        }
    }

    /// <summary>Stops it, unless another process uses it: connections are ended, nothing acknowledged is lost.</summary>
    public async ValueTask DisposeAsync()
    {
        await _stop.CancelAsync();
        await _watch;
        await (_use?.DisposeAsync() ?? default);
        await using var alone = TryUse(FileShare.None);
        if (alone is not null)
        {
            // Told again and again: what was launched a moment ago may not listen yet.
            var since = Stopwatch.StartNew();
            while (Running() is { Count: > 0 } left && since.Elapsed < StartWithin)
            {
                left.ForEach(static id => Signals.Send(id, Signals.Interrupt));
                await Task.Delay(Pause);
            }
        }

        _server?.Dispose();
        _stop.Dispose();
    }

    private async Task StartAsync(CancellationToken cancel)
    {
        MakeDirectory(Path.GetDirectoryName(_cluster)!, isOwn: true);
        MakeDirectory(_socket, isOwn: true);
        var since = Stopwatch.StartNew();
        while ((_use ??= TryUse(FileShare.Read)) is null)
        {
            // The last user of before is stopping it.
            if (since.Elapsed > StartWithin)
            {
                throw new InvalidOperationException(
                    "PostgreSQL is being stopped by another process, and does not end."
                );
            }

            await Task.Delay(Pause, cancel);
        }

        if (!File.Exists(Path.Combine(_cluster, "PG_VERSION")))
        {
            await InitialiseAsync(cancel);
        }

        since.Restart();
        while (true)
        {
            if (await AnswersAsync(cancel))
            {
                return;
            }

            if (_server is null or { HasExited: true } && RunningId() is null)
            {
                if (_server is { HasExited: true } && since.Elapsed > TimeSpan.FromSeconds(10))
                {
                    throw new InvalidOperationException("PostgreSQL does not start: " + _lastWords);
                }

                _server?.Dispose();
                _server = null;
                ForgetStranger();
                _server = Launch();
            }

            if (since.Elapsed > StartWithin)
            {
                throw new InvalidOperationException("PostgreSQL does not answer: " + _lastWords);
            }

            await Task.Delay(Pause, cancel);
        }
    }

    /// <summary>
    /// Says that this process uses the server: shared while it does, alone to stop it. The lock ends with the process,
    /// however that ends.
    /// </summary>
    /// <returns>Null when others stand in the way.</returns>
    private FileStream? TryUse(FileShare share)
    {
        try
        {
            return new FileStream(_cluster + ".use", FileMode.OpenOrCreate, FileAccess.Read, share);
        }
        catch (IOException)
        {
            return null;
        }
    }

    /// <summary>Starts it again when it dies. It stays down only when the node stops.</summary>
    private async Task WatchAsync()
    {
        while (!_stop.IsCancellationRequested)
        {
            try
            {
                await Task.Delay(TimeSpan.FromMilliseconds(250), _stop.Token);
                if (RunningId() is null)
                {
                    await StartAsync(_stop.Token);
                }
            }
            catch (OperationCanceledException) when (_stop.IsCancellationRequested)
            {
                return;
            }
            catch (Exception error) when (error is InvalidOperationException or IOException or NpgsqlException)
            {
                // Readiness tells callers; here it is simply tried again.
                await Console.Error.WriteLineAsync(error.Message);
            }
        }
    }

    private async Task InitialiseAsync(CancellationToken cancel)
    {
        // Made beside its place and moved there, so that a start that was killed leaves no half cluster.
        var fresh = _cluster + ".new";
        if (Directory.Exists(fresh))
        {
            Directory.Delete(fresh, recursive: true);
        }

        MakeDirectory(fresh, isOwn: true);
        using var process = StartProcess(
            "initdb",
            ["-D", fresh, "-U", UserName, "--auth=trust", "--encoding=UTF8", "--locale=C.UTF-8", "--no-instructions"]
        );
        var output = process.StandardOutput.ReadToEndAsync(cancel);
        var error = await process.StandardError.ReadToEndAsync(cancel);
        await process.WaitForExitAsync(cancel);
        await output;
        if (process.ExitCode != 0)
        {
            throw new InvalidOperationException("initdb failed: " + error.Trim());
        }

        Directory.Move(fresh, _cluster);
    }

    private Process Launch()
    {
        var arguments = new List<string> { "-D", _cluster, "-k", _socket };
        foreach (var option in DefaultOptions().Concat(_options))
        {
            arguments.Add("-c");
            arguments.Add(option);
        }

        // The server writes its own log; only what it says before that comes here.
        var process = StartProcess("postgres", arguments);
        process.OutputDataReceived += (_, line) => Hear(line.Data);
        process.ErrorDataReceived += (_, line) => Hear(line.Data);
        process.BeginOutputReadLine();
        process.BeginErrorReadLine();
        return process;
    }

    private void Hear(string? line)
    {
        if (line is not null)
        {
            _lastWords = line;
        }
    }

    private static IEnumerable<string> DefaultOptions()
    {
        var memory = GC.GetGCMemoryInfo().TotalAvailableMemoryBytes / (1024 * 1024);
        yield return "listen_addresses=";
        yield return "unix_socket_permissions=0700";
        yield return string.Create(
            CultureInfo.InvariantCulture,
            $"shared_buffers={Math.Clamp(memory / 8, 128, 2048)}MB"
        );
        yield return "max_wal_size=4GB";
        yield return "min_wal_size=512MB";
        yield return "checkpoint_timeout=15min";
        yield return "random_page_cost=1.1";
        yield return "effective_io_concurrency=100";
        yield return "max_connections=100";
        yield return "logging_collector=on";
        yield return "log_filename=postgres-%a.log";
        yield return "log_truncate_on_rotation=on";
        yield return "timezone=UTC";
        yield return "log_timezone=UTC";
    }

    private Process StartProcess(string program, IReadOnlyList<string> arguments)
    {
        var path = Path.Combine(_binaries, program);
        var start = new ProcessStartInfo
        {
            // A session of its own: Ctrl-C is for the node, which stops the server when it has finished with it.
            FileName = "setsid",
            UseShellExecute = false,
            RedirectStandardOutput = true,
            RedirectStandardError = true,
            WorkingDirectory = Path.GetDirectoryName(_cluster)!,
        };
        string[] asUser = _user is null ? [] : ["setpriv", .. _user.SetprivArguments];
        foreach (var argument in asUser.Append(path).Concat(arguments))
        {
            start.ArgumentList.Add(argument);
        }

        // Settings of the caller's own PostgreSQL must not reach this one.
        foreach (
            var name in start.Environment.Keys.Where(static k => k.StartsWith("PG", StringComparison.Ordinal)).ToList()
        )
        {
            start.Environment.Remove(name);
        }

        start.Environment["LC_ALL"] = "C.UTF-8";
        return Process.Start(start) ?? throw new InvalidOperationException($"{path} could not be started.");
    }

    private async Task<bool> AnswersAsync(CancellationToken cancel)
    {
        if (RunningId() is null)
        {
            return false;
        }

        try
        {
            await using var connection = new NpgsqlConnection(ConnectionString + ";Pooling=false;Timeout=5");
            await connection.OpenAsync(cancel);
            return true;
        }
        catch (Exception error)
            when (error is NpgsqlException or System.Net.Sockets.SocketException or TimeoutException)
        {
            return false;
        }
    }

    /// <summary>The server that runs on this cluster, whoever started it; null for none.</summary>
    private int? RunningId() => ReadProcessId() is { } id && Signals.IsAlive(id) && !IsStranger(id) ? id : null;

    /// <summary>The server, and one that was launched and has not written down yet who it is.</summary>
    private List<int> Running()
    {
        int? launched = _server is { HasExited: false } server ? server.Id : null;
        return [.. new[] { RunningId(), launched }.OfType<int>().Distinct()];
    }

    /// <summary>
    /// Whether a process is no PostgreSQL, for certain. After a crash of the machine, and in a container after any kill, the number
    /// of the server of before soon belongs to somebody else: to a thread of this process, maybe.
    /// </summary>
    private static bool IsStranger(int id)
    {
        try
        {
            return File.ReadAllText($"/proc/{id}/comm").TrimEnd() != "postgres";
        }
        catch (Exception error) when (error is IOException or UnauthorizedAccessException)
        {
            // Ended just now, or not to be seen: its file stays, by which PostgreSQL knows the sessions that outlive a server.
            return false;
        }
    }

    /// <summary>PostgreSQL takes whoever has the number of its server of before for that server, and does not start.</summary>
    private void ForgetStranger()
    {
        try
        {
            // One at a time: another process that starts it too must not lose what its server has just written.
            using var turn = new FileStream(
                _cluster + ".start",
                FileMode.OpenOrCreate,
                FileAccess.Read,
                FileShare.None
            );
            if (ReadProcessId() is { } id && IsStranger(id))
            {
                File.Delete(PidFile);
            }
        }
        catch (Exception error) when (error is IOException or UnauthorizedAccessException)
        {
            // The other one looks after it; PostgreSQL says so if nobody does.
        }
    }

    private int? ReadProcessId()
    {
        try
        {
            var first = File.ReadLines(PidFile).FirstOrDefault();
            return int.TryParse(first, NumberStyles.None, CultureInfo.InvariantCulture, out var id) ? id : null;
        }
        catch (Exception error) when (error is IOException or UnauthorizedAccessException)
        {
            return null;
        }
    }

    private void MakeDirectory(string path, bool isOwn)
    {
        Directory.CreateDirectory(path);
        if (isOwn)
        {
            File.SetUnixFileMode(path, UnixFileMode.UserRead | UnixFileMode.UserWrite | UnixFileMode.UserExecute);
            _user?.Own(path);
        }
    }

    /// <summary>Binaries below a directory that only root may enter are copied to where the server's user can run them.</summary>
    private static string CopyBinaries(string binaries, string directory)
    {
        var from = Path.GetDirectoryName(binaries)!;
        var to = Path.Combine(Path.GetDirectoryName(directory)!, "postgres-binaries");
        if (!Directory.Exists(to))
        {
            Directory.CreateDirectory(Path.GetDirectoryName(to)!);
            using var copy =
                Process.Start(new ProcessStartInfo("cp") { ArgumentList = { "-a", from, to + ".new" } })
                ?? throw new InvalidOperationException("cp could not be started.");
            copy.WaitForExit();
            Directory.Move(to + ".new", to);
        }

        return Path.Combine(to, Path.GetFileName(binaries));
    }
}
