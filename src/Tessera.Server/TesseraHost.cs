using System.Net;
using Microsoft.AspNetCore.Builder;
using Microsoft.AspNetCore.Hosting;
using Microsoft.AspNetCore.Http;
using Microsoft.AspNetCore.HttpOverrides;
using Microsoft.AspNetCore.Routing;
using Microsoft.AspNetCore.Server.Kestrel.Core;
using Microsoft.Extensions.DependencyInjection;
using Microsoft.Extensions.Hosting;
using Microsoft.Extensions.Logging;
using Tessera.Server.Access;
using Tessera.Server.Approvals;
using Tessera.Server.Audit;
using Tessera.Server.Balances;
using Tessera.Server.Campaigns;
using Tessera.Server.Connectors;
using Tessera.Server.Coupons;
using Tessera.Server.Demo;
using Tessera.Server.Expiration;
using Tessera.Server.Insights;
using Tessera.Server.Notifications;
using Tessera.Server.Operations;
using Tessera.Server.Platform;
using Tessera.Server.Platform.Http;
using Tessera.Server.Platform.Http.Api;
using Tessera.Server.Platform.Metrics;
using Tessera.Server.Platform.Reference;
using Tessera.Server.Platform.Retention;
using Tessera.Server.Platform.Secrets;
using Tessera.Server.Platform.Tls;
using Tessera.Server.Platform.Web;
using Tessera.Server.Privacy;
using Tessera.Server.Promotions;
using Tessera.Server.Redemptions;
using Tessera.Server.Regions;

namespace Tessera.Server;

/// <summary>Puts the rooms together into one process: what <c>tessera serve</c> runs.</summary>
public static class TesseraHost
{
    private const int UploadLimit = 10 * 1024 * 1024;

    private static readonly TimeSpan StopWithin = TimeSpan.FromSeconds(20);

