import { MessageSquareText, ReceiptText } from 'lucide-react';
import { Fragment, useState } from 'react';
import { Link } from 'react-router';
import { usePages } from '../../shared/api/usePages';
import { useTranslation } from '../../shared/i18n/i18n';
import { formatAmount } from '../../shared/lib/format';
import { Button } from '../../shared/ui/Button';
import { PagedTable } from '../../shared/ui/PagedTable';
import { ReceiptWords } from '../../shared/ui/ReceiptWords';
import { Amount, Instant } from '../../shared/ui/Values';
import type { Coupon } from './couponCells';
import { couponsApi } from './couponsApi';

const pageSize = 25;

/** The redemptions of a coupon, newest first (RED-15); each leads to its receipt. */
export function CouponUsage({ coupon }: { coupon: Coupon }) {
  const { t, word, locale } = useTranslation();
  const pages = usePages(couponsApi.endpoints.getCouponUsage, { id: coupon.id, limit: pageSize });
  const [opened, setOpened] = useState<string>();
  return (
    <PagedTable
      label={t('coupon.tab.usage')}
      pages={pages}
      empty={{ icon: ReceiptText, title: t('usage.empty'), text: t('usage.empty.text') }}
      columns={[
        { text: t('usage.when') },
        { text: t('usage.order') },
        { text: t('usage.amount'), end: true },
        { text: t('usage.discount'), end: true },
        { text: t('column.status') },
        { text: t('receipt.words'), quiet: true },
      ]}
      row={(use) => (
        <Fragment key={use.id}>
          <tr>
            <td>
              <Link to={`/redemptions/${use.id}`}>
                <Instant at={use.timestamp} />
              </Link>
            </td>
            <td>{use.order_reference}</td>
            <td className="end">
              <Amount value={use.order_amount} currency={use.currency} />
            </td>
            <td className="end">
              <Amount value={use.amount_discounted} currency={use.currency} />
            </td>
            <td>
              <span className={`badge badge--${use.status === 'rolled_back' ? 'warn' : 'ok'}`}>{word('redemptionStatus', use.status)}</span>
            </td>
            <td className="end">
              <Button
                look="quiet"
                size="small"
                icon={MessageSquareText}
                label={t('receipt.why', { order: use.order_reference })}
                aria-expanded={opened === use.id}
                onClick={() => setOpened(opened === use.id ? undefined : use.id)}
              />
            </td>
          </tr>
          {opened === use.id && (
            <tr>
              <td colSpan={6}>
                <ReceiptWords
                  id={use.id}
                  plain={t(use.status === 'rolled_back' ? 'receipt.plain.back' : 'receipt.plain', {
                    amount: formatAmount(use.order_amount, use.currency, locale, true),
                    discount: formatAmount(use.amount_discounted, use.currency, locale, true),
                    payable: formatAmount(use.order_amount === undefined || use.amount_discounted === undefined ? undefined : use.order_amount - use.amount_discounted, use.currency, locale, true),
                  })}
                />
              </td>
            </tr>
          )}
        </Fragment>
      )}
    />
  );
}
