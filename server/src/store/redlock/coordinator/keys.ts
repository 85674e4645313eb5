import { type ResourceKey, resourceKey, resourceParts } from '../../../core/names.js';

const NAME = '{name}';
const NAMESPACE = '{ns}';

/** The only namespace there is where the template has no place for another. */
const ONLY_NAMESPACE = 'default';
/** Longer than any key that names within their limits can make. */
const MAX_KEY_LENGTH = 1_024;

/** From resources to the keys of their locks on the nodes, and back. */
export class LockKeys {
  readonly #before: string;
  readonly #between: string | undefined;
  readonly #after: string;

  /**
   * `template` has `{name}` once and, before it, `{ns}` at most once; what follows `{ns}` is neither a letter, a digit nor
   * a `%`.
   */
  constructor(template: string) {
    const nameAt = template.indexOf(NAME);
    const namespaceAt = template.indexOf(NAMESPACE);
    this.#after = template.slice(nameAt + NAME.length);
    this.#before = template.slice(0, namespaceAt < 0 ? nameAt : namespaceAt);
    this.#between = namespaceAt < 0 ? undefined : template.slice(namespaceAt + NAMESPACE.length, nameAt);
  }

  /** Where the template has no place for a namespace. */
  get onlyNamespace(): string | undefined {
    return this.#between === undefined ? ONLY_NAMESPACE : undefined;
  }

  keyOf(resource: ResourceKey): string {
    const { namespace, name } = resourceParts(resource);
    if (this.#between === undefined) return this.#before + name + this.#after;
    return this.#before + this.#escaped(namespace, this.#between) + this.#between + name + this.#after;
  }

  /** The resource of a key that another server named; `undefined` where it is none of the template's. */
  resourceOf(key: string): ResourceKey | undefined {
    if (!key.startsWith(this.#before) || !key.endsWith(this.#after)) return undefined;
    const middle = key.slice(this.#before.length, key.length - this.#after.length);
    if (this.#between === undefined) return resourceKey(ONLY_NAMESPACE, middle);
    const at = middle.indexOf(this.#between);
    if (at < 0) return undefined;
    return resourceKey(this.#unescaped(middle.slice(0, at)), middle.slice(at + this.#between.length));
  }

  /**
   * Two resources never share a key: what ends the namespace does not occur in it. Both characters are rare in one, so
   * nearly all are written as they are.
   */
  #escaped(namespace: string, between: string): string {
    const [end = ''] = between;
    if (!namespace.includes(end) && !namespace.includes('%')) return namespace;
    return namespace.replaceAll('%', '%25').replaceAll(end, `%${end.charCodeAt(0).toString(16).padStart(2, '0')}`);
  }

  #unescaped(namespace: string): string {
    return namespace.replace(/%([0-9a-f]{2})/g, (_, digits: string) =>
      String.fromCharCode(Number.parseInt(digits, 16)),
    );
  }

  /** Why this resource can have no lock here. */
  problemOf(resource: ResourceKey, key: string): string | undefined {
    if (key.length > MAX_KEY_LENGTH) {
      return `the key of the lock has ${key.length} characters, and at most ${MAX_KEY_LENGTH} are allowed`;
    }
    const { namespace } = resourceParts(resource);
    if (this.#between !== undefined || namespace === ONLY_NAMESPACE) return undefined;
    return `the key template has no {ns}, so there is only the namespace ${ONLY_NAMESPACE}, not ${namespace}`;
  }
}
