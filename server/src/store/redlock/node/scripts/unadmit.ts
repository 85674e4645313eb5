import type { ErrandScript } from './script.js';

/** With the mark, so that a wait that has begun begins anew. */
export const unadmit: ErrandScript<'unadmit'> = {
  name: 'unadmit',
  lua: `
call('DEL', ADM, MARK)
admitted = false
return { standing('votes') }
`,
  args: () => [],
  outcome: () => ({ kind: 'unadmit' }),
};
