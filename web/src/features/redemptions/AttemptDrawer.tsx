import { Link, useLocation, useNavigate, useParams } from 'react-router';
import { useCan } from '../../shared/api/store';
import { useTranslation } from '../../shared/i18n/i18n';
import { Dialog } from '../../shared/ui/Dialog';
import { Facts } from '../../shared/ui/Facts';
import { ReceiptWords } from '../../shared/ui/ReceiptWords';
import { AttemptBadge } from './AttemptBadge';

/** One attempt: why it came out as it did, and where it leads. */
export function AttemptDrawer() {
  const { t } = useTranslation();
  const can = useCan();
  const navigate = useNavigate();
  const { search } = useLocation();
  const { id = '', result = '' } = useParams();
  return (
    <Dialog
      look="drawer"
      onClose={() => void navigate(`/redemptions/attempts${search}`)}
      title={
        <span className="row">
          {t('rows.attempt')} <AttemptBadge result={result} />
        </span>
      }
    >
      <div className="stack">
        {result === 'held' ? <p className="words">{t('rows.held.text')}</p> : <ReceiptWords id={id} plain={t(result === 'refused' ? 'rows.refused.text' : 'rows.redeemed.text')} />}
        {result === 'redeemed' && can('redemptions.read') && <Link to={`/redemptions/${id}`}>{t('redemption.title')}</Link>}
        <Facts facts={[[t('rows.attemptId'), <code key="id">{id}</code>]]} />
      </div>
    </Dialog>
  );
}
