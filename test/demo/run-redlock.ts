/** A server over five Redis processes of its own, declared a new cluster: `make run STORE=redlock`. Ctrl-C ends all. */
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { join } from 'node:path';
import { ROOT } from '../support/project-root.js';
import { startServer } from '../support/server-process.js';
import { RedisCluster, RedisMissing } from './redis-cluster.js';

const BUILT_SERVER = join(ROOT, 'server/dist/main.js');
const args = process.argv.slice(2);

async function run(): Promise<number> {
  const cluster = await RedisCluster.start();
  for (const { id, url, pid } of cluster.nodes) process.stderr.write(`${id} runs at ${url}, pid ${pid}\n`);
  await declare(cluster);
  const flags = ['--log-format', 'pretty', ...cluster.flags, ...args];
  // In a group of its own: the terminal interrupts this process alone, which tells the server, waits, and ends the rest.
  const server = spawn(process.execPath, [BUILT_SERVER, ...flags], { cwd: ROOT, stdio: 'inherit', detached: true });
  process.on('exit', () => server.kill('SIGKILL'));
  for (const signal of ['SIGINT', 'SIGTERM', 'SIGHUP'] as const) {
    process.on(signal, () => server.kill(signal === 'SIGHUP' ? 'SIGTERM' : signal));
  }
  const [code] = (await once(server, 'exit')) as [number | null];
  await cluster.kill();
  return code ?? 1;
}

/** By a server that is only there for it, so that the one people see can grant from its start. */
async function declare(cluster: RedisCluster): Promise<void> {
  const server = await startServer({
    args: [...args, '--listen', '127.0.0.1:0', '--metrics-listen', 'off', ...cluster.flags],
  });
  await cluster.declareNew(server.address);
  await server.stop();
}

try {
  process.exit(await run());
} catch (error) {
  if (!(error instanceof RedisMissing)) throw error;
  process.stderr.write(`${error.message}\n`);
  process.exit(1);
}
