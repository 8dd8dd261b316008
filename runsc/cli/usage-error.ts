// Errors that end the command with an exit code of their own.

export class ExitError extends Error {
  readonly exitCode: number;

  constructor(message: string, exitCode: number, options?: ErrorOptions) {
    super(message, options);
    this.name = 'ExitError';
    this.exitCode = exitCode;
  }
}

/** A command line that can't be understood. The message is what runc prints for the same mistake; the exit code too. */
export class UsageError extends ExitError {
  constructor(message: string, exitCode = 1) {
    super(message, exitCode);
    this.name = 'UsageError';
  }
}
