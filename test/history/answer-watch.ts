import type { ClientFrame, ServerFrame } from '../../server/src/core/frames.js';
import type { ServerCoreApi, StreamHandler } from '../../server/src/core/session-api.js';

/** A request on one stream: what it is for, and what can be said of it still. */
interface Asked {
  readonly resource: string;
  state: 'unanswered' | 'answered' | 'listed as held';
}

/**
 * Stands between streams and the core of a server, and sees that it answers each Acquire once (S5): on one stream neither twice, nor
 * at all where the client has said that it holds what was granted. It changes nothing.
 *
 * A stream is looked at by itself: what a client says of its requests on the next one counts in the place of what was said before.
 */
export class AnswerWatch {
  constructor(private readonly violated: (guarantee: string, what: string, resource: string) => void) {}

  /** What streams are to be connected with in the place of the core. */
  over(core: Pick<ServerCoreApi, 'connect'>): Pick<ServerCoreApi, 'connect'> {
    return {
      connect: (port): StreamHandler => {
        const requests = new Map<number, Asked>();
        const handler = core.connect({
          send: (frame) => {
            this.#said(requests, frame);
            port.send(frame);
          },
          end: (failure) => port.end(failure),
        });
        return {
          receive: (frames, receivedAtMs) => {
            for (const frame of frames) heard(requests, frame);
            handler.receive(frames, receivedAtMs);
          },
          drain: (remainingMs) => handler.drain(remainingMs),
          closed: () => handler.closed(),
        };
      },
    };
  }

  #said(requests: Map<number, Asked>, { id, kind }: ServerFrame): void {
    if (kind !== 'granted' && kind !== 'denied' && kind !== 'failed') return;
    const request = requests.get(id);
    if (request === undefined) return;
    const { resource, state } = request;
    request.state = 'answered';
    if (state === 'unanswered') return;
    this.violated('S5', `request ${id} for ${resource} was ${state} when it was ${kind}`, resource);
  }
}

function heard(requests: Map<number, Asked>, frame: ClientFrame): void {
  if (frame.kind === 'acquire') {
    requests.set(frame.id, { resource: frame.request.names.join('+'), state: 'unanswered' });
  }
  if (frame.kind !== 'resume') return;
  for (const { claim, request, requestId } of frame.entries) {
    if (claim === 'given_up') continue;
    const state = claim === 'held' ? 'listed as held' : 'unanswered';
    requests.set(requestId, { resource: request.names.join('+'), state });
  }
}
