/** Separates what is Holdfast's own from a name: no name contains it. */
const NUL = '\u0000';

/** Where a node keeps what concerns all of a cluster's locks. */
export interface NodeKeys {
  readonly admission: string;
  readonly configuration: string;
  /** The highest moment at which something was granted. */
  readonly seen: string;
  readonly mark: string;
  readonly greatestTtl: string;
  /** There as long as somebody wants some lock. */
  readonly wants: string;
  /** The channel for hints. */
  readonly hints: string;
}

export function nodeKeys(clusterId: string): NodeKeys {
  const key = (name: string): string => `holdfast${NUL}${clusterId}${NUL}${name}`;
  return {
    admission: key('adm'),
    configuration: key('cfg'),
    seen: key('now'),
    mark: key('mark'),
    greatestTtl: key('ttl'),
    wants: key('want'),
    hints: key('hints'),
  };
}

/** A key as people may read it. */
export function shownKey(key: string): string {
  return key.replaceAll(NUL, ' ');
}

/** A glob for Redis that the key of every lock fits. */
export function lockPattern(keyTemplate: string): string {
  return keyTemplate.replace(/[\\*?[\]^]/g, '\\$&').replace(/\{(ns|name)\}/g, '*');
}
