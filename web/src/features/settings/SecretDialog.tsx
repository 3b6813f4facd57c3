import { KeyRound } from 'lucide-react';
import { useTranslation } from '../../shared/i18n/i18n';
import { Button } from '../../shared/ui/Button';
import { CopyButton } from '../../shared/ui/CopyButton';
import { Dialog } from '../../shared/ui/Dialog';
import { Note } from '../../shared/ui/States';

/** Shows a secret the one time it can be seen. */
export function SecretDialog({ title, secret, onClose }: { title: string; secret: string; onClose: () => void }) {
  const { t } = useTranslation();
  return (
    <Dialog
      title={title}
      onClose={onClose}
      foot={
        <Button look="primary" onClick={onClose}>
          {t('action.close')}
        </Button>
      }
    >
      <div className="stack">
        <Note kind="warn" icon={KeyRound}>
          {t('settings.shownOnce')}
        </Note>
        <div className="row">
          <code className="grow anywhere">{secret}</code>
          <CopyButton text={secret} />
        </div>
      </div>
    </Dialog>
  );
}
