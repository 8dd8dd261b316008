/** A syscall: its handler, arguments and honest state. Families export objects of these; tables give them numbers. */
import type { Task } from '../../sentry/kernel/task.ts';
import type { ArgKind } from './args.ts';

/**
 * Acts on task.arg…(i); returns a value >= 0, a negated errno (also -ERESTARTSYS…), BLOCKED, or NO_REPLY.
 * After BLOCKED it is called again from the start on each wake-up.
 */
export type Handler = (task: Task) => number;

export type Support = 'full' | 'partial' | 'errno' | 'unimplemented';

export interface Call {
  readonly handler: Handler;
  readonly args: readonly ArgKind[];
  readonly support: Support;
  /** What is missing (partial), or why an errno is the right answer. */
  readonly note: string;
  /** strace: how the result prints: 'int' (default), 'hex', 'fd', 'pid'. */
  readonly result: string;
}

/** `call(sys_read, [FD, bytesOut(2), SIZE])`; support defaults to full. */
export function call(
  handler: Handler,
  args: readonly ArgKind[],
  support: Support = 'full',
  note = '',
  result = 'int',
): Call {
  return { handler, args, support, note, result };
}
