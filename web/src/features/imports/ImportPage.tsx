import { Download, FileSpreadsheet, ListChecks, Upload } from 'lucide-react';
import { nanoid } from '@reduxjs/toolkit';
import { lazy, Suspense, useRef, useState, type DragEvent } from 'react';
import { useSearchParams } from 'react-router';
import { client, type ImportPreview, type ImportUpload } from '../../shared/api/client.generated';
import { messageOf, problemOf } from '../../shared/api/problem';
import { useTranslation, withTexts } from '../../shared/i18n/i18n';
import { Button } from '../../shared/ui/Button';
import { Coming } from '../../shared/ui/Coming';
import { CouponTabs } from '../../shared/ui/CouponTabs';
import { FieldError } from '../../shared/ui/Field';
import { FollowedOperation } from '../../shared/ui/FollowedOperation';
import { useToast } from '../../shared/ui/Toasts';
import { ImportDiff } from './ImportDiff';

const UnitBulkDialog = lazy(() => withTexts(import('../bulk/UnitBulkDialog')).then((module) => ({ default: module.UnitBulkDialog })));

const mostBytes = 10 * 1024 * 1024;
const options = ['activate_immediately', 'send_notifications', 'dry_run'] as const;
type Duplicates = 'refuse' | 'skip' | 'update';

/** Import of coupons (A.11): template, file, preview, options, run; the operation is in the address, so it can be left. */
export function ImportPage() {
  const { t } = useTranslation();
  const toast = useToast();
  const [params, setParams] = useSearchParams();
  const operationId = params.get('operation');
  const key = useRef(`web-${nanoid()}`);
  /** How often something was chosen: only the latest choice is shown, whichever is answered last. */
  const choices = useRef(0);
  const [file, setFile] = useState<File>();
  const [failure, setFailure] = useState<string>();
  const [preview, setPreview] = useState<ImportPreview>();
  const [duplicates, setDuplicates] = useState<Duplicates>('refuse');
  const [flags, setFlags] = useState<ReadonlySet<string>>(new Set());
  const [check, { isLoading: isChecking }] = client.endpoints.previewImport.useMutation();
  const [start, { isLoading: isStarting }] = client.endpoints.importCoupons.useMutation();

  const form = (chosen: File, known = duplicates) => {
    const data = new FormData();
    data.set('file', chosen);
    if (known === 'skip') data.set('skip_duplicates', 'true');
    if (known === 'update') data.set('update_existing', 'true');
    flags.forEach((flag) => data.set(flag, 'true'));
    // The generated type describes the parts; what is sent is a form of them.
    return data as unknown as ImportUpload;
  };
  const choose = async (chosen: File | undefined, known = duplicates) => {
    if (!chosen) return;
    const choice = ++choices.current;
    setPreview(undefined);
    setFile(chosen);
    key.current = `web-${nanoid()}`;
    if (!/\.(csv|xlsx)$/i.test(chosen.name)) return setFailure(t('import.wrongType'));
    if (chosen.size > mostBytes) return setFailure(t('import.tooLarge'));
    setFailure(undefined);
    const answer = await check({ importUpload: form(chosen, known) });
    if (choice !== choices.current) return;
    if (answer.data) setPreview(answer.data);
    else setFailure(messageOf(answer.error, t));
  };
  const run = async () => {
    if (!file) return;
    const answer = await start({ 'Idempotency-Key': key.current, importUpload: form(file) });
    if (!answer.data) {
      if (problemOf(answer.error)) key.current = `web-${nanoid()}`;
      setFailure(messageOf(answer.error, t));
      return;
    }

    toast('info', t('import.started', { count: answer.data.rows }));
    setParams({ operation: answer.data.operation_id });
    setFile(undefined);
    setPreview(undefined);
  };

  return (
    <div className="page">
      <header className="page__head">
        <h1>{t('coupons.title')}</h1>
        <a className="button" href="/api/v1/admin/coupons/import/template" download>
          <Download className="icon" aria-hidden />
          {t('import.template')}
        </a>
      </header>
      <CouponTabs />
      {operationId && <FollowedOperation key={operationId} id={operationId} />}
      <section className="card" aria-labelledby="import-title">
        <div className="card__head">
          <h2 id="import-title">{t('import.title')}</h2>
        </div>
        <div className="card__body stack">
          <DropZone file={file} onChoose={(chosen) => void choose(chosen)} isBusy={isChecking} />
          {failure && <FieldError text={failure} />}
          {preview && <ImportDiff preview={preview} name={file?.name ?? ''} />}
          <fieldset className="plain-fieldset stack stack--tight">
            <legend className="field__label">{t('import.duplicates')}</legend>
            <div className="row check-list">
              {(['refuse', 'skip', 'update'] as const).map((one) => (
                <label className="check" key={one}>
                  <input
                    type="radio"
                    name="duplicates"
                    checked={duplicates === one}
                    onChange={() => {
                    setDuplicates(one);
                    // What rows would do depends on it.
                    void choose(file, one);
                  }}
                />
                  {t(`import.duplicates.${one}`)}
                </label>
              ))}
            </div>
          </fieldset>
          <fieldset className="plain-fieldset stack stack--tight">
            <legend className="field__label">{t('import.options')}</legend>
            <div className="row check-list">
              {options.map((option) => (
                <label className="check" key={option}>
                  <input
                    type="checkbox"
                    checked={flags.has(option)}
                    onChange={(event) => {
                      const next = new Set(flags);
                      if (event.target.checked) next.add(option);
                      else next.delete(option);
                      setFlags(next);
                    }}
                  />
                  {t(`import.option.${option}`)}
                </label>
              ))}
            </div>
          </fieldset>
          <div className="row">
            <Button look="primary" icon={Upload} busy={isStarting} disabled={!preview || preview.valid_rows === 0} onClick={run}>
              {preview ? t('import.run', { count: preview.valid_rows }) : t('import.title')}
            </Button>
            {preview && preview.invalid_rows > 0 && <span className="muted small">{t('import.invalidStay', { count: preview.invalid_rows })}</span>}
          </div>
        </div>
      </section>
      <UnitsFromList />
    </div>
  );
}

