import { ListFilter, Search, SlidersHorizontal, X } from 'lucide-react';
import { useEffect, useRef, useState } from 'react';
import { useAppDispatch, useAppSelector, useCan } from '../../shared/api/store';
import { useTranslation, type MessageKey, type Translation } from '../../shared/i18n/i18n';
import { searched } from '../../shared/lib/prefs';
import { useAddress } from '../../shared/lib/useAddress';
import { Button } from '../../shared/ui/Button';
import { Field } from '../../shared/ui/Field';
import { Panel } from '../../shared/ui/Menu';
import {
  applicableTo,
  dateFields,
  datePresets,
  discountTypes,
  filterNames,
  readFilters,
  statuses,
  withFilters,
  withoutFilters,
  type FilterName,
  type Filters,
} from './couponQuery';

const typingPause = 250;
const ranges = ['usageRange', 'revenueRange', 'conversionRange'] as const;

/** Search and filters (A.3, A.14): each is in the address, shown as a chip, and cleared alone or with all others. */
export function CouponFilters() {
  const { t, word } = useTranslation();
  const [params, setParams] = useAddress();
  const filters = readFilters(params);
  const change = (changes: Filters) => setParams((present) => withFilters(present, changes));
  const chosen = (filters.status ?? '').split(',').filter(Boolean);
  const chips = filterNames.filter((name) => filters[name] && name !== 'search' && name !== 'dateRange.field');
  const more = chips.filter((name) => name !== 'status' && name !== 'discountType').length;
  return (
    <>
      <div className="filters" role="search">
        <SearchBox value={filters.search ?? ''} onChange={(search) => change({ search })} />
        <Panel label={t('filter.status')} icon={ListFilter} text={t('filter.status')} keys="s" badge={chosen.length}>
          <fieldset className="stack stack--tight plain-fieldset">
            <legend className="visually-hidden">{t('filter.status')}</legend>
            {statuses.map((status) => (
              <label className="check" key={status}>
                <input
                  type="checkbox"
                  checked={chosen.includes(status)}
                  onChange={(event) =>
                    change({ status: statuses.filter((one) => (one === status ? event.target.checked : chosen.includes(one))).join(',') })
                  }
                />
                {t(`status.${status}`)}
              </label>
            ))}
          </fieldset>
        </Panel>
        <select
          className="input filters__select"
          aria-label={t('filter.discountType')}
          value={filters.discountType ?? ''}
          onChange={(event) => change({ discountType: event.target.value })}
        >
          <option value="">{t('filter.anyType')}</option>
          {discountTypes.map((type) => (
            <option key={type} value={type}>
              {word('discountType', type)}
            </option>
          ))}
        </select>
        <Panel label={t('filter.more')} icon={SlidersHorizontal} text={t('filter.more')} keys="f" badge={more}>
          <MoreFilters filters={filters} change={change} />
        </Panel>
      </div>
      {(chips.length > 0 || filters.search) && (
        <div className="row">
          {chips.map((name) => (
            <span className="chip" key={name}>
              <span className="truncate">{describe(name, filters, t, word)}</span>
              <button
                type="button"
                aria-label={t('action.remove', { name: describe(name, filters, t, word) })}
                onClick={() => change({ [name]: '', ...(name.startsWith('dateRange') ? { 'dateRange.field': '' } : {}) })}
              >
                <X className="icon" aria-hidden />
              </button>
            </span>
          ))}
          <Button look="link" onClick={() => setParams(withoutFilters)}>
            {t('action.clearAll')}
          </Button>
        </div>
      )}
    </>
  );
}

/** Types freely; the address follows when the typing pauses. */
function SearchBox({ value, onChange }: { value: string; onChange: (value: string) => void }) {
  const { t } = useTranslation();
  const dispatch = useAppDispatch();
  const recent = useAppSelector((state) => state.prefs.recentSearches);
  const [text, setText] = useState(value);
  const written = useRef(value);
  const report = useRef(onChange);
  report.current = onChange;
  useEffect(() => {
    // The address was changed by someone else: a chip, the history, a saved view.
    if (value !== written.current) {
      written.current = value;
      setText(value);
    }
  }, [value]);
  useEffect(() => {
    // A space at the end is one before the next word: it is not searched for, and stays.
    const wanted = text.trim();
    if (wanted === written.current) return;
    const timer = setTimeout(() => {
      written.current = wanted;
      report.current(wanted);
    }, typingPause);
    return () => clearTimeout(timer);
  }, [text]);
  return (
    <div className="filters__search">
      <Search className="icon" aria-hidden />
      <input
        className="input"
        type="search"
        aria-label={t('coupons.search')}
        placeholder={t('coupons.search')}
        value={text}
        list="recent-searches"
        onChange={(event) => setText(event.target.value)}
        onBlur={() => text.trim().length > 2 && dispatch(searched(text.trim()))}
      />
      <datalist id="recent-searches">
        {recent.map((search) => (
          <option key={search} value={search} />
        ))}
      </datalist>
    </div>
  );
}

