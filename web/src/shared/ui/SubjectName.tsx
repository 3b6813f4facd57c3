import { Link } from 'react-router';
import { client } from '../api/client.generated';
import { useCan } from '../api/store';

/** What an alert is about: a partner by its name, all else as the service calls it. */
export function SubjectName({ subject }: { subject: string }) {
  const [kind = '', id = ''] = subject.split(/:(.*)/s);
  const can = useCan();
  const { data } = client.endpoints.getConnector.useQuery({ id }, { skip: kind !== 'connector' || !can('connectors.read') });
  return data ? <bdi>{data.name}</bdi> : <code className="anywhere">{subject}</code>;
}

/** A coupon by its code, and the way to it. */
export function CouponName({ id }: { id: number }) {
  const can = useCan();
  const { data } = client.endpoints.getCoupon.useQuery({ id }, { skip: !can('coupons.read') });
  return (
    <Link className="mono anywhere" to={`/coupons/${id}`}>
      <bdi>{data?.code ?? `#${id}`}</bdi>
    </Link>
  );
}
