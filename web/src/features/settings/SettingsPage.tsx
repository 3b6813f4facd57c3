import { useEffect, useRef, type ReactNode } from 'react';
import { NavLink, Navigate, useParams } from 'react-router';
import { useCan } from '../../shared/api/store';
import { useTranslation, type MessageKey } from '../../shared/i18n/i18n';
import { Account } from './Account';
import { ApiKeys } from './ApiKeys';
import { Connectors } from './Connectors';
import { People } from './People';
import { Regions } from './Regions';
import { Retention } from './Retention';
import { Roles } from './Roles';
import { Webhooks } from './Webhooks';

const tabs = [
  { name: 'keys', text: 'settings.keys', permission: 'keys.manage', Tab: ApiKeys },
  { name: 'people', text: 'settings.people', permission: 'people.read', Tab: People },
  { name: 'roles', text: 'settings.roles', permission: 'people.read', Tab: Roles },
  { name: 'webhooks', text: 'settings.webhooks', permission: 'webhooks.read', Tab: Webhooks },
  { name: 'connectors', text: 'settings.connectors', permission: 'connectors.read', Tab: Connectors },
  { name: 'regions', text: 'settings.regions', permission: 'directory.read', Tab: Regions },
  { name: 'retention', text: 'settings.retention', permission: 'retention.manage', Tab: Retention },
  { name: 'account', text: 'account.security', permission: undefined, Tab: Account },
] as const satisfies readonly { name: string; text: MessageKey; permission: string | undefined; Tab: () => ReactNode }[];

/** Who and what may come in, and where news go. */
export function SettingsPage() {
  const { t } = useTranslation();
  const can = useCan();
  const { tab } = useParams();
  const open = tabs.filter(({ permission }) => can(permission));
  const shown = open.find(({ name }) => name === tab);
  const first = open[0];
  const bar = useRef<HTMLElement>(null);
  // On a phone the tabs are wider than the window: the open one is to be seen.
  useEffect(() => {
    // It may answer with a promise, which is nothing to clean up by.
    void bar.current?.querySelector('[aria-current=page]')?.scrollIntoView({ block: 'nearest', inline: 'center' });
  }, [tab]);
  if (!shown) return first ? <Navigate to={`/settings/${first.name}`} replace /> : null;
  const { Tab } = shown;
  return (
    <div className="page">
      <header className="page__head">
        <h1>{t('nav.settings')}</h1>
      </header>
      <nav className="tabs" ref={bar} aria-label={t('nav.settings')}>
        {open.map(({ name, text }) => (
          <NavLink className="tab" key={name} to={`/settings/${name}`}>
            {t(text)}
          </NavLink>
        ))}
      </nav>
      <Tab />
    </div>
  );
}
