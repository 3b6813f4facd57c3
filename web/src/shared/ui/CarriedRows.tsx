import type { ReactNode } from 'react';
import { useAddress } from '../lib/useAddress';
import { useTranslation, type MessageKey } from '../i18n/i18n';
import { formatInstant } from '../lib/format';
import { FilterChips } from './FilterChips';

export type Carried<Name extends string> = Partial<Record<Name, string>>;

/** The filters of the address that a list has, and a way to change them; which list it is stays. */
export function useCarried<Name extends string>(names: readonly Name[]) {
  const [params, setParams] = useAddress();
  const wanted = Object.fromEntries(names.flatMap((name) => (params.get(name) ? [[name, params.get(name)]] : []))) as Carried<Name>;
  const set = (next: Carried<Name>) => {
    const shown = params.get('show');
    setParams({ ...(shown ? { show: shown } : {}), ...(Object.fromEntries(Object.entries(next).filter(([, value]) => value)) as Record<string, string>) });
  };
  return { wanted, set };
}

/** Rows, with what they were reached by and what they add up to (MET-24). */
export function CarriedRows<Name extends string>(props: {
  wanted: Carried<Name>;
  set: (next: Carried<Name>) => void;
  /** The stem of what the filters are called. */
  names: 'stream.by' | 'told.by';
  /** The families of filters whose values are words; flags are yes or no, anything else an instant or as it is. */
  families: Readonly<Record<string, string>>;
  totals: string | undefined;
  children: ReactNode;
}) {
  const { t, word, locale } = useTranslation();
  const { wanted, set } = props;
  const valueOf = (name: Name, value: string) => {
    const family = props.families[name];
    if (family) return value.split(',').map((one) => word(family, one)).join(', ');
    if (value === 'true' || value === 'false') return t(value === 'true' ? 'value.yes' : 'value.no');
    return formatInstant(value, locale) || value;
  };
  const chips = (Object.entries(wanted) as [Name, string][]).map(([name, value]) => ({ name, text: t(`${props.names}.${name}` as MessageKey), value: valueOf(name, value) }));
  return (
    <div className="stack stack--tight">
      <FilterChips chips={chips} onRemove={(name) => set(Object.fromEntries(Object.entries(wanted).filter(([one]) => one !== name)) as Carried<Name>)} />
      <p className="small totals" role="status">
        <strong>{props.totals ?? '\u00a0'}</strong>
      </p>
      {props.children}
    </div>
  );
}
