import { readFile } from 'node:fs/promises';
import { flagOf, type OptionName } from '../config/options.js';
import type { RedlockConfig, ServerConfig } from '../config/server-config.js';
import type { RedlockOptions } from '../store/redlock/open-redlock-store.js';
import { EXIT, StartRefused } from './exit-codes.js';
import { systemClock } from './system-clock.js';
import { systemRandom } from './system-random.js';

/** What the redlock store is made with. Rejects with `StartRefused` when a file of certificates cannot be read. */
export async function redlockOptions(
  store: RedlockConfig,
  { core }: ServerConfig,
  serverId: string,
): Promise<RedlockOptions> {
  const { nodes, clusterId, keyTemplate, windowMs, nodeDeadlineMs, foreignMaxTtlMs } = store;
  const [ca, cert, key] = await Promise.all([
    pemOf('redisCa', store.tls.ca),
    pemOf('redisCert', store.tls.cert),
    pemOf('redisKey', store.tls.key),
  ]);
  return {
    ...{ nodes, clusterId, keyTemplate, windowMs, nodeDeadlineMs, foreignMaxTtlMs, serverId },
    tls: { ...(ca && { ca }), ...(cert && { cert }), ...(key && { key }) },
    maxTtlMs: core.limits.maxTtlMs,
    clockRateDrift: core.clockRateDrift,
    clockMarginMs: core.clockMarginMs,
    clock: systemClock,
    random: systemRandom(),
  };
}

async function pemOf(name: OptionName, path: string | undefined): Promise<string | undefined> {
  if (path === undefined) return undefined;
  const text = await readFile(path, 'utf8').catch((error: unknown) => {
    const code = error instanceof Error && 'code' in error ? String(error.code) : String(error);
    throw refused(name, path, `cannot be read (${code})`);
  });
  if (!text.includes('-----BEGIN ')) throw refused(name, path, 'is not PEM');
  return text;
}

function refused(name: OptionName, path: string, problem: string): StartRefused {
  return new StartRefused(`the file ${path} of ${flagOf(name)} ${problem}`, EXIT.configuration);
}
