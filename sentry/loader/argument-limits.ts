/** How much argv and envp may hold (execve(2), "Limits on size of arguments and environment"). */
import { E2BIG } from '../abi/errno.ts';
import { stringBytes } from './initial-stack.ts';

/** MAX_ARG_STRLEN, with the NUL. */
export const MAX_STRING = 131072;
/** ARG_MAX: always allowed. */
const MIN_SPACE = 131072;
/** Three quarters of the default 8 MiB stack: never more. */
const MAX_SPACE = 6 << 20;

/** Bytes for strings and their pointers under a stack limit. */
export function argumentSpace(stackLimit: number): number {
  return Math.max(MIN_SPACE, Math.min(MAX_SPACE, Math.floor(stackLimit / 4)));
}

/** 0 or -E2BIG. */
export function checkStringSizes(
  argv: readonly string[],
  envp: readonly string[],
  path: string,
  stackLimit: number,
): number {
  const space = argumentSpace(stackLimit);
  const pointers = 8 * (Math.max(1, argv.length) + envp.length);
  if (pointers >= space) return -E2BIG;
  if (stringBytes(argv) + stringBytes(envp) + path.length + 1 > space - pointers) return -E2BIG;
  for (const text of argv) if (text.length >= MAX_STRING) return -E2BIG;
  for (const text of envp) if (text.length >= MAX_STRING) return -E2BIG;
  return 0;
}
