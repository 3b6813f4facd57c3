import { nanoid } from '@reduxjs/toolkit';
import { MapPin, Plus } from 'lucide-react';
import { useState } from 'react';
import type { Region } from '../../shared/api/client.generated';
import { messageOf } from '../../shared/api/problem';
import { useCan } from '../../shared/api/store';
import { tagOf } from '../../shared/api/tagOf';
import { usePages } from '../../shared/api/usePages';
import { useTranslation, type MessageKey, type Translation } from '../../shared/i18n/i18n';
import { Button } from '../../shared/ui/Button';
import { Dialog } from '../../shared/ui/Dialog';
import { Field } from '../../shared/ui/Field';
import type { labelOf } from '../../shared/ui/FormChanges';
import { useToast } from '../../shared/ui/Toasts';
import { EditDialog } from '../../shared/ui/EditDialog';
import { Listing } from '../../shared/ui/Listing';
import { settingsApi } from './settingsApi';

const label: typeof labelOf = (field, t) => t(`region.${field}` as MessageKey);

/** The name of a country in the language of the page; a part of one keeps its code. */
function nameOf(id: string, { locale, t }: Pick<Translation, 'locale' | 't'>) {
  if (id === 'default') return t('region.default');
  const [country = id, part] = id.split('-');
  const name = new Intl.DisplayNames([locale], { type: 'region', fallback: 'none' }).of(country);
  return name ? (part ? `${name}, ${part}` : name) : id;
}

/** What the law of a region asks of the end of coupons (AUD-05). */
export function Regions() {
  const { t, locale } = useTranslation();
  const can = useCan();
  const pages = usePages(settingsApi.endpoints.listRegions, { limit: 50, sort: 'id' as const });
  const [edited, setEdited] = useState<Region | 'new'>();
  const [removed, setRemoved] = useState<Region>();
  const mayEdit = can('regions.manage');
  const days = (count: number | undefined, none: MessageKey) => (count ? t('region.days', { count }) : t(none));
  return (
    <>
      <p className="small muted">{t('region.about')}</p>
      <Listing
        title={t('settings.regions')}
        icon={MapPin}
        empty={t('region.none')}
        pages={pages}
        columns={[t('region.id'), t('region.minimum_days'), t('region.may_shorten'), t('region.notice_days'), '']}
        action={
          mayEdit && (
            <Button icon={Plus} keys="n" onClick={() => setEdited('new')}>
              {t('region.add')}
            </Button>
          )
        }
        row={(region) => (
          <tr key={region.id}>
            <td>
              <bdi>{nameOf(region.id, { locale, t })}</bdi> {region.id !== 'default' && <code className="muted">{region.id}</code>}
            </td>
            <td className="whole">{days(region.coupons.minimum_days, 'region.any')}</td>
            <td className="whole">
              {!region.coupons.may_shorten
                ? t('region.never')
                : region.coupons.shortening_days
                  ? t('region.ahead', { count: region.coupons.shortening_days })
                  : t('region.atOnce')}
            </td>
            <td className="whole">{days(region.coupons.notice_days, 'region.noNotice')}</td>
            <td className="end">
              {mayEdit && (
                <span className="row">
                  <Button size="small" onClick={() => setEdited(region)} aria-label={`${t('action.edit')}: ${region.id}`}>
                    {t('action.edit')}
                  </Button>
                  <Button size="small" onClick={() => setRemoved(region)} aria-label={`${t('action.delete')}: ${region.id}`}>
                    {t('action.delete')}
                  </Button>
                </span>
              )}
            </td>
          </tr>
        )}
      />
      {edited && <RegionForm region={edited === 'new' ? undefined : edited} onClose={() => setEdited(undefined)} />}
      {removed && <RemoveDialog region={removed} onClose={() => setRemoved(undefined)} />}
    </>
  );
}

