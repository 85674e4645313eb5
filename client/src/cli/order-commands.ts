import type { Command } from 'commander';
import type { Order } from '../transport/admin-calls.js';
import type { Given } from './command-line.js';
import { readName } from './names.js';
import { UsageError } from './usage-error.js';

/** Adds `admin …` and `forget`: orders to the nodes of a store. */
export function addOrders(program: Command, asked: (order: Order, given: Given) => void): void {
  const admin = program.command('admin').description("Orders to the nodes of a server's store.");
  admin
    .command('init')
    .description(
      'Declare the nodes a new cluster, once in its life, so that its first grant need not wait. ' +
        'Refused unless all nodes answer and all are empty.',
    )
    .action((_own: unknown, command: Command) => asked({ kind: 'init' }, command.optsWithGlobals<Given>()));
  admin
    .command('node')
    .description('Orders to one node.')
    .command('reset')
    .description('Make a node forget what it knows, as if it had been wiped; locks stay. It is quarantined afterwards.')
    .argument('<id>', 'The logical name of the node, as in ls --nodes.')
    .option('--yes', 'Do it: for the time of the quarantine there is one vote less.')
    .action((nodeId: string, _own: unknown, command: Command) => {
      const given = command.optsWithGlobals<Given>();
      confirmed(given, `admin node reset takes the vote of ${nodeId} away until its quarantine is over`);
      asked({ kind: 'reset', nodeId }, given);
    });
  program
    .command('forget')
    .description(
      'Delete the lock of a resource that would outlast every lease, as other programs leave behind; or any, with --always.',
    )
    .argument('<name>', 'The resource.')
    .option('--always', 'Whatever its expiry: a living holder goes on relying on it while somebody else gets it.')
    .option('--yes', 'Do it: needed with --always.')
    .action((text: string, _own: unknown, command: Command) => {
      const given = command.optsWithGlobals<Given>();
      const { always = false } = given;
      const name = readName('the resource', text);
      if (always) confirmed(given, `forget --always takes ${name} from a holder who may still rely on it`);
      asked({ kind: 'forget', name, always }, given);
    });
}

function confirmed({ yes = false }: Given, danger: string): void {
  if (!yes) throw new UsageError(`${danger}; add --yes to do it`);
}
