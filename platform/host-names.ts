/** What the host's own tools show of a guest's threads and processes (ps, top): a name, and the arguments. */
import { OP_ARGUMENTS, OP_NAME, type PlatformThread } from './platform.ts';

const COMM_MAX = 15;

const bytes = new Uint8Array(16);
const words = new Uint32Array(bytes.buffer);

/** comm, with the thread's next reply. */
export function showName(thread: PlatformThread, name: string): void {
  bytes.fill(0);
  for (let i = 0; i < name.length && i < COMM_MAX; i++) bytes[i] = name.charCodeAt(i);
  thread.addOp(OP_NAME, words[0]!, words[1]!, words[2]!, words[3]!, 0, 0);
}

/** Where the program's arguments are and its environment, with the next reply: what it writes there is seen too. */
export function showArguments(
  thread: PlatformThread,
  argStart: number,
  argEnd: number,
  envStart: number,
  envEnd: number,
): void {
  thread.addOp(OP_ARGUMENTS, argStart, argEnd, envStart, envEnd, 0, 0);
}
