import { eventually } from '../../../support/deadline.js';
import { type Cell, PATIENCE_MS, SLACK_MS } from '../../harness/cell.js';
import type { Stage } from '../../harness/stage.js';
import { measured, type PlayedRow, seconds } from '../row.js';
import { LASTING_TTL_MS, SMALL } from '../scenes.js';

/** Nodes that hear of the first server late. */
const LATE = [3, 4, 5] as const;
const OTHERS = [1, 2] as const;
const FIRST = 'adopted twice';
const SECOND = 'adopted and handed on';
const THIRD = 'bid for twice';

type Stranded = ReturnType<ReturnType<Cell['way']>['strand']>;

function hold(cell: Cell, server: number, nodes: readonly number[]): void {
  for (const node of nodes) cell.way(server, node).treat('up', { kind: 'hold' });
}

function pass(cell: Cell, server: number, nodes: readonly number[]): void {
  for (const node of nodes) cell.way(server, node).heal();
}

/** The client can reach this server and no other. */
function onlyAt(cell: Cell, server: number): void {
  const other = server === 1 ? 2 : 1;
  cell.door(server).heal();
  cell.door(other).cut(true);
}

/** What the first server has sent to these nodes and they have not got. The links are as good as ever afterwards. */
function onItsWay(cell: Cell, nodes: readonly number[]): ReadonlyMap<number, Stranded> {
  const stranded = new Map(nodes.map((node) => [node, cell.way(1, node).strand()]));
  pass(cell, 1, nodes);
  return stranded;
}

async function arrives(stranded: ReadonlyMap<number, Stranded>, nodes: readonly number[]): Promise<void> {
  await Promise.all(nodes.map((node) => stranded.get(node)?.deliver()));
}

/** What stands at these nodes, once it is one and the same, and none of those. */
async function sameAt(cell: Cell, name: string, nodes: readonly number[], not: readonly unknown[]): Promise<string> {
  return eventually(PATIENCE_MS, `one new value of ${name} at nodes ${nodes}`, async () => {
    const values = await cell.locks(name);
    const [value, ...rest] = nodes.map((node) => values[node - 1]);
    const isOne = rest.every((other) => other === value);
    return isOne && value !== null && value !== undefined && !not.includes(value) ? value : undefined;
  });
}

/** The holder comes back to the first server, which adopts at nodes 1 and 2; what it says to the others is on its way. */
async function adoptedByFirst(cell: Cell, name: string) {
  onlyAt(cell, 1);
  await cell.client(1).acquire(name, LASTING_TTL_MS, PATIENCE_MS);
  const granted = await sameAt(cell, name, [...OTHERS, ...LATE], []);
  hold(cell, 1, LATE);
  cell.door(1).cut();
  const adopted = await sameAt(cell, name, OTHERS, [granted]);
  return { granted, adopted, late: onItsWay(cell, LATE) };
}

/** Two servers have adopted at two nodes each; the third hears of the first server first, and of the second one last. */
async function crossed(stage: Stage, cell: Cell): Promise<number> {
  const { granted, adopted, late } = await adoptedByFirst(cell, FIRST);
  hold(cell, 2, [1, 2, 3]);
  onlyAt(cell, 2);
  const byOther = await sameAt(cell, FIRST, [4, 5], [granted, adopted]);
  await arrives(late, LATE);
  const values = await cell.locks(FIRST);
  stage.check('S1', `the third node has ${values[2]}`, values[2] === adopted);
  stage.check('S1', `the others have ${values[3]} and ${values[4]}`, values[3] === byOther && values[4] === byOther);
  const startMs = performance.now();
  pass(cell, 2, [1, 2, 3]);
  const last = await sameAt(cell, FIRST, [1, 2, 3, 4, 5], [granted, adopted]);
  const tookMs = performance.now() - startMs;
  const tokens = new Set([granted, adopted, last].map((value) => value.split(':')[1]));
  stage.check('I1', `its tokens are ${[...tokens]}`, tokens.size === 1);
  stage.check('I11', 'the holder lost its lease', await cell.client(1).mayWrite(FIRST));
  await cell.client(1).release(FIRST);
  return tookMs;
}

