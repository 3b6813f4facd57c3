/** Something that can be done where one is, and the key for it. */
export interface PageAction {
  keys: string;
  text: string;
  run: () => void;
}

const dialogs = '[role="dialog"], [role="alertdialog"]';

/** Where keys act: in the dialog on top, or in the page if there is none. */
const scope = () => [...document.querySelectorAll(dialogs)].findLast((one) => one.checkVisibility()) ?? document.querySelector('main');

const found = (selector: string, within: Element | null = scope()) => [...(within?.querySelectorAll<HTMLElement>(selector) ?? [])].filter((one) => one.checkVisibility() && one.getAttribute('aria-disabled') !== 'true' && !one.matches(':disabled'));

/** What can be done where one is, by the keys that the buttons there announce. */
export function pageActions(): PageAction[] {
  return found('[aria-keyshortcuts]').map((one) => {
    const words = one.cloneNode(true) as HTMLElement;
    words.querySelectorAll('kbd').forEach((key) => key.remove());
    return { keys: one.getAttribute('aria-keyshortcuts') ?? '', text: one.getAttribute('aria-label') ?? words.textContent.trim(), run: () => one.click() };
  });
}

/** Does what a key stands for where one is; false if it stands for nothing there. */
export function pressAction(key: string): boolean {
  if (!/^[a-z]$/.test(key)) return false;
  const selector = `[aria-keyshortcuts="${key}"]`;
  // What a message offers, the latest first, can be done above any page and dialog.
  const action = found(selector)[0] ?? found(selector, document.querySelector('.toasts')).at(-1);
  action?.click();
  return action !== undefined;
}

/** Does what the dialog on top is for; false if there is none, or if it is not ready. */
export function pressPrimary(): boolean {
  const [button] = found('.dialog__foot .button--primary');
  button?.click();
  return button !== undefined;
}
