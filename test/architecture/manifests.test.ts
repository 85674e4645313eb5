import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { expect } from 'chai';
import { ROOT } from '../support/project-root.js';

interface Manifest {
  readonly name: string;
  readonly version: string;
  readonly license: string;
  readonly private?: boolean;
  readonly engines: { readonly node: string };
  readonly scripts?: Readonly<Record<string, string>>;
  readonly dependencies?: Readonly<Record<string, string>>;
  readonly exports?: Readonly<Record<string, unknown>>;
}

const manifest = (folder: string): Manifest => JSON.parse(readFileSync(join(ROOT, folder, 'package.json'), 'utf8'));
const root = manifest('.');
const published = ['proto', 'client', 'server'].map(manifest);
const all = [root, manifest('test'), ...published];

const RUNS_ON_INSTALL = /^(pre|post)?install$|^prepare$|^dependencies$/;

describe('package manifests', () => {
  for (const { name, version, license, engines, scripts, dependencies = {}, private: isPrivate, exports } of all) {
    describe(name, () => {
      it('agrees with the others on version, licence and Node.js', () => {
        expect([version, license, engines]).to.deep.equal([root.version, 'Apache-2.0', root.engines]);
      });

      it('pins what it depends on', () => {
        for (const [dependency, wanted] of Object.entries(dependencies)) {
          expect(wanted, dependency).to.match(/^\d+\.\d+\.\d+(-[a-z]+\.\d+)?$/);
        }
      });

      it('runs nothing when installed', () => {
        expect(Object.keys(scripts ?? {}).filter((script) => RUNS_ON_INSTALL.test(script))).to.deep.equal([]);
      });

      it('is published only if it is meant to be', () => {
        expect(isPrivate ?? false).to.equal(!published.some((other) => other.name === name));
      });

      it('says which types belong to what it exports', () => {
        for (const [path, target] of Object.entries(exports ?? {})) {
          if (typeof target !== 'string') expect(target, path).to.have.property('types');
        }
      });
    });
  }

  it('carry a version the changelog knows', () => {
    expect(readFileSync(join(ROOT, 'CHANGELOG.md'), 'utf8')).to.contain(`## [${root.version}]`);
  });

  it('have the server look for the same Node.js', () => {
    const main = readFileSync(join(ROOT, 'server/src/main.ts'), 'utf8');
    expect(`>=${/MINIMUM_NODE = '([^']+)'/.exec(main)?.[1]}`).to.equal(root.engines.node);
  });
});
