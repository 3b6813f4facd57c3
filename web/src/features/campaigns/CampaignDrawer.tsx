import { CirclePause, CirclePlay, Copy, Pencil, SearchX, Trash2 } from 'lucide-react';
import { nanoid } from '@reduxjs/toolkit';
import { useState, type ReactNode } from 'react';
import { Link, useNavigate, useParams } from 'react-router';
import type { Campaign } from '../../shared/api/client.generated';
import { messageOf, problemOf } from '../../shared/api/problem';
import { useCan } from '../../shared/api/store';
import { useTranslation } from '../../shared/i18n/i18n';
import { rows } from '../../shared/lib/rows';
import { Button, Key } from '../../shared/ui/Button';
import { Dialog } from '../../shared/ui/Dialog';
import { Drill } from '../../shared/ui/Drill';
import { Place } from '../../shared/ui/Place';
import { EmptyState, ErrorState, Skeletons } from '../../shared/ui/States';
import { useToast } from '../../shared/ui/Toasts';
import { Instant } from '../../shared/ui/Values';
import { Audience } from './Audience';
import { BudgetMeter } from './BudgetMeter';
import { BurnDown } from './BurnDown';
import { CampaignBadge } from './CampaignBadge';
import { campaignsApi } from './campaignsApi';
import { CloneDialog } from './CloneDialog';
import { Costs } from './Costs';
import { Performance } from './Performance';

type Asked = 'activate' | 'deactivate' | 'delete' | 'clone';

/** One campaign with its coupons and their roles (CMP-01). */
export function CampaignDrawer() {
  const { t, word } = useTranslation();
  const navigate = useNavigate();
  const can = useCan();
  const { id = '' } = useParams();
  const [asked, setAsked] = useState<Asked>();
  const { data, error, refetch } = campaignsApi.endpoints.getCampaign.useQuery({ id });
  const close = () => void navigate('/campaigns');
  if (!data) {
    return (
      <Dialog look="drawer" title={t('nav.campaigns')} onClose={close}>
        {problemOf(error)?.status === 404 ? <EmptyState icon={SearchX} title={t('campaign.gone')} /> : error ? <ErrorState error={error} onRetry={refetch} /> : <Skeletons lines={8} />}
      </Dialog>
    );
  }

  const coupons = data.associated_coupons ?? [];
  const utm = [data.attribution.utm_source, data.attribution.utm_medium, data.attribution.utm_campaign].filter(Boolean).join(' / ');
  return (
    <Dialog
      look="drawer"
      onClose={close}
      title={
        <span className="row">
          <bdi>{data.name}</bdi> <CampaignBadge status={data.status} />
        </span>
      }
    >
      <div className="stack">
        <p className="anywhere">
          <bdi>{data.description}</bdi>
        </p>
        {can('campaigns.write') && (
          <div className="row">
            <Link className="button" to={`/campaigns/${encodeURIComponent(id)}/edit`} aria-keyshortcuts="e">
              <Pencil className="icon" aria-hidden />
              {t('action.edit')}
              <Key letter="e" />
            </Link>
            <Button icon={CirclePlay} keys="a" onClick={() => setAsked('activate')}>
              {t('campaign.activate')}
            </Button>
            <Button icon={CirclePause} keys="d" onClick={() => setAsked('deactivate')}>
              {t('campaign.deactivate')}
            </Button>
            <Button icon={Copy} keys="y" onClick={() => setAsked('clone')}>
              {t('clone.action')}
            </Button>
            <Button icon={Trash2} keys="x" onClick={() => setAsked('delete')}>
              {t('action.delete')}
            </Button>
          </div>
        )}
        <dl className="facts">
          <Fact label={t('campaign.budget')}>
            <BudgetMeter campaign={data} />
          </Fact>
          {data.budget && <Fact label={t('campaign.field.budget_on_overflow')}>{word('budgetOverflow', data.budget_on_overflow)}</Fact>}
          {data.budget_uses !== null && (
            <Fact label={t('campaign.budgetUses')}>
              <Drill to={can('redemptions.read') && rows.redemptions({ campaign_id: id, status: 'redeemed' })}>
                {(data.budget_uses_spent ?? 0) - (data.budget_uses_held ?? 0)} / {data.budget_uses}
              </Drill>
              {(data.budget_uses_held ?? 0) > 0 && (
                <>
                  {' + '}
                  <Drill to={can('redemptions.read') && rows.held({ campaign_id: id })}>{t('campaign.held', { held: data.budget_uses_held ?? 0 })}</Drill>
                </>
              )}
            </Fact>
          )}
          <Fact label={t('campaign.start')}>
            <Instant at={data.start_date} />
          </Fact>
          <Fact label={t('campaign.end')}>{data.end_date ? <Instant at={data.end_date} /> : t('time.unlimited')}</Fact>
          <Fact label={t('field.time_zone')}>{data.time_zone}</Fact>
          {data.attribution.marketing_channel && <Fact label={t('campaign.channel')}>{word('marketingChannel', data.attribution.marketing_channel)}</Fact>}
          {utm && <Fact label={t('field.utm')}>{utm}</Fact>}
        </dl>
        <Performance id={id} />
        {can('finance.read') && (data.budget || data.budget_uses !== null) && <BurnDown id={id} />}
        {can('finance.read') && (
          <Place id="costs">
            <Costs campaign={data} />
          </Place>
        )}
        <Audience id={id} />
        <section className="stack stack--tight" aria-labelledby="campaign-coupons">
          <h3 id="campaign-coupons">{t('campaign.coupons', { count: coupons.length })}</h3>
          {coupons.length === 0 ? (
            <p className="muted">{t('campaign.noCoupons')}</p>
          ) : (
            <ul className="stack stack--tight">
              {coupons.map((coupon) => (
                <li key={coupon.coupon_id} className="row">
                  <Link className="code-chip" to={`/coupons/${coupon.coupon_id}`}>
                    {coupon.code}
                  </Link>
                  {coupon.role && <span className="badge">{word('campaignRole', coupon.role)}</span>}
                </li>
              ))}
            </ul>
          )}
          <Link to={`/coupons?campaign=${encodeURIComponent(id)}`}>{t('campaign.allCoupons')}</Link>
        </section>
      </div>
      {asked === 'clone' && <CloneDialog campaign={data} onClose={() => setAsked(undefined)} />}
      {asked && asked !== 'clone' && <ConfirmDialog campaign={data} asked={asked} onClose={() => setAsked(undefined)} onDeleted={close} />}
    </Dialog>
  );
}

