import * as Ariakit from '@ariakit/react';
import { CirclePause, CirclePlay, Pencil } from 'lucide-react';
import { Link, useLocation, useNavigate, useParams } from 'react-router';
import { useCan } from '../../shared/api/store';
import { useTranslation } from '../../shared/i18n/i18n';
import { Absent } from '../../shared/ui/Absent';
import { Button, Key } from '../../shared/ui/Button';
import { CopyButton } from '../../shared/ui/CopyButton';
import { Dialog } from '../../shared/ui/Dialog';
import { CouponActions } from './CouponActions';
import type { Coupon } from './couponCells';
import { CouponAnalytics } from './CouponAnalytics';
import { CouponOverview } from './CouponOverview';
import { couponsApi } from './couponsApi';
import { CouponStatusBadge } from './CouponStatusBadge';
import { CouponTimeline } from './CouponTimeline';
import { CouponUnits } from './CouponUnits';
import { CouponUsage } from './CouponUsage';
import { useCouponSwitch } from './useCouponSwitch';

const drawerTabs = ['overview', 'usage', 'units', 'timeline', 'analytics'] as const;
type DrawerTab = (typeof drawerTabs)[number];

const needs: Partial<Record<DrawerTab, string>> = { usage: 'redemptions.read', timeline: 'audit.read' };

/** One coupon beside the list: what it is, what happened to it, what it brought. The tab is in the address. */
export function CouponDrawer() {
  const { t } = useTranslation();
  const navigate = useNavigate();
  const { search } = useLocation();
  const { id, tab } = useParams();
  const { data, error, refetch } = couponsApi.endpoints.getCoupon.useQuery({ id: Number(id) }, { skip: !Number.isSafeInteger(Number(id)) });
  const close = () => void navigate(`/coupons${search}`);
  const can = useCan();
  const tabs = drawerTabs.filter((one) => can(needs[one]));
  const shown = tabs.find((one) => one === tab) ?? 'overview';
  if (!data || String(data.id) !== id) {
    return (
      <Absent title={t('coupons.title')} gone={t('coupon.gone')} text={t('coupon.gone.text')} isGone={!Number.isSafeInteger(Number(id))} error={error} onRetry={refetch} onClose={close} />
    );
  }

  return (
    <Dialog
      look="drawer"
      onClose={close}
      title={
        <span className="row">
          <span className="mono">{data.code}</span>
          <CouponStatusBadge status={data.status} />
        </span>
      }
      aside={<CopyButton text={data.code} />}
    >
      <div className="stack">
        <p className="anywhere">
          <bdi>{data.internal_name}</bdi>
        </p>
        <DrawerButtons coupon={data} onDeleted={close} />
        <Ariakit.TabProvider
          selectedId={shown}
          setSelectedId={(next) => next && navigate(`/coupons/${data.id}${next === 'overview' ? '' : `/${next}`}${search}`, { replace: true })}
        >
          <Ariakit.TabList className="tabs" aria-label={data.code}>
            {tabs.map((one) => (
              <Ariakit.Tab key={one} id={one} className="tab">
                {t(`coupon.tab.${one}`)}
              </Ariakit.Tab>
            ))}
          </Ariakit.TabList>
          <Ariakit.TabPanel tabId={shown} className="stack">
            <Tab tab={shown} coupon={data} />
          </Ariakit.TabPanel>
        </Ariakit.TabProvider>
      </div>
    </Dialog>
  );
}

function Tab({ tab, coupon }: { tab: DrawerTab; coupon: Coupon }) {
  switch (tab) {
    case 'overview':
      return <CouponOverview coupon={coupon} />;
    case 'usage':
      return <CouponUsage coupon={coupon} />;
    case 'units':
      return <CouponUnits coupon={coupon} />;
    case 'timeline':
      return <CouponTimeline coupon={coupon} />;
    case 'analytics':
      return <CouponAnalytics coupon={coupon} />;
  }
}

function DrawerButtons({ coupon, onDeleted }: { coupon: Coupon; onDeleted: () => void }) {
  const { t } = useTranslation();
  const can = useCan();
  const { search } = useLocation();
  const switchCoupons = useCouponSwitch();
  if (!can('coupons.write')) return null;
  return (
    <div className="row">
      <Link className="button" to={`/coupons/${coupon.id}/edit${search}`} aria-keyshortcuts="e">
        <Pencil className="icon" aria-hidden />
        {t('action.edit')}
        <Key letter="e" />
      </Link>
      <Button icon={coupon.is_active ? CirclePause : CirclePlay} keys="a" onClick={() => switchCoupons([coupon], !coupon.is_active)}>
        {t(coupon.is_active ? 'coupon.deactivate' : 'coupon.activate')}
      </Button>
      <CouponActions coupon={coupon} onDeleted={onDeleted} />
    </div>
  );
}
