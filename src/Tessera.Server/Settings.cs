using System.Globalization;
using System.Net;
using Tessera.Server.Access;
using Tessera.Server.Access.People.Oidc;
using Tessera.Server.Access.People.Saml;
using Tessera.Server.Notifications.Mail;
using Tessera.Server.Platform.Jobs;
using Tessera.Server.Platform.Tls;

namespace Tessera.Server;

/// <summary>
/// The settings of a node (convention 31): environment variables, each also as <c>…_FILE</c>, overridden by the command
/// line. Read once at the start; a wrong one stops the start with one line naming it.
/// </summary>
public sealed record Settings
{
    /// <summary>Read elsewhere: where the programs of the private PostgreSQL are.</summary>
    private static readonly string[] OtherNames = ["TESSERA_POSTGRES_BIN"];

    /// <summary>Of the tests, and of Kubernetes, which describes a service named tessera to its neighbours.</summary>
    private static readonly string[] ForeignPrefixes = ["TESSERA_TEST_", "TESSERA_SERVICE_", "TESSERA_PORT"];

    private static readonly HashSet<string> Known = [.. new Settings().Describe().Select(static s => s.Name)];

    /// <summary>Npgsql form; null: a private PostgreSQL in <see cref="DataDirectory"/>.</summary>
    public string? ConnectionString { get; init; }

    /// <summary>Port of the API and the reference page.</summary>
    public int Port { get; init; } = 8080;

    /// <summary>Address it listens on.</summary>
    public string Host { get; init; } = "127.0.0.1";

    /// <summary>What the API's port proves itself by; null: it speaks plain HTTP, behind something that ends TLS.</summary>
    public TlsFiles? Tls { get; init; }

    /// <summary>Another port, for metrics and health; null: there are no metrics.</summary>
    public int? ManagementPort { get; init; }

    /// <summary>Where the private PostgreSQL and other local state live.</summary>
    public string DataDirectory { get; init; } = ".tessera";

    /// <summary>Where the built admin app is; where there is none, only the API is served.</summary>
    public string WebDirectory { get; init; } = Path.Combine(AppContext.BaseDirectory, "web");

    /// <summary>Redemption lanes of this node.</summary>
    public int Lanes { get; init; } = 2;

    /// <summary>Seconds between "not ready" and the end of listening, for balancers to notice.</summary>
    public int DrainSeconds { get; init; } = 5;

    /// <summary>File to which the head of the audit chain is appended every minute; null: the log only.</summary>
    public string? AuditHeadFile { get; init; }

    /// <summary>Runs although the database may lose acknowledged commits (convention 48).</summary>
    public bool AllowUnsafeDurability { get; init; }

    /// <summary>Keys of 32 bytes that seal secrets in the database; the first seals, all open. None: a key of its own.</summary>
    public IReadOnlyList<byte[]> SecretsKeys { get; init; } = [];

    /// <summary>Private networks that outbound calls may reach (convention 61); none unless named.</summary>
    public IReadOnlyList<IPNetwork> EgressAllow { get; init; } = [];

    /// <summary>Directory below which file connectors write; null: there are none.</summary>
    public string? FileDrop { get; init; }

    /// <summary>For how many days changes of many that begin at this node can be undone as a unit (BLK-07).</summary>
    public int UndoDays { get; init; } = Undoing.UsualDays;

    /// <summary>Requests a minute of one API key over all nodes, unless the key has a limit of its own.</summary>
    public int RequestsPerMinute { get; init; } = 6_000_000;

    /// <summary>Codes that do not exist, a minute, of one caller over all nodes (convention 53).</summary>
    public int FailedCodesPerMinute { get; init; } = 6000;

    /// <summary>Proxies whose X-Forwarded-For and -Proto count (convention 64); none unless named.</summary>
    public IReadOnlyList<IPNetwork> TrustedProxies { get; init; } = [];

    /// <summary>Names the API's port answers to, beside that of <see cref="PublicUrl"/>; none: to any.</summary>
    public IReadOnlyList<string> AllowedHosts { get; init; } = [];

    /// <summary>Address people reach the pages at, without a path (convention 64); null where nothing needs it.</summary>
    public string? PublicUrl { get; init; }

    /// <summary>The identity provider people may sign in at; null for none.</summary>
    public OidcOptions? Oidc { get; init; }

    /// <summary>The SAML identity provider people may sign in at; null for none.</summary>
    public SamlOptions? Saml { get; init; }

    /// <summary>Whether staff who sign in with a password have to have a second factor (convention 54).</summary>
    public bool StaffSecondFactor { get; init; } = true;

