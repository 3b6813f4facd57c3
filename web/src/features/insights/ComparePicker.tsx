import { X } from 'lucide-react';
import { useDeferredValue, useState } from 'react';
import { client } from '../../shared/api/client.generated';
import { useTranslation } from '../../shared/i18n/i18n';
import { useAddress } from '../../shared/lib/useAddress';
import { Field } from '../../shared/ui/Field';

const mostLines = 5;

/** Chooses up to five coupons to stand side by side. */
export function ComparePicker() {
  const { t } = useTranslation();
  const [params, setParams] = useAddress();
  const [text, setText] = useState('');
  const wanted = useDeferredValue(text.trim());
  const ids = (params.get('coupons') ?? '').split(',').filter(Boolean);
  const { data } = client.endpoints.listCoupons.useQuery({ limit: 10, sort: 'usage_desc', ...(wanted ? { search: wanted } : {}) });
  const set = (next: string[]) =>
    setParams((present) => {
      const changed = new URLSearchParams(present);
      if (next.length) changed.set('coupons', next.join(','));
      else changed.delete('coupons');
      return changed;
    });
  const offered = (data?.data ?? []).filter((coupon) => !ids.includes(String(coupon.id)));
  return (
    <div className="card card__body row">
      <div className="filters__field">
        <Field label={t('chart.compareWith')}>
          <input className="input" type="search" value={text} onChange={(event) => setText(event.target.value)} />
        </Field>
      </div>
      <ul className="row" aria-label={t('chart.compareWith')}>
        {ids.map((id) => (
          <li key={id} className="chip">
            <Name id={Number(id)} />
            <button type="button" aria-label={t('action.remove', { name: `#${id}` })} onClick={() => set(ids.filter((one) => one !== id))}>
              <X className="icon" aria-hidden />
            </button>
          </li>
        ))}
        {ids.length < mostLines &&
          offered.slice(0, 6).map((coupon) => (
            <li key={coupon.id}>
              <button type="button" className="button button--small code-chip" onClick={() => set([...ids, String(coupon.id)])}>
                + {coupon.code}
              </button>
            </li>
          ))}
      </ul>
    </div>
  );
}

function Name({ id }: { id: number }) {
  const { data } = client.endpoints.getCoupon.useQuery({ id });
  return <span className="code-chip">{data?.code ?? `#${id}`}</span>;
}
