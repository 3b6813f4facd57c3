import { X } from 'lucide-react';
import { useTranslation } from '../i18n/i18n';
import { Customer } from './Customer';

export interface FilterChip {
  name: string;
  text: string;
  value: string;
}

/** What a figure carried over (MET-24): each stays until it is taken away. */
export function FilterChips({ chips, onRemove }: { chips: FilterChip[]; onRemove: (name: string) => void }) {
  const { t } = useTranslation();
  if (chips.length === 0) return null;
  return (
    <ul className="row" aria-label={t('rows.filters')}>
      {chips.map(({ name, text, value }) => (
        <li key={name} className="chip">
          <span className="anywhere">
            {text}: {name === 'customer_id' ? <Customer id={value} /> : <bdi>{value}</bdi>}
          </span>
          <button type="button" aria-label={t('action.remove', { name: text })} onClick={() => onRemove(name)}>
            <X className="icon" aria-hidden />
          </button>
        </li>
      ))}
    </ul>
  );
}
