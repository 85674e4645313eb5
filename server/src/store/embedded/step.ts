/** An answer, and the number of the commit that has to be durable before it is told. */
export interface Step<Answer> {
  readonly answer: Answer;
  readonly durableAfter: number;
}

/** Nothing has to be durable first: commits are numbered from 1. */
export const AT_ONCE = 0;

export type Granted = Step<{ readonly kind: 'granted'; readonly token: bigint }>;

export function atOnce<Answer>(answer: Answer): Step<Answer> {
  return { answer, durableAfter: AT_ONCE };
}

export function granted(token: bigint, durableAfter: number): Granted {
  return { answer: { kind: 'granted', token }, durableAfter };
}
