import { CirclePause, CirclePlay, LayoutList, Pencil, Rows3 } from 'lucide-react';
import type { ReactNode } from 'react';
import { Link, useLocation } from 'react-router';
import { useAppDispatch, useAppSelector, useCan } from '../../shared/api/store';
import type { Pages } from '../../shared/api/usePages';
import { useTranslation } from '../../shared/i18n/i18n';
import { phoneLayoutChosen } from '../../shared/lib/prefs';
import { Button } from '../../shared/ui/Button';
import { Endless } from '../../shared/ui/Endless';
import { Amount, Day } from '../../shared/ui/Values';
import { UsageCell, ValueCell, type Coupon } from './couponCells';
import { CouponStatusBadge } from './CouponStatusBadge';
import { useCouponSwitch } from './useCouponSwitch';

/** The list on phones: cards or an accordion, endless; a swipe to the left reveals the actions of a row (A.15). */
export function CouponCards({ pages, empty, onOpen }: { pages: Pages<Coupon>; empty: ReactNode; onOpen: (coupon: Coupon) => void }) {
  const { t } = useTranslation();
  const dispatch = useAppDispatch();
  const layout = useAppSelector((state) => state.prefs.phoneLayout);
  const isCards = layout === 'cards';
  return (
    <Endless
      pages={pages}
      idOf={(coupon) => String(coupon.id)}
      card={(coupon) => (isCards ? <Card coupon={coupon} onOpen={onOpen} /> : <Fold coupon={coupon} onOpen={onOpen} />)}
      empty={empty}
      aside={
        <Button
          size="small"
          look="quiet"
          icon={isCards ? Rows3 : LayoutList}
          onClick={() => dispatch(phoneLayoutChosen(isCards ? 'accordion' : 'cards'))}
        >
          {t(isCards ? 'coupons.asAccordion' : 'coupons.asCards')}
        </Button>
      }
    />
  );
}

function Card({ coupon, onOpen }: { coupon: Coupon; onOpen: (coupon: Coupon) => void }) {
  return (
    <div className="swipe">
      <button type="button" className="list-card swipe__front" onClick={() => onOpen(coupon)}>
        <span className="row row--between">
          <span className="code-chip anywhere">{coupon.code}</span>
          <CouponStatusBadge status={coupon.status} />
        </span>
        <span className="muted truncate">
          <bdi>{coupon.internal_name}</bdi>
        </span>
        <Figures coupon={coupon} />
      </button>
      <SwipeActions coupon={coupon} />
    </div>
  );
}

function Figures({ coupon }: { coupon: Coupon }) {
  const { t } = useTranslation();
  return (
    <span className="card-figures">
      <span>
        <span className="muted small">{t('column.discount_value')}</span>
        <ValueCell coupon={coupon} />
      </span>
      <span>
        <span className="muted small">{t('column.usage')}</span>
        <UsageCell coupon={coupon} />
      </span>
      {coupon.revenue_generated !== undefined && (
        <span>
          <span className="muted small">{t('column.revenue')}</span>
          <Amount value={coupon.revenue_generated} currency={coupon.currency} />
        </span>
      )}
    </span>
  );
}

function SwipeActions({ coupon }: { coupon: Coupon }) {
  const { t } = useTranslation();
  const can = useCan();
  const { search } = useLocation();
  const switchCoupons = useCouponSwitch();
  if (!can('coupons.write')) return null;
  return (
    <div className="swipe__actions">
      <Link className="button" to={`/coupons/${coupon.id}/edit${search}`} aria-label={t('coupon.edit', { code: coupon.code })}>
        <Pencil className="icon" aria-hidden />
      </Link>
      <Button
        icon={coupon.is_active ? CirclePause : CirclePlay}
        label={`${t(coupon.is_active ? 'coupon.deactivate' : 'coupon.activate')} ${coupon.code}`}
        onClick={() => switchCoupons([coupon], !coupon.is_active)}
      />
    </div>
  );
}

function Fold({ coupon, onOpen }: { coupon: Coupon; onOpen: (coupon: Coupon) => void }) {
  const { t } = useTranslation();
  return (
    <details className="list-card">
      <summary>
        <span className="row row--between">
          <span className="code-chip anywhere">{coupon.code}</span>
          <CouponStatusBadge status={coupon.status} />
        </span>
      </summary>
      <span className="muted anywhere">
        <bdi>{coupon.internal_name}</bdi>
      </span>
      <Figures coupon={coupon} />
      <span className="row row--between">
        <span className="small muted">
          {t('column.expires')}: <Day at={coupon.valid_until} otherwise={t('time.unlimited')} />
        </span>
        <Button size="small" onClick={() => onOpen(coupon)}>
          {t('coupon.open')}
        </Button>
      </span>
    </details>
  );
}
