import { nanoid } from '@reduxjs/toolkit';
import { Plus, X } from 'lucide-react';
import { useRef, useState, type FormEvent } from 'react';
import { client, type Marker } from '../api/client.generated';
import { messageOf, problemOf } from '../api/problem';
import { useCan } from '../api/store';
import { useTranslation } from '../i18n/i18n';
import { formatDay } from '../lib/format';
import { Button } from './Button';
import { Field, FieldError } from './Field';
import { useToast } from './Toasts';

const markersApi = client.enhanceEndpoints({
  addTagTypes: ['Marker'],
  endpoints: {
    listMarkers: { providesTags: ['Marker'] },
    addMarker: { invalidatesTags: ['Marker'] },
    removeMarker: { invalidatesTags: ['Marker'] },
  },
});
const kinds = ['social_post', 'holiday', 'press', 'other'] as const;

/** Something that happened on a day. */
export type Happening = Pick<Marker, 'id' | 'day' | 'kind' | 'text'> & Partial<Pick<Marker, 'coupon_id' | 'campaign_id'>>;

/** What happened in a period, to everything or to one coupon. */
export function useMarkers(days: { from: string; to: string }, coupon?: number): Happening[] {
  return markersApi.endpoints.listMarkers.useQuery({ ...days, ...(coupon ? { couponId: coupon } : {}) }).data?.data ?? [];
}

/** Where on an axis of days, weeks or months a happening stands: at the last point that is not after it. */
export function marksOf(happenings: Happening[], points: { period: string }[]): { x: string; number: number }[] {
  return happenings.flatMap(({ day }, place) => {
    const x = points.findLast(({ period }) => period <= day)?.period;
    return x ? [{ x, number: place + 1 }] : [];
  });
}

/** The happenings of a chart by their numbers in it, and a form for another (MET-04). */
export function Markers({ happenings, coupon }: { happenings: Happening[]; coupon?: number }) {
  const { t, word, locale } = useTranslation();
  const can = useCan();
  const toast = useToast();
  const [remove] = markersApi.endpoints.removeMarker.useMutation();
  const [add] = markersApi.endpoints.addMarker.useMutation();
  const putBack = async ({ day, kind, text, ...of }: Happening) => {
    const answer = await add({ 'Idempotency-Key': `web-${nanoid()}`, markerWanted: { day, kind, text, coupon_id: of.coupon_id ?? null, campaign_id: of.campaign_id ?? null } });
    toast(answer.error ? 'failure' : 'success', answer.error ? messageOf(answer.error, t) : t('marker.added'));
  };
  const takeAway = async (happening: Happening) => {
    const answer = await remove({ id: happening.id ?? '' });
    if (answer.error) toast('failure', messageOf(answer.error, t));
    else toast('success', t('marker.removed'), { label: t('action.undo'), run: () => void putBack(happening) });
  };
  return (
    <section className="card" aria-label={t('marker.title')}>
      <div className="card__head">
        <h2>{t('marker.title')}</h2>
      </div>
      {happenings.length === 0 ? (
        <p className="card__body muted small">{t('marker.none')}</p>
      ) : (
        <ol className="feed">
          {happenings.map((happening, place) => {
            const { id, day, kind, text } = happening;
            return (
              <li key={id ?? `${day}${kind}${text}`}>
                <span className="marker-number num" aria-hidden>
                  {place + 1}
                </span>
                <span className="num muted">{formatDay(day, locale)}</span>
                <span className="badge">{word('markerKind', kind)}</span>
                <span className="anywhere">
                  <bdi>{text}</bdi>
                </span>
                <span className="grow" />
                {id && can('campaigns.write') && <Button look="quiet" size="small" icon={X} label={t('marker.remove', { text })} onClick={() => takeAway(happening)} />}
              </li>
            );
          })}
        </ol>
      )}
      {can('campaigns.write') && <MarkerForm coupon={coupon} />}
    </section>
  );
}

function MarkerForm({ coupon }: { coupon: number | undefined }) {
  const { t, word } = useTranslation();
  const toast = useToast();
  const key = useRef(`web-${nanoid()}`);
  const form = useRef<HTMLFormElement>(null);
  const [failure, setFailure] = useState<string>();
  const [add, { isLoading }] = markersApi.endpoints.addMarker.useMutation();
  const submit = async (event: FormEvent<HTMLFormElement>) => {
    event.preventDefault();
    const entered = new FormData(event.currentTarget);
    const text = String(entered.get('text')).trim();
    if (!text) return setFailure(t('marker.rule'));
    const answer = await add({
      'Idempotency-Key': key.current,
      markerWanted: { day: String(entered.get('day')), kind: String(entered.get('kind')), text, coupon_id: coupon ?? null, campaign_id: null },
    });
    if (!answer.error || problemOf(answer.error)) key.current = `web-${nanoid()}`;
    if (answer.error) return setFailure(messageOf(answer.error, t));
    setFailure(undefined);
    form.current?.reset();
    toast('success', t('marker.added'));
  };
  return (
    <form ref={form} className="card__body marker-form" onSubmit={submit} noValidate>
      <Field label={t('marker.day')}>
        <input className="input" type="date" name="day" defaultValue={new Date().toISOString().slice(0, 10)} />
      </Field>
      <Field label={t('marker.kind')}>
        <select className="input" name="kind">
          {kinds.map((kind) => (
            <option key={kind} value={kind}>
              {word('markerKind', kind)}
            </option>
          ))}
        </select>
      </Field>
      <Field label={t('marker.text')}>
        <input className="input" name="text" maxLength={120} autoComplete="off" />
      </Field>
      <Button type="submit" icon={Plus} busy={isLoading}>
        {t('marker.add')}
      </Button>
      {failure && <FieldError text={failure} />}
    </form>
  );
}
