import { existsSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { expect } from 'chai';
import * as errors from '../../client/src/errors.js';
import { errorFromFailure } from '../../client/src/session/failures.js';
import { HeldSet } from '../../client/src/session/held-set.js';
import { type FailureReason, failureCode } from '../../server/src/core/failure.js';
import { anchoredValidity } from '../../server/src/core/validity.js';
import { WIRE_REASONS } from '../../server/src/rpc/failure-status.js';
import { SETTINGS } from '../support/core-rig.js';
import { pageText } from '../support/markdown-blocks.js';
import { markdownTable } from '../support/markdown-table.js';
import { ROOT } from '../support/project-root.js';
import { ROOMS, type Room } from './rooms.js';

const source = (path: string): string => readFileSync(join(ROOT, path), 'utf8');
const code = (text: string): string => `\`${text}\``;

/** The cells of every table row of a page, or of the part of it that begins with a heading. */
function rows(page: string, heading = ''): readonly (readonly string[])[] {
  const text = pageText(page);
  const part = heading === '' ? text : (text.split(`\n## ${heading}\n`)[1] ?? '').split('\n## ', 1).join('');
  return part
    .split('\n')
    .filter((line) => /^\| .* \|$/.test(line))
    .map((line) => line.slice(2, -2).split(/ ?(?<!\\)\| /));
}

/** What the proto says of a reason. */
function endsStream(reason: string): string | undefined {
  const comment = new RegExp(`((?: *//.*\\n)+) *ERROR_REASON_${reason} =`).exec(
    source('proto/holdfast/v1/error_reason.proto'),
  )?.[1];
  if (/Ends the stream\. /.test(comment ?? '')) return 'yes';
  return /Ends the\s+(\/\/ )?stream,? (or|only)/.test(comment ?? '') ? 'sometimes' : undefined;
}

describe('docs/errors.md', () => {
  const reasons = Object.keys(WIRE_REASONS) as readonly FailureReason[];

  it('has every reason, with its code, what becomes of the stream, and what the client makes of it', () => {
    const shown = rows('docs/errors.md', 'Reasons a server gives').slice(1);
    const failure = { statusCode: 2, message: '', field: undefined, value: undefined, limit: undefined };
    for (const [index, reason] of reasons.entries()) {
      const [name, status, ends, , , thrown] = shown[index] ?? [];
      const error = errorFromFailure({ ...failure, reason, retryAfterMs: undefined });
      expect([name, status, thrown]).to.deep.equal([code(reason), failureCode(reason), code(error.name)]);
      expect(ends, reason).to.equal(endsStream(reason) ?? ends);
      expect(ends, reason).to.be.oneOf(['yes', 'no', 'sometimes']);
    }
    expect(shown).to.have.length(reasons.length);
    expect(['DRAINING', 'OPEN_REPEATED', 'UNKNOWN_FRAME'].map(endsStream)).to.deep.equal([
      'sometimes',
      'yes',
      undefined,
    ]);
  });

  it('has every class of error of the client, with its code and whether it may pass', () => {
    const classes = Object.values(errors).filter(
      (each): each is typeof errors.WaitTimeoutError => each !== errors.HoldfastError,
    );
    const shown = rows('docs/errors.md', 'Errors of the client')
      .filter(([name]) => /^`\w+Error`$/.test(name ?? ''))
      .map((cells) => cells.slice(0, 3));
    const made = classes.map((Made) => new Made('', undefined, undefined));
    // Their constructors differ; the message comes first in all of them.
    expect(shown).to.have.deep.members(
      made.map((error) => [code(error.name), code(error.code), String(error.retryable)]),
    );
    const causes = /type LossCause = ([^;]+);/.exec(source('client/src/errors.ts'))?.[1] ?? '';
    for (const [cause] of causes.matchAll(/\w+/g)) expect(pageText('docs/errors.md')).to.include(`| ${code(cause)} |`);
  });

  it('has every line with which a server refuses to start', () => {
    const page = pageText('docs/errors.md');
    const refusals = [
      ['server/src/store/embedded/directory-lock.ts', /StoreRefusedError\(\s*`([^`]+)`/g],
      ['server/src/store/embedded/lmdb-file.ts', /StoreRefusedError\(\s*`([^`]+)`/g],
      ['server/src/store/embedded/lmdb-log.ts', /StoreRefusedError\(\s*`([^`]+)`/g],
      ['server/src/store/embedded/open-embedded-store.ts', /StoreRefusedError\(\s*`([^`]+)`/g],
      ['server/src/process/addresses.ts', /return `([^`]+)`/g],
      ['server/src/process/check-nodes.ts', /message = `([^`]+)`/g],
      ['server/src/process/redlock-options.ts', /refused\(\w+, \w+, [`']([^`']+)[`']\)/g],
      ['server/src/store/redlock/coordinator/membership.ts', /const problem = `([^`]+)`/g],
      ['server/src/rpc/listener.ts', /[?:]\s+`(\$\{place\}[^`]+)`|return `(\$\{place\}[^`]+)`/g],
      ['server/src/main.ts', /`(holdfast-server: [^`]+)\\n`/g],
      ['server/src/config/values.ts', /problem: [`']([^`'$]+)[`']/g],
      ['server/src/config/redis-values.ts', /problem: [`']([^`'$]+)[`']/g],
      ['server/src/config/checks.ts', /message: (?:`([^`]+)`|'([^']+)')/g],
      ['server/src/config/redis-checks.ts', /message: (?:`([^`]+)`|'([^']+)')/g],
    ] as const;
    for (const [path, pattern] of refusals) {
      const lines = [...source(path).matchAll(pattern)].map((match) => match[1] ?? match[2] ?? '');
      expect(lines, path).not.to.be.empty;
      for (const line of lines) expect(page, path).to.include(shownLine(line));
    }
  });
});

/** A template as the page shows it: `…` for what is filled in. */
function shownLine(template: string): string {
  return template.replace(/\$\{[^}]*\}/g, '…');
}

describe('docs/operations.md', () => {
  it('has every service of which health and reflection speak', () => {
    const [, part = ''] = pageText('docs/operations.md').split('\n## Health and reflection\n');
    for (const path of ['server/src/rpc/health.ts', 'server/src/rpc/reflection.ts']) {
      const [, list = ''] = /const SERVICES\b[^=]*= \[([^\]]*)\]/.exec(source(path)) ?? [];
      const names = [...list.matchAll(/'([^']*)'/g)].map(([, name = '']) => name);
      expect(names, path).to.have.length.greaterThan(1);
      for (const name of names) expect(part, path).to.include(name === '' ? code("''") : code(name));
    }
  });
});

describe('docs/client.md', () => {
  const page = pageText('docs/client.md');

  it('has every option, with its default', () => {
    for (const path of ['client/src/connect.ts', 'client/src/client.ts']) {
      const options = [...source(path).matchAll(/\/\*\*((?:(?!\*\/).)*)\*\/\s+readonly (\w+)\?:/gs)];
      expect(options, path).not.to.be.empty;
      for (const [, comment = '', name = ''] of options) {
        const row = rows('docs/client.md').find(([first]) => first === code(name));
        expect(row, name).not.to.equal(undefined);
        const [value] = /(?<=Default:? )[^.]*?[\d,]+(?= *[.;])|(?<=Default:? )`?\w+`?(?=\.)/.exec(comment) ?? [];
        if (value !== undefined) expect(row?.[1]?.replaceAll('`', ''), name).to.equal(value.replaceAll('`', ''));
      }
    }
  });

  it('has every member of clients and leases', () => {
    for (const path of ['client/src/client.ts', 'client/src/lease.ts']) {
      const members = [...source(path).matchAll(/^ {2}(?:get |async )?([a-z]\w*)(?:<\w+>)?\([^\n]*\{$/gm)];
      const names = new Set(members.map((match) => match[1] ?? ''));
      for (const own of ['constructor', 'open']) names.delete(own);
      expect(names.size, path).to.be.greaterThan(5);
      for (const name of names) expect(page, name).to.match(new RegExp(`^\\| .*\`${name}[(\`]`, 'm'));
    }
  });
});

describe('docs/protocol.md', () => {
  const page = pageText('docs/protocol.md');

  it('reckons validities as the server does', () => {
    const validity = (receivedAtMs: number, t0: number): string =>
      anchoredValidity(SETTINGS, { frameId: 2, receivedAtMs }, t0, 30_000).validity.durationMs.toLocaleString('en');
    expect(page).to.include(`50,004.0) · 0.99 − 5) | **${validity(50_004, 50_004.5)}**`);
    expect(page).to.include(`62,010.0) · 0.99 − 5) = **${validity(62_010, 64_500)}**`);
  });

  it('hashes what is held as the client does', () => {
    const held = new HeldSet();
    const ids = [...page.matchAll(/^\| `([0-9a-f-]{36})` \| `([0-9a-f]{16})` \|$/gm)];
    expect(ids).to.have.length(2);
    for (const [index, [, leaseId = '', last = '']] of ids.entries()) {
      expect(leaseId.replaceAll('-', '').slice(16)).to.equal(last);
      held.add(index + 1, leaseId, 0);
    }
    expect(page).to.include(`\`held_count\` is ${held.count} and \`held_hash\` is 0x${held.hash.toString(16)}`);
  });

  it('has every kind of frame', () => {
    for (const path of ['client_frame', 'server_frame']) {
      const text = source(`proto/holdfast/v1/${path}.proto`);
      const kinds = [...text.matchAll(/^ {4}(\w+) \w+ = \d+;$/gm)].map((match) => match[1] ?? '');
      expect(kinds, path).to.have.length.greaterThan(8);
      for (const kind of kinds) expect(page, kind).to.match(new RegExp(`\`${kind}\\b`));
    }
  });

  it('has every value of every enum that answers carry', () => {
    const text = source('proto/holdfast/v1/server_frame.proto') + source('proto/holdfast/v1/client_frame.proto');
    for (const [, value = ''] of text.matchAll(/^ {4}((?:REASON|OUTCOME|CLAIM)_\w+) = [1-9]/gm)) {
      expect(page).to.include(value);
    }
  });
});

describe('docs/architecture.md', () => {
  it('shows the rooms as the test of imports has them', () => {
    const list = (names: readonly string[]): string => names.map(code).join(', ');
    const packages = ({ packages: own, typesOf = [] }: Room): string =>
      [list(own), ...typesOf.map((name) => `types of ${code(name)}`)].filter((text) => text !== '').join(', ');
    const present = ROOMS.filter(({ path }) => existsSync(join(ROOT, path)));
    const table = markdownTable(
      ['Room', 'Rooms it may import', 'Packages it may import'],
      present.map((room) => [
        code(room.path),
        list(room.rooms.filter((path) => existsSync(join(ROOT, path)))),
        packages(room),
      ]),
    );
    expect(pageText('docs/architecture.md')).to.include(`\n${table}\n`);
  });
});
