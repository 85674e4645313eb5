import { PATIENCE_MS, TTL_MS } from '../../harness/cell.js';
import type { Participant } from '../../harness/participant.js';

/** A client that takes and gives back all the while. Answers the longest time that took. */
export async function servedWhile(client: Participant, busy: Promise<unknown>): Promise<number> {
  let isOver = false;
  const over = busy.finally(() => {
    isOver = true;
  });
  over.catch(() => undefined);
  let worstMs = 0;
  for (let turn = 0; !isOver; turn += 1) {
    const startMs = performance.now();
    await client.acquire(`served ${turn}`, TTL_MS, PATIENCE_MS);
    await client.release(`served ${turn}`);
    worstMs = Math.max(worstMs, performance.now() - startMs);
  }
  await over;
  return worstMs;
}
