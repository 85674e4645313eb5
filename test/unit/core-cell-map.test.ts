import { expect } from 'chai';
import fc from 'fast-check';
import { CellMap } from '../../server/src/core/cell-map.js';

describe('a map of cells', () => {
  it('does what a Map does, in the same order', () => {
    const step = fc.record({ key: fc.nat(8), value: fc.option(fc.nat(), { nil: undefined }) });
    fc.assert(
      fc.property(fc.array(step), (steps) => {
        const model = new Map<number, { readonly n: number }>();
        const cells = new CellMap<number, { readonly n: number }>();
        for (const { key, value } of steps) {
          if (value === undefined) {
            model.delete(key);
            cells.delete(key);
          } else {
            model.set(key, { n: value });
            cells.set(key, { n: value });
          }
          expect(cells.get(key)).to.deep.equal(model.get(key));
        }
        expect(cells.size).to.equal(model.size);
        expect([...cells.entries()]).to.deep.equal([...model]);
        expect([...cells.values()]).to.deep.equal([...model.values()]);
      }),
    );
  });

  it('may be changed while it is gone through', () => {
    const cells = new CellMap<number, { readonly n: number }>();
    for (let n = 0; n < 100; n += 1) cells.set(n, { n });
    const seen: number[] = [];
    for (const { n } of cells.values()) {
      seen.push(n);
      cells.delete(n);
      cells.delete(n + 1);
      if (n === 0) cells.set(1_000, { n: 1_000 });
    }
    expect(seen).to.deep.equal([...Array.from({ length: 50 }, (_, index) => index * 2), 1_000]);
    expect(cells.size).to.equal(0);
  });
});
