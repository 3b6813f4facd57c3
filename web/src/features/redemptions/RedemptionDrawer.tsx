import { Undo2 } from 'lucide-react';
import { useState, type ReactNode } from 'react';
import { Link, useLocation, useNavigate, useParams } from 'react-router';
import type { RedemptionView } from '../../shared/api/client.generated';
import { useCan } from '../../shared/api/store';
import { useTranslation } from '../../shared/i18n/i18n';
import { formatMinor } from '../../shared/lib/format';
import { Absent } from '../../shared/ui/Absent';
import { AskDialog } from '../../shared/ui/AskDialog';
import { Button } from '../../shared/ui/Button';
import { Customer } from '../../shared/ui/Customer';
import { Dialog } from '../../shared/ui/Dialog';
import { Facts } from '../../shared/ui/Facts';
import { Field } from '../../shared/ui/Field';
import { ReceiptWords } from '../../shared/ui/ReceiptWords';
import { Instant, Minor } from '../../shared/ui/Values';
import { RedemptionBadge } from './RedemptionBadge';
import { redemptionsApi } from './redemptionsApi';

/** One redemption: what was paid and saved, and giving it back. */
export function RedemptionDrawer() {
  const { t } = useTranslation();
  const navigate = useNavigate();
  const can = useCan();
  const { search } = useLocation();
  const { id = '' } = useParams();
  const [isAsking, setAsking] = useState(false);
  const { data, error, refetch } = redemptionsApi.endpoints.getRedemption.useQuery({ id });
  const close = () => void navigate(`/redemptions${search}`);
  if (!data) {
    return <Absent title={t('redemption.title')} gone={t('redemption.gone')} error={error} onRetry={refetch} onClose={close} />;
  }

  return (
    <Dialog
      look="drawer"
      onClose={close}
      title={
        <span className="row">
          {t('redemption.title')} <RedemptionBadge status={data.status} />
        </span>
      }
      foot={
        data.status === 'redeemed' &&
        can('redemptions.roll_back') && (
          <Button icon={Undo2} keys="r" onClick={() => setAsking(true)}>
            {t('redemption.rollBack')}
          </Button>
        )
      }
    >
      <Receipt redemption={data} />
      {isAsking && <RollBackDialog redemption={data} onClose={() => setAsking(false)} />}
    </Dialog>
  );
}

function Receipt({ redemption }: { redemption: RedemptionView }) {
  const { t, word, locale } = useTranslation();
  const facts: [string, ReactNode][] = [
    [t('usage.when'), <Instant key="at" at={redemption.redeemed_at} />],
    [t('redemption.rolledBackAt'), redemption.rolled_back_at && <Instant key="back" at={redemption.rolled_back_at} />],
    [t('usage.order'), <bdi key="order">{redemption.order_reference}</bdi>],
    [
      t('redemption.coupon'),
      <Link key="coupon" className="code-chip" to={`/coupons/${redemption.coupon_id}`}>
        {redemption.coupon_code}
      </Link>,
    ],
    [
      t('redemption.unit'),
      <Link key="unit" className="mono" to={`/coupons/${redemption.coupon_id}/units/${redemption.instance_id}`}>
        {redemption.instance_id}
      </Link>,
    ],
    [
      t('redemption.customer'),
      <Link key="customer" to={`/redemptions?customer_id=${redemption.customer_id}`}>
        <Customer id={redemption.customer_id} />
      </Link>,
    ],
    [t('redemption.channel'), redemption.channel],
    [t('redemption.booking'), redemption.booking_status && word('bookingStatus', redemption.booking_status)],
    [t('redemption.id'), <code key="id">{redemption.id}</code>],
  ];
  return (
    <div className="stack">
      <table className="simple-table receipt">
        <tbody>
          <tr>
            <th scope="row">{t('usage.amount')}</th>
            <td className="end">
              <Minor money={redemption.order_amount} />
            </td>
          </tr>
          <tr>
            <th scope="row">{t('usage.discount')}</th>
            <td className="end">
              − <Minor money={redemption.discount} />
            </td>
          </tr>
          <tr className="receipt__sum">
            <th scope="row">{t('redemption.payable')}</th>
            <td className="end">
              <Minor money={redemption.payable} />
            </td>
          </tr>
        </tbody>
      </table>
      <ReceiptWords
        id={redemption.id}
        plain={t(redemption.status === 'rolled_back' ? 'receipt.plain.back' : 'receipt.plain', {
          amount: formatMinor(redemption.order_amount, locale),
          discount: formatMinor(redemption.discount, locale),
          payable: formatMinor(redemption.payable, locale),
        })}
      />
      <Touches id={redemption.id} />
      <Facts facts={facts} />
    </div>
  );
}

/** Which coupon and campaign get the revenue of its order, by last and by first touch (CMP-04). */
function Touches({ id }: { id: string }) {
  const { t, word } = useTranslation();
  const skip = !useCan()('campaigns.read');
  const { data } = redemptionsApi.endpoints.getRedemptionAttribution.useQuery({ id }, { skip });
  if (!data) return null;
  return (
    <dl className="facts">
      {(['last', 'first'] as const).map((which) => {
        const touch = data[which];
        return (
          <div className="facts__pair" key={which}>
            <dt>{t(which === 'last' ? 'attribution.of' : 'attribution.came')}</dt>
            <dd>
              {touch.campaign_id ? <Link to={`/campaigns/${encodeURIComponent(touch.campaign_id)}`}>{touch.campaign_name}</Link> : t('attribution.none.campaign')}
              {', '}
              <Link className="mono" to={`/coupons/${touch.coupon_id}`}>
                {touch.code}
              </Link>
              {touch.marketing_channel && `, ${word('marketingChannel', touch.marketing_channel)}`}
            </dd>
          </div>
        );
      })}
    </dl>
  );
}

function RollBackDialog({ redemption, onClose }: { redemption: RedemptionView; onClose: () => void }) {
  const { t } = useTranslation();
  const [reason, setReason] = useState('');
  const [returnsUse, setReturnsUse] = useState(true);
  const [rollBack] = redemptionsApi.endpoints.rollBackRedemption.useMutation();
  return (
    <AskDialog
      title={t('rollBack.title')}
      action={t('redemption.rollBack')}
      icon={Undo2}
      check={() => (reason.trim().length < 3 ? t('rollBack.reasonRule') : undefined)}
      run={(key) => rollBack({ id: redemption.id, 'Idempotency-Key': key, rollBackShape: { reason: reason.trim(), return_use: returnsUse } })}
      done={t('rollBack.done', { order: redemption.order_reference })}
      onClose={onClose}
    >
      <p>
        {t('rollBack.text', { order: redemption.order_reference })} <Minor money={redemption.discount} />
      </p>
      <Field label={t('rollBack.reason')}>
        <input className="input" value={reason} maxLength={200} data-autofocus onChange={(event) => setReason(event.target.value)} />
      </Field>
      <label className="check">
        <input type="checkbox" checked={returnsUse} onChange={(event) => setReturnsUse(event.target.checked)} />
        {t('rollBack.returnUse')}
      </label>
    </AskDialog>
  );
}
