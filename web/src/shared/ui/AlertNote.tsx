import { BellRing } from 'lucide-react';
import { useState } from 'react';
import { alertsApi } from '../api/alerts';
import type { QueryFailure } from '../api/problem';
import { useAppSelector, useCan } from '../api/store';
import { useTranslation } from '../i18n/i18n';
import { AskDialog } from './AskDialog';
import { Button } from './Button';
import { Field } from './Field';
import { Ago } from './Values';

const rights = { coupon: 'coupons.write', expiry: 'expiry.manage', security: 'audit.read' } as const;
const longest = 500;

/** An alert of any room, as far as taking note of it goes. */
interface Noted {
  id: string;
  kind: string;
  acknowledged_at: string | null;
  acknowledged_by: string | null;
  acknowledged_note: string | null;
}

/** Who took note of an alert and what they said, or the button to do so. The first to do so is kept. */
export function AlertNote({ alert, of, name }: { alert: Noted; of: keyof typeof rights; name: string }) {
  const { t, word } = useTranslation();
  const can = useCan();
  const own = useAppSelector((state) => state.session.session?.actor_id);
  const [isAsking, setAsking] = useState(false);
  if (alert.acknowledged_at) {
    const isOwn = own !== undefined && alert.acknowledged_by?.endsWith(own);
    return (
      <span className="monitor__text small muted anywhere">
        {t('alertNote.by', { who: isOwn ? t('alertNote.you') : (alert.acknowledged_by ?? '') })} <Ago at={alert.acknowledged_at} />
        {alert.acknowledged_note && (
          <>
            {': '}
            <q>
              <bdi>{alert.acknowledged_note}</bdi>
            </q>
          </>
        )}
      </span>
    );
  }

  if (!can(rights[of])) return null;
  return (
    <>
      <Button size="small" icon={BellRing} onClick={() => setAsking(true)} aria-label={t('monitoring.acknowledge.of', { code: name })}>
        {t('monitoring.acknowledge')}
      </Button>
      {isAsking && <NoteDialog alert={alert} of={of} title={`${word('alert', alert.kind)}: ${name}`} onClose={() => setAsking(false)} />}
    </>
  );
}

function NoteDialog({ alert, of, title, onClose }: { alert: Noted; of: keyof typeof rights; title: string; onClose: () => void }) {
  const { t } = useTranslation();
  const [note, setNote] = useState('');
  const [ofCoupon] = alertsApi.endpoints.acknowledgeCouponAlert.useMutation();
  const [ofExpiry] = alertsApi.endpoints.acknowledgeExpiryAlert.useMutation();
  const [ofSecurity] = alertsApi.endpoints.acknowledgeSecurityAlert.useMutation();
  const send = { coupon: ofCoupon, expiry: ofExpiry, security: ofSecurity }[of];
  const run = async (key: string): Promise<{ error?: QueryFailure }> =>
    send({ id: alert.id, 'Idempotency-Key': key, noteWanted: { note: note.trim() || null } });
  return (
    <AskDialog title={title} action={t('monitoring.acknowledge')} look="primary" icon={BellRing} run={run} done={t('monitoring.acknowledged')} onClose={onClose}>
      <p>{t('alertNote.text')}</p>
      <Field label={t('alertNote.note')}>
        <textarea className="input" rows={3} maxLength={longest} value={note} data-autofocus onChange={(event) => setNote(event.target.value)} />
      </Field>
    </AskDialog>
  );
}
