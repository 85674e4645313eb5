const NAMING = 'var __name=(target,value)=>__defProp(target,"name",{value,configurable:true});';
const PLAIN = 'var __name=(target)=>target;';

/** @type {import('node:module').LoadHook} */
export async function load(url, context, nextLoad) {
  const loaded = await nextLoad(url, context);
  if (!url.startsWith('file:') || loaded.source === undefined || loaded.source === null) return loaded;
  const text = Buffer.from(/** @type {Uint8Array} */ (loaded.source)).toString();
  return text.includes(NAMING) ? { ...loaded, source: text.replace(NAMING, PLAIN) } : loaded;
}
