import { nanoid } from '@reduxjs/toolkit';
import { useRef, useState } from 'react';
import type { Connector, ConnectorWanted } from '../../shared/api/client.generated';
import { faultsOf, messageOf, problemOf } from '../../shared/api/problem';
import { tagOf } from '../../shared/api/tagOf';
import { useTranslation, type MessageKey } from '../../shared/i18n/i18n';
import { Button } from '../../shared/ui/Button';
import { Dialog } from '../../shared/ui/Dialog';
import { Field, FieldError } from '../../shared/ui/Field';
import { SideBySide } from '../../shared/ui/SideBySide';
import { useToast } from '../../shared/ui/Toasts';
import { useUnsaved } from '../../shared/ui/Unsaved';
import { changesOf, FormChanges, wordsOf, type labelOf } from '../../shared/ui/FormChanges';
import { settingsApi } from './settingsApi';

const kinds = ['partner_rest', 'ecommerce', 'pos_proxy', 'file', 'internal'] as const;
const encodings = ['single', 'batch', 'watermark'] as const;
const acknowledgements = ['sync', 'callback'] as const;
const numbers = ['batch_size', 'concurrency', 'rate_per_second', 'quota_per_day', 'sla_seconds', 'timeout_seconds', 'callback_seconds', 'manual_after_seconds'] as const;
const optional: readonly string[] = ['rate_per_second', 'quota_per_day'];

type Texts = Record<'name' | 'address' | 'channels' | 'contact' | 'instructions' | (typeof numbers)[number], string>;

