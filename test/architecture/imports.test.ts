import { expect } from 'chai';
import { importViolations, ROOMS } from './rooms.js';
import { sourceFile, sourceFiles } from './source-tree.js';

const product = sourceFiles().filter(({ path }) => /^(server|client)\/src\/|^proto\//.test(path));

describe('imports', () => {
  it('run main → rpc → core ← store, and packages stay in their rooms', () => {
    expect(product).not.to.be.empty;
    expect(product.flatMap((file) => importViolations(file))).to.deep.equal([]);
  });

  it('of the core reach nothing but the core', () => {
    const core = ROOMS.find(({ path }) => path === 'server/src/core');
    expect(core).to.deep.equal({ path: 'server/src/core', rooms: [], packages: [] });
  });

  describe('are found wanting', () => {
    const violations = (path: string, text: string): readonly string[] => importViolations(sourceFile(path, text));

    for (const [path, text, problem] of [
      ['server/src/core/a.ts', "import { x } from '../rpc/b.js';", 'must not import server/src/rpc/b.ts'],
      ['server/src/core/a.ts', "import type { x } from '../rpc/b.js';", 'must not import server/src/rpc/b.ts'],
      ['server/src/core/a.ts', "import {\n  x,\n} from '../rpc/b.js';", 'must not import server/src/rpc/b.ts'],
      ['server/src/core/a.ts', "import x from'../main.js';", 'must not import server/src/main.ts'],
      ['server/src/core/a.ts', "export * from '../telemetry/b.js';", 'must not import server/src/telemetry/b.ts'],
      [
        'server/src/core/a.ts',
        "export { x } from '../store/embedded/b.js';",
        'must not import server/src/store/embedded/b.ts',
      ],
      ['server/src/core/a.ts', "const x = await import('../rpc/b.js');", 'must not import server/src/rpc/b.ts'],
      ['server/src/core/a.ts', "const x = `${await import('../rpc/b.js')}`;", 'must not import server/src/rpc/b.ts'],
      ['server/src/core/a.ts', "import 'node:fs';", 'must not import node:fs'],
      ['server/src/core/a.ts', "import { randomBytes } from 'node:crypto';", 'must not import node:crypto'],
      ['server/src/core/a.ts', "import { credentials } from '@grpc/grpc-js';", 'must not import @grpc/grpc-js'],
      ['server/src/core/a.ts', 'const x = await import(name);', 'imports something computed'],
      ['server/src/core/a.ts', "import { x } from '../../../client/src/b.js';", 'must not import client/src/b.ts'],
      ['server/src/store/embedded/a.ts', "import { x } from '../../rpc/b.js';", 'must not import server/src/rpc/b.ts'],
      ['server/src/store/embedded/a.ts', "import { z } from 'zod';", 'must not import zod'],
      [
        'server/src/rpc/a.ts',
        "import { x } from '../store/embedded/b.js';",
        'must not import server/src/store/embedded/b.ts',
      ],
      ['server/src/rpc/a.ts', "import { open } from 'lmdb';", 'must not import lmdb'],
      ['server/src/config/a.ts', "import { pino } from 'pino';", 'must not import pino'],
      [
        'server/src/telemetry/a.ts',
        "import { x } from '@grpc/grpc-js/build/src/x.js';",
        'must not import @grpc/grpc-js',
      ],
      ['server/src/main.ts', "import { open } from 'lmdb';", 'must not import lmdb'],
      [
        'client/src/session/a.ts',
        "import { Acquire } from '@holdfast/protocol';",
        'must not import @holdfast/protocol',
      ],
      [
        'client/src/session/a.ts',
        "import { type Acquire } from '@holdfast/protocol';",
        'must not import @holdfast/protocol',
      ],
      [
        'client/src/session/a.ts',
        "import { x } from '../transport/b.js';",
        'must not import client/src/transport/b.ts',
      ],
      ['client/src/a.ts', "import { x } from './cli/b.js';", 'must not import client/src/cli/b.ts'],
      ['client/src/a.ts', "import { x } from '@holdfast/server';", 'must not import @holdfast/server'],
      ['server/src/somewhere/a.ts', '', 'is in no room'],
      ['server/src/a.ts', '', 'is in no room'],
    ] as const) {
      it(`${path}: ${text.replaceAll('\n', ' ')}`, () => {
        expect(violations(path, text)).to.have.length(1);
        expect(violations(path, text)[0]).to.contain(problem);
      });
    }

    it('but not for types, where those are allowed', () => {
      const text =
        "import type { Acquire } from '@holdfast/protocol';\nexport type { Lease } from '@holdfast/protocol';";
      expect(violations('client/src/session/a.ts', text)).to.deep.equal([]);
    });

    it('but not in comments, strings and regular expressions', () => {
      const text = [
        "// import { x } from '../rpc/a.js';",
        "/* import { x } from '../rpc/b.js'; */",
        'const a = "import { x } from \'../rpc/c.js\';";',
        "const b = `import { x } from '../rpc/d.js'; ${1}`;",
        "const c = /import 'x'/;",
        "const from = 1 / 2; // it's an apostrophe",
        "import type { y } from './y.js';",
      ].join('\n');
      expect(violations('server/src/core/a.ts', text)).to.deep.equal([]);
    });
  });
});
