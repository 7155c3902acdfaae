// Many requests, of which only some are open at once.

/** What `act` returns for each item, in their order; at most `open` of them are begun and not ended. */
export async function inTurn<T, R>(items: readonly T[], open: number, act: (item: T) => Promise<R>): Promise<R[]> {
  const found: R[] = new Array(items.length);
  let next = 0;
  const work = async () => {
    for (let at = next++; at < items.length; at = next++) found[at] = await act(items[at] as T);
  };
  await Promise.all(Array.from({ length: Math.min(open, items.length) }, work));
  return found;
}
