import { CircleAlert, CircleMinus, CirclePlus, Download, Pencil, TriangleAlert, type LucideIcon } from 'lucide-react';
import { useState } from 'react';
import type { ImportPreview } from '../../shared/api/client.generated';
import { faultText } from '../../shared/api/problem';
import { useTranslation } from '../../shared/i18n/i18n';
import { formatCount } from '../../shared/lib/format';
import { Button } from '../../shared/ui/Button';
import { Scrollable } from '../../shared/ui/Scrollable';
import { Note } from '../../shared/ui/States';
import { csvOf, download } from './csv';

const kinds = ['new', 'update', 'duplicate', 'error'] as const;
type Kind = (typeof kinds)[number];
const looks: Record<Kind, { icon: LucideIcon; look: string }> = {
  new: { icon: CirclePlus, look: 'ok' },
  update: { icon: Pencil, look: 'info' },
  duplicate: { icon: CircleMinus, look: 'neutral' },
  error: { icon: CircleAlert, look: 'danger' },
};
/** Each figure shows the rows it counts. */
const counts = [
  { count: 'total_rows', of: '' },
  { count: 'new_rows', of: 'new' },
  { count: 'update_rows', of: 'update' },
  { count: 'duplicate_rows', of: 'duplicate' },
  { count: 'invalid_rows', of: 'error' },
] as const;
const shown = 100;

/** What each row of the file would do, before anything is written; errors at their lines, to be fetched as a file. */
export function ImportDiff({ preview, name }: { preview: ImportPreview; name: string }) {
  const { t, word, locale } = useTranslation();
  const [kind, setKind] = useState<Kind | ''>('');
  const rows = preview.rows.filter((row) => kind === '' || row.kind === kind).slice(0, shown);
  const save = () => {
    // The rows as they are in the file: to be mended and chosen again.
    download(`${name}-errors.csv`, csvOf(preview.refused_rows));
  };
  return (
    <div className="stack stack--tight">
      <div className="figures figures--tight" role="group" aria-label={t('import.kind')}>
        {counts.map(({ count, of }) => (
          <button key={count} type="button" className="figure figure--switch" aria-pressed={kind === of} onClick={() => setKind(of)}>
            <span className="figure__label">{t(`import.${count}`)}</span>
            <span className="figure__value figure__value--small">{formatCount(preview[count], locale)}</span>
          </button>
        ))}
      </div>
      {preview.unknown_columns.length > 0 && (
        <Note kind="warn" icon={TriangleAlert}>
          {t('import.unknown', { columns: preview.unknown_columns.join(', ') })}
        </Note>
      )}
      <div className="row row--between">
        <select className="input filters__select" aria-label={t('import.kind')} value={kind} onChange={(event) => setKind(event.target.value as Kind | '')}>
          <option value="">{t('import.kind.all')}</option>
          {kinds.map((one) => (
            <option key={one} value={one}>
              {t(`import.kind.${one}`)}
            </option>
          ))}
        </select>
        {preview.errors.length > 0 && (
          <Button size="small" icon={Download} onClick={save}>
            {t('import.errorFile')}
          </Button>
        )}
      </div>
      <Scrollable label={t('import.diff')} look="import-diff">
        <table className="simple-table">
          <caption className="visually-hidden">{t('import.diff')}</caption>
          <thead>
            <tr>
              <th scope="col">{t('import.line')}</th>
              <th scope="col">{t('import.kind')}</th>
              <th scope="col">{t('column.code')}</th>
              <th scope="col">{t('import.changes')}</th>
            </tr>
          </thead>
          <tbody>
            {rows.map((row) => {
              const { icon: Icon, look } = looks[row.kind as Kind];
              return (
                <tr key={row.line}>
                  <td className="num">{row.line}</td>
                  <td>
                    <span className={`badge badge--${look}`}>
                      <Icon className="icon" aria-hidden />
                      {word('import.kind', row.kind)}
                    </span>
                  </td>
                  <td className="anywhere">
                    <bdi>{row.code}</bdi>
                  </td>
                  <td>
                    {preview.errors.filter((fault) => row.kind === 'error' && fault.line === row.line).map((fault) => (
                      <div key={fault.field + fault.code}>
                        <code>{fault.field}</code>: {faultText(fault, t)}
                        {fault.value && (
                          <span className="muted">
                            {' '}
                            (<bdi>{fault.value}</bdi>)
                          </span>
                        )}
                      </div>
                    ))}
                    {row.changes.map((change) => (
                      <div key={change.field}>
                        <code>{change.field}</code>: <bdi>{change.before ?? '–'}</bdi> → <bdi>{change.after ?? '–'}</bdi>
                      </div>
                    ))}
                    {row.kind === 'update' && row.changes.length === 0 && <span className="muted">{t('import.same')}</span>}
                  </td>
                </tr>
              );
            })}
          </tbody>
        </table>
      </Scrollable>
    </div>
  );
}
