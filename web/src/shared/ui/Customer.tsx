import { useCustomerNumber } from '../api/customers';
import { useTranslation } from '../i18n/i18n';
import { Field } from './Field';

/** Numbers up to this length fit a column of a table; longer ones may break anywhere. */
const mostUnbroken = 24;

/** A customer by the number the deployment knows; the id, which records keep, on hover. */
export function Customer({ id }: { id: string }) {
  const number = useCustomerNumber(id);
  return number ? (
    <bdi className={number.length > mostUnbroken ? 'anywhere' : undefined} title={id}>
      {number}
    </bdi>
  ) : (
    <code className="anywhere">{id}</code>
  );
}

/** A field for a customer, by id or number (useCustomerSearch); below it, whose id stands there. */
export function CustomerField({ name, id, error }: { name: string; id?: string | undefined; error?: string | undefined }) {
  const { t } = useTranslation();
  const number = useCustomerNumber(id ?? '');
  return (
    <Field label={t('filter.customer')} error={error} hint={number && <bdi className="anywhere">{number}</bdi>}>
      <input className="input" name={name} defaultValue={id ?? ''} placeholder={t('customer.placeholder')} maxLength={100} autoComplete="off" />
    </Field>
  );
}
