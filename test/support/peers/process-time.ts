import type { World } from '../../simulation/world.js';

const EPOCH_MS = 1_790_000_000_000;

/** What this process's timers return while they are a world's. */
class WorldTimer {
  cancel = (): void => undefined;
  ref = (): this => this;
  unref = (): this => this;
}

/**
 * While `run` is under way, this process's timers and its wall clock are those of a world: for libraries that know no
 * other. `unheard` is told what nobody listens for, which would end a process: rejections of what an interval started.
 */
export async function inTimeOf<T>(world: World, unheard: (reason: unknown) => void, run: () => Promise<T>): Promise<T> {
  const { setTimeout, clearTimeout, setInterval, clearInterval } = globalThis;
  const { now } = Date;
  const repeat = (timer: WorldTimer, everyMs: number, callback: () => unknown): void => {
    timer.cancel = world.after(everyMs, () => {
      repeat(timer, everyMs, callback);
      Promise.resolve(callback()).catch(unheard);
    }).cancel;
  };
  const clear = (timer: unknown): void => {
    if (timer instanceof WorldTimer) timer.cancel();
    else clearTimeout(timer as NodeJS.Timeout | undefined);
  };
  Date.now = () => Math.floor(EPOCH_MS + world.nowMs);
  Object.assign(globalThis, {
    setTimeout: (callback: () => void, delayMs = 1) => {
      const timer = new WorldTimer();
      // As Node has it: the least delay is one millisecond.
      timer.cancel = world.after(Math.max(1, delayMs), callback).cancel;
      return timer;
    },
    setInterval: (callback: () => unknown, everyMs = 1) => {
      const timer = new WorldTimer();
      repeat(timer, Math.max(1, everyMs), callback);
      return timer;
    },
    clearTimeout: clear,
    clearInterval: clear,
  });
  try {
    return await run();
  } finally {
    Object.assign(globalThis, { setTimeout, clearTimeout, setInterval, clearInterval });
    Date.now = now;
  }
}
