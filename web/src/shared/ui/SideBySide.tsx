import { useTranslation } from '../i18n/i18n';
import { Button } from './Button';
import { Dialog } from './Dialog';
import { Scrollable } from './Scrollable';

export interface Differing {
  label: string;
  mine: string;
  theirs: string;
}

/** Two people changed the same thing: both versions side by side, nothing overwritten unasked (convention 18). */
export function SideBySide(props: { rows: Differing[]; onClose: () => void; onKeepMine: () => unknown; onTakeTheirs: () => void }) {
  const { t } = useTranslation();
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
      <Scrollable label={t('conflict.text')}>
        <table className="simple-table">
          <thead>
            <tr>
              <th scope="col">{t('conflict.field')}</th>
              <th scope="col">{t('conflict.mine')}</th>
              <th scope="col">{t('conflict.theirs')}</th>
            </tr>
          </thead>
          <tbody>
            {props.rows.map(({ label, mine, theirs }) => (
              <tr key={label}>
                <th scope="row">{label}</th>
                <td className="anywhere">
                  <bdi>{mine}</bdi>
                </td>
                <td className="anywhere">
                  <bdi>{theirs}</bdi>
                </td>
              </tr>
            ))}
          </tbody>
        </table>
      </Scrollable>
    </Dialog>
  );
}