/** Units that are named by a list are changed together, whatever coupons they are of (BLK-05). */
function UnitsFromList() {
  const { t } = useTranslation();
  const [isOpen, setOpen] = useState(false);
  return (
    <section className="card" aria-labelledby="units-title">
      <div className="card__head">
        <h2 id="units-title">{t('unitBulk.title')}</h2>
      </div>
      <div className="card__body stack">
        <p className="muted">{t('unitBulk.text')}</p>
        <div>
          <Button icon={ListChecks} onClick={() => setOpen(true)}>
            {t('unitBulk.open')}
          </Button>
        </div>
      </div>
      {isOpen && (
        <Suspense fallback={<Coming />}>
          <UnitBulkDialog selection={undefined} onClose={() => setOpen(false)} />
        </Suspense>
      )}
    </section>
  );
}

function DropZone({ file, onChoose, isBusy }: { file: File | undefined; onChoose: (file: File | undefined) => void; isBusy: boolean }) {
  const { t } = useTranslation();
  const [isOver, setOver] = useState(false);
  const drop = (event: DragEvent) => {
    event.preventDefault();
    setOver(false);
    onChoose(event.dataTransfer.files[0]);
  };
  return (
    <label
      className={`drop-zone${isOver ? ' drop-zone--over' : ''}`}
      onDragOver={(event) => {
        event.preventDefault();
        setOver(true);
      }}
      onDragLeave={() => setOver(false)}
      onDrop={drop}
    >
      <FileSpreadsheet className="empty__art" strokeWidth={1.4} aria-hidden />
      <span className="anywhere">
        <strong>{file ? file.name : t('import.choose')}</strong>
      </span>
      <span className="muted small">{t('import.limits')}</span>
      <input
        type="file"
        accept=".csv,.xlsx"
        className="visually-hidden"
        disabled={isBusy}
        onChange={(event) => {
          onChoose(event.target.files?.[0]);
          event.target.value = '';
        }}
      />
    </label>
  );
}