function Fact({ label, children }: { label: string; children: ReactNode }) {
  return (
    <div className="facts__pair">
      <dt>{label}</dt>
      <dd>{children}</dd>
    </div>
  );
}

function ConfirmDialog({ campaign, asked, onClose, onDeleted }: { campaign: Campaign; asked: Exclude<Asked, 'clone'>; onClose: () => void; onDeleted: () => void }) {
  const { t } = useTranslation();
  const toast = useToast();
  const [activate] = campaignsApi.endpoints.activateCampaign.useMutation();
  const [deactivate] = campaignsApi.endpoints.deactivateCampaign.useMutation();
  const [remove] = campaignsApi.endpoints.deleteCampaign.useMutation();
  const run = async () => {
    if (asked === 'delete') {
      const answer = await remove({ id: campaign.id, 'If-Match': `"${campaign.version}"` });
      if (answer.error) return toast('failure', messageOf(answer.error, t));
      toast('success', t('campaign.deleted', { name: campaign.name }));
      onClose();
      return onDeleted();
    }

    const answer = await (asked === 'activate' ? activate : deactivate)({ id: campaign.id, 'Idempotency-Key': `web-${nanoid()}` });
    if (answer.error) return toast('failure', messageOf(answer.error, t));
    toast('success', t('campaign.switched', { count: answer.data.changed }));
    onClose();
  };
  return (
    <Dialog
      alert
      title={t(`campaign.${asked}.title`, { name: campaign.name })}
      onClose={onClose}
      foot={
        <>
          <Button onClick={onClose}>{t('action.cancel')}</Button>
          <Button look={asked === 'delete' ? 'danger' : 'primary'} onClick={run}>
            {t(asked === 'delete' ? 'action.delete' : 'action.confirm')}
          </Button>
        </>
      }
    >
      <p>{t(`campaign.${asked}.text`, { count: campaign.associated_coupons?.length ?? 0 })}</p>
    </Dialog>
  );
}
