import { nanoid } from '@reduxjs/toolkit';
import { X } from 'lucide-react';
import { useRef, useState } from 'react';
import { useCustomerNumber } from '../../shared/api/customers';
import { messageOf, problemOf } from '../../shared/api/problem';
import { useCan } from '../../shared/api/store';
import { usePages, type Pages } from '../../shared/api/usePages';
import { useTranslation } from '../../shared/i18n/i18n';
import { formatCount } from '../../shared/lib/format';
import { rows } from '../../shared/lib/rows';
import { Button } from '../../shared/ui/Button';
import { Customer } from '../../shared/ui/Customer';
import { Drill } from '../../shared/ui/Drill';
import { Field } from '../../shared/ui/Field';
import { Paged } from '../../shared/ui/Paged';
import { useToast } from '../../shared/ui/Toasts';
import { campaignsApi } from './campaignsApi';

/** The audience of a campaign: only they may use its private coupons (CPN-03). */
export function Audience({ id }: { id: string }) {
  const { t } = useTranslation();
  const can = useCan();
  const toast = useToast();
  const pages = usePages(campaignsApi.endpoints.listAudience, { id, limit: 25 });
  const [remove] = campaignsApi.endpoints.removeFromAudience.useMutation();
  const [add] = campaignsApi.endpoints.addToAudience.useMutation();
  const putBack = async (customer: string) => {
    const answer = await add({ id, 'Idempotency-Key': `web-${nanoid()}`, customers: { customer_ids: [customer] } });
    toast(answer.error ? 'failure' : 'success', answer.error ? messageOf(answer.error, t) : t('audience.added', { count: answer.data.count }));
  };
  const takeOut = async (customer: string) => {
    const answer = await remove({ id, customer });
    if (answer.error) toast('failure', messageOf(answer.error, t));
    else toast('success', t('audience.removed'), { label: t('action.undo'), run: () => void putBack(customer) });
  };
  return (
    <section className="stack stack--tight" aria-labelledby="campaign-audience">
      <h3 id="campaign-audience">{t('audience.title')}</h3>
      {can('campaigns.write') && can('promotions.read') && <SegmentChoice id={id} />}
      <Members pages={pages} empty={t('audience.none')} onRemove={can('campaigns.write') ? (customer) => void takeOut(customer) : undefined} />
    </section>
  );
}

/** Puts everybody who is in a segment now into the audience (RUL-09). */
function SegmentChoice({ id }: { id: string }) {
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
  if (segments.length === 0) return <p className="muted">{t('audience.noSegments')}</p>;
  return (
    <>
      <div className="row">
        <Field label={t('audience.segment')} error={failure} hint={t('audience.text')}>
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
      {typeof size === 'number' && (
        <SegmentMembers key={segment} id={segment} title={t(chosen.currentData?.size_is_exact === false ? 'audience.sizeAtLeast' : 'audience.size', { size: formatCount(size, locale) })} />
      )}
    </>
  );
}

/** How many are in a segment, and who (MET-24). */
function SegmentMembers({ id, title }: { id: string; title: string }) {
  const { t } = useTranslation();
  const [isOpen, setOpen] = useState(false);
  const pages = usePages(campaignsApi.endpoints.listSegmentMembers, { id, limit: 25 }, !isOpen);
  return (
    <details onToggle={(event) => setOpen(event.currentTarget.open)}>
      <summary>{title}</summary>
      {isOpen && <Members pages={pages} empty={t('audience.noMembers')} />}
    </details>
  );
}

function Members({ pages, empty, onRemove }: { pages: Pages<{ customer_id: string }>; empty: string; onRemove?: ((customer: string) => void) | undefined }) {
  const can = useCan();
  return (
    <Paged pages={pages} lines={2} empty={<p className="muted">{empty}</p>}>
      <ul className="stack stack--tight">
        {pages.rows.map(({ customer_id: customer }) => (
          <li key={customer} className="row">
            <Drill to={can('redemptions.read') && rows.redemptions({ customer_id: customer })}>
              <Customer id={customer} />
            </Drill>
            {onRemove && <RemoveButton customer={customer} onClick={() => onRemove(customer)} />}
          </li>
        ))}
      </ul>
    </Paged>
  );
}

function RemoveButton({ customer, onClick }: { customer: string; onClick: () => void }) {
  const { t } = useTranslation();
  const name = useCustomerNumber(customer) ?? customer;
  return <Button look="quiet" size="small" icon={X} label={t('action.remove', { name })} onClick={onClick} />;
}
