import { nanoid } from '@reduxjs/toolkit';
import { useRef, useState } from 'react';
import { messageOf, problemOf } from '../../shared/api/problem';
import { useTranslation } from '../../shared/i18n/i18n';
import { formatCount } from '../../shared/lib/format';
import { Button } from '../../shared/ui/Button';
import { Field } from '../../shared/ui/Field';
import { useToast } from '../../shared/ui/Toasts';
import { campaignsApi } from './campaignsApi';

/** Puts everybody who is in a segment now into the audience of a campaign: only they may use its private coupons (RUL-09, CPN-03). */
export function Audience({ id }: { id: string }) {
  const { t, locale } = useTranslation();
  const toast = useToast();
  const key = useRef(`web-${nanoid()}`);
  const [segment, setSegment] = useState('');
  const [failure, setFailure] = useState<string>();
  const { data } = campaignsApi.endpoints.listSegments.useQuery({ limit: 100 });
  const chosen = campaignsApi.endpoints.getSegment.useQuery({ id: segment }, { skip: !segment, refetchOnMountOrArgChange: true });
  const [add, { isLoading }] = campaignsApi.endpoints.addSegmentToAudience.useMutation();
  const size = segment && chosen.currentData?.size;
  const run = async () => {
    const answer = await add({ id: segment, 'Idempotency-Key': key.current, segmentAudience: { campaign_id: id } });
    if (!answer.error || problemOf(answer.error)) key.current = `web-${nanoid()}`;
    if (answer.error) return setFailure(messageOf(answer.error, t));
    setFailure(undefined);
    toast('success', t('audience.added', { count: answer.data.changed }));
  };
  const segments = data?.data ?? [];
  return (
    <section className="stack stack--tight" aria-labelledby="campaign-audience">
      <h3 id="campaign-audience">{t('audience.title')}</h3>
      {segments.length === 0 ? (
        <p className="muted">{t('audience.noSegments')}</p>
      ) : (
        <div className="row">
          <Field
            label={t('audience.segment')}
            error={failure}
            hint={typeof size === 'number' ? t(chosen.currentData?.size_is_exact === false ? 'audience.sizeAtLeast' : 'audience.size', { size: formatCount(size, locale) }) : t('audience.text')}
          >
            <select className="input" value={segment} onChange={(event) => setSegment(event.target.value)}>
              <option value="">{t('value.none')}</option>
              {segments.map(({ id: one, name }) => (
                <option key={one} value={one}>
                  {name}
                </option>
              ))}
            </select>
          </Field>
          <Button disabled={!segment} busy={isLoading} onClick={run}>
            {t('audience.add')}
          </Button>
        </div>
      )}
    </section>
  );
}
