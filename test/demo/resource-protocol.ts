/** A write as the resource is sent it. */
export interface Write {
  readonly by: string;
  readonly token: string;
  readonly text: string;
}

/** What the resource answers: whether it took the write, and the highest token it has seen. */
export interface WriteAnswer {
  readonly accepted: boolean;
  readonly highest: string;
}

/** What the resource's process says. */
export type ResourceEvent = { readonly kind: 'ready'; readonly url: string };
