import type { CouponShape } from '../api/client.generated';
import type { LiveEvent } from '../lib/prefs';

/** What happened to one coupon, and how it stands now; null when it was deleted. */
export interface LiveChange {
  coupon_id: number;
  events: Partial<Record<LiveEvent | 'rolled_back' | 'reserved' | 'changed', number>>;
  coupon: CouponShape | null;
}

type Message =
  | { type: 'hello'; seq: number; reset: boolean }
  | { type: 'changes'; seq: number; is_part: boolean; has_alerts: boolean; changes: LiveChange[] }
  | { type: 'alive' }
  | { type: 'end'; reason: string };

export interface LiveHandler {
  onChanges: (changes: LiveChange[], isPart: boolean) => void;
  /** Alerts were raised, noted or cleared. */
  onAlerts: () => void;
  /** The connection is there again: what was loaded meanwhile may be old. */
  onBack: () => void;
  onStatus: (status: 'live' | 'stale', heardAt: number) => void;
  onEnded: () => void;
}

/** Silence that counts as a break: the service says something every two seconds. */
const silenceMs = 3_500;
const lookMs = 250;
const pausesMs = [0, 2_000, 10_000, 30_000];

/** Attempts of one way that hear nothing, after which the other is tried: some proxies let no WebSocket through. */
const mostUnheard = 2;

/** Opens a WebSocket, or server-sent events, which say the same. */
function connect(path: string, asEvents: boolean, hear: (text: string) => void, lose: () => void): { close: () => void } {
  if (asEvents) {
    const events = new EventSource(path);
    events.onmessage = ({ data }: MessageEvent<string>) => hear(data);
    events.onerror = lose;
    return events;
  }

  const socket = new WebSocket(`${location.protocol === 'https:' ? 'wss' : 'ws'}://${location.host}${path}`);
  socket.onmessage = ({ data }: MessageEvent<string>) => hear(data);
  socket.onclose = lose;
  return socket;
}

/** Follows /ws/coupons, comes back after a break and catches up from where it was. Answers how to stop. */
export function followCoupons(handler: LiveHandler): () => void {
  let connection: { close: () => void } | null = null;
  let asEvents = false;
  let isHeard = false;
  let unheard = 0;
  let seq: number | null = null;
  let heardAt = Date.now();
  let isLive = false;
  let failures = 0;
  let nextAt = 0;
  let stopped = false;

  const open = () => {
    isHeard = false;
    const mine = connect(
      seq === null ? '/ws/coupons' : `/ws/coupons?after=${seq}`,
      asEvents,
      (text) => connection === mine && hear(JSON.parse(text) as Message),
      () => connection === mine && lose(),
    );
    connection = mine;
  };

  const hear = (message: Message) => {
    heardAt = Date.now();
    isHeard = true;
    if (message.type === 'hello') {
      if (message.reset || seq === null) seq = message.seq;
      if (failures > 0 || message.reset) handler.onBack();
      failures = 0;
    } else if (message.type === 'changes') {
      seq = message.seq;
      handler.onChanges(message.changes, message.is_part);
      if (message.has_alerts) handler.onAlerts();
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
    const old = connection;
    connection = null;
    old?.close();
    unheard = isHeard ? 0 : unheard + 1;
    if (unheard >= mostUnheard) {
      asEvents = !asEvents;
      unheard = 0;
    }
    const pause = pausesMs[Math.min(failures, pausesMs.length - 1)] ?? 0;
    failures += 1;
    // Not all at once after the service was away.
    nextAt = Date.now() + pause * (0.8 + Math.random() * 0.4);
  };

  const look = () => {
    const now = Date.now();
    if (connection && now - heardAt > silenceMs) lose();
    if (isLive && (now - heardAt > silenceMs || (!connection && now - heardAt > lookMs * 6))) {
      isLive = false;
      handler.onStatus('stale', heardAt);
    }
    if (!connection && now >= nextAt) {
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
    const old = connection;
    connection = null;
    old?.close();
  };
  open();
  return stop;
}
