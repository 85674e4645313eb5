/** A namespace and a resource's name in it, as one string. Build with `resourceKey`, take apart with `resourceParts`. */
export type ResourceKey = string & { readonly __brand: 'ResourceKey' };

/** The first 16 bytes of the SHA-256 of a secret, as 32 hexadecimal digits. */
export type Hash = string & { readonly __brand: 'Hash' };

/** A lease's id: a UUIDv7 in canonical text form. */
export type LeaseId = string & { readonly __brand: 'LeaseId' };

/** A session's id: a UUIDv7 in canonical text form. */
export type SessionId = string & { readonly __brand: 'SessionId' };

/** The id of the frame that made a request; it names the lease that comes of it, too. Unique in its session. */
export type RequestId = number;

/** Separates namespace and name; a byte that neither can contain. */
const SEPARATOR = '\u0000';

export function resourceKey(namespace: string, name: string): ResourceKey {
  return `${namespace}${SEPARATOR}${name}` as ResourceKey;
}

export function resourceParts(key: ResourceKey): { readonly namespace: string; readonly name: string } {
  const at = key.indexOf(SEPARATOR);
  return { namespace: key.slice(0, at), name: key.slice(at + 1) };
}
