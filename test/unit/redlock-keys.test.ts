import { expect } from 'chai';
import { resourceKey } from '../../server/src/core/names.js';
import { LockKeys } from '../../server/src/store/redlock/coordinator/keys.js';

describe('keys of locks', () => {
  const keys = new LockKeys('holdfast:{ns}:lock:{name}');

  it('are made from the template, and lead back to the resource', () => {
    const resource = resourceKey('default', 'orders/42:lock:x');
    expect(keys.keyOf(resource)).to.equal('holdfast:default:lock:orders/42:lock:x');
    expect(keys.resourceOf(keys.keyOf(resource))).to.equal(resource);
    expect(keys.resourceOf('something else')).to.equal(undefined);
  });

  it('of two resources are never one, whatever namespaces are called', () => {
    const namespaces = ['a', 'a:lock:b', 'a%3alock%3ab', 'a/b', '/', 'a%', 'a%25', ':', '%3a', '%'];
    const names = ['c', 'b:lock:c', ':lock:', '%3a', 'lock:c'];
    const resources = namespaces.flatMap((namespace) => names.map((name) => resourceKey(namespace, name)));
    for (const template of ['holdfast:{ns}:lock:{name}', '{ns}/{name}', 'x{ns}::y{name}z']) {
      const made = new LockKeys(template);
      const all = resources.map((resource) => made.keyOf(resource));
      expect(new Set(all).size, template).to.equal(resources.length);
      expect(all.map((key) => made.resourceOf(key))).to.deep.equal(resources);
    }
  });

  it('without a place for namespaces serve one only', () => {
    const shared = new LockKeys('mutex:{name}');
    expect(shared.onlyNamespace).to.equal('default');
    expect(keys.onlyNamespace).to.equal(undefined);
    expect(shared.keyOf(resourceKey('default', 'a'))).to.equal('mutex:a');
    expect(shared.resourceOf('mutex:a')).to.equal(resourceKey('default', 'a'));
    expect(shared.problemOf(resourceKey('default', 'a'), 'mutex:a')).to.equal(undefined);
    expect(shared.problemOf(resourceKey('other', 'a'), 'mutex:a')).to.contain('only the namespace default, not other');
  });

  it('have a bound', () => {
    const long = resourceKey('default', 'n'.repeat(5_000));
    expect(keys.problemOf(long, keys.keyOf(long))).to.contain('at most 1024');
  });
});
