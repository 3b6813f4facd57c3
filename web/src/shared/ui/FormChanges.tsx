import * as Ariakit from '@ariakit/react';
import { useTranslation, type MessageKey, type Translation } from '../i18n/i18n';

export interface Change {
  field: string;
  from: unknown;
  to: unknown;
}

const hidden = new Set(['original_from']);

/** Fields that differ, nested ones by their path. */
export function changesOf(from: object, to: object, prefix = ''): Change[] {
  return Object.entries(to).flatMap(([name, value]): Change[] => {
    const before = (from as Record<string, unknown>)[name];
    const field = prefix + name;
    if (hidden.has(field)) return [];
    if (value && typeof value === 'object' && !Array.isArray(value)) return changesOf((before as object | undefined) ?? {}, value as object, `${field}.`);
    return JSON.stringify(before) === JSON.stringify(value) ? [] : [{ field, from: before, to: value }];
  });
}

export function wordsOf(value: unknown, t: Translation['t']): string {
  if (typeof value === 'boolean') return t(value ? 'value.yes' : 'value.no');
  if (Array.isArray(value)) return value.length ? value.join(', ') : t('value.none');
  return value === '' || value === null || value === undefined ? t('value.none') : String(value);
}

export const labelOf = (field: string, t: Translation['t']) => t(`field.${field}` as MessageKey);

/** What is not saved yet: how much, and in words on demand. */
export function FormChanges({ changes, label = labelOf }: { changes: Change[]; label?: typeof labelOf }) {
  const { t } = useTranslation();
  if (changes.length === 0) return <span className="grow" />;
  return (
    <div className="unsaved" role="status">
      <Ariakit.PopoverProvider placement="top-start">
        <Ariakit.PopoverDisclosure className="button button--link">{t('unsaved.bar', { count: changes.length })}</Ariakit.PopoverDisclosure>
        <Ariakit.Popover className="menu menu--panel" gutter={6} aria-label={t('unsaved.bar', { count: changes.length })}>
          <ul className="stack stack--tight small">
            {changes.map(({ field, from, to }) => (
              <li key={field} className="anywhere">
                <strong>{label(field, t)}</strong>: <del className="muted">{wordsOf(from, t)}</del> → {wordsOf(to, t)}
              </li>
            ))}
          </ul>
        </Ariakit.Popover>
      </Ariakit.PopoverProvider>
    </div>
  );
}

