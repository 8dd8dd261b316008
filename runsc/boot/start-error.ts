/** Why the container could not be started: one line for the caller, and the exit status that goes with it. */
export class StartError extends Error {
  override readonly name = 'StartError';
  readonly exitCode: number;

  constructor(message: string, exitCode = 1) {
    super(message);
    this.exitCode = exitCode;
  }
}

/**
 * execve(2) has refused the program, which was found. In runc that happens in the process itself, whose last words and
 * exit code it is.
 */
export class ExecFailure extends StartError {}
