import * as Ariakit from '@ariakit/react';
import { ArrowRight, CalendarDays, ChartNoAxesColumn, Contrast, Keyboard, LayoutDashboard, Plus, TicketPercent, Upload, Zap, type LucideIcon } from 'lucide-react';
import { useDeferredValue, useMemo, useState, type ReactNode } from 'react';
import { useNavigate } from 'react-router';
import { client } from '../../shared/api/client.generated';
import { useAppDispatch, useAppSelector, useCan } from '../../shared/api/store';
import { useTranslation, type MessageKey } from '../../shared/i18n/i18n';
import type { PageAction } from '../../shared/lib/pageActions';
import { searched, themeChosen, type Theme } from '../../shared/lib/prefs';
import { Dialog } from '../../shared/ui/Dialog';
import type { PaletteDestination } from './Palette';
import { shortcuts } from './shortcuts';

interface Verb {
  id: string;
  text: string;
  icon: LucideIcon;
  keys?: string;
  run: () => unknown;
}

const themes: Theme[] = ['light', 'dark', 'contrast', 'system'];
const mostFound = 8;
/** Pages that are no entry of the menu. */
const corners: [string, MessageKey, LucideIcon][] = [
  ['/coupons/dashboard', 'coupons.tab.dashboard', LayoutDashboard],
  ['/coupons/analytics', 'coupons.tab.analytics', ChartNoAxesColumn],
  ['/campaigns/calendar', 'campaigns.tab.calendar', CalendarDays],
];

