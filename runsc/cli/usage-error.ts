// A command line that can't be understood.

/** The message is what runc prints for the same mistake; the exit code too. */
export class UsageError extends Error {
  readonly exitCode: number;

  constructor(message: string, exitCode = 1) {
    super(message);
    this.name = 'UsageError';
    this.exitCode = exitCode;
  }
}
