const fields = 'input:not([type="checkbox"], [type="radio"]), textarea, select';
const isField = (target: EventTarget | null) => target instanceof Element && target.matches(fields);

/** Who waits for a field to be there, longest; then what was typed is forgotten. */
const longestMs = 800;

/**
 * Keeps what is typed while a part with a field is on its way, and writes it there when that has the focus: otherwise the
 * first letters would be lost, or do what they stand for on the page behind. Answers how to say that the part is there.
 */
export function keepTyped(): () => void {
  let typed = '';
  const stop = () => {
    window.removeEventListener('keydown', keep, true);
    window.removeEventListener('focusin', give, true);
  };
  const keep = (event: KeyboardEvent) => {
    if (event.ctrlKey || event.metaKey || event.altKey || event.key.length !== 1 || isField(event.target)) return;
    event.preventDefault();
    event.stopImmediatePropagation();
    typed += event.key;
  };
  const give = () => {
    if (!isField(document.activeElement)) return;
    stop();
    // The one way that counts as typed by a person, for the page and for undoing it.
    if (typed) document.execCommand('insertText', false, typed);
  };
  window.addEventListener('keydown', keep, true);
  window.addEventListener('focusin', give, true);
  return () => {
    give();
    if (typed) setTimeout(stop, longestMs);
    else stop();
  };
}