function MoreFilters({ filters, change }: { filters: Filters; change: (changes: Filters) => void }) {
  const { t, word } = useTranslation();
  const can = useCan();
  const preset = filters['dateRange.preset'] ?? '';
  const field = filters['dateRange.field'] ?? 'created';
  return (
    <div className="stack filter-panel">
      <div className="pair">
        <Field label={t('filter.applicableTo')}>
          <select className="input" value={filters.applicableTo ?? ''} onChange={(event) => change({ applicableTo: event.target.value })}>
            <option value="">{t('filter.anything')}</option>
            {applicableTo.slice(1).map((value) => (
              <option key={value} value={value}>
                {word('applicableTo', value)}
              </option>
            ))}
          </select>
        </Field>
        <Field label={t('filter.campaign')}>
          <LazyInput value={filters.campaign ?? ''} onChange={(campaign) => change({ campaign })} />
        </Field>
      </div>
      <div className="pair">
        <Field label={t('filter.dateField')}>
          <select className="input" value={field} onChange={(event) => change({ 'dateRange.field': event.target.value })}>
            {dateFields.map((value) => (
              <option key={value} value={value}>
                {word('dateField', value)}
              </option>
            ))}
          </select>
        </Field>
        <Field label={t('filter.datePreset')}>
          <select
            className="input"
            value={preset}
            onChange={(event) =>
              change({ 'dateRange.preset': event.target.value, 'dateRange.field': event.target.value ? field : '', 'dateRange.from': '', 'dateRange.to': '' })
            }
          >
            <option value="">{t('filter.anyTime')}</option>
            {datePresets.map((value) => (
              <option key={value} value={value}>
                {word('datePreset', value)}
              </option>
            ))}
          </select>
        </Field>
      </div>
      <div className="pair">
        {(['from', 'to'] as const).map((end) => (
          <Field key={end} label={t(`filter.date.${end}`)}>
            <input
              className="input"
              type="date"
              value={filters[`dateRange.${end}`] ?? ''}
              onChange={(event) => change({ [`dateRange.${end}`]: event.target.value, 'dateRange.field': field, 'dateRange.preset': '' })}
            />
          </Field>
        ))}
      </div>
      {ranges.filter((range) => range !== 'revenueRange' || can('finance.read')).map((range) => (
        <div className="pair" key={range}>
          {(['min', 'max'] as const).map((end) => (
            <Field key={end} label={t(`filter.${range}.${end}`)}>
              <LazyInput
                value={filters[`${range}.${end}`] ?? ''}
                onChange={(value) => change({ [`${range}.${end}`]: value })}
                type="number"
                {...(range === 'conversionRange' ? { min: 0, max: 1, step: 0.05 } : { min: 0 })}
              />
            </Field>
          ))}
        </div>
      ))}
    </div>
  );
}

/** An input that reports when it is left or Enter is pressed, so that half a number filters nothing. */
function LazyInput({ value, onChange, ...rest }: { value: string; onChange: (value: string) => void } & Record<string, unknown>) {
  const input = useRef<HTMLInputElement>(null);
  useEffect(() => {
    if (input.current) input.current.value = value;
  }, [value]);
  return (
    <input
      className="input"
      ref={input}
      defaultValue={value}
      {...rest}
      onBlur={(event) => event.target.value !== value && onChange(event.target.value.trim())}
      onKeyDown={(event) => event.key === 'Enter' && onChange(event.currentTarget.value.trim())}
    />
  );
}

/** A filter in words. */
function describe(name: FilterName, filters: Filters, t: Translation['t'], word: Translation['word']): string {
  const value = filters[name] ?? '';
  if (name === 'status') return value.split(',').map((status) => t(`status.${status}` as MessageKey)).join(', ');
  if (name === 'discountType') return word('discountType', value);
  if (name === 'applicableTo') return word('applicableTo', value);
  if (name === 'campaign' || name === 'offer') return `${t(`filter.${name}`)}: ${value}`;
  if (name === 'merchant' || name === 'customer') return `${t(`filter.${name}`)}: ${value.slice(0, 8)}…`;
  if (name.startsWith('dateRange')) {
    const field = word('dateField', filters['dateRange.field'] ?? 'created');
    return name === 'dateRange.preset'
      ? `${field}: ${word('datePreset', value)}`
      : `${field} ${t(name === 'dateRange.from' ? 'filter.date.from' : 'filter.date.to')} ${value}`;
  }

  return `${t(`filter.${name}` as MessageKey)} ${value}`;
}