/** The box itself: what is typed narrows verbs and finds coupons. */
export function PaletteBox({ destinations, actions, onClose, onHelp }: { destinations: PaletteDestination[]; actions: PageAction[]; onClose: () => void; onHelp: () => void }) {
  const { t, word } = useTranslation();
  const dispatch = useAppDispatch();
  const navigate = useNavigate();
  const can = useCan();
  const theme = useAppSelector((state) => state.prefs.theme);
  const recent = useAppSelector((state) => state.prefs.recentSearches);
  const [text, setText] = useState('');
  const wanted = useDeferredValue(text.trim());
  const found = client.endpoints.listCoupons.useQuery({ search: wanted, limit: mostFound }, { skip: wanted.length < 2 || !can('coupons.read') });
  // A whole code may be one of the unique ones, which no list of coupons shows.
  const isCode = /^[A-Za-z0-9_-]{6,64}$/.test(wanted);
  const state = client.endpoints.getCodeState.useQuery({ code: wanted }, { skip: !isCode || !can('redemptions.validate') });
  const go = (to: string) => {
    if (wanted.length > 2) dispatch(searched(wanted));
    onClose();
    void navigate(to);
  };
  const verbs = useMemo<Verb[]>(() => {
    const list: Verb[] = destinations
      .filter(({ permission }) => can(permission))
      .map(({ to, text: name, icon }) => ({ id: to, text: t('palette.goTo', { page: t(name) }), icon, ...keysOf(to), run: () => go(to) }));
    if (can('coupons.read')) {
      for (const [to, name, icon] of corners) list.push({ id: to, text: t('palette.goTo', { page: t(name) }), icon, ...keysOf(to), run: () => go(to) });
    }
    // What the page offers by the same key is that.
    const isOffered = (keys: string) => actions.some((action) => action.keys === keys);
    if (can('coupons.write') && !isOffered('c')) list.unshift({ id: 'create', text: t('coupons.create'), icon: Plus, keys: 'c', run: () => go('/coupons/new') });
    if (can('coupons.bulk')) list.push({ id: 'import', text: t('import.title'), icon: Upload, ...keysOf('/coupons/bulk'), run: () => go('/coupons/bulk') });
    const next = themes[(themes.indexOf(theme) + 1) % themes.length] ?? 'light';
    list.push({ id: 'theme', text: t('palette.theme', { theme: t(`theme.${next}`) }), icon: Contrast, run: () => dispatch(themeChosen(next)) });
    list.push({ id: 'help', text: t('account.shortcuts'), icon: Keyboard, keys: '?', run: () => (onClose(), onHelp()) });
    const here = actions.map(({ keys, text: name, run }) => ({
      id: `here-${keys}`,
      text: name,
      icon: Zap,
      keys,
      // The box goes first, and gives the focus back within a frame: what is done may open something that takes it.
      run: () => (onClose(), requestAnimationFrame(() => setTimeout(run))),
    }));
    return [...here, ...list];
    // `go` and the callbacks only close over what is listed.
    // eslint-disable-next-line react-hooks/exhaustive-deps
  }, [destinations, actions, t, theme, can, wanted]);
  const words = wanted.toLowerCase();
  const shown = verbs.filter((verb) => verb.text.toLowerCase().includes(words));
  // What was found comes at once and after what was there before: nothing moves under a finger that is on its way to Enter.
  const isLooking = isCode && state.isFetching;
  const coupons = wanted.length < 2 || isLooking ? [] : (found.data?.data ?? []);
  // Of a shared code the coupon itself is in the list.
  const unit = isCode && !isLooking && state.data?.coupon_id && !coupons.some(({ code }) => code === state.data?.code) ? state.data : undefined;
  return (
    <Dialog title={t('palette.title')} onClose={onClose}>
      <Ariakit.ComboboxProvider open setValue={setText} includesBaseElement={false} focusLoop defaultActiveId={undefined}>
        <Ariakit.Combobox className="input palette__input" data-autofocus autoSelect placeholder={t('palette.placeholder')} aria-label={t('palette.placeholder')} />
        <Ariakit.ComboboxList alwaysVisible className="palette__list" aria-label={t('palette.title')}>
          {shown.map((verb) => (
            <Item key={verb.id} icon={verb.icon} onChoose={() => void verb.run()} aside={verb.keys && <kbd className="kbd">{verb.keys}</kbd>}>
              {verb.text}
            </Item>
          ))}
          {unit && (
            <Item icon={TicketPercent} onChoose={() => go(unit.instance_id ? `/coupons/${unit.coupon_id}/units/${unit.instance_id}` : `/coupons/${unit.coupon_id}`)} aside={word('instanceState', unit.state)}>
              <span className="code-chip">{unit.code}</span> <span className="muted">{t('palette.unitOf', { id: String(unit.coupon_id) })}</span>
            </Item>
          )}
          {coupons.map((coupon) => (
            <Item key={coupon.id} icon={TicketPercent} onChoose={() => go(`/coupons/${coupon.id}`)} aside={t(`status.${coupon.status}` as MessageKey)}>
              <span className="code-chip">{coupon.code}</span> <span className="muted">{coupon.internal_name}</span>
            </Item>
          ))}
          {wanted === '' &&
            recent.map((search) => (
              <Item key={search} icon={ArrowRight} onChoose={() => go(`/coupons?search=${encodeURIComponent(search)}`)} aside={t('palette.recent')}>
                {search}
              </Item>
            ))}
          {wanted.length >= 2 && (
            <Item icon={ArrowRight} onChoose={() => go(`/coupons?search=${encodeURIComponent(wanted)}`)}>
              {t('palette.searchAll', { text: wanted })}
            </Item>
          )}
        </Ariakit.ComboboxList>
      </Ariakit.ComboboxProvider>
    </Dialog>
  );
}

function Item(props: { icon: LucideIcon; onChoose: () => void; aside?: ReactNode; children: ReactNode }) {
  const { icon: Icon } = props;
  return (
    <Ariakit.ComboboxItem className="menu__item" setValueOnClick={false} hideOnClick={false} focusOnHover onClick={props.onChoose}>
      <Icon className="icon" aria-hidden />
      <span className="grow truncate">{props.children}</span>
      {props.aside && <span className="muted small">{props.aside}</span>}
    </Ariakit.ComboboxItem>
  );
}

function keysOf(to: string): { keys?: string } {
  const keys = shortcuts.find((shortcut) => shortcut.to === to)?.keys.join(' ');
  return keys ? { keys } : {};
}
