/** An answer, and the number of the commit that has to be durable before it is told. */
export interface Step<Answer> {
  readonly answer: Answer;
  readonly durableAfter: number;
}

/** Nothing has to be durable first: commits are numbered from 1. */
export const AT_ONCE = 0;

export function atOnce<Answer>(answer: Answer): Step<Answer> {
  return { answer, durableAfter: AT_ONCE };
}
