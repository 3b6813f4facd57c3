import { nanoid } from '@reduxjs/toolkit';
import { Download } from 'lucide-react';
import { useRef, useState } from 'react';
import { client } from '../../shared/api/client.generated';
import { messageOf, problemOf } from '../../shared/api/problem';
import { useTranslation } from '../../shared/i18n/i18n';
import { Button } from '../../shared/ui/Button';
import { Dialog } from '../../shared/ui/Dialog';
import { FieldError } from '../../shared/ui/Field';
import { FollowedOperation } from '../../shared/ui/FollowedOperation';
import { shapeOf, type Selection } from './selection';

const formats = ['xlsx', 'csv'] as const;

/** An export of the list as it is filtered and sorted, with its figures (BLK-03): chosen, made, fetched. */
export function ExportDialog({ selection, sort, onClose }: { selection: Selection; sort: string; onClose: () => void }) {
  const { t } = useTranslation();
  const key = useRef(`web-${nanoid()}`);
  const [format, setFormat] = useState<(typeof formats)[number]>('xlsx');
  const [operation, setOperation] = useState<string>();
  const [failure, setFailure] = useState<string>();
  const [start, { isLoading }] = client.endpoints.exportCoupons.useMutation();
  const run = async () => {
    const answer = await start({ 'Idempotency-Key': key.current, exportWanted: { format, selection: shapeOf(selection), sort } });
    if (answer.data) {
      setOperation(answer.data.operation_id);
      return;
    }

    if (problemOf(answer.error)) key.current = `web-${nanoid()}`;
    setFailure(messageOf(answer.error, t));
  };
  return (
    <Dialog
      title={t('export.title')}
      onClose={onClose}
      foot={
        <>
          <Button onClick={onClose}>{t('action.close')}</Button>
          {!operation && (
            <Button look="primary" icon={Download} busy={isLoading} onClick={run}>
              {t('export.run')}
            </Button>
          )}
        </>
      }
    >
      {operation ? (
        <FollowedOperation id={operation} />
      ) : (
        <div className="stack">
          {failure && <FieldError text={failure} />}
          <p>{'ids' in selection ? t('export.selected', { count: selection.ids.length }) : t('export.matching')}</p>
          <fieldset className="plain-fieldset stack stack--tight">
            <legend className="field__label">{t('export.format')}</legend>
            <div className="row check-list">
              {formats.map((one) => (
                <label className="check" key={one}>
                  <input type="radio" name="format" checked={format === one} onChange={() => setFormat(one)} />
                  {t(`export.format.${one}`)}
                </label>
              ))}
            </div>
          </fieldset>
          <p className="muted small">{t('export.audited')}</p>
        </div>
      )}
    </Dialog>
  );
}
