import { client } from '../api/client.generated';
import { useCan } from '../api/store';

/** What an alert is about: a partner by its name, all else as the service calls it. */
export function SubjectName({ subject }: { subject: string }) {
  const [kind = '', id = ''] = subject.split(/:(.*)/s);
  const can = useCan();
  const { data } = client.endpoints.getConnector.useQuery({ id }, { skip: kind !== 'connector' || !can('connectors.read') });
  return data ? <bdi>{data.name}</bdi> : <code className="anywhere">{subject}</code>;
}
