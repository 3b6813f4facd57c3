import { TriangleAlert } from 'lucide-react';
import type { BulkPreviewView, BulkReason } from '../../shared/api/client.generated';
import { useTranslation } from '../../shared/i18n/i18n';
import { formatCount } from '../../shared/lib/format';
import { Scrollable } from '../../shared/ui/Scrollable';
import { Note } from '../../shared/ui/States';

/** How many would change, stay, or be refused and why; then some of them by name. */
export function BulkEffect({ preview }: { preview: BulkPreviewView }) {
  const { t, word, locale } = useTranslation();
  const isEdit = preview.examples.some((one) => one.changes.some((change) => !['is_active', 'deleted_at'].includes(change.field)));
  const told = (field: string, value: string | null) => (value === null ? '–' : field === 'state' ? word('instanceState', value) : value);
  return (
    <>
      <div className="figures figures--tight" role="status">
        {(['matching', 'changing', 'unchanged', 'refused'] as const).map((name) => (
          <div className="figure" key={name}>
            <span className="figure__label">{t(`bulk.count.${name}`)}</span>
            <span className="figure__value figure__value--small">{formatCount(preview[name], locale)}</span>
          </div>
        ))}
      </div>
      <Reasons title={t('bulk.reasons')} family="bulkReason" reasons={preview.reasons} />
      <Reasons title={t('bulk.warnings')} family="bulkWarning" reasons={preview.warnings} />
      {isEdit ? (
        <Scrollable label={t('bulk.examples')}>
          <table className="simple-table">
            <caption className="visually-hidden">{t('bulk.examples')}</caption>
            <thead>
              <tr>
                <th scope="col">{t('column.code')}</th>
                <th scope="col">{t('conflict.field')}</th>
                <th scope="col">{t('bulk.before')}</th>
                <th scope="col">{t('bulk.after')}</th>
              </tr>
            </thead>
            <tbody>
              {preview.examples.flatMap((one) =>
                one.changes.map((change) => (
                  <tr key={`${one.id} ${change.field}`}>
                    <td className="anywhere">{one.code}</td>
                    <td>{word('bulkField', change.field)}</td>
                    <td>
                      <bdi>{told(change.field, change.before)}</bdi>
                    </td>
                    <td>
                      <bdi>{told(change.field, change.after)}</bdi>
                    </td>
                  </tr>
                )),
              )}
            </tbody>
          </table>
        </Scrollable>
      ) : (
        <Codes codes={preview.examples.map((one) => one.code)} count={preview.changing} />
      )}
    </>
  );
}

function Reasons({ title, family, reasons }: { title: string; family: string; reasons: BulkReason[] }) {
  const { t, word, locale } = useTranslation();
  if (reasons.length === 0) return null;
  /** What names nothing is named by its line. */
  const named = (example: string) => (example.startsWith('line ') ? t('bulk.line', { line: example.slice(5) }) : example);
  return (
    <Note kind="warn" icon={TriangleAlert}>
      <strong>{title}</strong>
      <ul className="plain-list">
        {reasons.map((reason) => (
          <li key={reason.code}>
            {formatCount(reason.count, locale)} · {word(family, reason.code)}
            {reason.examples.length > 0 && (
              <>
                : <span className="anywhere">{reason.examples.slice(0, 4).map(named).join(', ')}</span>
              </>
            )}
          </li>
        ))}
      </ul>
    </Note>
  );
}

function Codes({ codes, count }: { codes: string[]; count: number }) {
  const { t } = useTranslation();
  if (codes.length === 0) return null;
  return (
    <ul className="row">
      {codes.map((code) => (
        <li key={code} className="badge code-chip">
          {code}
        </li>
      ))}
      {count > codes.length && <li className="muted small">{t('bulk.andMore', { count: count - codes.length })}</li>}
    </ul>
  );
}
