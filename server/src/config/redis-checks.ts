import type { Check } from './checks.js';
import { flagOf, OPTION_NAMES, type OptionName } from './options.js';
import { durationText } from './values.js';

/** Settings that only the redlock store reads. A server that was given one and another store is probably not what was meant. */
const OF_REDLOCK: readonly OptionName[] = OPTION_NAMES.filter((name) => name.startsWith('redis'));
const TLS_FILES = ['redisCa', 'redisCert', 'redisKey'] as const;

/** Clocks of nodes may differ by as much as a call may take, and then some. */
const DEADLINES_IN_WINDOW = 2;

const onlyWithRedlock = (name: OptionName): Check => ({
  blames: name,
  needs: ['store'],
  test: ({ store }, given) =>
    store === 'redlock' || !given.has(name)
      ? undefined
      : {
          message: `has no effect with ${flagOf('store')} ${store}`,
          bound: `nothing; or add ${flagOf('store')} redlock`,
        },
});

const onlyWithTls = (name: (typeof TLS_FILES)[number]): Check => ({
  blames: name,
  needs: ['store', 'redisNodes', name],
  test: (values) => {
    if (
      values.store !== 'redlock' ||
      values[name] === undefined ||
      values.redisNodes.some(({ address }) => address.endpoint.encrypted)
    ) {
      return undefined;
    }
    return {
      message: `has no effect: no node of ${flagOf('redisNodes')} has a rediss:// address`,
      bound: 'none; or rediss:// addresses',
    };
  },
});

/** A certificate and its key, in either direction. */
const onlyTogether = (name: 'redisCert' | 'redisKey', other: 'redisCert' | 'redisKey'): Check => ({
  blames: name,
  needs: [name, other],
  test: (values) =>
    values[name] === undefined || values[other] !== undefined
      ? undefined
      : { message: `is of no use without ${flagOf(other)}`, bound: `none; or add ${flagOf(other)}` },
});

export const REDIS_CHECKS: readonly Check[] = [
  ...OF_REDLOCK.map(onlyWithRedlock),
  {
    blames: 'redisNodes',
    needs: ['store', 'redisNodes'],
    test: ({ store, redisNodes }) =>
      store !== 'redlock' || redisNodes.length > 0
        ? undefined
        : {
            message: `names no node, and ${flagOf('store')} redlock is made of them`,
            bound: 'like redis-1=redis://127.0.0.1:6379,redis-2=…; 1 or 3 to 9 nodes, best 5',
          },
  },
  {
    blames: 'redisWindow',
    needs: ['redisWindow', 'redisNodeDeadline'],
    test: ({ redisWindow, redisNodeDeadline }) =>
      redisWindow >= redisNodeDeadline * DEADLINES_IN_WINDOW
        ? undefined
        : {
            message: `is less than twice ${flagOf('redisNodeDeadline')}, so that slow calls would be taken for wrong clocks`,
            bound: `at least ${durationText(redisNodeDeadline * DEADLINES_IN_WINDOW)}`,
          },
  },
  {
    blames: 'redisForeignMaxTtl',
    needs: ['redisForeignMaxTtl', 'redisKeyTemplate', 'store'],
    test: ({ redisForeignMaxTtl, redisKeyTemplate, store }) =>
      store !== 'redlock' || redisForeignMaxTtl === 0 || !redisKeyTemplate.includes('{ns}')
        ? undefined
        : {
            message: `has no effect: with {ns} in ${flagOf('redisKeyTemplate')} nobody else uses the keys`,
            bound: '0s; or a template without {ns}',
          },
  },
  ...TLS_FILES.map(onlyWithTls),
  onlyTogether('redisCert', 'redisKey'),
  onlyTogether('redisKey', 'redisCert'),
];
