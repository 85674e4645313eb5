import type { NodesOutcome } from '../../../core/ports.js';
import type { ConfigurationCheck } from './configuration-check.js';
import type { Member } from './member.js';
import type { ErrandReply } from './redis-node.js';
import { quarantineMs, type RedlockSettings } from './settings.js';

/** An operator waits for it, and a census may have to look at many keys. */
const ORDER_DEADLINE_MS = 3_000;

export interface OrderPorts {
  readonly settings: RedlockSettings;
  readonly members: readonly Member[];
  readonly configuration: ConfigurationCheck;
}

/**
 * Declares the nodes a new cluster: they vote at once, because there is nothing they could have forgotten. Only if every
 * one of them answers and has nothing of an earlier life.
 */
export async function declareNew({ settings, members, configuration }: OrderPorts): Promise<NodesOutcome> {
  const conflict = configuration.conflict();
  if (conflict !== undefined) return refused(conflict);
  const veterans = members.filter(({ admission }) => admission.wasAdmitted);
  if (veterans.length > 0) return refused(veteran(veterans));
  // Before anything else, so that whatever is forgotten from here on takes the mark along.
  const nonces = await marked(members);
  if (typeof nonces === 'string') return refused(nonces);
  const censuses = await askAll(members, () => ({ kind: 'census' }));
  const problems = censuses.flatMap(({ member, reply }) => {
    const problem = censusProblem(reply);
    return problem === undefined ? [] : [`${member.node.id} ${problem}`];
  });
  if (problems.length > 0) return refused(problems.join('; '));
  const { maxTtlMs } = settings;
  const declared = await askAll(members, (member) => ({
    kind: 'declare',
    nonce: nonces.get(member) ?? '',
    configuration: settings.configuration,
    maxTtlMs,
  }));
  const rest = declared.filter(({ reply }) => !isAdmitted(reply)).map(({ member }) => member);
  if (rest.length === members.length) return refused('no node took the declaration');
  const waiting = rest.length === 0 ? '' : `; ${names(rest)} did not, and must be waited for`;
  const count = members.length - rest.length;
  return { kind: 'done', message: `${count} of ${members.length} nodes began as a new cluster${waiting}` };
}

/** Makes one node forget what it knows, as a wipe would. */
export async function resetNode(ports: OrderPorts, nodeId: string): Promise<NodesOutcome> {
  const member = ports.members.find(({ node }) => node.id === nodeId);
  if (member === undefined) return refused(`there is no node ${nodeId}; there are ${names(ports.members)}`);
  const reply = await member.order({ kind: 'reset' }, ORDER_DEADLINE_MS);
  if (reply.kind === 'fault') return refused(`${nodeId} ${reply.fault.message}`);
  const forgotten = reply.outcome.kind === 'reset' ? reply.outcome.forgottenKeys : 0;
  const seconds = Math.ceil(quarantineMs(ports.settings, ports.configuration.greatestTtlMs) / 1_000);
  const message = `${nodeId} forgot ${forgotten} keys and is quarantined for ${seconds} s`;
  return { kind: 'done', message };
}

/**
 * The longest that any server of the cluster grants a lease for, as a quorum of the nodes tells it now: whoever may grant
 * has told a quorum before. `undefined` where no quorum answers.
 */
export function greatestTtlNow(
  { settings, members, configuration }: OrderPorts,
  quorum: number,
): Promise<number | undefined> {
  const { maxTtlMs } = settings;
  const errand = { kind: 'confirm', configuration: settings.configuration, maxTtlMs } as const;
  return new Promise((resolve) => {
    let agreed = 0;
    let heard = 0;
    const hear = (reply: ErrandReply): void => {
      heard += 1;
      if (isConfirmed(reply)) agreed += 1;
      if (agreed >= quorum) resolve(Math.max(maxTtlMs, configuration.greatestTtlMs));
      else if (heard === members.length) resolve(undefined);
    };
    for (const member of members) void member.order(errand, ORDER_DEADLINE_MS).then(hear);
  });
}

interface Told {
  readonly member: Member;
  readonly reply: ErrandReply;
}

/** The nonce of the mark at each node, or why there are not all of them. */
async function marked(members: readonly Member[]): Promise<ReadonlyMap<Member, string> | string> {
  const nonces = new Map<Member, string>();
  const problems: string[] = [];
  const veterans: Member[] = [];
  for (const { member, reply } of await askAll(members, ({ admission }) => admission.mark())) {
    if (reply.kind === 'fault') problems.push(`${member.node.id} ${reply.fault.message}`);
    else if (reply.outcome.kind === 'mark' && reply.outcome.nonce !== undefined)
      nonces.set(member, reply.outcome.nonce);
    else veterans.push(member);
  }
  if (veterans.length > 0) problems.push(veteran(veterans));
  return problems.length === 0 ? nonces : problems.join('; ');
}

function askAll(
  members: readonly Member[],
  errand: (member: Member) => Parameters<Member['order']>[0],
): Promise<readonly Told[]> {
  return Promise.all(
    members.map(async (member) => ({ member, reply: await member.order(errand(member), ORDER_DEADLINE_MS) })),
  );
}

function censusProblem(reply: ErrandReply): string | undefined {
  if (reply.kind === 'fault') return reply.fault.message;
  if (reply.outcome.kind !== 'census' || reply.outcome.found.length === 0) return undefined;
  return `is not empty: ${reply.outcome.found.join(', ')}`;
}

function isAdmitted(reply: ErrandReply): boolean {
  return reply.kind === 'done' && reply.outcome.kind === 'declare' && reply.outcome.admitted;
}

function isConfirmed(reply: ErrandReply): boolean {
  return reply.kind === 'done' && reply.outcome.kind === 'confirm' && reply.outcome.answer !== 'other';
}

function veteran(members: readonly Member[]): string {
  return `${names(members)} already voted: this cluster is not new`;
}

function names(members: readonly Member[]): string {
  return members.map(({ node }) => node.id).join(', ');
}

function refused(message: string): NodesOutcome {
  return { kind: 'refused', message };
}