    /// <summary>Whether this node runs schedules; some node of a deployment has to.</summary>
    public bool Schedules { get; init; } = true;

    /// <summary>RabbitMQ, for the feed of events and for events of outside systems; null: there is none.</summary>
    public Uri? Amqp { get; init; }

    /// <summary>The mail server that messages to customers go through; null: they wait.</summary>
    public SmtpOptions? Smtp { get; init; }

    /// <summary>Names and masked values, for <c>tessera config</c>.</summary>
    public IEnumerable<(string Name, string Value)> Describe()
    {
        yield return ("TESSERA_DATABASE_URL", DatabaseAddress.Masked(ConnectionString));
        yield return ("TESSERA_HOST", Host);
        yield return ("PORT", Port.ToString(CultureInfo.InvariantCulture));
        yield return ("TESSERA_TLS_CERTIFICATE_FILE", Tls?.Certificate ?? "(none)");
        yield return ("TESSERA_TLS_KEY_FILE", Tls?.Key ?? "(none)");
        yield return ("TESSERA_TLS_CLIENT_CA_FILE", Tls?.ClientAuthorities ?? "(none)");
        yield return ("TESSERA_MANAGEMENT_PORT", ManagementPort?.ToString(CultureInfo.InvariantCulture) ?? "(none)");
        yield return ("TESSERA_DATA", DataDirectory);
        yield return ("TESSERA_WEB", WebDirectory);
        yield return ("TESSERA_LANES", Lanes.ToString(CultureInfo.InvariantCulture));
        yield return ("TESSERA_DRAIN_SECONDS", DrainSeconds.ToString(CultureInfo.InvariantCulture));
        yield return ("TESSERA_AUDIT_HEAD_FILE", AuditHeadFile ?? "(none)");
        yield return ("TESSERA_SECRETS_KEY", SecretsKeys.Count > 0 ? "***" : "(a key of the deployment's own)");
        yield return ("TESSERA_EGRESS_ALLOW", EgressAllow.Count > 0 ? string.Join(',', EgressAllow) : "(none)");
        yield return ("TESSERA_FILE_DROP", FileDrop ?? "(none)");
        yield return ("TESSERA_UNDO_DAYS", UndoDays.ToString(CultureInfo.InvariantCulture));
        yield return ("TESSERA_REQUESTS_PER_MINUTE", RequestsPerMinute.ToString(CultureInfo.InvariantCulture));
        yield return ("TESSERA_FAILED_CODES_PER_MINUTE", FailedCodesPerMinute.ToString(CultureInfo.InvariantCulture));
        yield return (
            "TESSERA_TRUSTED_PROXIES",
            TrustedProxies.Count > 0 ? string.Join(',', TrustedProxies) : "(none)"
        );
        yield return ("TESSERA_ALLOWED_HOSTS", AllowedHosts.Count > 0 ? string.Join(',', AllowedHosts) : "(any)");
        yield return ("TESSERA_PUBLIC_URL", PublicUrl ?? "(none)");
        yield return ("TESSERA_OIDC_ISSUER", Oidc?.Issuer ?? "(none)");
        yield return ("TESSERA_OIDC_CLIENT_ID", Oidc?.ClientId ?? "(none)");
        yield return ("TESSERA_OIDC_CLIENT_SECRET", Oidc is null ? "(none)" : "***");
        yield return ("TESSERA_OIDC_REALM", Oidc?.Realm ?? Realms.Staff);
        yield return ("TESSERA_SAML_ISSUER", Saml?.Issuer ?? "(none)");
        yield return ("TESSERA_SAML_SIGN_IN_URL", Saml?.SignInUrl ?? "(none)");
        yield return ("TESSERA_SAML_CERTIFICATE", Saml is null ? "(none)" : $"({Saml.Certificates.Count} of them)");
        yield return ("TESSERA_SAML_REALM", Saml?.Realm ?? Realms.Staff);
        yield return (
            "AMQP_URL",
            Amqp is null ? "(none)" : $"{Amqp.Scheme}://{Amqp.Host}:{Amqp.Port}{Amqp.AbsolutePath}"
        );
        yield return (
            "TESSERA_SMTP_URL",
            Smtp is null ? "(none)" : $"{(Smtp.IsTlsFromStart ? "smtps" : "smtp")}://{Smtp.Host}:{Smtp.Port}"
        );
        yield return ("TESSERA_SMTP_FROM", Smtp?.From ?? "(none)");
        yield return (
            "TESSERA_SMTP_CA",
            Smtp?.Authorities is { } trusted ? $"({trusted.Count} of them)" : "(the system's)"
        );
        yield return ("TESSERA_STAFF_SECOND_FACTOR", StaffSecondFactor ? "required" : "optional");
        yield return ("TESSERA_SCHEDULES", Schedules ? "on" : "off");
        yield return ("TESSERA_ALLOW_UNSAFE_DURABILITY", AllowUnsafeDurability ? "true" : "false");
    }

