import { useEffect, useRef, type RefObject } from 'react';

/** Messages are this wide with their margins; see `.toasts`. */
const messagesPx = 412;
const feet: HTMLElement[] = [];

/** Messages stay off the buttons of the topmost dialog: they stand above its foot where they would cover it. */
function makeRoom() {
  const foot = feet.at(-1);
  const dialog = foot?.closest<HTMLElement>('.dialog');
  const { innerWidth, innerHeight } = window;
  // By its layout: while it comes in, it is painted somewhere else.
  const isBelow = dialog && dialog.offsetLeft + dialog.offsetWidth > innerWidth - messagesPx;
  const room = foot && isBelow ? innerHeight - dialog.offsetTop - foot.offsetTop : 0;
  document.documentElement.style.setProperty('--foot-room', `${Math.max(0, room)}px`);
}

/** For the foot of a dialog. */
export function useFootRoom(): RefObject<HTMLElement> {
  const ref = useRef<HTMLElement>(null);
  useEffect(() => {
    const foot = ref.current;
    const dialog = foot?.closest('.dialog');
    if (!foot || !dialog) return;
    feet.push(foot);
    const watch = new ResizeObserver(makeRoom);
    watch.observe(foot);
    watch.observe(dialog);
    window.addEventListener('resize', makeRoom);
    return () => {
      watch.disconnect();
      window.removeEventListener('resize', makeRoom);
      feet.splice(feet.indexOf(foot), 1);
      makeRoom();
    };
  }, []);
  return ref;
}
