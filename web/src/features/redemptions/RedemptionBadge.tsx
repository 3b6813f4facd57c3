import { CircleCheck, Undo2 } from 'lucide-react';
import { useTranslation } from '../../shared/i18n/i18n';

export function RedemptionBadge({ status }: { status: string }) {
  const { word } = useTranslation();
  const isBack = status === 'rolled_back';
  const Icon = isBack ? Undo2 : CircleCheck;
  return (
    <span className={`badge badge--${isBack ? 'warn' : 'ok'}`}>
      <Icon className="icon" aria-hidden />
      {word('redemptionStatus', status)}
    </span>
  );
}
