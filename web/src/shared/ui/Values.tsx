import { useTranslation } from '../i18n/i18n';
import { formatAgo, formatAmount, formatDay, formatInstant, formatMinor } from '../lib/format';

export function Amount(props: { value: number | undefined; currency: string }) {
  const { locale } = useTranslation();
  return <span className="num">{formatAmount(props.value, props.currency, locale)}</span>;
}

/** Minor units, as redemptions have them. */
export function Minor(props: { money: { amount: number; currency: string } | undefined }) {
  const { locale } = useTranslation();
  return <span className="num">{formatMinor(props.money, locale)}</span>;
}

/** A day; the exact instant on hover. */
export function Day(props: { at: string | null | undefined; otherwise?: string }) {
  const { locale } = useTranslation();
  return props.at ? (
    <time className="num" dateTime={props.at} title={formatInstant(props.at, locale)}>
      {formatDay(props.at, locale)}
    </time>
  ) : (
    <span className="muted">{props.otherwise ?? '–'}</span>
  );
}

export function Instant(props: { at: string | null | undefined }) {
  const { locale } = useTranslation();
  return props.at ? (
    <time className="num" dateTime={props.at}>
      {formatInstant(props.at, locale)}
    </time>
  ) : (
    <span className="muted">–</span>
  );
}

export function Ago(props: { at: string }) {
  const { locale } = useTranslation();
  return (
    <time className="num" dateTime={props.at} title={formatInstant(props.at, locale)}>
      {formatAgo(props.at, locale)}
    </time>
  );
}
