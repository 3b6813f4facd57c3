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
    public async Task AssertFitForAllAsync(string what)
    {
        foreach (var theme in (string[])["light", "dark", "contrast"])
        {
            await DressAsync(theme);
            var found = await AxeAsync(theme == "light" ? Rules : RulesOfLooks);
            Assert.True(found.Count == 0, $"{what}, {theme}: {string.Join("\n", found)}");
        }
    }

    /// <summary>What axe finds, in words; nothing is good.</summary>
    public Task<IReadOnlyList<string>> AxeAsync() => AxeAsync(Rules);

    private async Task<IReadOnlyList<string>> AxeAsync(string rules)
    {
        await Page.EvaluateAsync($"() => {{ if (!window.axe) {{ {App.Axe} }} }}");
        var found = await Page.EvaluateAsync<JsonElement>(
            $"() => axe.run(document, {{ runOnly: {rules} }}).then(r => r.violations.map(v => v.id + ': ' + "
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
