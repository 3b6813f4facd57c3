import { Archive } from 'lucide-react';
import { useState } from 'react';
import type { RetentionView } from '../../shared/api/client.generated';
import { useTranslation, type MessageKey } from '../../shared/i18n/i18n';
import { formatCount } from '../../shared/lib/format';
import { Button } from '../../shared/ui/Button';
import { Drill } from '../../shared/ui/Drill';
import { Field } from '../../shared/ui/Field';
import type { labelOf } from '../../shared/ui/FormChanges';
import { Place } from '../../shared/ui/Place';
import { useToast } from '../../shared/ui/Toasts';
import { Ago } from '../../shared/ui/Values';
import { Archives } from './Archives';
import { EditDialog } from '../../shared/ui/EditDialog';
import { LegalHolds } from './LegalHolds';
import { Listing } from '../../shared/ui/Listing';
import { kindText } from './retentionKinds';
import { settingsApi } from './settingsApi';

const label: typeof labelOf = (field, t) => t(`retention.${field}` as MessageKey);

/** How long each kind of data is kept, what the last run did, and what a legal hold keeps (AUD-08). */
export function Retention() {
  const { t, locale } = useTranslation();
  const list = settingsApi.endpoints.listRetention.useQuery();
  const [edited, setEdited] = useState<RetentionView>();
  const kinds = list.data?.data ?? [];
  const count = (value: number | null) => (value === null ? '–' : formatCount(value, locale));
  return (
    <div className="stack">
      <Listing
        title={t('settings.retention')}
        icon={Archive}
        empty={t('settings.retention')}
        pages={{
          rows: kinds,
          isLoading: list.isLoading,
          isLoadingMore: false,
          hasMore: false,
          error: list.isError ? list.error : undefined,
          loadMore: () => undefined,
          refetch: () => void list.refetch(),
        }}
        columns={[t('retention.kind'), t('retention.keep_days'), t('retention.lastRun'), t('retention.deleted'), t('retention.archived'), t('retention.held'), '']}
        row={(kind) => (
          <tr key={kind.data_kind}>
            <td className="wide">
              {kindText(kind, locale)} {kind.is_held && <span className="badge badge--warn">{t('retention.isHeld')}</span>}
            </td>
            <td className="whole">
              {t('region.days', { count: kind.keep_days })}
              <div className="small muted">{t(`retention.then.${kind.action}` as MessageKey)}</div>
            </td>
            <td className="whole">
              {kind.is_running ? <span className="badge">{t('retention.running')}</span> : kind.last_run_at ? <Ago at={kind.last_run_at} /> : t('time.never')}
            </td>
            <td className="num">{count(kind.last_deleted)}</td>
            <td className="num">
              <Drill to={kind.last_archived ? '/settings/retention#archives' : null}>{count(kind.last_archived)}</Drill>
            </td>
            <td className="num">
              <Drill to={kind.last_held ? '/settings/retention#holds' : null}>{count(kind.last_held)}</Drill>
            </td>
            <td className="end">
              <Button size="small" onClick={() => setEdited(kind)} aria-label={`${t('action.edit')}: ${kindText(kind, locale)}`}>
                {t('action.edit')}
              </Button>
            </td>
          </tr>
        )}
      />
      <Place id="archives">
        <Archives kinds={kinds} />
      </Place>
      <Place id="holds">
        <LegalHolds kinds={kinds} />
      </Place>
      {edited && <PeriodForm kind={edited} onClose={() => setEdited(undefined)} />}
    </div>
  );
}

const valuesOf = (kind: RetentionView | undefined) => ({ keep_days: String(kind?.keep_days ?? ''), action: kind?.action ?? 'delete' });

function PeriodForm({ kind, onClose }: { kind: RetentionView; onClose: () => void }) {
  const { t, locale } = useTranslation();
  const toast = useToast();
  const [set] = settingsApi.endpoints.setRetention.useMutation();
  const [list] = settingsApi.endpoints.listRetention.useLazyQuery();
  return (
    <EditDialog
      title={kindText(kind, locale)}
      stored={kind}
      valuesOf={valuesOf}
      label={label}
      read={async ({ data_kind: name }) => ({ data: (await list()).data?.data.find((one) => one.data_kind === name) })}
      save={(values, over) =>
        set({
          kind: kind.data_kind,
          'If-Match': `"${(over ?? kind).version}"`,
          retentionWanted: { keep_days: /^\d+$/.test(values.keep_days) ? Number(values.keep_days) : (values.keep_days as unknown as number), action: values.action },
        })
      }
      onSaved={(saved) => toast('success', t('retention.saved', { name: kindText(saved, locale) }))}
      onClose={onClose}
    >
      {({ values, set: change, errors }) => (
        <>
          <Field label={t('retention.keep_days')} error={errors.keep_days} hint={t('retention.fewest', { count: kind.fewest_days })}>
            <input className="input" inputMode="numeric" data-autofocus value={values.keep_days} onChange={(event) => change({ keep_days: event.target.value.trim() })} />
          </Field>
          {kind.may_archive && (
            <Field label={t('retention.action')} error={errors.action}>
              <select className="input" value={values.action} onChange={(event) => change({ action: event.target.value })}>
                <option value="delete">{t('retention.then.delete')}</option>
                <option value="archive">{t('retention.then.archive')}</option>
              </select>
            </Field>
          )}
        </>
      )}
    </EditDialog>
  );
}
