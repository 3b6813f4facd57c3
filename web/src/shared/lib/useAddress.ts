import { useState } from 'react';
import { useSearchParams } from 'react-router';

type Update = (params: URLSearchParams) => URLSearchParams;

/**
 * The parameters in the address, and how to change them. A change shows at once: the router takes it later than the
 * event in which it was made, and until then a checkbox would jump back.
 */
export function useAddress() {
  const [present, setPresent] = useSearchParams();
  const [ahead, setAhead] = useState<{ of: URLSearchParams; params: URLSearchParams }>();
  const params = ahead?.of === present ? ahead.params : present;
  const change = (update: Update) => {
    setAhead({ of: present, params: update(params) });
    setPresent(update, { replace: true });
  };
  return [params, change] as const;
}
