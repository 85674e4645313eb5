import type { Unfitness } from '../../support/redlock/unfit-node.js';
import type { Direction, Treatment } from '../../support/tcp-proxy.js';
import type { Pestering } from '../harness/stranger.js';

/** Numbers count from 1. Without nodes there is one server, with the embedded store. */
export interface Cast {
  readonly nodes: 0 | 5;
  readonly servers: number;
  readonly clients: number;
}

/** One thing that is done to some nodes at once. */
export type StrikeAtNodes =
  | { readonly kind: 'kill_nodes'; readonly nodes: readonly number[]; readonly empty: boolean }
  | { readonly kind: 'stop_nodes'; readonly nodes: readonly number[] }
  | { readonly kind: 'flush_nodes'; readonly nodes: readonly number[] }
  /** `CLIENT PAUSE`: they take commands, and answer none of them. */
  | { readonly kind: 'hold_commands'; readonly nodes: readonly number[] }
  | { readonly kind: 'forget_scripts'; readonly nodes: readonly number[] }
  /** `CLIENT KILL` of everybody. */
  | { readonly kind: 'drop_connections'; readonly nodes: readonly number[] }
  | { readonly kind: 'unfit_nodes'; readonly nodes: readonly number[]; readonly how: Unfitness };

/** One thing that is done to the ways of a server to some nodes. */
export type StrikeAtWays =
  /** It is cut off from them; connections are reset and refused. */
  | { readonly kind: 'part'; readonly server: number; readonly nodes: readonly number[] }
  | {
      readonly kind: 'disturb_ways';
      readonly server: number;
      readonly nodes: readonly number[];
      readonly direction: Direction;
      readonly treatment: Treatment;
    }
  | {
      readonly kind: 'half_close_ways';
      readonly server: number;
      readonly nodes: readonly number[];
      readonly direction: Direction;
    };

/** One thing that is done between clients and a server. */
export type StrikeAtDoor =
  | { readonly kind: 'cut_door'; readonly server: number }
  /** The connections there are pass nothing any more, and stay up. */
  | { readonly kind: 'deafen_door'; readonly server: number }
  | {
      readonly kind: 'disturb_door';
      readonly server: number;
      readonly direction: Direction;
      readonly treatment: Treatment;
    }
  | { readonly kind: 'half_close_door'; readonly server: number; readonly direction: Direction };

/** One thing that is done to the process of a server. */
export type StrikeAtServer =
  | { readonly kind: 'kill_server'; readonly server: number }
  | { readonly kind: 'drain_server'; readonly server: number }
  | { readonly kind: 'stop_server'; readonly server: number }
  /** It stands still again and again, for less than anybody else notices. */
  | { readonly kind: 'stutter_server'; readonly server: number };

/** One thing that is done to the process of a client. */
export type StrikeAtClient =
  | { readonly kind: 'kill_client'; readonly client: number }
  /** It ends by itself in the midst of what it does. */
  | { readonly kind: 'leave_client'; readonly client: number }
  | { readonly kind: 'stop_client'; readonly client: number }
  /** It is busy with its memory and hardly with anything else. */
  | { readonly kind: 'busy_client'; readonly client: number };

/** One thing that is done to the processes or the links between them. */
export type Strike =
  | StrikeAtNodes
  | StrikeAtWays
  | StrikeAtDoor
  | StrikeAtServer
  | StrikeAtClient
  /** Somebody who is no client of ours. */
  | { readonly kind: 'pester_server'; readonly server: number; readonly by: Pestering; readonly seed: number }
  | { readonly kind: 'step_node_clock'; readonly node: number; readonly stepMs: number }
  | { readonly kind: 'step_server_clock'; readonly server: number; readonly stepMs: number }
  /**
   * All clients have one wall clock, which is set back and never forward: then they would give up early what they hold,
   * and what is given up so is not in a history.
   */
  | { readonly kind: 'step_client_clock'; readonly backMs: number };

/** A strike within its round. */
export interface Blow {
  readonly strike: Strike;
  readonly atMs: number;
  readonly forMs: number;
}

/** Strikes that overlap, and hit different things each. After a round everything is healed and has to recover. */
export interface Round {
  readonly number: number;
  readonly blows: readonly Blow[];
}

/** So many nodes that without them nothing can be certain. */
export function majorityOf({ nodes }: Cast): number {
  return Math.floor(nodes / 2) + 1;
}

/** What a strike takes hold of: no two of a round do the same. */
export function targetsOf(strike: Strike): readonly string[] {
  switch (strike.kind) {
    case 'kill_nodes':
    case 'stop_nodes':
    case 'flush_nodes':
    case 'hold_commands':
    case 'forget_scripts':
    case 'drop_connections':
    case 'unfit_nodes':
      return strike.nodes.map((node) => `node ${node}`);
    case 'step_node_clock':
      return [`node ${strike.node}`];
    case 'part':
    case 'disturb_ways':
    case 'half_close_ways':
      return strike.nodes.map((node) => `way from server ${strike.server} to node ${node}`);
    case 'cut_door':
    case 'deafen_door':
    case 'disturb_door':
    case 'half_close_door':
      return [`door of server ${strike.server}`];
    case 'kill_server':
    case 'drain_server':
    case 'stop_server':
    case 'stutter_server':
    case 'step_server_clock':
      return [`server ${strike.server}`];
    case 'pester_server':
      return [`port of server ${strike.server}`];
    case 'kill_client':
    case 'leave_client':
    case 'stop_client':
    case 'busy_client':
      return [`client ${strike.client}`];
    case 'step_client_clock':
      return ['clock of the clients'];
  }
}
