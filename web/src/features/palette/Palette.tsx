import type { LucideIcon } from 'lucide-react';
import { useEffect, useState } from 'react';
import { useNavigate } from 'react-router';
import { useTranslation, type MessageKey } from '../../shared/i18n/i18n';
import { pageActions, pressAction, pressPrimary, type PageAction } from '../../shared/lib/pageActions';
import { Dialog } from '../../shared/ui/Dialog';
import { PaletteBox } from './PaletteBox';
import { shortcuts } from './shortcuts';

export interface PaletteDestination {
  to: string;
  text: MessageKey;
  icon: LucideIcon;
  permission: string | readonly string[];
}

/** Things and verbs in one box (Ctrl or Cmd and K): typed words find pages, actions and coupons; a pasted code its story. */
export function Palette({ destinations }: { destinations: PaletteDestination[] }) {
  // What can be done where one was when it opened; the box itself stands above that.
  const [actions, setActions] = useState<PageAction[]>();
  const [helped, setHelped] = useState<PageAction[]>();
  const navigate = useNavigate();
  useEffect(() => {
    const find = () => setActions(pageActions());
    let first = '';
    const press = (event: KeyboardEvent) => {
      if ((event.metaKey || event.ctrlKey) && event.key.toLowerCase() === 'k') {
        event.preventDefault();
        setActions((open) => (open ? undefined : pageActions()));
        return;
      }

      if ((event.metaKey || event.ctrlKey) && event.key === 'Enter' && pressPrimary()) return event.preventDefault();
      // Plain keys belong to whoever is typing or walking through a menu.
      const target = event.target as HTMLElement;
      const isTyping = target.closest('input, textarea, select, [role="menu"], [role="listbox"]') && !target.matches('input[type="checkbox"], input[type="radio"]');
      if (event.metaKey || event.ctrlKey || event.altKey || isTyping) return;
      const keys = first + event.key;
      first = event.key === 'g' && first === '' ? 'g' : '';
      if (event.key === '?') return setHelped((open) => open ?? pageActions());
      if (keys.length === 1 && pressAction(event.key)) return event.preventDefault();
      // An open dialog keeps the page behind it as it is.
      if (target.closest('[role="dialog"], [role="alertdialog"]')) return;
      if (event.key === '/') {
        const box = document.querySelector<HTMLInputElement>('main input[type="search"]');
        event.preventDefault();
        if (box) box.focus();
        else find();
        return;
      }

      const to = shortcuts.find((shortcut) => shortcut.keys.join('') === keys)?.to;
      if (to) void navigate(to);
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
      {actions && (
        <PaletteBox destinations={destinations} actions={actions} onClose={() => setActions(undefined)} onHelp={() => setHelped(actions)} />
      )}
      {helped && <ShortcutSheet actions={helped} onClose={() => setHelped(undefined)} />}
    </>
  );
}

/** All keys on one sheet (the ? key): those of where one is first. */
function ShortcutSheet({ actions, onClose }: { actions: PageAction[]; onClose: () => void }) {
  const { t } = useTranslation();
  const everywhere: Shown[] = [
    { keys: ['Ctrl', 'K'], text: t('shortcut.palette') },
    { keys: ['?'], text: t('shortcut.sheet') },
    { keys: ['/'], text: t('shortcut.search') },
    ...shortcuts.map(({ keys, text }) => ({ keys, text: t(text) })),
    { keys: ['U'], text: t('shortcut.undo') },
    { keys: ['Ctrl', 'Enter'], text: t('shortcut.send') },
    { keys: ['Esc'], text: t('shortcut.close') },
  ];
  const lists: Shown[] = [
    { keys: ['↑', '↓'], text: t('shortcut.rows') },
    { keys: ['PgUp', 'PgDn', 'Home', 'End'], text: t('shortcut.far') },
    { keys: ['Enter'], text: t('shortcut.open') },
    { keys: ['Space'], text: t('shortcut.select') },
    { keys: ['Shift', 'Enter'], text: t('shortcut.sort') },
  ];
  return (
    <Dialog look="wide" title={t('account.shortcuts')} onClose={onClose}>
      <div className="stack">
        {actions.length > 0 && <Keys title={t('shortcut.here')} rows={actions.map(({ keys, text }) => ({ keys: [keys], text }))} />}
        <Keys title={t('shortcut.everywhere')} rows={everywhere} />
        <Keys title={t('shortcut.lists')} rows={lists} />
      </div>
    </Dialog>
  );
}

interface Shown {
  keys: readonly string[];
  text: string;
}

function Keys({ title, rows }: { title: string; rows: Shown[] }) {
  return (
    <section className="stack stack--tight">
      <h3>{title}</h3>
      <dl className="keys">
        {rows.map(({ keys, text }) => (
          <div className="keys__pair" key={keys.join(' ') + text}>
            <dt>
              {keys.map((key) => (
                <kbd className="kbd" key={key}>
                  {key}
                </kbd>
              ))}
            </dt>
            <dd>{text}</dd>
          </div>
        ))}
      </dl>
    </section>
  );
}