/** What the first server has said of its adoption comes when the lease has been given back and somebody else has one. */
async function handedOn(stage: Stage, cell: Cell): Promise<void> {
  const [holder, other] = [cell.client(1), cell.client(2)];
  const { granted, adopted, late } = await adoptedByFirst(cell, SECOND);
  onlyAt(cell, 2);
  await sameAt(cell, SECOND, [1, 2, 3, 4, 5], [granted, adopted]);
  await holder.release(SECOND);
  await other.acquire(SECOND, LASTING_TTL_MS, PATIENCE_MS);
  const before = await sameAt(cell, SECOND, [1, 2, 3, 4, 5], []);
  await arrives(late, LATE);
  const after = await cell.locks(SECOND);
  const isLeft = after.every((value) => value === before);
  stage.check('S1', `an adoption took what somebody else has: ${after}`, isLeft);
  await other.release(SECOND);
}

/** A bid has reached one node when its server cannot be reached any more; the others hear of it during the lease, and after. */
async function bidTwice(stage: Stage, cell: Cell): Promise<void> {
  const [holder, other] = [cell.client(1), cell.client(2)];
  onlyAt(cell, 1);
  await holder.acquire('at the first server', LASTING_TTL_MS, PATIENCE_MS);
  await holder.release('at the first server');
  hold(cell, 1, [2, 3, 4, 5]);
  const granted = holder.acquire(THIRD, LASTING_TTL_MS, PATIENCE_MS);
  granted.catch(() => undefined);
  const debris = await sameAt(cell, THIRD, [1], []);
  hold(cell, 1, [1]);
  const late = onItsWay(cell, [2, 3, 4, 5]);
  onlyAt(cell, 2);
  const { token } = await granted;
  const value = await sameAt(cell, THIRD, [2, 3, 4, 5], [debris]);
  stage.check('I1', `${value} was granted with ${token}`, value.endsWith(`:${token}`));
  await arrives(late, [2, 3]);
  const during = (await cell.locks(THIRD)).slice(1);
  stage.check(
    'S1',
    `the lease is ${during}`,
    during.every((each) => each === value),
  );
  const words = await other.refusal(THIRD, LASTING_TTL_MS);
  stage.check('I3', 'it was granted twice', words !== undefined);
  stage.check('I11', 'the holder lost its lease', await holder.mayWrite(THIRD));
  await holder.release(THIRD);
  await arrives(late, [4, 5]);
  pass(cell, 1, [1]);
}

const C26: PlayedRow = {
  id: 'C26',
  title: 'two servers adopt one lease at once, and one of them late; a bid that has reached one node meets its retry',
  kind: 'played',
  control: {
    without: 'the owner check of an adoption, on the nodes',
    edits: [
      {
        file: 'server/src/store/redlock/node/scripts/adopt.ts',
        original: "if there ~= value and not among(there, presented) then return 'l' end",
        replacement: '',
      },
    ],
    breaks: /^S1: an adoption took what somebody else has/,
  },
  play: async (stage) => {
    const cell = await stage.cell({ ...SMALL, maxTtlMs: LASTING_TTL_MS });
    await Promise.all([cell.client(1).connect(...cell.doors), cell.client(2).connect(cell.server(2).address)]);
    const tookMs = await crossed(stage, cell);
    await handedOn(stage, cell);
    await bidTwice(stage, cell);
    await stage.noLocksLeft([FIRST, SECOND, THIRD], SLACK_MS, LASTING_TTL_MS);
    return (figures) => `one value at all nodes ${seconds(tookMs)} after; ${measured(figures)}, 0 keys left`;
  },
};

export const ADOPTION_ROWS = { C26 };
