import { expect } from 'chai';
import fc from 'fast-check';
import { pageToken, parsePageToken } from '../../server/src/rpc/page-token.js';

describe('Page tokens', () => {
  it('bring back the position they were made of', () => {
    const part = fc.string({ unit: 'binary', maxLength: 30 }).filter((text) => !text.includes('\u0000'));
    fc.assert(
      fc.property(part, part, (namespace, name) => {
        expect(parsePageToken(pageToken({ namespace, name }))).to.deep.equal({ namespace, name });
      }),
    );
  });

  it('are refused when somebody else made them up', () => {
    const without = Buffer.from('no separator').toString('base64url');
    const twice = Buffer.from('a\u0000b\u0000c').toString('base64url');
    const notText = Buffer.from([0x61, 0x00, 0xff]).toString('base64url');
    const padded = `${pageToken({ namespace: 'a', name: 'b' })}=`;
    for (const token of [without, twice, notText, padded, '!', 'YQBi YQ']) {
      expect(parsePageToken(token), token).to.equal(undefined);
    }
  });
});
