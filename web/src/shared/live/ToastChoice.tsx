import { Bell } from 'lucide-react';
import { useAppDispatch, useAppSelector } from '../api/store';
import { useTranslation } from '../i18n/i18n';
import { liveEvents, toastsChosen } from '../lib/prefs';
import { Panel } from '../ui/Menu';

/** Of which live events one is told by a message (NTF-10 `toast_alerts`), on this machine. */
export function ToastChoice() {
  const { t } = useTranslation();
  const dispatch = useAppDispatch();
  const chosen = useAppSelector((state) => state.prefs.toasts);
  return (
    <Panel label={t('live.toasts')} icon={Bell} text={t('live.toasts')}>
      <fieldset className="stack stack--tight plain-fieldset">
        <legend className="small muted">{t('live.toasts.text')}</legend>
        {liveEvents.map((event) => (
          <label className="check" key={event}>
            <input
              type="checkbox"
              checked={chosen.includes(event)}
              onChange={({ target }) => dispatch(toastsChosen(liveEvents.filter((one) => (one === event ? target.checked : chosen.includes(one)))))}
            />
            {t(`live.event.${event}`)}
          </label>
        ))}
      </fieldset>
    </Panel>
  );
}
