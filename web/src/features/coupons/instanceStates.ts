/** The states of units (A.18), in the order they are passed through. */
export const instanceStates = ['issued', 'paid', 'reserved', 'redeemed', 'pending_expiration', 'extended', 'expired', 'archived', 'cancelled', 'revoked', 'refunded'] as const;

/** Those in which a unit may still be used, and so be ended. */
export const liveStates: readonly string[] = ['issued', 'paid', 'extended', 'pending_expiration'];

const looks: Record<string, string> = { issued: 'ok', paid: 'ok', extended: 'ok', reserved: 'info', redeemed: 'info', pending_expiration: 'warn', expired: 'plum', cancelled: 'danger', revoked: 'danger' };

export const lookOf = (state: string) => looks[state] ?? 'neutral';