    /// <summary>Reads the settings of the environment.</summary>
    /// <param name="environment">Name to value; null for variables that are not set.</param>
    /// <exception cref="SettingException">One is wrong.</exception>
    /// <param name="names">All variables there are; one that looks like ours and is none stops the start too.</param>
    public static Settings Read(Func<string, string?> environment, IEnumerable<string>? names = null)
    {
        ArgumentNullException.ThrowIfNull(environment);
        if ((names ?? []).FirstOrDefault(IsUnknown) is { } unknown)
        {
            throw new SettingException(unknown, "is not a setting; `tessera config` lists them");
        }

        string? Get(string name)
        {
            if (environment(name) is { Length: > 0 } value)
            {
                return value;
            }

            if (environment(name + "_FILE") is not { Length: > 0 } file)
            {
                return null;
            }

            return File.Exists(file)
                ? File.ReadAllText(file).Trim()
                : throw new SettingException(name + "_FILE", "names a file that does not exist");
        }

        int? Integer(string name, int minimum, int maximum) =>
            Get(name) is not { } text ? null
            : int.TryParse(text, NumberStyles.None, CultureInfo.InvariantCulture, out var number)
            && number >= minimum
            && number <= maximum
                ? number
            : throw new SettingException(name, $"has to be a whole number from {minimum} to {maximum}");

        bool Flag(string name) =>
            Get(name) switch
            {
                null or "false" or "0" => false,
                "true" or "1" => true,
                _ => throw new SettingException(name, "has to be true or false"),
            };

        var settings = new Settings();
        var port = Integer("PORT", 0, 65535) ?? settings.Port;
        var managementPort = Integer("TESSERA_MANAGEMENT_PORT", 1, 65535);
        if (managementPort == port)
        {
            throw new SettingException("TESSERA_MANAGEMENT_PORT", "has to differ from PORT");
        }

        return settings with
        {
            ConnectionString = DatabaseAddress.Of(Get),
            Port = port,
            Host = HostOf(Get("TESSERA_HOST")) ?? settings.Host,
            ManagementPort = managementPort,
            Tls = TlsFiles.Read(environment),
            DataDirectory = Get("TESSERA_DATA") ?? settings.DataDirectory,
            WebDirectory = Get("TESSERA_WEB") ?? settings.WebDirectory,
            Lanes = Integer("TESSERA_LANES", 1, 64) ?? settings.Lanes,
            DrainSeconds = Integer("TESSERA_DRAIN_SECONDS", 0, 20) ?? settings.DrainSeconds,
            AuditHeadFile = Get("TESSERA_AUDIT_HEAD_FILE"),
            SecretsKeys = KeysOf(Get("TESSERA_SECRETS_KEY")),
            EgressAllow = NetworksOf("TESSERA_EGRESS_ALLOW", Get("TESSERA_EGRESS_ALLOW")),
            TrustedProxies = NetworksOf("TESSERA_TRUSTED_PROXIES", Get("TESSERA_TRUSTED_PROXIES")),
            UndoDays = Integer("TESSERA_UNDO_DAYS", 1, 90) ?? settings.UndoDays,
            RequestsPerMinute = Integer("TESSERA_REQUESTS_PER_MINUTE", 1, 100_000_000) ?? settings.RequestsPerMinute,
            FailedCodesPerMinute =
                Integer("TESSERA_FAILED_CODES_PER_MINUTE", 1, 1_000_000) ?? settings.FailedCodesPerMinute,
            FileDrop = Get("TESSERA_FILE_DROP"),
            PublicUrl = PublicUrlOf(Get("TESSERA_PUBLIC_URL")),
            AllowedHosts = HostsOf(Get("TESSERA_ALLOWED_HOSTS")),
            Oidc = OidcOf(Get),
            Saml = SamlOptions.Read(Get, PublicUrlOf(Get("TESSERA_PUBLIC_URL"))),
            Amqp = AmqpOf(Get("AMQP_URL")),
            Smtp = SmtpOptions.Read(Get),
            StaffSecondFactor = Get("TESSERA_STAFF_SECOND_FACTOR") switch
            {
                null => settings.StaffSecondFactor,
                "required" => true,
                "optional" => false,
                _ => throw new SettingException("TESSERA_STAFF_SECOND_FACTOR", "has to be required or optional"),
            },
            Schedules = Get("TESSERA_SCHEDULES") switch
            {
                null or "on" => true,
                "off" => false,
                _ => throw new SettingException("TESSERA_SCHEDULES", "has to be on or off"),
            },
            AllowUnsafeDurability = Flag("TESSERA_ALLOW_UNSAFE_DURABILITY"),
        };
    }

