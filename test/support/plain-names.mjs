// Imported after tsx. What tsx has compiled gives every function its name when it is made, each time; the engine knows it anyway.
import { register } from 'node:module';

register(new URL('./plain-names-hooks.mjs', import.meta.url));
