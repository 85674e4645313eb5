import { expect } from 'chai';
import fc from 'fast-check';
import { IdTable } from '../../client/src/session/id-table.js';

describe('client: tables by id', () => {
  it('hold what a map would, in its order, whatever comes and goes', () => {
    const step = fc.record({ skip: fc.integer({ min: 1, max: 40 }), gone: fc.option(fc.nat(), { nil: undefined }) });
    fc.assert(
      fc.property(fc.array(step, { maxLength: 300 }), (steps) => {
        const table = new IdTable<{ id: number }>();
        const map = new Map<number, { id: number }>();
        let id = 2 ** 40;
        for (const { skip, gone } of steps) {
          id += skip;
          table.set(id, { id });
          map.set(id, { id });
          if (gone === undefined) continue;
          const out = [...map.keys()][gone % map.size] ?? id;
          expect(table.has(out)).to.equal(true);
          expect(table.delete(out)).to.deep.equal(map.get(out));
          expect(table.delete(out)).to.equal(undefined);
          map.delete(out);
          expect(table.has(out)).to.equal(false);
        }
        expect(table.values()).to.deep.equal([...map.values()]);
        expect(table.size).to.equal(map.size);
        for (const [key, value] of map) expect(table.get(key)).to.deep.equal(value);
        expect(table.get(id + 1)).to.equal(undefined);
      }),
    );
  });

  it('count a value that replaces another once, and are empty once cleared', () => {
    const table = new IdTable<{ of: string }>();
    table.set(7, { of: 'first' });
    table.set(7, { of: 'second' });
    expect(table.size).to.equal(1);
    expect(table.get(7)).to.deep.equal({ of: 'second' });
    table.clear();
    expect(table.size).to.equal(0);
    expect(table.values()).to.deep.equal([]);
  });
});
