import { ScrollText } from 'lucide-react';
import type { FormEvent } from 'react';
import { client } from '../../shared/api/client.generated';
import { usePages } from '../../shared/api/usePages';
import { useTranslation } from '../../shared/i18n/i18n';
import { useAddress } from '../../shared/lib/useAddress';
import { Button } from '../../shared/ui/Button';
import { EventEntry } from '../../shared/ui/EventEntry';
import { Field } from '../../shared/ui/Field';
import { LoadMore } from '../../shared/ui/Paged';
import { EmptyState, ErrorState, Skeletons } from '../../shared/ui/States';
import { ChainState } from './ChainState';

const names = ['text', 'subject', 'actor', 'type', 'from', 'to'] as const;
const inputs: Partial<Record<(typeof names)[number], object>> = { type: { list: 'event-types' }, from: { type: 'date' }, to: { type: 'date' } };
const pageSize = 50;

/** The sealed log (AUD-03): searched by who, what, of what kind, when and words; each entry with its place in the chain. */
export function AuditPage() {
  const { t, words } = useTranslation();
  const [params, setParams] = useAddress();
  const wanted = Object.fromEntries(names.flatMap((name) => (params.get(name) ? [[name, params.get(name) ?? '']] : [])));
  const pages = usePages(client.endpoints.searchAudit, { limit: pageSize, ...wanted });
  const submit = (event: FormEvent<HTMLFormElement>) => {
    event.preventDefault();
    const entered = [...new FormData(event.currentTarget)].map(([name, value]) => [name, String(value).trim()] as [string, string]);
    setParams(Object.fromEntries(entered.filter(([, value]) => value)), { asStep: true });
  };
  return (
    <div className="page">
      <header className="page__head">
        <div>
          <h1>{t('nav.audit')}</h1>
          <p>{t('audit.text')}</p>
        </div>
        <ChainState />
      </header>
      <form className="filters" role="search" key={params.toString()} onSubmit={submit} noValidate>
        {names.map((name) => (
          <div className="filters__field" key={name}>
            <Field label={t(`audit.by.${name}`)}>
              <input className="input" name={name} defaultValue={wanted[name] ?? ''} {...inputs[name]} />
            </Field>
          </div>
        ))}
        <datalist id="event-types">
          {words('event').map(([type, text]) => (
            <option key={type} value={type}>
              {text}
            </option>
          ))}
        </datalist>
        <div className="filters__buttons">
          <Button type="submit" look="primary">
            {t('redemptions.search')}
          </Button>
          {Object.keys(wanted).length > 0 && <Button onClick={() => setParams({}, { asStep: true })}>{t('action.clear')}</Button>}
        </div>
      </form>
      {pages.isLoading ? (
        <Skeletons lines={10} />
      ) : pages.error ? (
        <ErrorState error={pages.error} onRetry={pages.refetch} />
      ) : pages.rows.length === 0 && !pages.hasMore ? (
        <div className="card">
          <EmptyState icon={ScrollText} title={t('audit.empty')} text={t('audit.empty.text')} />
        </div>
      ) : (
        <ol className="card">
          {pages.rows.map((entry) => (
            <EventEntry key={entry.seq} entry={entry} />
          ))}
        </ol>
      )}
      <LoadMore pages={pages} />
    </div>
  );
}
