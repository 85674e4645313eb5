import type { BenchReport, Machine, Row, SideDetails } from './report.js';

const BEGIN = '<!-- results: written by make bench -->';
const END = '<!-- results: end -->';

/** A generator busier than this could not have asked for more. */
export const SATURATED = 0.9;

const numbers = new Intl.NumberFormat('en-US', { maximumSignificantDigits: 4 });
const wholeNumbers = new Intl.NumberFormat('en-US', { maximumFractionDigits: 0 });

/** The report as Markdown; readable on a terminal, too. */
export function reportText({ commit, date, seconds, machine, rows }: BenchReport): string {
  const head = ['row', 'unit', 'better', 'ours', 'peer', 'peer value', 'ratio'];
  const cells = rows.map((row) => [
    row.name,
    row.unit,
    row.better,
    number(row.ours),
    row.peer,
    number(row.peerValue),
    row.ratio === null ? '–' : `${number(row.ratio)}×`,
  ]);
  const detailHead = ['row', 'side', 'p50 ms', 'p99 ms', 'generator busy', 'generator cores', 'server cores', 'rounds'];
  const details = rows.flatMap((row) => [
    detailCells(row.name, 'ours', row.oursDetails),
    ...(row.peerDetails === null ? [] : [detailCells(row.name, row.peer, row.peerDetails)]),
  ]);
  const batching = rows.filter(({ framesPerMessage }) => framesPerMessage !== undefined);
  return [
    `Measured ${date} at commit ${commit}, ${seconds} s a measurement, on ${machineText(machine)}.`,
    alignedTable(head, cells),
    alignedTable(detailHead, details),
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

const BATCHING_HEAD = ['row', 'frames per message', 'grants per disk commit'];

function batchingCells({ name, framesPerMessage, grantsPerCommit }: Row): readonly string[] {
  return [name, number(framesPerMessage), number(grantsPerCommit)];
}

function detailCells(name: string, side: string, details: SideDetails): readonly string[] {
  const { p50Ms, p99Ms, generatorBusy, generatorCores, serverCores, rounds } = details;
  const busy = generatorBusy === undefined ? '–' : `${Math.round(generatorBusy * 100)} %`;
  return [
    name,
    side,
    number(p50Ms),
    number(p99Ms),
    busy,
    number(generatorCores),
    number(serverCores),
    rounds.map(number).join(' / '),
  ];
}

function notes(rows: readonly Row[]): readonly string[] {
  const noted = rows.flatMap(({ name, note }) => (note === undefined ? [] : [`- ${name}: ${note}`]));
  return noted.length === 0 ? [] : [noted.join('\n')];
}

function machineText({ cpu, cores, memoryGigabytes, kernel, fileSystem, node, etcd }: Machine): string {
  const peer = etcd === null ? 'without etcd' : `etcd ${etcd}`;
  return `${cores} × ${cpu}, ${memoryGigabytes} GB, ${kernel}, ${fileSystem}, Node.js ${node}, ${peer}`;
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
