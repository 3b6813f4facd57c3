using Microsoft.Playwright;
using Tessera.Server.Demo;
using Tessera.Server.Tests.Support;
using Xunit;

namespace Tessera.Browser.Tests;

/// <summary>The whole product over the demo world, and a real browser to look at it with. Started once.</summary>
public sealed class App : IAsyncLifetime
{
    private static readonly string[] Arguments =
    [
        "--no-sandbox",
        "--disable-gpu",
        "--disable-background-networking",
        "--disable-dev-shm-usage",
    ];

    private readonly PostgresFixture _postgres = new();
    private IPlaywright? _playwright;
    private IBrowser? _browser;
    private string? _session;

    public TestHost Host { get; private set; } = null!;

    /// <summary>Where the checkout is.</summary>
    public static string Root { get; } = FindRoot();

    /// <summary>The program of axe, to be run in a page.</summary>
    public static string Axe { get; } =
        File.ReadAllText(Path.Combine(Root, "web", "node_modules", "axe-core", "axe.min.js"));

    public async Task InitializeAsync()
    {
        var built = Path.Combine(Root, "web", "dist");
        Assert.True(File.Exists(Path.Combine(built, "index.html")), "The web app is not built: run scripts/web.");
        await _postgres.InitializeAsync();
        var database = await _postgres.DatabaseAsync();
        await DemoWorld.LoadAsync(database.Database, CancellationToken.None);
        await database.ExecuteAsync("analyze");
        Host = await TestHost.StartAsync(database, webDirectory: built);
        // Under load a page takes its time; a wait that succeeds is no longer for it.
        Assertions.SetDefaultExpectTimeout(15_000);
        _playwright = await Playwright.CreateAsync();
        _browser = await _playwright.Chromium.LaunchAsync(
            new BrowserTypeLaunchOptions
            {
                ExecutablePath = Environment.GetEnvironmentVariable("TESSERA_TEST_CHROMIUM") ?? "/usr/bin/chromium",
                Headless = true,
                Args = Arguments,
            }
        );
    }

    public async Task DisposeAsync()
    {
        if (_browser is not null)
        {
            await _browser.DisposeAsync();
        }

        _playwright?.Dispose();
        await Host.DisposeAsync();
        await _postgres.DisposeAsync();
    }

    /// <summary>
    /// A window of its own, signed in unless said otherwise. Where there is a keyboard everything is done by it alone, on
    /// phones by finger.
    /// </summary>
    public async Task<View> OpenAsync(
        int width = 1440,
        bool signedIn = true,
        string theme = "light",
        bool? byKeyboard = null
    )
    {
        var context = await _browser!.NewContextAsync(
            new BrowserNewContextOptions
            {
                BaseURL = Host.Address.ToString(),
                ViewportSize = new ViewportSize { Width = width, Height = width < 600 ? 844 : 900 },
                Locale = "en-GB",
                TimezoneId = "Europe/Vienna",
                ReducedMotion = ReducedMotion.Reduce,
                HasTouch = width < 600,
                StorageState = signedIn ? _session : null,
            }
        );
        context.SetDefaultTimeout(15_000);
        await context.AddInitScriptAsync(
            $"if (!localStorage.getItem('tessera.prefs')) localStorage.setItem('tessera.prefs', JSON.stringify({{theme: '{theme}'}}))"
        );
        if (signedIn && _session is null)
        {
            // Once for all windows: signing in is limited by address.
            var answer = await context.APIRequest.PostAsync(
                "/api/v1/session",
                new APIRequestContextOptions { DataObject = new Dictionary<string, string> { ["api_key"] = Host.Key } }
            );
            Assert.True(answer.Ok, await answer.TextAsync());
            _session = await context.StorageStateAsync();
        }

        return new View(context, await context.NewPageAsync(), byKeyboard ?? width >= 1024);
    }

    private static string FindRoot()
    {
        var directory = new DirectoryInfo(AppContext.BaseDirectory);
        while (directory is not null && !File.Exists(Path.Combine(directory.FullName, "Tessera.slnx")))
        {
            directory = directory.Parent;
        }

        return directory?.FullName ?? throw new InvalidOperationException("The tests run outside of a checkout.");
    }
}

/// <summary>Tests of what is done share one product and one browser.</summary>
[CollectionDefinition(Name)]
public sealed class AppCollection : ICollectionFixture<App>
{
    public const string Name = "app";
}

/// <summary>Those of how every page looks, and of long work, share another, so that both kinds run side by side.</summary>
[CollectionDefinition(Name)]
public sealed class PagesCollection : ICollectionFixture<App>
{
    public const string Name = "pages";
}
