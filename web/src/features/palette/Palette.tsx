import type { LucideIcon } from 'lucide-react';
import { lazy, Suspense, useEffect, useState } from 'react';
import { useNavigate } from 'react-router';
import { useTranslation, type MessageKey } from '../../shared/i18n/i18n';
import { Dialog } from '../../shared/ui/Dialog';
import { shortcuts } from './shortcuts';

export interface PaletteDestination {
  to: string;
  text: MessageKey;
  icon: LucideIcon;
  permission: string | readonly string[];
}

const loadBox = () => import('./PaletteBox');

/** Fetched when nothing else is to be done, so that what is typed right after Ctrl K is not lost. */
const PaletteBox = lazy(() => loadBox().then((module) => ({ default: module.PaletteBox })));
const idleAfterMs = 2_000;

/** Things and verbs in one box (Ctrl or Cmd and K): typed words find pages, actions and coupons; a pasted code its story. */
export function Palette({ destinations }: { destinations: PaletteDestination[] }) {
  const [isOpen, setOpen] = useState(false);
  const [isHelpOpen, setHelpOpen] = useState(false);
  const navigate = useNavigate();
  useEffect(() => {
    const timer = setTimeout(() => void loadBox(), idleAfterMs);
    return () => clearTimeout(timer);
  }, []);
  useEffect(() => {
    const find = () => setOpen(true);
    let first = '';
    const press = (event: KeyboardEvent) => {
      if ((event.metaKey || event.ctrlKey) && event.key.toLowerCase() === 'k') {
        event.preventDefault();
        setOpen((open) => !open);
        return;
      }

      // Plain keys belong to whoever is typing, and to an open dialog.
      const target = event.target as HTMLElement;
      if (event.metaKey || event.ctrlKey || event.altKey || target.closest('input, textarea, select, [role="dialog"], [role="alertdialog"], [role="menu"]')) return;
      if (event.key === '?') setHelpOpen(true);
      else if (event.key === '/') {
        const box = document.querySelector<HTMLInputElement>('main input[type="search"]');
        event.preventDefault();
        if (box) box.focus();
        else setOpen(true);
      } else {
        const to = shortcuts.find(({ keys }) => keys.join('') === first + event.key || keys.join('') === event.key)?.to;
        first = event.key === 'g' ? 'g' : '';
        if (to) void navigate(to);
      }
    };
    window.addEventListener('tessera:find', find);
    window.addEventListener('keydown', press);
    return () => {
      window.removeEventListener('tessera:find', find);
      window.removeEventListener('keydown', press);
    };
  }, [navigate]);
  return (
    <>
      {isOpen && (
        <Suspense>
          <PaletteBox destinations={destinations} onClose={() => setOpen(false)} onHelp={() => setHelpOpen(true)} />
        </Suspense>
      )}
      {isHelpOpen && <ShortcutSheet onClose={() => setHelpOpen(false)} />}
    </>
  );
}

/** All keys on one sheet (the ? key). */
function ShortcutSheet({ onClose }: { onClose: () => void }) {
  const { t } = useTranslation();
  const rows: { keys: readonly string[]; text: MessageKey }[] = [
    { keys: ['Ctrl', 'K'], text: 'shortcut.palette' },
    { keys: ['?'], text: 'shortcut.sheet' },
    { keys: ['/'], text: 'shortcut.search' },
    ...shortcuts.map(({ keys, text }) => ({ keys, text })),
    { keys: ['↑', '↓'], text: 'shortcut.rows' },
    { keys: ['Enter'], text: 'shortcut.open' },
    { keys: ['Space'], text: 'shortcut.select' },
    { keys: ['Esc'], text: 'shortcut.close' },
  ];
  return (
    <Dialog title={t('account.shortcuts')} onClose={onClose}>
      <dl className="facts">
        {rows.map(({ keys, text }) => (
          <div className="facts__pair" key={text}>
            <dt>
              {keys.map((key) => (
                <kbd className="kbd" key={key}>
                  {key}
                </kbd>
              ))}
            </dt>
            <dd>{t(text)}</dd>
          </div>
        ))}
      </dl>
    </Dialog>
  );
}
