import type { SerializedError } from '@reduxjs/toolkit';
import type { FetchBaseQueryError } from '@reduxjs/toolkit/query';
import type { MessageKey, Translation } from '../i18n/i18n';

/** An answer by RFC 9457, as the API gives it. */
export interface Problem {
  status: number;
  code: string;
  detail: string;
  title?: string;
  params?: Params;
  request_id?: string;
  errors?: { field: string; pointer?: string; code: string; message: string; params?: Params }[];
}

/** The values of a sentence by name. */
type Params = Record<string, string | number | string[]>;

export type QueryFailure = FetchBaseQueryError | SerializedError;

/** The problem an answer carries; null if it carries none. */
export function problemOf(error: QueryFailure | undefined): Problem | null {
  if (!error || !('status' in error) || typeof error.status !== 'number') return null;
  const data = error.data as Partial<Problem> | null | undefined;
  return data && typeof data === 'object' && typeof data.code === 'string'
    ? { ...(data as Problem), status: error.status }
    : { status: error.status, code: 'http_' + error.status, detail: '' };
}

/**
 * By its code where the reader's language has words for that, or else in the service's own. A sentence that is said with other
 * values at other places has words for each, by the names of the values.
 */
function wordsFor(family: 'fault' | 'problem', code: string, params: Params | undefined, otherwise: string, t: Translation['t']): string {
  const values = Object.fromEntries(Object.entries(params ?? {}).map(([name, value]) => [name, Array.isArray(value) ? value.join(', ') : value]));
  const key = `${family}.${code}`;
  for (const wanted of [`${key}:${Object.keys(values).sort().join(',')}`, key]) {
    const text = t(wanted as MessageKey, values);
    if (text !== wanted && !/\{\w+\}/.test(text)) return text;
  }

  return otherwise;
}

/** What is wrong with a field. */
export const faultText = ({ code, message, params }: { code: string; message: string; params?: Params }, t: Translation['t']) =>
  wordsFor('fault', code, params, message, t);

/** The fields an answer finds fault with, each with what is wrong. */
export const faultsOf = (error: QueryFailure | undefined, t: Translation['t']) =>
  (problemOf(error)?.errors ?? []).map((fault) => ({ field: fault.field, message: faultText(fault, t) }));

/** A failure of one field that was seen before anything was sent, in the reader's language already. */
export const faultAt = (field: string, message: string): QueryFailure => ({
  status: 400,
  data: { code: 'invalid_request', detail: message, errors: [{ field, code: 'seen_here', message }] } satisfies Omit<Problem, 'status'>,
});

/** One sentence for people. */
export function messageOf(error: QueryFailure | undefined, t: Translation['t']): string {
  if (error && 'status' in error && (error.status === 'FETCH_ERROR' || error.status === 'TIMEOUT_ERROR')) return t('error.offline');
  const problem = problemOf(error);
  if (problem?.status === 412) return t('error.stale');
  const [first] = faultsOf(error, t);
  if (first) return `${first.message} (${first.field})`;
  const told = problem && wordsFor('problem', problem.code, problem.params, problem.detail, t);
  return told || (problem?.status === 403 ? t('error.forbidden') : t('error.unknown'));
}