    /// <summary>The process, not yet started.</summary>
    /// <param name="settings">With a connection string.</param>
    /// <param name="customise">Changes registrations; for tests that need other services or quieter logs.</param>
    public static WebApplication Build(Settings settings, Action<WebApplicationBuilder>? customise = null)
    {
        ArgumentNullException.ThrowIfNull(settings);
        var builder = WebApplication.CreateSlimBuilder();
        builder.Logging.ClearProviders();
        builder.Logging.AddConsole(static console => console.FormatterName = JsonLog.FormatName);
        builder.Logging.AddConsoleFormatter<JsonLog, Microsoft.Extensions.Logging.Console.ConsoleFormatterOptions>();
        builder.Logging.SetMinimumLevel(LogLevel.Information);
        builder.Logging.AddFilter("Microsoft", LogLevel.Warning);
        builder.Logging.AddFilter("Quartz", LogLevel.Warning);
        // What is no well-formed HTTP is refused before any of ours runs: a line for each (convention 68).
        builder.Logging.AddFilter("Microsoft.AspNetCore.Server.Kestrel.BadRequests", LogLevel.Debug);
        var tls = settings.Tls is { } files ? new ServerTls(files, TimeProvider.System) : null;
        builder.WebHost.ConfigureKestrel(kestrel =>
        {
            kestrel.AddServerHeader = false;
            kestrel.Limits.MaxRequestBodySize = UploadLimit;
            kestrel.Limits.MaxRequestHeadersTotalSize = 32 * 1024;
            kestrel.Limits.MaxConcurrentConnections = 10_000;
            kestrel.Limits.RequestHeadersTimeout = TimeSpan.FromSeconds(15);
            Listen(kestrel, settings.Host, settings.Port, tls);
            if (settings.ManagementPort is { } management)
            {
                Listen(kestrel, settings.Host, management, null);
            }
        });

        if (tls is not null)
        {
            builder.WebHost.UseKestrelHttpsConfiguration();
        }

        var services = builder.Services;
        services.AddSingleton(settings);
        services.AddSingleton(TimeProvider.System);
        services.AddSingleton(_ => new Database(settings.ConnectionString!, settings.UndoDays));
        services.AddSingleton<Readiness>();
        services.AddSingleton<Measurements>();
        services.AddSingleton<Cursors>();
        services.AddSingleton<SecretBox>();
        services.AddRetained(PlatformRetention.Kinds).AddKeptWords(PlatformRetention.Words);
        services.Configure<RouteOptions>(static routes => routes.ConstraintMap["long"] = typeof(DigitsConstraint));
        services.Configure<HostOptions>(static host => host.ShutdownTimeout = StopWithin);
        services.AddAccess();
        services.AddAudit();
        services.AddApprovals();
        services.AddPrivacy();
        services.AddBalances();
        services.AddCoupons();
        services.AddCampaigns();
        services.AddPromotions();
        services.AddRedemptions(settings.Lanes);
        services.AddConnectors();
        services.AddExpiration(settings);
        services.AddNotifications();
        services.AddInsights();
        services.AddDemo();
        services.AddOperations();
        customise?.Invoke(builder);

        var app = builder.Build();
        if (settings.TrustedProxies.Count > 0)
        {
            var forwarded = new ForwardedHeadersOptions
            {
                ForwardedHeaders = ForwardedHeaders.XForwardedFor | ForwardedHeaders.XForwardedProto,
            };
            forwarded.KnownProxies.Clear();
            forwarded.KnownIPNetworks.Clear();
            settings.TrustedProxies.ToList().ForEach(forwarded.KnownIPNetworks.Add);
            app.UseForwardedHeaders(forwarded);
        }

        app.UseMiddleware<Entry>();
        if (settings.AllowedHosts.Count > 0)
        {
            app.UseMiddleware<KnownHosts>();
        }

        if (settings.ManagementPort is not null)
        {
            // Listens from the start, not from the first question.
            _ = app.Services.GetRequiredService<Measurements>();
            app.UseMiddleware<ManagementPort>();
        }

        app.UseWebSockets();
        app.UseRouting();
        app.UseMiddleware<Gate>();
        app.UseMiddleware<Access.Limits.FailedCodes>();
        app.UseMiddleware<ReadLog>();
        app.UseMiddleware<OriginLog>();
        MapHealth(app);
        app.MapReferencePage().OpenToEveryone();
        app.MapWebApp(settings.WebDirectory).OpenToEveryone();
        app.MapApiDescription(PermissionOf).OpenToEveryone();
        var api = app.MapGroup("/api/v1");
        api.MapAccess();
        api.MapAudit();
        api.MapApprovals();
        api.MapPrivacy();
        api.MapBalances();
        api.MapRegions();
        api.MapCoupons();
        api.MapCampaigns();
        api.MapPromotions();
        api.MapRedemptions();
        api.MapConnectors();
        api.MapExpiration();
        api.MapNotifications();
        api.MapOperations();
        api.MapInsights();
        api.MapDemo();
        app.MapLive();
        return app;
    }

    /// <summary>The description of the API, as <see cref="ApiDescription.Path"/> serves it; needs no database.</summary>
    public static async Task<byte[]> DescribeAsync()
    {
        await using var app = Build(new Settings { ConnectionString = "Host=localhost" });
        return ApiDescription.Write(app, PermissionOf);
    }

    private static string? PermissionOf(EndpointMetadataCollection facts) =>
        facts.GetMetadata<RequiredPermission>()?.Permission;

    private static void Listen(KestrelServerOptions kestrel, string host, int port, ServerTls? tls)
    {
        void Secure(ListenOptions listen)
        {
            if (tls is not null)
            {
                listen.UseHttps(tls.Options());
            }
        }

        if (host == "localhost")
        {
            kestrel.ListenLocalhost(port, Secure);
        }
        else
        {
            kestrel.Listen(IPAddress.Parse(host), port, Secure);
        }
    }

    private static void MapHealth(WebApplication app)
    {
        app.MapGet("/livez", static () => TypedResults.Text("alive")).OpenToEveryone().ExcludeFromDescription();
        app.MapGet(
                "/readyz",
                static async (HttpContext context, Readiness readiness) =>
                {
                    var reason = await readiness.WhyNotAsync(context.RequestAborted);
                    context.Response.StatusCode = reason is null ? 200 : 503;
                    context.Response.ContentType = "text/plain";
                    await context.Response.WriteAsync(reason is null ? "ready" : "not ready: " + reason);
                }
            )
            .OpenToEveryone()
            .ExcludeFromDescription();
    }
}
