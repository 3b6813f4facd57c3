import { ShieldAlert, ShieldCheck, ShieldEllipsis } from 'lucide-react';
import { useEffect, useState } from 'react';
import { client } from '../../shared/api/client.generated';
import { useTranslation } from '../../shared/i18n/i18n';
import { formatAgo, formatCount, formatInstant } from '../../shared/lib/format';

const askEveryMs = 15_000;
const askWhileWalkingMs = 2_000;

/** Whether the log is as it was sealed, as the server recomputes it all the time. */
export function ChainState() {
  const { t, word, locale } = useTranslation();
  const [everyMs, setEveryMs] = useState(askWhileWalkingMs);
  const { data: chain } = client.endpoints.getAuditChain.useQuery(undefined, { pollingInterval: everyMs });
  const isFirst = chain ? chain.whole_to === null && !chain.fault : true;
  useEffect(() => setEveryMs(isFirst ? askWhileWalkingMs : askEveryMs), [isFirst]);
  if (!chain) return null;
  if (chain.fault) {
    const { kind, seq, found_at } = chain.fault;
    return (
      <p className="badge badge--danger badge--wrap" role="alert">
        <ShieldAlert className="icon" aria-hidden />
        {t('chain.broken', { seq, fault: word('chainFault', kind), at: formatInstant(found_at, locale) })}
      </p>
    );
  }
  const isWhole = chain.whole_to !== null && chain.whole_at !== null;
  const Icon = isWhole ? ShieldCheck : ShieldEllipsis;
  return (
    <p className={`badge badge--wrap badge--${isWhole ? 'ok' : 'neutral'}`} title={`${t('chain.head')} ${chain.head}`}>
      <Icon className="icon" aria-hidden />
      {isWhole
        ? t('chain.whole', { seq: chain.whole_to ?? 0, ago: formatAgo(chain.whole_at ?? '', locale) })
        : t('chain.walking', { seq: chain.walked_to, head: formatCount(chain.sealed_to, locale) })}
    </p>
  );
}
