import { Link } from 'react-router';
import { useTranslation, type MessageKey, type Translation } from '../i18n/i18n';
import { Actor } from './Actor';
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
  /** In which roles, by which right and from where; null for jobs and tills, and when its time is over. */
  roles?: string[] | null;
  permission?: string | null;
  address?: string | null;
}

const pages: Record<string, string> = { coupon: '/coupons/', redemption: '/redemptions/', campaign: '/campaigns/', approval: '/approvals/' };

/** One entry of the log: what, of whom, by whom, when, and the data of it. */
export function EventEntry({ entry, withSubject = true }: { entry: LogEntry; withSubject?: boolean }) {
  const { t, word } = useTranslation();
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
          {t('audit.by')} <Actor id={entry.actor} />
          {entry.roles && entry.roles.length > 0 && ` (${entry.roles.join(', ')})`}
        </span>
        {entry.permission && <span title={t('audit.right')}>{entry.permission}</span>}
        {entry.address && <code title={t('audit.address')}>{entry.address}</code>}
        <span className="num">#{entry.seq}</span>
      </div>
      <Data data={(entry.data ?? {}) as Record<string, unknown>} />
      {entry.hash && (
        <details className="small muted">
          <summary>{t('audit.hash')}</summary>
          <code className="anywhere">{entry.hash}</code>
        </details>
      )}
    </li>
  );
}

const objectOf = (value: unknown) => (value && typeof value === 'object' && !Array.isArray(value) ? (value as Record<string, unknown>) : undefined);

const wordsOf = (value: unknown) => (value === null || value === undefined ? '–' : Array.isArray(value) && value.every((one) => typeof one !== 'object') ? value.join(', ') : typeof value === 'object' ? JSON.stringify(value) : String(value));

/** What a member of an entry is called; its own name where there is no word for it. */
function nameOf(member: string, t: Translation['t']): string {
  const key = `member.${member}`;
  const text = t(key as MessageKey);
  return text === key ? member : text;
}

/** What was and what is, where it says so, and all else that it names. */
export function Data({ data }: { data: Record<string, unknown> }) {
  const { before, after, ...others } = data;
  const [was, is] = [objectOf(before), objectOf(after)];
  if (!was || !is) return <Facts data={data} />;
  return (
    <>
      <Changes before={was} after={is} />
      <Facts data={others} />
    </>
  );
}

/** What was, and what is since. */
function Changes({ before, after }: { before: Record<string, unknown>; after: Record<string, unknown> }) {
  const { t } = useTranslation();
  // What is said only of before, such as a version, was not changed by it.
  const names = Object.keys(after).filter((name) => JSON.stringify(before[name]) !== JSON.stringify(after[name]));
  return (
    <dl className="facts">
      {names.map((name) => (
        <div className="facts__pair" key={name}>
          <dt title={name}>{nameOf(name, t)}</dt>
          <dd>
            <del className="muted">{wordsOf(before[name])}</del> → {wordsOf(after[name])}
          </dd>
        </div>
      ))}
    </dl>
  );
}

const mostFacts = 6;

/** Where what an entry names is shown. */
const places: Record<string, (id: string) => string> = {
  redemption_id: (id) => `/redemptions/${id}`,
  coupon_id: (id) => `/coupons/${id}`,
  campaign_id: (id) => `/campaigns/${encodeURIComponent(id)}`,
  customer_id: (id) => `/redemptions?customer_id=${id}`,
  approval_id: (id) => `/approvals/${id}`,
};

function Facts({ data }: { data: Record<string, unknown> }) {
  const { t } = useTranslation();
  // What leads on comes first.
  const facts = Object.entries(data).sort(([one], [other]) => Number(other in places) - Number(one in places));
  if (facts.length === 0) return null;
  const list = (some: [string, unknown][]) => (
    <dl className="facts">
      {some.map(([name, value]) => {
        const place = places[name];
        return (
          <div className="facts__pair" key={name}>
            <dt title={name}>{nameOf(name, t)}</dt>
            <dd>{place && (typeof value === 'string' || typeof value === 'number') ? <Link to={place(String(value))}>{value}</Link> : wordsOf(value)}</dd>
          </div>
        );
      })}
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
