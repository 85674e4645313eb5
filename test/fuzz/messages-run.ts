import { SessionRequest } from '@holdfast/protocol';
import { decodeMessage } from '../../server/src/rpc/frame-decoder.js';
import { Violation } from './dues.js';

const MAX_FRAMES = 64;

/**
 * Decodes bytes that may be a message: they are refused for a reason, or mean the same as what a lenient decoder finds in
 * them, written anew. So no two readers of one message see different things in it.
 */
export function playMessage(bytes: Buffer): void {
  const decoded = decodeMessage(bytes, MAX_FRAMES);
  if (decoded.kind === 'refused') {
    const { message, reason } = decoded.failure;
    if (message === '' || reason === 'INTERNAL') throw new Violation(`refused with ${reason}: ${message}`);
    return;
  }
  const again = decodeMessage(SessionRequest.encode(SessionRequest.decode(bytes)).finish(), MAX_FRAMES);
  const [one, other] = [decoded, again].map(inWords);
  if (one !== other) throw new Violation(`two readers see different things: ${one} and ${other}`);
}

function inWords(decoded: unknown): string {
  return JSON.stringify(decoded, (_, value: unknown) => (typeof value === 'bigint' ? `${value}n` : value));
}
