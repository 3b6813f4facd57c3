import { ArrowLeft, Ban } from 'lucide-react';
import { useState, type ReactNode } from 'react';
import { Link, useLocation, useNavigate, useParams } from 'react-router';
import type { Instance } from '../../shared/api/client.generated';
import { useCan } from '../../shared/api/store';
import { useTranslation } from '../../shared/i18n/i18n';
import { Absent } from '../../shared/ui/Absent';
import { AskDialog } from '../../shared/ui/AskDialog';
import { Button } from '../../shared/ui/Button';
import { Customer } from '../../shared/ui/Customer';
import { Dialog } from '../../shared/ui/Dialog';
import { Facts } from '../../shared/ui/Facts';
import { Instant } from '../../shared/ui/Values';
import { couponsApi } from './couponsApi';
import { History } from './CouponTimeline';
import { lookOf, liveStates } from './instanceStates';
import { UnitEnd } from './UnitEnd';

/** One unit: whose it is, until when, and everything that ever happened to it. */
export function UnitDrawer() {
  const { t, word } = useTranslation();
  const can = useCan();
  const navigate = useNavigate();
  const { search } = useLocation();
  const { id = '', unit = '' } = useParams();
  const wanted = { id: Number(id), unit: Number(unit) };
  const isNonsense = !Number.isSafeInteger(wanted.id) || !Number.isSafeInteger(wanted.unit);
  const { data, error, refetch } = couponsApi.endpoints.getInstance.useQuery(wanted, { skip: isNonsense });
  const [isAsking, setAsking] = useState(false);
  const close = () => void navigate(`/coupons${search}`);
  if (!data) {
    return <Absent title={t('redemption.unit')} gone={t('unit.gone')} isGone={isNonsense} error={error} onRetry={refetch} onClose={close} />;
  }

  return (
    <Dialog
      look="drawer"
      onClose={close}
      title={
        <span className="row">
          <span className="mono">{data.code ?? `#${data.id}`}</span>
          <span className={`badge badge--${lookOf(data.state)}`}>{word('instanceState', data.state)}</span>
        </span>
      }
      foot={
        can('coupons.write') &&
        liveStates.includes(data.state) && (
          <Button icon={Ban} keys="r" onClick={() => setAsking(true)}>
            {t('unit.revoke')}
          </Button>
        )
      }
    >
      <div className="stack">
        <Link className="row" to={`/coupons/${data.coupon_id}/units${search}`}>
          <ArrowLeft className="icon" aria-hidden />
          {t('palette.unitOf', { id: String(data.coupon_id) })}
        </Link>
        <About unit={data} />
        {can('expiry.read') && <UnitEnd unit={data} />}
        {can('audit.read') && (
          <section className="stack stack--tight">
            <h3>{t('coupon.tab.timeline')}</h3>
            <History subject={`instance:${data.id}`} />
          </section>
        )}
      </div>
      {isAsking && <RevokeDialog unit={data} onClose={() => setAsking(false)} />}
    </Dialog>
  );
}

function About({ unit }: { unit: Instance }) {
  const { t } = useTranslation();
  const facts: [string, ReactNode][] = [
    [t('unit.from'), <Instant key="from" at={unit.valid_from} />],
    [t('unit.until'), unit.valid_until ? <Instant key="until" at={unit.valid_until} /> : t('time.unlimited')],
    [
      t('unit.holder'),
      unit.customer_id ? (
        <Link key="holder" to={`/redemptions?customer_id=${unit.customer_id}`}>
          <Customer id={unit.customer_id} />
        </Link>
      ) : (
        t('unit.nobody')
      ),
    ],
    [t('redemption.channel'), unit.channel],
    [t('field.campaign_id'), unit.campaign_id && <Link to={`/campaigns/${encodeURIComponent(unit.campaign_id)}`}>{unit.campaign_id}</Link>],
    [t('unit.reserved'), unit.reserved_until && <Instant key="reserved" at={unit.reserved_until} />],
    [t('field.version'), unit.version],
    [t('redemption.id'), <code key="id">{unit.id}</code>],
  ];
  return <Facts facts={facts} />;
}

function RevokeDialog({ unit, onClose }: { unit: Instance; onClose: () => void }) {
  const { t } = useTranslation();
  const [revoke] = couponsApi.endpoints.revokeInstance.useMutation();
  const code = unit.code ?? `#${unit.id}`;
  return (
    <AskDialog
      title={t('unit.revoke.title', { code })}
      action={t('unit.revoke')}
      icon={Ban}
      run={(key) => revoke({ id: unit.coupon_id, unit: unit.id, 'Idempotency-Key': key })}
      done={t('unit.revoked', { code })}
      onClose={onClose}
    >
      <p>{t('unit.revoke.text')}</p>
    </AskDialog>
  );
}
