import type { ErrandScript } from './script.js';

/** A mark of another identity is of an earlier life of this node: the wait begins anew. */
export const mark: ErrandScript<'mark'> = {
  name: 'mark',
  lua: String.raw`
if admitted then return { standing('votes'), '' } end
local mine, stands = IDENTITY .. '\0', call('GET', MARK)
if stands and sub(stands, 1, #mine) == mine then return { standing('votes'), sub(stands, #mine + 1) } end
call('SET', MARK, mine .. ARGV[1])
return { standing('votes'), ARGV[1] }
`,
  args: ({ nonce }) => [nonce],
  outcome: (details) => ({ kind: 'mark', nonce: details.text() || undefined }),
};
