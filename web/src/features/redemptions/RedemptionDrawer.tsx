import { SearchX, Undo2 } from 'lucide-react';
import { nanoid } from '@reduxjs/toolkit';
import { useRef, useState, type ReactNode } from 'react';
import { Link, useLocation, useNavigate, useParams } from 'react-router';
import type { RedemptionView } from '../../shared/api/client.generated';
import { messageOf, problemOf } from '../../shared/api/problem';
import { useCan } from '../../shared/api/store';
import { useTranslation } from '../../shared/i18n/i18n';
import { formatMinor } from '../../shared/lib/format';
import { Button } from '../../shared/ui/Button';
import { Dialog } from '../../shared/ui/Dialog';
import { Field, FieldError } from '../../shared/ui/Field';
import { EmptyState, ErrorState, Skeletons } from '../../shared/ui/States';
import { ReceiptWords } from '../../shared/ui/ReceiptWords';
import { useToast } from '../../shared/ui/Toasts';
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
    return (
      <Dialog look="drawer" title={t('redemption.title')} onClose={close}>
        {problemOf(error)?.status === 404 ? <EmptyState icon={SearchX} title={t('redemption.gone')} /> : error ? <ErrorState error={error} onRetry={refetch} /> : <Skeletons lines={8} />}
      </Dialog>
    );
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
          <Button icon={Undo2} onClick={() => setAsking(true)}>
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
      <Link key="coupon" to={`/coupons/${redemption.coupon_id}`}>
        #{redemption.coupon_id}
      </Link>,
    ],
    [t('redemption.unit'), <code key="unit">{redemption.instance_id}</code>],
    [
      t('redemption.customer'),
      <Link key="customer" to={`/redemptions?customer_id=${redemption.customer_id}`}>
        <code>{redemption.customer_id}</code>
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
      <dl className="facts">
        {facts
          .filter(([, value]) => value)
          .map(([label, value]) => (
            <div className="facts__pair" key={label}>
              <dt>{label}</dt>
              <dd>{value}</dd>
            </div>
          ))}
      </dl>
    </div>
  );
}

function RollBackDialog({ redemption, onClose }: { redemption: RedemptionView; onClose: () => void }) {
  const { t } = useTranslation();
  const toast = useToast();
  const key = useRef(`web-${nanoid()}`);
  const [reason, setReason] = useState('');
  const [returnsUse, setReturnsUse] = useState(true);
  const [failure, setFailure] = useState<string>();
  const [rollBack, { isLoading }] = redemptionsApi.endpoints.rollBackRedemption.useMutation();
  const confirm = async () => {
    if (reason.trim().length < 3) {
      setFailure(t('rollBack.reasonRule'));
      return;
    }

    const answer = await rollBack({ id: redemption.id, 'Idempotency-Key': key.current, rollBackShape: { reason: reason.trim(), return_use: returnsUse } });
    if (answer.error) {
      // Refused means nothing happened, so the next try is a new one; unreachable may have happened, so it is not.
      if (problemOf(answer.error)) key.current = `web-${nanoid()}`;
      setFailure(messageOf(answer.error, t));
      return;
    }

    toast('success', t('rollBack.done', { order: redemption.order_reference }));
    onClose();
  };
  return (
    <Dialog
      alert
      title={t('rollBack.title')}
      onClose={onClose}
      foot={
        <>
          <Button onClick={onClose}>{t('action.cancel')}</Button>
          <Button look="danger" icon={Undo2} busy={isLoading} onClick={confirm}>
            {t('redemption.rollBack')}
          </Button>
        </>
      }
    >
      <div className="stack">
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
        {failure && <FieldError text={failure} />}
      </div>
    </Dialog>
  );
}
