using System.Text.Json;
using System.Text.RegularExpressions;
using Microsoft.Playwright;
using Xunit;

namespace Tessera.Browser.Tests;

/// <summary>One window, which remembers everything that went wrong in it.</summary>
public sealed class View : IAsyncDisposable
{
    private const string Rules = "['wcag2a','wcag2aa','wcag21a','wcag21aa','wcag22aa','best-practice']";

    /// <summary>Those that another theme can break: it changes colours and lines, and nothing else of a page.</summary>
    private const string RulesOfLooks =
        "['color-contrast','link-in-text-block','target-size','scrollable-region-focusable']";

    private static readonly int[] Widths = [1440, 390, 320];
    private static readonly string[] Themes = ["light", "dark", "contrast"];

    private readonly IBrowserContext _context;

    public View(IBrowserContext context, IPage page, bool isByKeyboard)
    {
        (_context, Page, IsByKeyboard) = (context, page, isByKeyboard);
        page.PageError += (_, error) => Faults.Add("page error: " + error);
        page.Console += (_, message) =>
        {
            // A refused request is an answer the page shows; what is left are faults of the page or of its policy.
            if (
                message.Type == "error"
                && !message.Text.Contains("Failed to load resource", StringComparison.Ordinal)
                && !message.Text.Contains("net::ERR", StringComparison.Ordinal)
            )
            {
                Faults.Add("console: " + message.Text);
            }
        };
    }

    public IPage Page { get; }

    /// <summary>Whether everything is done by keyboard alone (see <see cref="Hands"/>).</summary>
    public bool IsByKeyboard { get; }

    public IBrowserContext Context => _context;

    public List<string> Faults { get; } = [];

    /// <summary>Goes to a view of the app and waits until it has what it asked for.</summary>
    public async Task GoAsync(string path)
    {
        await Page.GotoAsync("/app" + path);
        await Page.Locator("h1, h2").First.WaitForAsync();
        await SettleAsync();
    }

    /// <summary>
    /// Until the address is this one; <c>*</c> stands for anything but a slash, <c>**</c> for anything. Looked at again and again,
    /// as waiting for the navigation itself misses one that is just over.
    /// </summary>
    public Task UntilAtAsync(string pattern) =>
        Assertions
            .Expect(Page)
            .ToHaveURLAsync(
                new Regex(
                    "^"
                        + Regex
                            .Escape(pattern)
                            .Replace(@"\*\*", ".*", StringComparison.Ordinal)
                            .Replace(@"\*", "[^/]*", StringComparison.Ordinal)
                        + "$",
                    RegexOptions.None,
                    TimeSpan.FromSeconds(1)
                )
            );

    /// <summary>Until nothing is being loaded any more.</summary>
    public async Task SettleAsync()
    {
        await Page.WaitForLoadStateAsync(LoadState.NetworkIdle);
        await Page.WaitForFunctionAsync("() => !document.querySelector('.skeleton')");
    }

    /// <summary>Puts on a theme, and waits until its colours are there.</summary>
    public Task DressAsync(string theme) =>
        Page.EvaluateAsync(
            "theme => { document.documentElement.dataset.theme = theme; "
                + "return new Promise(done => requestAnimationFrame(() => setTimeout(done, 60))).then(() => Promise.all("
                + "document.getAnimations().filter(a => a instanceof CSSTransition).map(a => a.finished.catch(() => null)))).then(() => null) }",
            theme
        );

    public ILocator Button(string name) =>
        Page.GetByRole(AriaRole.Button, new PageGetByRoleOptions { Name = name, Exact = true });

    public ILocator Dialog => Page.Locator(".dialog").Last;

    public Task PressAsync(string keys) => Page.Keyboard.PressAsync(keys);

    public Task<string> FocusedAsync() =>
        Page.EvaluateAsync<string>(
            "() => { const e = document.activeElement; return e ? (e.getAttribute('aria-label') ?? e.name ?? e.textContent ?? e.tagName) : '' }"
        );

    /// <summary>That axe finds nothing in any theme.</summary>
    public Task AssertFitForAllAsync(string what) => AssertFitForAllAsync(what, "document", Themes);

    private async Task AssertFitForAllAsync(string what, string scope, string[] themes)
    {
        foreach (var theme in themes)
        {
            await DressAsync(theme);
            var found = await AxeAsync(theme == "light" ? Rules : RulesOfLooks, scope);
            Assert.True(found.Count == 0, $"{what}, {theme}: {string.Join("\n", found)}");
        }
    }

    /// <summary>
    /// That what is open fits windows of every width, and that axe finds nothing in it in any theme. Looked at where it is:
    /// the window changes its width meanwhile, and is as before in the end.
    /// </summary>
    /// <param name="what">For people.</param>
    /// <param name="narrow">Only windows of phones: what is open is not there in wider ones, or the other way round.</param>
    /// <param name="scope">What is looked at; all of the page unless given.</param>
    public async Task AssertFitAtAllWidthsAsync(string what, bool? narrow = null, string scope = "document")
    {
        var before = Page.ViewportSize!;
        foreach (var width in Widths.Where(width => narrow is null || narrow == width < 600))
        {
            await Page.SetViewportSizeAsync(width, width < 600 ? 844 : 900);
            await SettleAsync();
            Assert.True(await OverflowAsync() == 0, $"{what} is wider than a window of {width} px.");
            // The narrowest has the colours of the phone before it.
            await AssertFitForAllAsync($"{what} at {width} px", scope, width == 320 ? ["light"] : Themes);
            await DressAsync("light");
        }

        await Page.SetViewportSizeAsync(before.Width, before.Height);
    }

    /// <summary>The same of the dialog that is open now.</summary>
    /// <param name="dialog">Where it is written, as <see cref="DialogWalkTests"/> lists them: folder, file and function.</param>
    /// <param name="title">What it is headed by.</param>
    /// <param name="narrow">See <see cref="AssertFitAtAllWidthsAsync"/>.</param>
    public async Task AssertDialogFitAsync(string dialog, string title, bool? narrow = null)
    {
        await Assertions.Expect(Dialog.Locator(".dialog__title")).ToContainTextAsync(title);
        await AssertFitAtAllWidthsAsync(dialog, narrow, "[...document.querySelectorAll('.dialog')].at(-1)");
        await Assertions.Expect(Dialog.Locator(".dialog__title")).ToContainTextAsync(title);
    }

    /// <summary>What axe finds, in words; nothing is good.</summary>
    public Task<IReadOnlyList<string>> AxeAsync() => AxeAsync(Rules, "document");

    private async Task<IReadOnlyList<string>> AxeAsync(string rules, string scope)
    {
        await Page.EvaluateAsync($"() => {{ if (!window.axe) {{ {App.Axe} }} }}");
        var found = await Page.EvaluateAsync<JsonElement>(
            $"() => axe.run({scope}, {{ runOnly: {rules} }}).then(r => r.violations.map(v => v.id + ': ' + "
                + "v.nodes.slice(0, 3).map(n => n.html.slice(0, 200) + ' ' + n.failureSummary.slice(0, 200)).join(' | ')))"
        );
        return [.. found.EnumerateArray().Select(static f => f.GetString()!)];
    }

    public Task<int> OverflowAsync() =>
        Page.EvaluateAsync<int>("() => document.documentElement.scrollWidth - document.documentElement.clientWidth");

    /// <summary>That nothing failed behind the scenes.</summary>
    public void AssertHealthy() => Assert.Empty(Faults);

    public async ValueTask DisposeAsync() => await _context.DisposeAsync();
}
