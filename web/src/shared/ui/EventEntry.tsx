import { Link } from 'react-router';
import { useTranslation } from '../i18n/i18n';
import { Instant } from './Values';

export interface LogEntry {
  seq: number;
  at: string;
  actor: string;
  type: string;
  subject: string;
  version: number;
  data: unknown;
  hash?: string;
}

const pages: Record<string, string> = { coupon: '/coupons/', redemption: '/redemptions/', campaign: '/campaigns/', approval: '/approvals/' };

/** One entry of the log: what, of whom, by whom, when, and the data of it. */
export function EventEntry({ entry, withSubject = true }: { entry: LogEntry; withSubject?: boolean }) {
  const { t, word } = useTranslation();
  const data = (entry.data ?? {}) as Record<string, unknown>;
  const before = data.before as Record<string, unknown> | undefined;
  const after = data.after as Record<string, unknown> | undefined;
  const [kind = '', id = ''] = entry.subject.split(/:(.*)/s);
  const page = pages[kind];
  return (
    <li className="event">
      <div className="row">
        <strong>{word('event', entry.type).replace('.', ' ')}</strong>
        {withSubject &&
          (page ? (
            <Link className="mono anywhere" to={page + encodeURIComponent(id)}>
              {entry.subject}
            </Link>
          ) : (
            <code className="anywhere">{entry.subject}</code>
          ))}
        <span className="grow" />
        <span className="muted small">
          <Instant at={entry.at} />
        </span>
      </div>
      <div className="row muted small">
        <span>
          {t('audit.by')} <code className="anywhere">{entry.actor}</code>
        </span>
        <span className="num">#{entry.seq}</span>
      </div>
      {before && after ? <Changes before={before} after={after} /> : <Facts data={data} />}
      {entry.hash && (
        <details className="small muted">
          <summary>{t('audit.hash')}</summary>
          <code className="anywhere">{entry.hash}</code>
        </details>
      )}
    </li>
  );
}

const wordsOf = (value: unknown) => (value === null || value === undefined ? '–' : Array.isArray(value) && value.every((one) => typeof one !== 'object') ? value.join(', ') : typeof value === 'object' ? JSON.stringify(value) : String(value));

/** What was, and what is since. */
function Changes({ before, after }: { before: Record<string, unknown>; after: Record<string, unknown> }) {
  const names = [...new Set([...Object.keys(before), ...Object.keys(after)])].filter((name) => JSON.stringify(before[name]) !== JSON.stringify(after[name]));
  return (
    <dl className="facts">
      {names.map((name) => (
        <div className="facts__pair" key={name}>
          <dt>{name}</dt>
          <dd>
            <del className="muted">{wordsOf(before[name])}</del> → {wordsOf(after[name])}
          </dd>
        </div>
      ))}
    </dl>
  );
}

const mostFacts = 6;

function Facts({ data }: { data: Record<string, unknown> }) {
  const { t } = useTranslation();
  const facts = Object.entries(data);
  if (facts.length === 0) return null;
  const list = (some: [string, unknown][]) => (
    <dl className="facts">
      {some.map(([name, value]) => (
        <div className="facts__pair" key={name}>
          <dt>{name}</dt>
          <dd>{wordsOf(value)}</dd>
        </div>
      ))}
    </dl>
  );
  return facts.length <= mostFacts ? (
    list(facts)
  ) : (
    <>
      {list(facts.slice(0, mostFacts))}
      <details className="small">
        <summary className="muted">{t('audit.allFields', { count: facts.length })}</summary>
        {list(facts.slice(mostFacts))}
      </details>
    </>
  );
}
