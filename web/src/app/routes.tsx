import { Compass, TriangleAlert } from 'lucide-react';
import type { ComponentType } from 'react';
import { createBrowserRouter, Link, useRouteError, type LoaderFunctionArgs } from 'react-router';
import { loadCoupons } from '../features/coupons/loadCoupons';
import { loadDashboard } from '../features/insights/loadDashboard';
import { useTranslation, withTexts } from '../shared/i18n/i18n';
import { Button } from '../shared/ui/Button';
import { EmptyState } from '../shared/ui/States';
import { Home, Shell } from './Shell';

/** A page of its own chunk, fetched when first wanted, with the texts the first page does without. */
const page = (load: () => Promise<object>, name: string, prepare: (part: Promise<object>) => Promise<object> = withTexts) => ({
  lazy: async () => {
    const Component = ((await prepare(load())) as Record<string, ComponentType | undefined>)[name];
    if (!Component) throw new Error(`There is no page ${name}`);
    return { Component };
  },
  HydrateFallback: () => null,
  ErrorBoundary: Crash,
});

/** What a page asks for first, asked as soon as its address is known; later changes it asks for itself. */
const asks = (load: (address: string) => null) => ({
  loader: ({ request }: LoaderFunctionArgs) => load(request.url),
  shouldRevalidate: () => false,
});

export const router = createBrowserRouter(
  [
    {
      Component: Shell,
      ErrorBoundary: Crash,
      children: [
        { index: true, Component: Home },
        {
          path: 'coupons',
          ...page(() => import('../features/coupons/CouponListPage'), 'CouponListPage', (part) => part),
          ...asks(loadCoupons),
          children: [
            { path: 'new', ...page(() => import('../features/coupons/CouponFormPage'), 'CouponFormPage') },
            { path: ':id/edit', ...page(() => import('../features/coupons/CouponFormPage'), 'CouponFormPage') },
            { path: ':id/units/:unit', ...page(() => import('../features/coupons/UnitDrawer'), 'UnitDrawer') },
            { path: ':id/:tab?', ...page(() => import('../features/coupons/CouponDrawer'), 'CouponDrawer') },
          ],
        },
        { path: 'coupons/dashboard', ...page(() => import('../features/insights/DashboardPage'), 'DashboardPage'), ...asks(loadDashboard) },
        { path: 'coupons/analytics', ...page(() => import('../features/insights/AnalyticsPage'), 'AnalyticsPage') },
        { path: 'coupons/bulk', ...page(() => import('../features/imports/ImportPage'), 'ImportPage') },
        { path: 'campaigns/calendar', ...page(() => import('../features/campaigns/CalendarPage'), 'CalendarPage') },
        { path: 'campaigns/compare', ...page(() => import('../features/campaigns/ComparePage'), 'ComparePage') },
        { path: 'campaigns/attribution', ...page(() => import('../features/campaigns/AttributionPage'), 'AttributionPage') },
        { path: 'campaigns/categories', ...page(() => import('../features/campaigns/CategoriesPage'), 'CategoriesPage') },
        {
          path: 'campaigns',
          ...page(() => import('../features/campaigns/CampaignsPage'), 'CampaignsPage'),
          children: [
            { path: 'new', ...page(() => import('../features/campaigns/CampaignForm'), 'CampaignFormPage') },
            { path: ':id/edit', ...page(() => import('../features/campaigns/CampaignForm'), 'CampaignFormPage') },
            { path: ':id', ...page(() => import('../features/campaigns/CampaignDrawer'), 'CampaignDrawer') },
          ],
        },
        {
          path: 'redemptions/attempts',
          ...page(() => import('../features/redemptions/AttemptsPage'), 'AttemptsPage'),
          children: [{ path: ':result/:id', ...page(() => import('../features/redemptions/AttemptDrawer'), 'AttemptDrawer') }],
        },
        { path: 'redemptions/views', ...page(() => import('../features/redemptions/ViewsPage'), 'ViewsPage') },
        {
          path: 'redemptions',
          ...page(() => import('../features/redemptions/RedemptionsPage'), 'RedemptionsPage'),
          children: [{ path: ':id', ...page(() => import('../features/redemptions/RedemptionDrawer'), 'RedemptionDrawer') }],
        },
        { path: 'balances', ...page(() => import('../features/balances/BalancesPage'), 'BalancesPage') },
        { path: 'monitoring', ...page(() => import('../features/monitoring/MonitoringPage'), 'MonitoringPage') },
        { path: 'audit', ...page(() => import('../features/audit/AuditPage'), 'AuditPage') },
        { path: 'approvals/:id?', ...page(() => import('../features/approvals/ApprovalsPage'), 'ApprovalsPage') },
        { path: 'expiry/told', ...page(() => import('../features/expiry/ToldPage'), 'ToldPage') },
        { path: 'expiry', ...page(() => import('../features/expiry/ExpiryPage'), 'ExpiryPage') },
        { path: 'notifications', ...page(() => import('../features/notifications/NotificationsPage'), 'NotificationsPage') },
        { path: 'settings/connectors/:id', ...page(() => import('../features/settings/ConnectorPage'), 'ConnectorPage') },
        { path: 'settings/:tab?', ...page(() => import('../features/settings/SettingsPage'), 'SettingsPage') },
        { path: 'operations', ...page(() => import('../features/operations/OperationsPage'), 'OperationsPage') },
        { path: '*', Component: NotFound },
      ],
    },
  ],
  { basename: '/app' },
);

function NotFound() {
  const { t } = useTranslation();
  return (
    <div className="page">
      <EmptyState
        isPage
        icon={Compass}
        title={t('app.notFound.title')}
        text={t('app.notFound.text')}
        action={<Link to="/">{t('app.home')}</Link>}
      />
    </div>
  );
}

/** One page fails, the rest goes on. A part that is gone after an update needs a reload. */
function Crash() {
  const { t } = useTranslation();
  const error = useRouteError();
  return (
    <div className="page" role="alert">
      <EmptyState
        isPage
        icon={TriangleAlert}
        title={t('app.crash.title')}
        text={
          <>
            {t('app.crash.text')} {error instanceof Error && <code>{error.message}</code>}
          </>
        }
        action={<Button onClick={() => window.location.reload()}>{t('app.reload')}</Button>}
      />
    </div>
  );
}
