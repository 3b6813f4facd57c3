import { useTranslation } from '../../shared/i18n/i18n';
import { Button } from '../../shared/ui/Button';
import { Dialog } from '../../shared/ui/Dialog';
import type { Coupon } from './couponCells';
import { valuesOf, type CouponValues } from './couponForm';
import { changesOf, labelOf, wordsOf } from './FormChanges';

/** Two people changed the same coupon: both versions side by side, nothing overwritten unasked (convention 18). */
export function ConflictDialog(props: {
  mine: CouponValues;
  theirs: Coupon;
  onClose: () => void;
  onKeepMine: () => Promise<void>;
  onTakeTheirs: () => void;
}) {
  const { t } = useTranslation();
  const differing = changesOf(valuesOf(props.theirs), props.mine);
  return (
    <Dialog
      look="wide"
      alert
      title={t('conflict.title')}
      onClose={props.onClose}
      foot={
        <>
          <Button onClick={props.onClose}>{t('action.keepEditing')}</Button>
          <Button onClick={props.onTakeTheirs}>{t('conflict.takeTheirs')}</Button>
          <Button look="primary" onClick={props.onKeepMine}>
            {t('conflict.keepMine')}
          </Button>
        </>
      }
    >
      <p>{t('conflict.text')}</p>
      {/* Scrollable, so reachable by keyboard. */}
      {/* eslint-disable-next-line jsx-a11y/no-noninteractive-tabindex */}
      <div className="scroll-x" tabIndex={0} role="group" aria-label={t('conflict.text')}>
        <table className="simple-table">
          <thead>
            <tr>
              <th scope="col">{t('conflict.field')}</th>
              <th scope="col">{t('conflict.mine')}</th>
              <th scope="col">{t('conflict.theirs')}</th>
            </tr>
          </thead>
          <tbody>
            {differing.map(({ field, from, to }) => (
              <tr key={field}>
                <th scope="row">{labelOf(field, t)}</th>
                <td>{wordsOf(to, t)}</td>
                <td>{wordsOf(from, t)}</td>
              </tr>
            ))}
          </tbody>
        </table>
      </div>
    </Dialog>
  );
}
