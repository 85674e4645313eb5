import { UnavailableError } from '../errors.js';
import { NoServerError } from './explain.js';

/** Asks one server after the other until one answers. */
export async function firstServer<T>(servers: readonly string[], ask: (server: string) => Promise<T>): Promise<T> {
  let failure: UnavailableError | undefined;
  for (const server of servers) {
    try {
      return await ask(server);
    } catch (error) {
      if (!(error instanceof UnavailableError)) throw error;
      failure ??= error;
    }
  }
  throw new NoServerError(servers, failure ?? new UnavailableError('there is none to ask'));
}
