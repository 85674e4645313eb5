import { flagOf, type OptionName, type OptionValues } from './options.js';
import { REDIS_CHECKS } from './redis-checks.js';
import { addressText, durationText, isLoopback, type ListenAddress } from './values.js';

/** What is wrong with a setting in the company of others, and what would be right. */
export interface Finding {
  readonly message: string;
  readonly bound: string;
}

/** A rule between settings. It is asked only when every setting it needs is right by itself. */
export interface Check {
  /** The setting that the report names. */
  readonly blames: OptionName;
  readonly needs: readonly OptionName[];
  /** `given` are the settings that somebody wrote. */
  readonly test: (values: OptionValues, given: ReadonlySet<OptionName>) => Finding | undefined;
}

function openToAll(address: ListenAddress | undefined, { insecure }: OptionValues): Finding | undefined {
  if (address === undefined || insecure || isLoopback(address)) return undefined;
  return {
    message: 'can be reached from other machines, and this server has neither encryption nor identity yet',
    bound: 'a loopback address or a unix: socket; or add --insecure if everybody who can reach it may use it',
  };
}

/** A sum of allowances may eat up at most this share of the shortest lease, or no time is left to work in. */
const ALLOWANCE_SHARE = 0.5;

export const CHECKS: readonly Check[] = [
  ...REDIS_CHECKS,
  { blames: 'listen', needs: ['listen', 'insecure'], test: (values) => openToAll(values.listen, values) },
  {
    blames: 'metricsListen',
    needs: ['metricsListen', 'insecure'],
    test: (values) => openToAll(values.metricsListen, values),
  },
  {
    blames: 'metricsListen',
    needs: ['listen', 'metricsListen'],
    test: ({ listen, metricsListen }) => {
      if (metricsListen === undefined || metricsListen.port === 0) return undefined;
      if (addressText(listen) !== addressText(metricsListen)) return undefined;
      return { message: `is the address of ${flagOf('listen')} too`, bound: 'another port, or off' };
    },
  },
  {
    blames: 'minTtl',
    needs: ['minTtl', 'maxTtl'],
    test: ({ minTtl, maxTtl }) =>
      minTtl <= maxTtl
        ? undefined
        : { message: `is greater than ${flagOf('maxTtl')}`, bound: `at most ${durationText(maxTtl)}` },
  },
  {
    blames: 'defaultTtl',
    needs: ['defaultTtl', 'minTtl', 'maxTtl'],
    test: ({ defaultTtl, minTtl, maxTtl }) => {
      // With the bounds in the wrong order there is nothing sensible to say about what lies between.
      if (minTtl > maxTtl || (minTtl <= defaultTtl && defaultTtl <= maxTtl)) return undefined;
      return {
        message: `is not between ${flagOf('minTtl')} and ${flagOf('maxTtl')}`,
        bound: `${durationText(minTtl)} to ${durationText(maxTtl)}`,
      };
    },
  },
  {
    blames: 'minValidity',
    needs: ['minValidity', 'minTtl'],
    test: ({ minValidity, minTtl }) =>
      minValidity <= minTtl * ALLOWANCE_SHARE
        ? undefined
        : {
            message: `is more than half of ${flagOf('minTtl')}, so that grants of short leases would never be delivered`,
            bound: `at most ${durationText(minTtl * ALLOWANCE_SHARE)}`,
          },
  },
  {
    blames: 'clockMargin',
    needs: ['clockMargin', 'minTtl'],
    test: ({ clockMargin, minTtl }) =>
      clockMargin <= minTtl / 10
        ? undefined
        : {
            message: `is more than a tenth of ${flagOf('minTtl')}, so that little would be left of a short lease`,
            bound: `at most ${durationText(minTtl / 10)}`,
          },
  },
  {
    blames: 'keepaliveTimeout',
    needs: ['keepaliveTimeout', 'keepaliveInterval'],
    test: ({ keepaliveTimeout, keepaliveInterval }) =>
      keepaliveTimeout <= keepaliveInterval
        ? undefined
        : {
            message: `is longer than ${flagOf('keepaliveInterval')}`,
            bound: `at most ${durationText(keepaliveInterval)}`,
          },
  },
];
