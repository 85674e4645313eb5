/** What was asked for could not be written to stdout. */
export class OutputError extends Error {
  override readonly name = 'OutputError';

  constructor(cause: NodeJS.ErrnoException) {
    super(`cannot write the output (${REASONS[cause.code ?? ''] ?? cause.message}); send it somewhere else`, { cause });
  }
}

const REASONS: Readonly<Record<string, string>> = {
  ENOSPC: 'no space left on the device',
  EIO: 'input/output error',
  EBADF: 'it is closed',
};

/** Stdout. A reader who has seen enough, as `head` has, ends the process quietly. */
export class Output {
  constructor(private readonly stream: NodeJS.WritableStream) {
    stream.on('error', failed);
  }

  write(text: string): void {
    try {
      this.stream.write(text);
    } catch (error) {
      // Files are written to at once, and throw at once.
      failed(error as NodeJS.ErrnoException);
    }
  }
}

/** Thrown from a listener it ends the process, whose last words then are these. */
function failed(error: NodeJS.ErrnoException): never {
  if (error.code === 'EPIPE') process.exit(0);
  throw new OutputError(error);
}
