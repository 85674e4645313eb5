import type { ErrandScript } from './script.js';

export const pulse: ErrandScript<'pulse'> = {
  name: 'pulse',
  lua: `
if admitted then call('PEXPIRE', ADM, ADM_PX) end
return { standing('votes') }
`,
  args: () => [],
  outcome: () => ({ kind: 'pulse' }),
};
