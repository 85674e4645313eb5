import type { ClusterConfiguration } from '../coordinator/redis-node.js';

/** A configuration as a node keeps it. */
export function configurationText({ hash, generation }: ClusterConfiguration): string {
  return `${hash}/${generation}`;
}

export function readConfiguration(text: string): ClusterConfiguration | undefined {
  if (text === '') return undefined;
  const at = text.lastIndexOf('/');
  return { hash: text.slice(0, at), generation: Number(text.slice(at + 1)) };
}
