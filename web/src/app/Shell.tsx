import {
  BookOpen,
  CircleUserRound,
  ClipboardCheck,
  Hourglass,
  ListChecks,
  Lock,
  LogOut,
  Mail,
  Megaphone,
  Menu as MenuIcon,
  Radar,
  ReceiptText,
  ScrollText,
  Search,
  Settings,
  ShieldCheck,
  TicketPercent,
  Wallet,
  type LucideIcon,
} from 'lucide-react';
import { lazy, Suspense, useCallback, useEffect, useState } from 'react';
import { Link, Navigate, NavLink, Outlet, useLocation, useNavigate, useNavigation } from 'react-router';
import { DemoSwitch } from '../features/demo/DemoSwitch';
import { Palette } from '../features/palette/Palette';
import { client } from '../shared/api/client.generated';
import { signedOut } from '../shared/api/session';
import { useAppDispatch, useAppSelector, useCan } from '../shared/api/store';
import { locales, useTranslation, type MessageKey, withTexts } from '../shared/i18n/i18n';
import { useLiveCoupons } from '../shared/live/useLiveCoupons';
import { keepTyped } from '../shared/lib/typeAhead';
import { localeChosen, themeChosen, type Theme } from '../shared/lib/prefs';
import { Button } from '../shared/ui/Button';
import { Dialog } from '../shared/ui/Dialog';
import { Menu, MenuChoice, MenuItem, MenuRule } from '../shared/ui/Menu';
import { EmptyState } from '../shared/ui/States';

const EmergencyBanner = lazy(() => withTexts(import('../features/approvals/EmergencyBanner')));
const SignIn = lazy(() => withTexts(import('../features/session/SignIn')).then((module) => ({ default: module.SignIn })));

interface Destination {
  to: string;
  text: MessageKey;
  icon: LucideIcon;
  permission: string | readonly string[];
}

/** What the menu offers; each entry is shown to those who may (convention 49 decides on the server). */
const destinations: { group: MessageKey; entries: Destination[] }[] = [
  {
    group: 'nav.work',
    entries: [
      { to: '/coupons', text: 'nav.coupons', icon: TicketPercent, permission: 'coupons.read' },
      { to: '/campaigns', text: 'nav.campaigns', icon: Megaphone, permission: 'campaigns.read' },
      { to: '/redemptions', text: 'nav.redemptions', icon: ReceiptText, permission: 'redemptions.read' },
      { to: '/balances', text: 'nav.balances', icon: Wallet, permission: 'balances.read' },
    ],
  },
  {
    group: 'nav.watch',
    entries: [
      { to: '/monitoring', text: 'nav.monitoring', icon: Radar, permission: 'coupons.read' },
      { to: '/operations', text: 'nav.operations', icon: ListChecks, permission: 'operations.run' },
      { to: '/approvals', text: 'nav.approvals', icon: ClipboardCheck, permission: 'approvals.read' },
      { to: '/expiry', text: 'nav.expiry', icon: Hourglass, permission: 'expiry.read' },
      { to: '/notifications', text: 'nav.notifications', icon: Mail, permission: 'notifications.read' },
      { to: '/audit', text: 'nav.audit', icon: ScrollText, permission: 'audit.read' },
    ],
  },
  {
    group: 'nav.manage',
    entries: [{ to: '/settings', text: 'nav.settings', icon: Settings, permission: ['keys.manage', 'people.read', 'webhooks.read', 'connectors.read', 'regions.manage', 'retention.manage'] }],
  },
];

const allDestinations = destinations.flatMap(({ entries }) => entries);

/** Menu beside every page; a bar with a drawer below 1024 px (A.15). */
export function Shell() {
  const { t } = useTranslation();
  const can = useCan();
  const [menuOpen, setMenuOpen] = useState(false);
  const hasEnded = useAppSelector((state) => state.session.ended);
  const { pathname } = useLocation();
  const needsFactor = useAppSelector((state) => state.session.session?.second_factor === 'missing');
  const navigate = useNavigate();
  useLiveCoupons(useCallback((coupon) => void navigate(`/coupons/${coupon}`), [navigate]));
  useEffect(() => setMenuOpen(false), [pathname]);
  const isFormComing = /\/(new|edit)$/.test(useNavigation().location?.pathname ?? '');
  useEffect(() => (isFormComing ? keepTyped() : undefined), [isFormComing]);
  return (
    <>
      <a className="skip-link" href="#content">
        {t('app.skip')}
      </a>
      <div className="shell">
        <header className="sidebar">
          <Brand />
          <Navigation />
          <DemoSwitch />
          <div className="sidebar__foot">
            <AccountMenu />
          </div>
        </header>
        <header className="topbar">
          <Button look="quiet" icon={MenuIcon} label={t('app.menu')} onClick={() => setMenuOpen(true)} />
          <Brand />
          <span className="grow" />
          <FindButton iconOnly />
          <AccountMenu iconOnly />
        </header>
        <main id="content" tabIndex={-1}>
          {can('approvals.read') && (
            <Suspense>
              <EmergencyBanner />
            </Suspense>
          )}
          {needsFactor && pathname !== '/settings/account' ? <Navigate to="/settings/account" replace /> : <Allowed />}
        </main>
      </div>
      <Palette destinations={allDestinations} />
      {menuOpen && (
        <Dialog title={t('app.menu')} onClose={() => setMenuOpen(false)}>
          <div className="sidebar">
            <Navigation />
            <DemoSwitch />
          </div>
        </Dialog>
      )}
      {hasEnded && (
        <Dialog title="Tessera" onClose={() => undefined}>
          <Suspense>
            <SignIn again />
          </Suspense>
        </Dialog>
      )}
    </>
  );
}

