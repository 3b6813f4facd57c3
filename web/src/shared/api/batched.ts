const restMs = 20;

/** Keys that a page asks for at the same time are asked for in one request. */
export function batched<Value>(read: (keys: string[]) => Promise<Record<string, Value>>, mostAtOnce: number): (key: string) => Promise<Value | undefined> {
  let waiting: { keys: Set<string>; values: Promise<Record<string, Value>> } | undefined;
  return (key) => {
    if (!waiting || waiting.keys.size >= mostAtOnce) {
      const keys = new Set<string>();
      const values = new Promise<void>((resolve) => setTimeout(resolve, restMs)).then(() => {
        if (waiting?.keys === keys) waiting = undefined;
        return read([...keys]);
      });
      waiting = { keys, values };
    }
    waiting.keys.add(key);
    return waiting.values.then((values) => values[key]);
  };
}
