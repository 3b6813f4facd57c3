import * as Ariakit from '@ariakit/react';
import { useState } from 'react';
import { useTranslation, type MessageKey } from '../../shared/i18n/i18n';
import { statusLooks } from '../../shared/lib/statusLooks';

/** Icon, colour and text: the meaning never rests on colour alone (UI-04). */
export function CouponStatusBadge({ status }: { status: string }) {
  const { t } = useTranslation();
  const known = status in statusLooks ? (status as keyof typeof statusLooks) : 'inactive';
  const { icon: Icon, look } = statusLooks[known];
  const [isNear, setNear] = useState(false);
  const text = (
    <>
      <Icon className="icon" aria-hidden />
      {t(`status.${known}`)}
    </>
  );
  const names = `badge badge--${look}`;
  // A list has many; each tooltip costs something, so it comes with the pointer.
  if (!isNear) {
    return (
      <span className={names} data-status={status} onPointerEnter={() => setNear(true)}>
        {text}
      </span>
    );
  }

  return (
    <Ariakit.TooltipProvider timeout={400}>
      <Ariakit.TooltipAnchor render={<span className={names} data-status={status} />}>{text}</Ariakit.TooltipAnchor>
      <Ariakit.Tooltip className="tooltip" gutter={4}>
        {t(`status.${known}.meaning` as MessageKey)}
      </Ariakit.Tooltip>
    </Ariakit.TooltipProvider>
  );
}
