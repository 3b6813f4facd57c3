using Microsoft.Playwright;
using Xunit;

namespace Tessera.Browser.Tests;

/// <summary>
/// What somebody does with a page: with the mouse or a finger, or by keyboard alone. By keyboard nothing is focused from
/// outside: the Tab key has to lead there, and within menus, lists and groups the arrows.
/// </summary>
internal static class Hands
{
    /// <summary>More than any page has places for the Tab key; who needs more is lost.</summary>
    private const int MostSteps = 320;

    /// <summary>Works a button, a link or an entry of a menu.</summary>
    public static async Task UseAsync(this View view, ILocator target)
    {
        if (!view.IsByKeyboard)
        {
            await target.ClickAsync();
            return;
        }

        await view.ReachAsync(target);
        await view.PressAsync("Enter");
    }

    /// <summary>Writes into a field, over what is there.</summary>
    public static async Task WriteAsync(this View view, ILocator target, string text)
    {
        if (!view.IsByKeyboard)
        {
            await target.FillAsync(text);
            return;
        }

        await view.ReachAsync(target);
        if (await target.GetAttributeAsync("type") == "date")
        {
            // Month, day and year: in the order of the browser's own language, not the page's.
            await view.Page.Keyboard.TypeAsync(text[5..7] + text[8..10] + text[..4]);
            return;
        }

        await view.PressAsync("ControlOrMeta+a");
        await view.Page.Keyboard.TypeAsync(text);
    }

    /// <summary>Sets a box or takes its tick away, or chooses one of a group.</summary>
    public static async Task TickAsync(this View view, ILocator target, bool isOn = true)
    {
        if (!view.IsByKeyboard)
        {
            await target.SetCheckedAsync(isOn);
            return;
        }

        await view.ReachAsync(target);
        if (await target.IsCheckedAsync() != isOn)
        {
            await view.PressAsync("Space");
        }

        await Assertions.Expect(target).ToBeCheckedAsync(new() { Checked = isOn });
    }

    /// <summary>Chooses an entry of a list by its value or its text.</summary>
    public static async Task ChooseAsync(this View view, ILocator target, string option)
    {
        if (!view.IsByKeyboard)
        {
            await target.SelectOptionAsync(option);
            return;
        }

        await view.ReachAsync(target);
        // What there is to choose from may come later than the list.
        var list = await target.ElementHandleAsync();
        await view.Page.WaitForFunctionAsync(
            "([list, wanted]) => [...list.options].some(o => o.value === wanted || o.text === wanted)",
            (object[])[list, option]
        );
        var steps = await target.EvaluateAsync<int>(
            "(list, wanted) => [...list.options].findIndex(o => o.value === wanted || o.text === wanted) - list.selectedIndex",
            option
        );
        for (var step = 0; step < Math.Abs(steps); step++)
        {
            await view.PressAsync(steps > 0 ? "ArrowDown" : "ArrowUp");
        }

        Assert.Contains(
            option,
            await target.EvaluateAsync<string[]>("list => [list.value, list.options[list.selectedIndex].text]")
        );
    }

    /// <summary>Undoes a job, and waits until the service has taken that up: who leaves the page before may take it back.</summary>
    public static async Task UndoAsync(this View view, ILocator job)
    {
        await view.UseAsync(job.GetByRole(AriaRole.Button, new() { Name = "Undo" }));
        var question = view.Page.GetByRole(AriaRole.Alertdialog).Filter(new() { HasText = "Undo “" });
        await view.UseAsync(question.GetByRole(AriaRole.Button, new() { Name = "Undo" }));
        await Assertions.Expect(question).ToHaveCountAsync(0);
    }

    /// <summary>Goes to an element by keyboard, once it is there and can be worked.</summary>
    public static async Task ReachAsync(this View view, ILocator target)
    {
        await target.WaitForAsync();
        await Assertions.Expect(target).ToBeEnabledAsync();
        var element = await target.ElementHandleAsync();
        await view.Page.WaitForFunctionAsync(HasTakenFocus, element);
        for (var step = 0; step < MostSteps; step++)
        {
            var key = await element.EvaluateAsync<string?>(NextKey);
            if (key == "")
            {
                return;
            }

            if (key is null)
            {
                // The page has put another in its place meanwhile.
                element = await target.ElementHandleAsync();
                continue;
            }

            await view.PressAsync(key);
        }

        Assert.Fail($"No key leads to {target}; they end at {await view.FocusedAsync()}.");
    }

    /// <summary>
    /// Whether what an element is in has taken the focus: it does when it opens, a moment after it is seen. A key before that
    /// goes to what is behind it, and closes a menu. From a place that is gone the Tab key leads into a dialog by itself.
    /// </summary>
    private const string HasTakenFocus = """
        wanted => {
            const box = wanted.closest('[role=menu], [role=dialog], [role=alertdialog]');
            const now = document.activeElement;
            return !box || !wanted.isConnected || box.contains(now) || (now === document.body && !box.matches('[role=menu]'));
        }
        """;

    /// <summary>
    /// The key that leads nearer to an element: none when it is there, an arrow where arrows walk; null when the page has
    /// taken the element away.
    /// </summary>
    private const string NextKey = """
        wanted => {
            if (!wanted.isConnected) return null;
            const now = document.activeElement;
            if (now === wanted) return '';
            const inMenu = wanted.closest('[role=menu], [role=listbox]');
            if (inMenu) return inMenu.contains(now) || now === inMenu ? 'ArrowDown' : 'Tab';
            const tabs = wanted.matches('[role=tab]') && wanted.closest('[role=tablist]');
            if (tabs && tabs.contains(now)) return 'ArrowRight';
            if (wanted.matches('input[type=radio]') && now?.matches('input[type=radio]') && now.name === wanted.name) return 'ArrowDown';
            return 'Tab';
        }
        """;
}
