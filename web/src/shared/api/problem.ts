import type { SerializedError } from '@reduxjs/toolkit';
import type { FetchBaseQueryError } from '@reduxjs/toolkit/query';
import type { MessageKey, Translation } from '../i18n/i18n';

/** An answer by RFC 9457, as the API gives it. */
export interface Problem {
  status: number;
  code: string;
  detail: string;
  title?: string;
  request_id?: string;
  errors?: { field: string; pointer?: string; code: string; message: string }[];
}

export type QueryFailure = FetchBaseQueryError | SerializedError;

/** The problem an answer carries; null if it carries none. */
export function problemOf(error: QueryFailure | undefined): Problem | null {
  if (!error || !('status' in error) || typeof error.status !== 'number') return null;
  const data = error.data as Partial<Problem> | null | undefined;
  return data && typeof data === 'object' && typeof data.code === 'string'
    ? { ...(data as Problem), status: error.status }
    : { status: error.status, code: 'http_' + error.status, detail: '' };
}

/** By its code where the reader's language has words for that, or else in the service's own. */
function wordsFor(family: 'fault' | 'problem', code: string, otherwise: string, t: Translation['t']): string {
  const key = `${family}.${code}`;
  const text = t(key as MessageKey);
  return text === key ? otherwise : text;
}

/** What is wrong with a field. */
export const faultText = ({ code, message }: { code: string; message: string }, t: Translation['t']) => wordsFor('fault', code, message, t);

/** The fields an answer finds fault with, each with what is wrong. */
export const faultsOf = (error: QueryFailure | undefined, t: Translation['t']) =>
  (problemOf(error)?.errors ?? []).map((fault) => ({ field: fault.field, message: faultText(fault, t) }));

/** One sentence for people. */
export function messageOf(error: QueryFailure | undefined, t: Translation['t']): string {
  if (error && 'status' in error && (error.status === 'FETCH_ERROR' || error.status === 'TIMEOUT_ERROR')) return t('error.offline');
  const problem = problemOf(error);
  if (problem?.status === 412) return t('error.stale');
  const [first] = faultsOf(error, t);
  if (first) return `${first.message} (${first.field})`;
  const told = problem && wordsFor('problem', problem.code, problem.detail, t);
  return told || (problem?.status === 403 ? t('error.forbidden') : t('error.unknown'));
}
