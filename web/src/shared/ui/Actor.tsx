import { useActorName } from '../api/actorNames';
import { useTranslation } from '../i18n/i18n';

/** Who did something, by name where there is one; the id, which records keep, on hover. */
export function Actor({ id }: { id: string }) {
  const { t } = useTranslation();
  const name = useActorName(id);
  if (!name) return <code className="anywhere">{id}</code>;
  return (
    <span className="anywhere" title={id}>
      <bdi>{name}</bdi>
      {id.startsWith('key:') && ` (${t('audit.key')})`}
    </span>
  );
}
