import type { BenchReport, Machine, RatedPeer, Row, SideDetails } from './report.js';

const BEGIN = '<!-- results: written by make bench -->';
const END = '<!-- results: end -->';

/** A generator busier than this could not have asked for more. */
export const SATURATED = 0.9;

const numbers = new Intl.NumberFormat('en-US', { maximumSignificantDigits: 4 });
const wholeNumbers = new Intl.NumberFormat('en-US', { maximumFractionDigits: 0 });

/** The report as Markdown; readable on a terminal, too. */
export function reportText({ commit, date, seconds, machine, rows }: BenchReport): string {
  const head = ['row', 'unit', 'better', 'ours', 'peer', 'peer value', 'ratio'];
  const cells = rows.flatMap((row) =>
    peersOf(row).map(({ peer, peerValue, ratio }) => [
      row.name,
      row.unit,
      row.better,
      number(row.ours),
      peer,
      number(peerValue),
      ratio === null ? '–' : `${number(ratio)}×`,
    ]),
  );
  const sides = rows.flatMap(sidesOf);
  const costs = sides.filter(({ details }) => details.cpuMicros !== undefined);
  const batching = rows.filter(({ framesPerMessage }) => framesPerMessage !== undefined);
  return [
    `Measured ${date} at commit ${commit}, ${seconds} s a measurement, on ${machineText(machine)}.`,
    alignedTable(head, cells),
    alignedTable(DETAIL_HEAD, sides.map(detailCells)),
    ...(costs.length === 0 ? [] : [alignedTable(COST_HEAD, costs.map(costCells))]),
    ...(batching.length === 0 ? [] : [alignedTable(BATCHING_HEAD, batching.map(batchingCells))]),
    ...notes(rows),
  ].join('\n\n');
}

/** The document with the results between its markers replaced. Throws when they are not there. */
export function withResults(document: string, text: string): string {
  const begin = document.indexOf(BEGIN);
  const end = document.indexOf(END);
  if (begin < 0 || end < begin) throw new Error(`the document lacks ${BEGIN} … ${END}`);
  return `${document.slice(0, begin + BEGIN.length)}\n\n${text}\n\n${document.slice(end)}`;
}

/** Everyone ours is compared with, the row's peer first. */
function peersOf(row: Row): readonly RatedPeer[] {
  return [row, ...(row.others ?? [])];
}

interface NamedSide {
  readonly row: string;
  readonly side: string;
  readonly details: SideDetails;
}

function sidesOf(row: Row): readonly NamedSide[] {
  const theirs = peersOf(row).flatMap(({ peer, peerDetails }) =>
    peerDetails === null ? [] : [{ row: row.name, side: peer, details: peerDetails }],
  );
  return [{ row: row.name, side: 'ours', details: row.oursDetails }, ...theirs];
}

const BATCHING_HEAD = ['row', 'frames per message', 'grants per disk commit', 'script calls per node and operation'];

function batchingCells({ name, framesPerMessage, grantsPerCommit, scriptCallsPerOperation }: Row): readonly string[] {
  return [name, number(framesPerMessage), number(grantsPerCommit), number(scriptCallsPerOperation)];
}

const DETAIL_HEAD = [
  'row',
  'side',
  'p50 ms',
  'p99 ms',
  'generator busy',
  'generator cores',
  'server cores',
  'Redis cores',
  'rounds',
];

function detailCells({ row, side, details }: NamedSide): readonly string[] {
  const { p50Ms, p99Ms, generatorBusy, generatorCores, serverCores, nodesCores, rounds } = details;
  const busy = generatorBusy === undefined ? '–' : `${Math.round(generatorBusy * 100)} %`;
  return [
    row,
    side,
    number(p50Ms),
    number(p99Ms),
    busy,
    number(generatorCores),
    number(serverCores),
    number(nodesCores),
    rounds.map(number).join(' / '),
  ];
}

const COST_HEAD = [
  'row',
  'side',
  'acquire p50 ms',
  'acquire p99 ms',
  'generator µs/operation',
  'server µs/operation',
  'Redis µs/operation',
];

function costCells({ row, side, details: { acquire, cpuMicros } }: NamedSide): readonly string[] {
  const times = [acquire?.p50Ms, acquire?.p99Ms, cpuMicros?.generator, cpuMicros?.server, cpuMicros?.nodes];
  return [row, side, ...times.map(number)];
}

function notes(rows: readonly Row[]): readonly string[] {
  const noted = rows.flatMap(({ name, note }) => (note === undefined ? [] : [`- ${name}: ${note}`]));
  return noted.length === 0 ? [] : [noted.join('\n')];
}

function machineText({ cpu, cores, memoryGigabytes, kernel, fileSystem, node, etcd, redis }: Machine): string {
  const versions = [version('etcd', etcd), version('Redis', redis)].join(', ');
  return `${cores} × ${cpu}, ${memoryGigabytes} GB, ${kernel}, ${fileSystem}, Node.js ${node}, ${versions}`;
}

function version(program: string, found: string | null): string {
  return found === null ? `without ${program}` : `${program} ${found}`;
}

function number(value: number | null | undefined): string {
  if (value === null || value === undefined) return '–';
  return value >= 1_000 ? wholeNumbers.format(value) : numbers.format(value);
}

/** Markdown that is also readable as it is. */
function alignedTable(head: readonly string[], rows: readonly (readonly string[])[]): string {
  const widths = head.map((title, column) =>
    Math.max(title.length, ...rows.map((cells) => (cells[column] ?? '').length)),
  );
  const line = (cells: readonly string[]): string =>
    `| ${widths.map((width, column) => (cells[column] ?? '').padEnd(width)).join(' | ')} |`;
  return [line(head), line(widths.map((width) => '-'.repeat(width))), ...rows.map(line)].join('\n');
}
