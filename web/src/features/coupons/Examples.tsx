import { TriangleAlert } from 'lucide-react';
import { useEffect, useState } from 'react';
import { useWatch } from 'react-hook-form';
import type { PreviewAnswer, QuoteRequest } from '../../shared/api/client.generated';
import { problemOf } from '../../shared/api/problem';
import { useCan } from '../../shared/api/store';
import { useTranslation } from '../../shared/i18n/i18n';
import { decimalsOf, formatAmount, formatMinor } from '../../shared/lib/format';
import { Field } from '../../shared/ui/Field';
import { numberOf, wantedOf, type CouponValues } from './couponForm';
import { couponsApi } from './couponsApi';

const exampleOrders = [20, 50, 120, 300];
const pauseMs = 350;
const tomorrow = new Date(Date.now() + 86_400_000).toISOString();

/** What the coupon takes off some orders, priced by the service while one types, with its reasons in words (UI-09). */
export function Examples() {
  const { t, word, locale } = useTranslation();
  const can = useCan();
  const values = useWatch<CouponValues>() as CouponValues;
  const [own, setOwn] = useState('');
  const [shown, setShown] = useState<PreviewAnswer>();
  const [refused, setRefused] = useState(false);
  const [preview, { isLoading }] = couponsApi.endpoints.previewPromotion.useMutation();
  const isAllowed = can('promotions.read');
  const asked = JSON.stringify({ carts: cartsOf(values, own), coupon: couponOf(values) });
  useEffect(() => {
    if (!isAllowed) return;
    let isCurrent = true;
    const timer = setTimeout(async () => {
      const answer = await preview({ previewRequest: { ...(JSON.parse(asked) as object), alone: true } as never });
      if (!isCurrent) return;
      if (answer.data) setShown(answer.data);
      setRefused(answer.error !== undefined && problemOf(answer.error) !== undefined);
    }, pauseMs);
    return () => {
      isCurrent = false;
      clearTimeout(timer);
    };
  }, [asked, isAllowed, preview]);
  if (!isAllowed) return null;
  return (
    <section className="form-grid__wide stack stack--tight" aria-label={t('form.examples')} aria-busy={isLoading}>
      <div className="row row--between">
        <span className="field__label">{t('form.examples')}</span>
        <span className="field__hint">{t(refused ? 'form.examples.incomplete' : 'form.examples.hint')}</span>
      </div>
      <ul className="examples">
        {(shown?.quotes ?? []).map((quote, place) => {
          const [subtotal, payable] = [quote.subtotal, quote.payable];
          const money = (amount: number) => formatMinor({ amount, currency: quote.currency }, locale);
          const reason = quote.discount === 0 ? quote.receipt?.sentences[0] : undefined;
          return (
            <li key={place}>
              <span className="num">{money(subtotal)}</span>
              <span className="meter examples__bar" aria-hidden>
                <span className="meter__fill" style={{ width: `${subtotal ? (payable / subtotal) * 100 : 0}%` }} />
              </span>
              <span className="num">
                {money(payable)} <span className="muted">{quote.discount > 0 ? t('form.saves', { amount: money(quote.discount) }) : t('form.savesNothing')}</span>
              </span>
              {reason && <span className="examples__reason muted small anywhere">{reason}</span>}
            </li>
          );
        })}
      </ul>
      {(shown?.warnings ?? []).map(({ field, code }) => (
        <p key={field + code} className="field__hint">
          <TriangleAlert className="icon" aria-hidden /> {word('ruleWarning', code)}
        </p>
      ))}
      <Field label={t('form.examples.own', { currency: values.currency || 'USD' })}>
        <input className="input input--short" type="number" min={0} step="any" value={own} placeholder={formatAmount(75, values.currency || 'USD', locale)} onChange={(event) => setOwn(event.target.value)} />
      </Field>
    </section>
  );
}

/** The coupon as it stands, with a name and a code where there is none yet: these decide no price. */
function couponOf(values: CouponValues) {
  const wanted = wantedOf({
    ...values,
    code: /^[A-Z0-9_-]{3,20}$/.test(values.code) ? values.code : 'EXAMPLE',
    internal_name: 'Example',
    description: { en: 'Example', de: '' },
    notes: '',
  });
  // Days, limits and campaigns decide no price either, and may not be right yet.
  return { ...wanted, valid_from: tomorrow, valid_until: null, campaign_id: null, campaign_role: null, max_uses_total: null };
}

function cartsOf(values: CouponValues, own: string): QuoteRequest[] {
  const currency = values.currency || 'USD';
  const scale = 10 ** decimalsOf(currency);
  const unit = scale === 1 ? 100 : 1;
  const typed = numberOf(own);
  const orders = [...exampleOrders.map((order) => order * unit), ...(typed && typed > 0 ? [typed] : [])];
  const [product] = values.products.split(',');
  const [channel] = values.channels.split(',');
  return orders.map((order) => ({
    currency,
    lines: [
      {
        id: '1',
        sku: product?.trim() || 'example',
        unit_price: Math.round(order * scale),
        quantity: 1,
        ...(values.applicable_to === 'specific_consultants' && values.consultant_restrictions[0] ? { consultant: String(values.consultant_restrictions[0]) } : {}),
        ...(values.service_type_restrictions[0] ? { session_type: values.service_type_restrictions[0] } : {}),
        ...(serviceOf(values) ? { service: serviceOf(values) } : {}),
      },
    ],
    ...(channel?.trim() ? { channel: channel.trim() } : {}),
    explain: true,
  })) as QuoteRequest[];
}

function serviceOf(values: CouponValues): string | undefined {
  if (values.discount_type === 'free_session') return values.eligible_services[0] ?? 'book_a_meeting';
  return values.applicable_to === 'book_a_meeting' || values.applicable_to === '30_for_30' ? values.applicable_to : undefined;
}