const valuesOf = (region: Region | undefined) => ({
  id: region?.id ?? '',
  minimum_days: String(region?.coupons.minimum_days ?? 0),
  may_shorten: region?.coupons.may_shorten ?? true,
  shortening_days: String(region?.coupons.shortening_days ?? 0),
  notice_days: String(region?.coupons.notice_days ?? 0),
});

/** What is no number goes as it is: the service says what is wrong with it. */
const number = (text: string) => (/^\d+$/.test(text.trim()) ? Number(text) : (text as unknown as number));

function RegionForm({ region, onClose }: { region: Region | undefined; onClose: () => void }) {
  const { t, locale } = useTranslation();
  const toast = useToast();
  const [create] = settingsApi.endpoints.createRegion.useMutation();
  const [replace] = settingsApi.endpoints.replaceRegion.useMutation();
  const [read] = settingsApi.endpoints.getRegion.useLazyQuery();
  return (
    <EditDialog
      title={region ? nameOf(region.id, { locale, t }) : t('region.add')}
      stored={region}
      valuesOf={valuesOf}
      label={label}
      read={({ id }) => read({ id })}
      save={(values, over, key) => {
        const regionWanted = {
          id: values.id.trim(),
          coupons: {
            minimum_days: number(values.minimum_days),
            may_shorten: values.may_shorten,
            shortening_days: values.may_shorten ? number(values.shortening_days) : 0,
            notice_days: number(values.notice_days),
          },
        };
        return over ? replace({ id: over.id, 'If-Match': tagOf(over), regionWanted }) : create({ 'Idempotency-Key': key, regionWanted });
      }}
      onSaved={({ id }) => toast('success', t('region.saved', { name: nameOf(id, { locale, t }) }))}
      onClose={onClose}
    >
      {({ values, set, errors }) => {
        const days = (name: 'minimum_days' | 'shortening_days' | 'notice_days', isFirst = false) => (
          <Field label={label(name, t)} error={errors[name]} hint={t(`region.${name}.hint`)}>
            <input
              className="input"
              inputMode="numeric"
              value={values[name]}
              {...(isFirst ? { 'data-autofocus': true } : {})}
              onChange={(event) => set({ [name]: event.target.value })}
            />
          </Field>
        );
        return (
          <>
            {!region && (
              <Field label={t('region.id')} error={errors.id} hint={t('region.id.hint')}>
                <input className="input" value={values.id} maxLength={10} data-autofocus onChange={(event) => set({ id: event.target.value })} />
              </Field>
            )}
            {days('minimum_days', Boolean(region))}
            <label className="check">
              <input type="checkbox" checked={values.may_shorten} onChange={(event) => set({ may_shorten: event.target.checked })} />
              {t('region.may_shorten')}
            </label>
            {values.may_shorten && days('shortening_days')}
            {days('notice_days')}
          </>
        );
      }}
    </EditDialog>
  );
}

function RemoveDialog({ region, onClose }: { region: Region; onClose: () => void }) {
  const { t, locale } = useTranslation();
  const toast = useToast();
  const name = nameOf(region.id, { locale, t });
  const [remove, { isLoading }] = settingsApi.endpoints.deleteRegion.useMutation();
  const [restore] = settingsApi.endpoints.createRegion.useMutation();
  const run = async () => {
    const answer = await remove({ id: region.id, 'If-Match': tagOf(region) });
    if (answer.error) toast('failure', messageOf(answer.error, t));
    else
      toast('success', t('region.removed', { name }), {
        label: t('action.undo'),
        run: () => void restore({ 'Idempotency-Key': `web-${nanoid()}`, regionWanted: { id: region.id, coupons: region.coupons } }),
      });
    onClose();
  };
  return (
    <Dialog
      alert
      title={t('region.remove.title', { name })}
      onClose={onClose}
      foot={
        <>
          <Button onClick={onClose}>{t('action.cancel')}</Button>
          <Button look="danger" busy={isLoading} onClick={run}>
            {t('action.delete')}
          </Button>
        </>
      }
    >
      <p>{t('region.remove.text')}</p>
    </Dialog>
  );
}
