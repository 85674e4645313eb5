/** What may happen next; `pick` chooses among whom it may happen to. */
export interface Happening {
  readonly kind:
    | 'acquire'
    | 'wait'
    | 'release'
    | 'hand off'
    | 'extend'
    | 'give up'
    | 'retry'
    | 'repeat'
    | 'persist'
    | 'acknowledge'
    | 'time'
    | 'crash'
    | 'resume';
  readonly pick: number;
}
