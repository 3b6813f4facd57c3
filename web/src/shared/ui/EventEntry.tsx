import { Link } from 'react-router';
import { useTranslation, type MessageKey, type Translation } from '../i18n/i18n';
import { formatCount, formatInstant, formatMinor } from '../lib/format';
import { Actor } from './Actor';
import { Customer } from './Customer';
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

/** Members that hold closed words of the service; what people have written or named stays as it is. */
const worded = new Set(
  (
    'acknowledgement action applicable_to booking_status breaker budget_on_overflow campaign_role cause code_kind data_kind detected_by discount_type distribution ' +
    'encoding ending finding forced from kind marketing_channel method mode operation outcome purpose purposes realm result set source stacking state status subject to way'
  ).split(' '),
);

/** Numbers that name something, and do not count. */
const numbered = /(^|_)(ids?|seq|sequence|version|year|port|status)$/;

const instant = /^\d{4}-\d\d-\d\dT\d\d:\d\d/;

/** The value of a member in the words of the reader. */
function wordsOf(member: string, value: unknown, { t, locale }: Pick<Translation, 't' | 'locale'>): string {
  if (value === null || value === undefined) return '–';
  if (typeof value === 'boolean') return t(value ? 'value.yes' : 'value.no');
  if (Array.isArray(value) && value.every((one) => typeof one !== 'object')) return value.map((one) => wordsOf(member, one, { t, locale })).join(', ');
  if (typeof value === 'object') return JSON.stringify(value);
  if (typeof value === 'number' && Number.isInteger(value) && !numbered.test(member)) return formatCount(value, locale);
  const text = String(value);
  if (text === 'infinity') return t('time.unlimited');
  if (instant.test(text)) return formatInstant(text, locale);
  if (!worded.has(member)) return text;
  for (const key of [`said.${text}`, `notificationCause.${text}`]) {
    const said = t(key as MessageKey);
    if (said !== key) return said;
  }

  return text;
}

/** What a member of an entry is called; its own name where there is no word for it. */
function nameOf(member: string, t: Translation['t']): string {
  const key = `member.${member}`;
  const text = t(key as MessageKey);
  return text === key ? member : text;
}

const currency = /^[A-Z]{3}$/;

/** Amounts of money as such: the service has them in smallest units, and the currency beside them. */
function withMoney(data: Record<string, unknown>, locale: Translation['locale']): Record<string, unknown> {
  const { unit, ...others } = data;
  if (typeof unit !== 'string' || !currency.test(unit)) return data;
  const read = (object: Record<string, unknown>): Record<string, unknown> =>
    Object.fromEntries(
      Object.entries(object).map(([name, value]) => {
        if ((name === 'amount' || name === 'balance') && typeof value === 'number') return [name, formatMinor({ amount: value, currency: unit }, locale)];
        const inner = name === 'before' || name === 'after' ? objectOf(value) : undefined;
        return [name, inner ? read(inner) : value];
      }),
    );
  return read(others);
}

/** What was and what is, where it says so, and all else that it names. */
export function Data(props: { data: Record<string, unknown> }) {
  const { locale } = useTranslation();
  const data = withMoney(props.data, locale);
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
  const translation = useTranslation();
  const { t } = translation;
  // What is said only of before, such as a version, was not changed by it.
  const names = Object.keys(after).filter((name) => JSON.stringify(before[name]) !== JSON.stringify(after[name]));
  return (
    <dl className="facts">
      {names.map((name) => (
        <div className="facts__pair" key={name}>
          <dt title={name}>{nameOf(name, t)}</dt>
          <dd>
            <del className="muted">{wordsOf(name, before[name], translation)}</del> → {wordsOf(name, after[name], translation)}
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

/** What leads on comes first, then what something was before it became what it is. */
const rank = (member: string) => (member in places ? 0 : member === 'from' ? 1 : member === 'to' ? 2 : 3);

function Facts({ data }: { data: Record<string, unknown> }) {
  const translation = useTranslation();
  const { t } = translation;
  const facts = Object.entries(data).sort(([one], [other]) => rank(one) - rank(other));
  if (facts.length === 0) return null;
  const list = (some: [string, unknown][]) => (
    <dl className="facts">
      {some.map(([name, value]) => {
        const place = places[name];
        return (
          <div className="facts__pair" key={name}>
            <dt title={name}>{nameOf(name, t)}</dt>
            <dd>{place && (typeof value === 'string' || typeof value === 'number') ? <Link to={place(String(value))}>{name === 'customer_id' ? <Customer id={String(value)} /> : value}</Link> : wordsOf(name, value, translation)}</dd>
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
