import { LayoutTemplate } from 'lucide-react';
import { lazy, Suspense, useState } from 'react';
import { useTranslation, withTexts } from '../../shared/i18n/i18n';
import { Button } from '../../shared/ui/Button';
import { Coming } from '../../shared/ui/Coming';

const TemplatesDialog = lazy(() => withTexts(import('./TemplatesDialog')).then((module) => ({ default: module.TemplatesDialog })));

/** Opens the templates to begin a coupon from (BLK-04). */
export function TemplateButton() {
  const { t } = useTranslation();
  const [isOpen, setOpen] = useState(false);
  return (
    <>
      <Button icon={LayoutTemplate} keys="t" onClick={() => setOpen(true)}>
        {t('templates.title')}
      </Button>
      {isOpen && (
        <Suspense fallback={<Coming />}>
          <TemplatesDialog onClose={() => setOpen(false)} />
        </Suspense>
      )}
    </>
  );
}
