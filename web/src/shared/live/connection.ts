import type { CouponShape } from '../api/client.generated';

/** What happened to one coupon, and how it stands now; null when it was deleted. */
export interface LiveChange {
  coupon_id: number;
  events: Partial<Record<'coupon_used' | 'limit_reached' | 'expired' | 'rolled_back' | 'reserved' | 'changed', number>>;
  coupon: CouponShape | null;
}

type Message =
  | { type: 'hello'; seq: number; reset: boolean }
  | { type: 'changes'; seq: number; is_part: boolean; changes: LiveChange[] }
  | { type: 'alive' }
  | { type: 'end'; reason: string };

export interface LiveHandler {
  onChanges: (changes: LiveChange[], isPart: boolean) => void;
  /** The connection is there again: what was loaded meanwhile may be old. */
  onBack: () => void;
  onStatus: (status: 'live' | 'stale', heardAt: number) => void;
  onEnded: () => void;
}

/** Silence that counts as a break: the service says something every two seconds. */
const silenceMs = 4_000;
const lookMs = 500;
const pausesMs = [0, 2_000, 10_000, 30_000];

/** Follows /ws/coupons, comes back after a break and catches up from where it was. Answers how to stop. */
export function followCoupons(address: string, handler: LiveHandler): () => void {
  let socket: WebSocket | null = null;
  let seq: number | null = null;
  let heardAt = Date.now();
  let isLive = false;
  let failures = 0;
  let nextAt = 0;
  let stopped = false;

  const open = () => {
    const mine = new WebSocket(seq === null ? address : `${address}?after=${seq}`);
    socket = mine;
    mine.onmessage = ({ data }: MessageEvent<string>) => {
      if (socket === mine) hear(JSON.parse(data) as Message);
    };
    mine.onclose = () => {
      if (socket === mine) lose();
    };
  };

  const hear = (message: Message) => {
    heardAt = Date.now();
    if (message.type === 'hello') {
      if (message.reset || seq === null) seq = message.seq;
      if (failures > 0 || message.reset) handler.onBack();
      failures = 0;
    } else if (message.type === 'changes') {
      seq = message.seq;
      handler.onChanges(message.changes, message.is_part);
    } else if (message.type === 'end' && message.reason === 'session_ended') {
      handler.onEnded();
      stop();
      return;
    }
    if (!isLive) {
      isLive = true;
      handler.onStatus('live', heardAt);
    }
  };

  const lose = () => {
    const old = socket;
    socket = null;
    old?.close();
    const pause = pausesMs[Math.min(failures, pausesMs.length - 1)] ?? 0;
    failures += 1;
    // Not all at once after the service was away.
    nextAt = Date.now() + pause * (0.8 + Math.random() * 0.4);
  };

  const look = () => {
    const now = Date.now();
    if (socket && now - heardAt > silenceMs) lose();
    if (isLive && (now - heardAt > silenceMs || (!socket && now - heardAt > lookMs * 3))) {
      isLive = false;
      handler.onStatus('stale', heardAt);
    }
    if (!socket && now >= nextAt) {
      // A new connection has as long to say something as an old one.
      if (!isLive) handler.onStatus('stale', heardAt);
      heardAt = isLive ? heardAt : now;
      open();
    }
  };

  const hurry = () => (nextAt = 0);
  const timer = setInterval(look, lookMs);
  window.addEventListener('online', hurry);
  const stop = () => {
    if (stopped) return;
    stopped = true;
    clearInterval(timer);
    window.removeEventListener('online', hurry);
    const old = socket;
    socket = null;
    old?.close();
  };
  open();
  return stop;
}
