import { LayoutTemplate, Plus, Trash2 } from 'lucide-react';
import { useNavigate } from 'react-router';
import type { Template, TemplateWanted } from '../../shared/api/client.generated';
import { messageOf } from '../../shared/api/problem';
import { tagOf } from '../../shared/api/tagOf';
import { useTranslation } from '../../shared/i18n/i18n';
import { Button } from '../../shared/ui/Button';
import { Dialog } from '../../shared/ui/Dialog';
import { EmptyState, ErrorState, Skeletons } from '../../shared/ui/States';
import { useToast } from '../../shared/ui/Toasts';
import { templatesApi } from './templatesApi';

/** All templates: one to begin a coupon with, or to take away. */
export function TemplatesDialog({ onClose }: { onClose: () => void }) {
  const { t } = useTranslation();
  const toast = useToast();
  const navigate = useNavigate();
  const { data, error, refetch } = templatesApi.endpoints.listTemplates.useQuery({ limit: 100, sort: 'name' });
  const [remove] = templatesApi.endpoints.deleteTemplate.useMutation();
  const [create] = templatesApi.endpoints.createTemplate.useMutation();
  const restore = async ({ name, fields, valid_days }: Template) => {
    const answer = await create({ templateWanted: { name, fields: fields as TemplateWanted['fields'], valid_days } });
    if (answer.error) toast('failure', messageOf(answer.error, t));
    else toast('success', t('templates.saved', { name }));
  };
  const drop = async (template: Template) => {
    const answer = await remove({ id: template.id, 'If-Match': tagOf(template) });
    if (answer.error) toast('failure', messageOf(answer.error, t));
    else toast('success', t('templates.deleted', { name: template.name }), { label: t('action.undo'), run: () => void restore(template) });
  };
  return (
    <Dialog title={t('templates.title')} onClose={onClose} foot={<Button onClick={onClose}>{t('action.close')}</Button>}>
      {error ? (
        <ErrorState error={error} onRetry={refetch} />
      ) : !data ? (
        <Skeletons lines={4} />
      ) : data.data.length === 0 ? (
        <EmptyState icon={LayoutTemplate} title={t('templates.empty')} text={t('templates.empty.text')} />
      ) : (
        <ul className="stack stack--tight">
          {data.data.map((template) => (
            <li key={template.id} className="row row--between">
              <bdi className="anywhere">{template.name}</bdi>
              <span className="row">
                <Button
                  size="small"
                  icon={Plus}
                  label={t('templates.use', { name: template.name })}
                  onClick={() => {
                    onClose();
                    void navigate('/coupons/new', { state: { template: { fields: template.fields as object, valid_days: template.valid_days } } });
                  }}
                />
                <Button size="small" icon={Trash2} label={t('templates.delete', { name: template.name })} onClick={() => void drop(template)} />
              </span>
            </li>
          ))}
        </ul>
      )}
    </Dialog>
  );
}
