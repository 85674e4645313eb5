// Preloaded into a process: at SIGUSR2 it collects its garbage and writes down what it has, in a file named for its process.
import { readdirSync, renameSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { getHeapCodeStatistics, setFlagsFromString } from 'node:v8';
import { runInNewContext } from 'node:vm';

const folder = process.env['INSPECTIONS'];
if (folder !== undefined) {
  setFlagsFromString('--expose-gc');
  const collect = runInNewContext('gc');
  process.on('SIGUSR2', () => {
    collect();
    collect();
    const resources = {};
    for (const kind of process.getActiveResourcesInfo()) resources[kind] = (resources[kind] ?? 0) + 1;
    const files = readdirSync('/proc/self/fd').length;
    const file = join(folder, `${process.pid}.json`);
    // Code is compiled for a long time, and is nobody's.
    const code = getHeapCodeStatistics();
    const report = {
      heapBytes: process.memoryUsage().heapUsed - code.code_and_metadata_size - code.bytecode_and_metadata_size,
      residentBytes: process.memoryUsage.rss(),
      files,
      resources,
    };
    writeFileSync(`${file}.part`, JSON.stringify(report));
    renameSync(`${file}.part`, file);
  });
}
