/** Values that may stand beside a message. */
export type Fields = Readonly<Record<string, string | number | undefined>>;

/** What `holdfast` says of itself, on stderr: stdout belongs to the command, or to the listing asked for. */
export interface Voice {
  /** One line; `event` and the fields are for programs. */
  say(event: string, message: string, fields?: Fields): void;
}

/** Lines for people, or JSON lines. */
export function voice(json: boolean, write: (line: string) => void): Voice {
  if (json) {
    return { say: (event, message, fields) => write(`${JSON.stringify({ event, message, ...fields })}\n`) };
  }
  return { say: (_event, message) => write(`holdfast: ${message}\n`) };
}
