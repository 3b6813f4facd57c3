import { Pause, Play } from 'lucide-react';
import { nanoid } from '@reduxjs/toolkit';
import { client } from '../../shared/api/client.generated';
import { messageOf } from '../../shared/api/problem';
import { useCan } from '../../shared/api/store';
import { useTranslation } from '../../shared/i18n/i18n';
import { Button } from '../../shared/ui/Button';
import { useToast } from '../../shared/ui/Toasts';

const demoApi = client.enhanceEndpoints({
  addTagTypes: ['Demo'],
  endpoints: {
    getDemo: { providesTags: ['Demo'] },
    startDemo: { invalidatesTags: ['Demo'] },
    stopDemo: { invalidatesTags: ['Demo'] },
  },
});

/** Lets the demo world run, or rest; nothing is shown where there is none. */
export function DemoSwitch() {
  const { t } = useTranslation();
  const toast = useToast();
  const isAllowed = useCan()('operations.run');
  const { data } = demoApi.endpoints.getDemo.useQuery(undefined, { skip: !isAllowed });
  const [start] = demoApi.endpoints.startDemo.useMutation();
  const [stop] = demoApi.endpoints.stopDemo.useMutation();
  if (!isAllowed || !data?.is_there) return null;
  const toggle = async () => {
    const answer = await (data.is_on ? stop : start)({ 'Idempotency-Key': `web-${nanoid()}` });
    if (answer.error) toast('failure', messageOf(answer.error, t));
    else toast('info', t(answer.data.is_on ? 'demo.runs' : 'demo.rests'));
  };
  return (
    <div className="demo-switch">
      <span className="grow">
        <strong>{t('demo.title')}</strong>
        <span className="muted">{t(data.is_on ? 'demo.on' : 'demo.off')}</span>
      </span>
      <Button size="small" look={data.is_on ? 'plain' : 'primary'} icon={data.is_on ? Pause : Play} aria-pressed={data.is_on} onClick={toggle} label={t(data.is_on ? 'demo.stop' : 'demo.start')} />
    </div>
  );
}
