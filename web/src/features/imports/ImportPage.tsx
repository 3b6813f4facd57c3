import { Download, FileSpreadsheet, TriangleAlert, Upload } from 'lucide-react';
import { nanoid } from '@reduxjs/toolkit';
import { useEffect, useRef, useState, type DragEvent } from 'react';
import { useSearchParams } from 'react-router';
import { client, type ImportPreview, type ImportUpload } from '../../shared/api/client.generated';
import { messageOf, problemOf } from '../../shared/api/problem';
import { useTranslation } from '../../shared/i18n/i18n';
import { Button } from '../../shared/ui/Button';
import { CouponTabs } from '../../shared/ui/CouponTabs';
import { FieldError } from '../../shared/ui/Field';
import { isUnderWay, OperationCard } from '../../shared/ui/OperationCard';
import { Note } from '../../shared/ui/States';
import { useToast } from '../../shared/ui/Toasts';

const mostBytes = 10 * 1024 * 1024;
const refreshMs = 1_000;
const options = ['activate_immediately', 'send_notifications', 'dry_run'] as const;
type Duplicates = 'refuse' | 'skip' | 'update';

/** Import of coupons (A.11): template, file, preview, options, run; the operation is in the address, so it can be left. */
export function ImportPage() {
  const { t } = useTranslation();
  const toast = useToast();
  const [params, setParams] = useSearchParams();
  const operationId = params.get('operation');
  const key = useRef(`web-${nanoid()}`);
  const [file, setFile] = useState<File>();
  const [failure, setFailure] = useState<string>();
  const [preview, setPreview] = useState<ImportPreview>();
  const [duplicates, setDuplicates] = useState<Duplicates>('refuse');
  const [flags, setFlags] = useState<ReadonlySet<string>>(new Set());
  const [check, { isLoading: isChecking }] = client.endpoints.previewImport.useMutation();
  const [start, { isLoading: isStarting }] = client.endpoints.importCoupons.useMutation();

  const form = (chosen: File) => {
    const data = new FormData();
    data.set('file', chosen);
    if (duplicates === 'skip') data.set('skip_duplicates', 'true');
    if (duplicates === 'update') data.set('update_existing', 'true');
    flags.forEach((flag) => data.set(flag, 'true'));
    // The generated type describes the parts; what is sent is a form of them.
    return data as unknown as ImportUpload;
  };
  const choose = async (chosen: File | undefined) => {
    if (!chosen) return;
    setPreview(undefined);
    setFile(chosen);
    key.current = `web-${nanoid()}`;
    if (!/\.(csv|xlsx)$/i.test(chosen.name)) return setFailure(t('import.wrongType'));
    if (chosen.size > mostBytes) return setFailure(t('import.tooLarge'));
    setFailure(undefined);
    const answer = await check({ importUpload: form(chosen) });
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
      {operationId && <Running id={operationId} />}
      <section className="card" aria-labelledby="import-title">
        <div className="card__head">
          <h2 id="import-title">{t('import.title')}</h2>
        </div>
        <div className="card__body stack">
          <DropZone file={file} onChoose={(chosen) => void choose(chosen)} isBusy={isChecking} />
          {failure && <FieldError text={failure} />}
          {preview && <Preview preview={preview} />}
          <fieldset className="plain-fieldset stack stack--tight">
            <legend className="field__label">{t('import.duplicates')}</legend>
            <div className="row check-list">
              {(['refuse', 'skip', 'update'] as const).map((one) => (
                <label className="check" key={one}>
                  <input type="radio" name="duplicates" checked={duplicates === one} onChange={() => setDuplicates(one)} />
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
    </div>
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

/** What the file holds, before anything is written: counts, unknown columns, the first faults at their lines. */
function Preview({ preview }: { preview: ImportPreview }) {
  const { t } = useTranslation();
  return (
    <div className="stack stack--tight">
      <div className="figures figures--tight" role="status">
        {(['total_rows', 'valid_rows', 'invalid_rows'] as const).map((name) => (
          <div className="figure" key={name}>
            <span className="figure__label">{t(`import.${name}`)}</span>
            <span className="figure__value figure__value--small">{preview[name]}</span>
          </div>
        ))}
      </div>
      {preview.unknown_columns.length > 0 && (
        <Note kind="warn" icon={TriangleAlert}>
          {t('import.unknown', { columns: preview.unknown_columns.join(', ') })}
        </Note>
      )}
      {preview.codes.length > 0 && (
        <ul className="row" aria-label={t('import.codes')}>
          {preview.codes.slice(0, 16).map((code) => (
            <li className="badge code-chip" key={code}>
              {code}
            </li>
          ))}
        </ul>
      )}
      {preview.errors.length > 0 && (
        <div className="scroll-x">
          <table className="simple-table">
            <caption className="visually-hidden">{t('import.errors')}</caption>
            <thead>
              <tr>
                <th scope="col">{t('import.line')}</th>
                <th scope="col">{t('conflict.field')}</th>
                <th scope="col">{t('import.value')}</th>
                <th scope="col">{t('import.reason')}</th>
              </tr>
            </thead>
            <tbody>
              {preview.errors.slice(0, 50).map((fault, index) => (
                <tr key={index}>
                  <td className="num">{fault.line}</td>
                  <td>
                    <code>{fault.field}</code>
                  </td>
                  <td>
                    <bdi>{fault.value}</bdi>
                  </td>
                  <td>{fault.message}</td>
                </tr>
              ))}
            </tbody>
          </table>
        </div>
      )}
    </div>
  );
}

function Running({ id }: { id: string }) {
  const { t } = useTranslation();
  const toast = useToast();
  const [isFollowed, setFollowed] = useState(true);
  const { data } = client.endpoints.getOperation.useQuery({ id }, { pollingInterval: isFollowed ? refreshMs : 0 });
  const wasUnderWay = useRef(false);
  useEffect(() => {
    if (!data) return;
    const goesOn = isUnderWay(data) || data.status === 'paused';
    setFollowed(goesOn);
    if (wasUnderWay.current && !goesOn) toast(data.status === 'succeeded' ? 'success' : 'failure', t('import.over', { count: data.error_count }));
    wasUnderWay.current = goesOn;
  }, [data, t, toast]);
  return data ? <OperationCard operation={data} /> : null;
}