/** A partner that is told when coupons end: made, or changed; what is left as it is keeps the service's default. */
export function ConnectorForm({ connector, onClose }: { connector?: Connector; onClose: () => void }) {
  const { t, word } = useTranslation();
  const toast = useToast();
  const key = useRef(`web-${nanoid()}`);
  const [kind, setKind] = useState<string>(connector?.kind ?? 'partner_rest');
  const [encoding, setEncoding] = useState<string>(connector?.encoding ?? 'batch');
  const [acknowledgement, setAcknowledgement] = useState<string>(connector?.acknowledgement ?? 'sync');
  const [isActive, setActive] = useState(connector?.is_active ?? true);
  const [isCritical, setCritical] = useState(connector?.is_critical ?? true);
  const [texts, setTexts] = useState<Texts>(() => {
    const text = (value: unknown) => (value === null || value === undefined ? '' : String(value));
    const begun = Object.fromEntries(numbers.map((name) => [name, text(connector?.[name])])) as Texts;
    return { ...begun, name: connector?.name ?? '', address: connector?.address ?? 'https://', channels: connector?.channels?.join(', ') ?? '', contact: connector?.contact ?? '', instructions: connector?.instructions ?? '' };
  });
  const [errors, setErrors] = useState<Record<string, string>>({});
  const [failure, setFailure] = useState<string>();
  const [create, creating] = settingsApi.endpoints.createConnector.useMutation();
  const [replace, replacing] = settingsApi.endpoints.replaceConnector.useMutation();
  const [base, setBase] = useState(connector);
  const [theirs, setTheirs] = useState<Connector>();
  const [read] = settingsApi.endpoints.getConnector.useLazyQuery();
  const wantedNow = (): ConnectorWanted => {
    const channels = texts.channels.split(',').map((one) => one.trim()).filter(Boolean);
    const figures = Object.fromEntries(
      numbers.filter((name) => texts[name].trim() !== '' || (connector && optional.includes(name))).map((name) => [name, texts[name].trim() === '' ? null : Number(texts[name])]),
    );
    return {
      name: texts.name.trim(),
      kind,
      address: kind === 'internal' ? '' : texts.address.trim(),
      encoding,
      acknowledgement,
      channels: channels.length ? channels : null,
      merchants: connector?.merchants ?? null,
      can_schedule: connector?.can_schedule ?? false,
      external_id: connector?.external_id ?? null,
      contact: texts.contact.trim(),
      instructions: texts.instructions.trim(),
      is_active: isActive,
      is_critical: kind === 'internal' || isCritical,
      ...figures,
    } as ConnectorWanted;
  };
  const [begun] = useState(wantedNow);
  const changes = changesOf(base ? Object.fromEntries(Object.keys(wantedNow()).map((name) => [name, base[name as keyof Connector]])) : begun, wantedNow());
  const unsaved = useUnsaved(changes.length > 0, onClose);
  const save = async (over = base) => {
    const wanted = wantedNow();
    const answer = over
      ? await replace({ id: over.id, 'If-Match': tagOf(over), connectorWanted: wanted })
      : await create({ 'Idempotency-Key': key.current, connectorWanted: wanted });
    if (answer.error) {
      const problem = problemOf(answer.error);
      if (over && problem?.status === 412) {
        const now = await read({ id: over.id });
        if (now.data) return setTheirs(now.data);
      }

      if (problem) key.current = `web-${nanoid()}`;
      setErrors(Object.fromEntries(faultsOf(answer.error, t).map(({ field, message }) => [field, message])));
      setFailure(problem?.errors?.length ? t('error.check') : messageOf(answer.error, t));
      return;
    }

    unsaved.release();
    toast('success', t('settings.connectorSaved', { name: wanted.name }));
    onClose();
  };
  const field = (name: keyof Texts, props: { type?: string; rows?: number; hint?: MessageKey } = {}) => (
    <Field key={name} label={t(`connector.${name}` as MessageKey)} error={errors[name]} hint={props.hint && t(props.hint)}>
      {props.rows ? (
        <textarea className="input" rows={props.rows} value={texts[name]} onChange={(event) => setTexts({ ...texts, [name]: event.target.value })} />
      ) : (
        <input className="input" type={props.type} value={texts[name]} onChange={(event) => setTexts({ ...texts, [name]: event.target.value })} />
      )}
    </Field>
  );
  const select = (name: 'kind' | 'encoding' | 'acknowledgement', value: string, options: readonly string[], choose: (value: string) => void) => (
    <Field label={t(`connector.${name}`)} error={errors[name]}>
      <select className="input" value={value} onChange={(event) => choose(event.target.value)}>
        {options.map((one) => (
          <option key={one} value={one}>
            {word(name === 'kind' ? 'connectorKind' : name, one)}
          </option>
        ))}
      </select>
    </Field>
  );
  return (
    <Dialog
      look="wide"
      title={connector?.name ?? t('settings.createConnector')}
      onClose={unsaved.close}
      foot={
        <>
          <FormChanges changes={changes} label={connectorLabel} />
          <Button onClick={unsaved.close}>{t('action.cancel')}</Button>
          <Button look="primary" busy={creating.isLoading || replacing.isLoading} onClick={() => save()}>
            {t('action.save')}
          </Button>
        </>
      }
    >
      <div className="stack">
        <div className="form-grid">
          {field('name')}
          {select('kind', kind, kinds, setKind)}
          {kind !== 'internal' && field('address', { hint: kind === 'file' ? 'connector.address.file' : 'settings.url.hint' })}
          {select('encoding', encoding, encodings, setEncoding)}
          {select('acknowledgement', acknowledgement, acknowledgements, setAcknowledgement)}
          {field('channels', { hint: 'field.list.hint' })}
        </div>
        <details className="form-group">
          <summary>
            <h3>{t('connector.pace')}</h3>
          </summary>
          <div className="form-grid">{numbers.map((name) => field(name, { type: 'number' }))}</div>
        </details>
        <div className="form-grid">
          {field('contact')}
          {field('instructions', { rows: 2 })}
        </div>
        <label className="check">
          <input type="checkbox" checked={isActive} onChange={(event) => setActive(event.target.checked)} />
          {t('connector.is_active')}
        </label>
        {kind !== 'internal' && (
          <label className="check">
            <input type="checkbox" checked={isCritical} onChange={(event) => setCritical(event.target.checked)} />
            {t('connector.is_critical')}
          </label>
        )}
        {failure && <FieldError text={failure} />}
      </div>
      {unsaved.question}
      {theirs && (
        <SideBySide
          rows={changesOf(theirs, wantedNow()).map(({ field, from, to }) => ({ label: connectorLabel(field, t), mine: wordsOf(to, t), theirs: wordsOf(from, t) }))}
          onClose={() => {
            // What is edited on is compared with what is stored now.
            setBase(theirs);
            setTheirs(undefined);
          }}
          onKeepMine={() => {
            setBase(theirs);
            setTheirs(undefined);
            return save(theirs);
          }}
          onTakeTheirs={onClose}
        />
      )}
    </Dialog>
  );
}

const connectorLabel: typeof labelOf = (field, t) => t(`connector.${field}` as MessageKey);
