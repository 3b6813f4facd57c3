import { useTranslation } from '../../shared/i18n/i18n';
import { SideBySide } from '../../shared/ui/SideBySide';
import type { Coupon } from './couponCells';
import { valuesOf, type CouponValues } from './couponForm';
import { changesOf, labelOf, wordsOf } from '../../shared/ui/FormChanges';

/** Two people changed the same coupon: both versions side by side. */
export function ConflictDialog({ mine, theirs, ...rest }: {
  mine: CouponValues;
  theirs: Coupon;
  onClose: () => void;
  onKeepMine: () => Promise<void>;
  onTakeTheirs: () => void;
}) {
  const { t } = useTranslation();
  const rows = changesOf(valuesOf(theirs), mine).map(({ field, from, to }) => ({ label: labelOf(field, t), mine: wordsOf(to, t), theirs: wordsOf(from, t) }));
  return <SideBySide rows={rows} {...rest} />;
}
