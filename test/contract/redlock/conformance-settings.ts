import type { RedlockSettings } from '../../../server/src/store/redlock/coordinator/settings.js';
import { redlockSettings } from '../../support/redlock/model-settings.js';
import type { Scene } from './conformance-steps.js';

const NAMES = ['a', 'b', 'c'] as const;

export function settingsOf(scene: Scene, server: number): RedlockSettings {
  const generation = scene.stranger && server === 2 ? 2 : 1;
  return redlockSettings({
    keyTemplate: scene.sharedKeys ? 'jobs/{name}' : 'holdfast:{ns}:lock:{name}',
    configuration: { hash: 'c0ffee', generation },
  });
}

export function lockKey(scene: Scene, name: number): string {
  return settingsOf(scene, 0)
    .keyTemplate.replace('{ns}', 'default')
    .replace('{name}', NAMES[name % NAMES.length] ?? '');
}
