using System.Globalization;
using Npgsql;

namespace Tessera.Server;

/// <summary>Where the database is, from the settings in the forms people have them in.</summary>
internal static class DatabaseAddress
{
    /// <summary>What the environment says of it, the variables of libpq included; null where it says nothing.</summary>
    /// <exception cref="SettingException">It cannot be read.</exception>
    public static string? Of(Func<string, string?> get)
    {
        foreach (var name in (string[])["TESSERA_DATABASE_URL", "DATABASE_URL"])
        {
            if (get(name) is { } url)
            {
                return ConnectionStringOf(name, url);
            }
        }

        if (get("PGHOST") is not { } host)
        {
            return null;
        }

        var builder = new NpgsqlConnectionStringBuilder { Host = host };
        if (get("PGPORT") is { } port)
        {
            builder.Port = int.TryParse(port, NumberStyles.None, CultureInfo.InvariantCulture, out var number)
                ? number
                : throw new SettingException("PGPORT", "has to be a port number");
        }

        builder.Database = get("PGDATABASE") ?? builder.Database;
        builder.Username = get("PGUSER") ?? builder.Username;
        builder.Password = get("PGPASSWORD") ?? builder.Password;
        builder.Passfile = get("PGPASSFILE") ?? builder.Passfile;
        builder.RootCertificate = get("PGSSLROOTCERT") ?? builder.RootCertificate;
        builder.SslCertificate = get("PGSSLCERT") ?? builder.SslCertificate;
        builder.SslKey = get("PGSSLKEY") ?? builder.SslKey;
        if (get("PGSSLMODE") is { } mode)
        {
            builder.SslMode = SslModeOf("PGSSLMODE", mode);
        }

        return ConnectionStringOf("PGHOST", builder.ConnectionString);
    }

    /// <summary>A connection string of either form, as Npgsql wants it.</summary>
    /// <exception cref="SettingException">It cannot be read.</exception>
    public static string ConnectionStringOf(string name, string value)
    {
        ArgumentNullException.ThrowIfNull(value);
        try
        {
            var builder =
                value.StartsWith("postgres://", StringComparison.Ordinal)
                || value.StartsWith("postgresql://", StringComparison.Ordinal)
                    ? OfUrl(new Uri(value))
                    : new NpgsqlConnectionStringBuilder(value);
            if (string.IsNullOrEmpty(builder.Host))
            {
                throw new SettingException(name, "names no host");
            }

            // Non-local servers are spoken to over TLS that is verified, unless the setting says otherwise.
            if (!builder.ContainsKey("SSL Mode") || builder.SslMode == SslMode.Prefer)
            {
                builder.SslMode = IsLocal(builder.Host) ? SslMode.Prefer : SslMode.VerifyFull;
            }

            return builder.ConnectionString;
        }
        catch (Exception error) when (error is ArgumentException or UriFormatException or FormatException)
        {
            throw new SettingException(name, "is neither a postgres:// URL nor an Npgsql connection string");
        }
    }

    /// <summary>Without the password, for people.</summary>
    public static string Masked(string? connectionString)
    {
        if (connectionString is null)
        {
            return "(a private PostgreSQL)";
        }

        var builder = new NpgsqlConnectionStringBuilder(connectionString);
        builder.Password = builder.Password is { Length: > 0 } ? "***" : builder.Password;
        return builder.ConnectionString;
    }

    private static NpgsqlConnectionStringBuilder OfUrl(Uri url)
    {
        var builder = new NpgsqlConnectionStringBuilder
        {
            Host = Uri.UnescapeDataString(url.Host),
            Port = url.Port > 0 ? url.Port : 5432,
            Database = Uri.UnescapeDataString(url.AbsolutePath.TrimStart('/')),
        };
        var user = url.UserInfo.Split(':', 2);
        if (user[0].Length > 0)
        {
            builder.Username = Uri.UnescapeDataString(user[0]);
        }

        if (user.Length > 1)
        {
            builder.Password = Uri.UnescapeDataString(user[1]);
        }

        foreach (var pair in url.Query.TrimStart('?').Split('&', StringSplitOptions.RemoveEmptyEntries))
        {
            var parts = pair.Split('=', 2);
            var value = Uri.UnescapeDataString(parts.Length > 1 ? parts[1] : "");
            switch (parts[0])
            {
                case "sslmode":
                    builder.SslMode = SslModeOf("sslmode", value);
                    break;
                case "sslcert":
                    builder.SslCertificate = value;
                    break;
                case "sslkey":
                    builder.SslKey = value;
                    break;
                case "sslrootcert":
                    builder.RootCertificate = value;
                    break;
                case "host":
                    builder.Host = value;
                    break;
                default:
                    builder[parts[0]] = value;
                    break;
            }
        }

        return builder;
    }

    private static SslMode SslModeOf(string name, string mode) =>
        mode switch
        {
            "disable" => SslMode.Disable,
            "allow" => SslMode.Allow,
            "prefer" => SslMode.Prefer,
            "require" => SslMode.Require,
            "verify-ca" => SslMode.VerifyCA,
            "verify-full" => SslMode.VerifyFull,
            _ => throw new SettingException(name, "is not an sslmode"),
        };

    private static bool IsLocal(string host) =>
        host.StartsWith('/') || host is "localhost" or "127.0.0.1" or "::1" or "[::1]";
}