/** Where somebody begins: the first page that this person may see. */
export function Home() {
  const can = useCan();
  return <Navigate to={allDestinations.find(({ permission }) => can(permission))?.to ?? '/settings/account'} replace />;
}

/** The page, for those who may see it (ACC-02); others are told so. Of the settings each tab asks for itself. */
function Allowed() {
  const { t } = useTranslation();
  const can = useCan();
  const { pathname } = useLocation();
  const wanted = allDestinations.find(({ to }) => pathname === to || pathname.startsWith(`${to}/`));
  if (!wanted || wanted.to === '/settings' || can(wanted.permission)) return <Outlet />;
  return (
    <div className="page">
      <EmptyState isPage icon={Lock} title={t('error.forbidden')} action={<Link to="/">{t('app.home')}</Link>} />
    </div>
  );
}

function Brand() {
  return (
    <Link className="brand" to="/">
      <img src="/app/icon.svg" alt="" />
      Tessera
    </Link>
  );
}

/** Opens the command palette, which listens to this event. */
function FindButton({ iconOnly = false }: { iconOnly?: boolean }) {
  const { t } = useTranslation();
  const open = () => window.dispatchEvent(new Event('tessera:find'));
  if (iconOnly) return <Button look="quiet" icon={Search} label={t('app.find')} onClick={open} />;
  return (
    <button type="button" className="find-button" onClick={open}>
      <Search className="icon" aria-hidden />
      <span className="grow">{t('app.find')}</span>
      <kbd className="kbd" aria-hidden>
        Ctrl K
      </kbd>
    </button>
  );
}

function Navigation() {
  const { t } = useTranslation();
  const can = useCan();
  return (
    <>
      <FindButton />
      <nav aria-label={t('app.navigation')}>
        {destinations.map(({ group, entries }) => {
          const shown = entries.filter(({ permission }) => can(permission));
          return (
            shown.length > 0 && (
              <div className="nav" key={group}>
                <div className="nav__group">{t(group)}</div>
                {shown.map(({ to, text, icon: Icon }) => (
                  <NavLink key={to} to={to} className="nav__link">
                    <Icon className="icon" aria-hidden />
                    {t(text)}
                  </NavLink>
                ))}
              </div>
            )
          );
        })}
      </nav>
    </>
  );
}

function AccountMenu({ iconOnly = false }: { iconOnly?: boolean }) {
  const { t } = useTranslation();
  const dispatch = useAppDispatch();
  const session = useAppSelector((state) => state.session.session);
  const { theme, locale } = useAppSelector((state) => state.prefs);
  const navigate = useNavigate();
  const [signOut] = client.endpoints.signOut.useMutation();
  const leave = async () => {
    await signOut();
    dispatch(signedOut());
    dispatch(client.util.resetApiState());
  };
  return (
    <Menu
      label={t('account.menu')}
      icon={CircleUserRound}
      look="quiet"
      {...(iconOnly ? {} : { text: <span className="truncate">{session?.name ?? t('account.menu')}</span> })}
    >
      <MenuChoice<Theme>
        name="theme"
        label={t('account.theme')}
        value={theme}
        options={(['system', 'light', 'dark', 'contrast'] as const).map((value) => ({ value, label: t(`theme.${value}`) }))}
        onChoose={(value) => dispatch(themeChosen(value))}
      />
      <MenuRule />
      <MenuChoice
        name="locale"
        label={t('account.language')}
        value={locale}
        options={locales.map((value) => ({ value, label: t(`locale.${value}`) }))}
        onChoose={(value) => dispatch(localeChosen(value))}
      />
      <MenuRule />
      <MenuItem icon={BookOpen} onClick={() => window.open('/docs', '_blank', 'noopener')}>
        {t('nav.reference')}
      </MenuItem>
      <MenuItem icon={ShieldCheck} onClick={() => void navigate('/settings/account')}>
        {t('account.security')}
      </MenuItem>
      <MenuItem icon={LogOut} onClick={() => void leave()}>
        {t('account.signOut')}
      </MenuItem>
    </Menu>
  );
}
