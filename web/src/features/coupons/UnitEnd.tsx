import type { Instance } from '../../shared/api/client.generated';
import { useTranslation } from '../../shared/i18n/i18n';
import { Scrollable } from '../../shared/ui/Scrollable';
import { Instant } from '../../shared/ui/Values';
import { couponsApi } from './couponsApi';

/** The end of a unit: what the pipeline did with it, and what each partner was told and confirmed (EXP-06, EXP-17). */
export function UnitEnd({ unit }: { unit: Instance }) {
  const { t, word } = useTranslation();
  const { data } = couponsApi.endpoints.getInstanceTimeline.useQuery({ couponId: unit.coupon_id, id: unit.id });
  if (!data || (data.steps.length === 0 && data.partners.length === 0)) return null;
  return (
    <section className="stack stack--tight" aria-labelledby="unit-end">
      <h3 id="unit-end">{t('unit.end')}</h3>
      {data.steps.length > 0 && (
        <ol className="card feed">
          {data.steps.map((step) => (
            <li key={step.step + step.at}>
              <strong>{word('expiryStep', step.step)}</strong>
              {step.cause && <span className="muted">{word('expiryCause', step.cause)}</span>}
              <span className="grow" />
              <span className="muted small">
                <Instant at={step.at} />
              </span>
            </li>
          ))}
        </ol>
      )}
      {data.partners.length > 0 && (
        <Scrollable labelledBy="unit-end">
          <table className="simple-table">
            <thead>
              <tr>
                <th scope="col">{t('expiry.partner')}</th>
                <th scope="col">{t('queue.what')}</th>
                <th scope="col">{t('column.status')}</th>
                <th scope="col">{t('unit.acknowledged')}</th>
              </tr>
            </thead>
            <tbody>
              {data.partners.map((told) => (
                <tr key={`${told.connector_id} ${told.position}`}>
                  <td>
                    <bdi>{told.connector}</bdi>
                  </td>
                  <td>{word('command', told.kind)}</td>
                  <td>
                    <span className={`badge badge--${told.state === 'acknowledged' || told.state === 'done_by_hand' ? 'ok' : told.state === 'manual' || told.state === 'dropped' ? 'danger' : 'info'}`}>
                      {word('commandState', told.state)}
                    </span>
                    {told.error && <div className="small muted anywhere">{told.error}</div>}
                  </td>
                  <td>
                    <Instant at={told.acknowledged_at} />
                  </td>
                </tr>
              ))}
            </tbody>
          </table>
        </Scrollable>
      )}
    </section>
  );
}