    private static bool IsUnknown(string name)
    {
        if (!name.StartsWith("TESSERA_", StringComparison.Ordinal) || ForeignPrefixes.Any(name.StartsWith))
        {
            return false;
        }

        var bare = name.EndsWith("_FILE", StringComparison.Ordinal) ? name[..^"_FILE".Length] : name;
        return !OtherNames.Contains(bare)
            && !OtherNames.Contains(name)
            && !Known.Contains(bare)
            && !Known.Contains(name);
    }

    private static Uri? AmqpOf(string? text) =>
        text is null ? null
        : Uri.TryCreate(text, UriKind.Absolute, out var url) && url.Scheme is "amqp" or "amqps" ? url
        : throw new SettingException("AMQP_URL", "has to be a URL such as amqps://user:password@host/vhost");

    private static IReadOnlyList<byte[]> KeysOf(string? text)
    {
        var keys = new List<byte[]>();
        foreach (
            var part in (text ?? "").Split(',', StringSplitOptions.TrimEntries | StringSplitOptions.RemoveEmptyEntries)
        )
        {
            var key = new byte[part.Length];
            if (!Convert.TryFromBase64String(part, key, out var length) || length != 32)
            {
                throw new SettingException(
                    "TESSERA_SECRETS_KEY",
                    "has to be 32 random bytes in Base64, or several of them with commas between"
                );
            }

            keys.Add(key[..length]);
        }

        return keys;
    }

    private static IReadOnlyList<IPNetwork> NetworksOf(string name, string? text) =>
        [
            .. (text ?? "")
                .Split(',', StringSplitOptions.TrimEntries | StringSplitOptions.RemoveEmptyEntries)
                .Select(part =>
                    IPNetwork.TryParse(part, out var network)
                        ? network
                        : throw new SettingException(name, "has to be networks such as 10.0.0.0/8 with commas between")
                ),
        ];

    private static IReadOnlyList<string> HostsOf(string? text) =>
        [
            .. (text ?? "")
                .Split(',', StringSplitOptions.TrimEntries | StringSplitOptions.RemoveEmptyEntries)
                .Select(static host =>
                    Uri.CheckHostName(host) != UriHostNameType.Unknown
                        ? host
                        : throw new SettingException(
                            "TESSERA_ALLOWED_HOSTS",
                            "has to be host names with commas between"
                        )
                ),
        ];

    private static string? PublicUrlOf(string? text) =>
        text is null ? null
        : OidcOptions.IsSafe(text) && new Uri(text) is { PathAndQuery: "/" } url ? url.GetLeftPart(UriPartial.Authority)
        : throw new SettingException("TESSERA_PUBLIC_URL", "has to be https://host, without a path");

    private static OidcOptions? OidcOf(Func<string, string?> get)
    {
        if (get("TESSERA_OIDC_ISSUER") is not { } issuer)
        {
            return null;
        }

        if (!OidcOptions.IsSafe(issuer))
        {
            throw new SettingException("TESSERA_OIDC_ISSUER", "has to be an https address");
        }

        string Needed(string name) =>
            get(name) ?? throw new SettingException(name, "has to be set together with TESSERA_OIDC_ISSUER");
        var realm = get("TESSERA_OIDC_REALM") ?? Realms.Staff;
        return new OidcOptions(
            issuer,
            Needed("TESSERA_OIDC_CLIENT_ID"),
            Needed("TESSERA_OIDC_CLIENT_SECRET"),
            Realms.All.Contains(realm)
                ? realm
                : throw new SettingException("TESSERA_OIDC_REALM", "has to be staff, merchant or customer"),
            PublicUrlOf(Needed("TESSERA_PUBLIC_URL")) + OidcOptions.CallbackPath
        );
    }

    private static string? HostOf(string? text) =>
        text is null or "localhost" || IPAddress.TryParse(text, out _)
            ? text
            : throw new SettingException("TESSERA_HOST", "has to be an IP address or localhost");
}

/// <summary>A setting that stops the start.</summary>
public sealed class SettingException(string name, string reason) : Exception($"{name} {reason}.");
