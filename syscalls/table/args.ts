/**
 * Argument kinds of syscalls. One description per call feeds the stub's marshalling table (what it copies into the
 * slot before the kernel looks), strace's decoding, and the support page.
 */

/** How strace prints an argument, and what the stub copies in for it. */
export interface ArgKind {
  /** strace format, e.g. 'fd', 'path', 'hex', 'int', 'flags:open', 'buf', 'struct:stat'. */
  readonly show: string;
  /** Direction of what the pointer refers to. */
  readonly dir?: 'in' | 'out' | 'inout';
  /** Marshalling done by the stub: a kind below. Absent: nothing is copied in advance. */
  readonly marshal?: 'string' | 'bytes' | 'struct' | 'iovec' | 'iovec-gather' | 'strings' | 'msghdr';
  /** Index of the argument holding the byte length (bytes) or element count (iovec). */
  readonly lenArg?: number;
  /** For struct: size in bytes. For bytes: element size that lenArg counts (default 1). */
  readonly size?: number;
}

export const FD: ArgKind = { show: 'fd' };
export const DIRFD: ArgKind = { show: 'dirfd' };
export const INT: ArgKind = { show: 'int' };
export const UINT: ArgKind = { show: 'uint' };
export const LONG: ArgKind = { show: 'long' };
export const SIZE: ArgKind = { show: 'size' };
export const OFFSET: ArgKind = { show: 'offset' };
export const HEX: ArgKind = { show: 'hex' };
export const ADDR: ArgKind = { show: 'addr' };
export const MODE: ArgKind = { show: 'mode' };
export const PID: ArgKind = { show: 'pid' };
export const UID: ArgKind = { show: 'uid' };
export const SIGNO: ArgKind = { show: 'signal' };
export const DEV: ArgKind = { show: 'dev' };
export const CLOCKID: ArgKind = { show: 'clockid' };

/** A path or other NUL-terminated string, copied in (at most PATH_MAX bytes). */
export const PATH: ArgKind = { show: 'path', dir: 'in', marshal: 'string' };
export const STRING: ArgKind = { show: 'string', dir: 'in', marshal: 'string' };
/** NULL-terminated array of strings (argv, envp): not marshalled; the loader copies it with copyIn. */
export const STRINGS: ArgKind = { show: 'strings', dir: 'in' };

/** `flags('open')` names a table of strace/flags.ts. */
export function flags(table: string): ArgKind {
  return { show: `flags:${table}` };
}

/** One of a set of constants (not a mask). */
export function oneOf(table: string): ArgKind {
  return { show: `const:${table}` };
}

/** Input buffer whose length in bytes (times `size`) is argument `lenArg`. */
export function bytesIn(lenArg: number, size = 1): ArgKind {
  return { show: 'buf', dir: 'in', marshal: 'bytes', lenArg, size };
}

/** Output buffer whose capacity is argument `lenArg`. */
export function bytesOut(lenArg: number): ArgKind {
  return { show: 'buf', dir: 'out', lenArg };
}

/** Input structure of fixed size; a null pointer is not an error for the stub. */
export function structIn(name: string, size: number): ArgKind {
  return { show: `struct:${name}`, dir: 'in', marshal: 'struct', size };
}

export function structOut(name: string, size: number): ArgKind {
  return { show: `struct:${name}`, dir: 'out', size };
}

export function structInOut(name: string, size: number): ArgKind {
  return { show: `struct:${name}`, dir: 'inout', marshal: 'struct', size };
}

/** struct iovec array of argument `lenArg` elements; gather: the data it points at is copied in too. */
export function iovecIn(lenArg: number): ArgKind {
  return { show: 'iovec', dir: 'in', marshal: 'iovec-gather', lenArg };
}

export function iovecOut(lenArg: number): ArgKind {
  return { show: 'iovec', dir: 'out', marshal: 'iovec', lenArg };
}
