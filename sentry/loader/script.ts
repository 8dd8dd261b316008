/** The first line of a script: `#!interpreter [argument]`, split as Linux's binfmt_script does. */
import { ENOEXEC } from '../abi/errno.ts';

/** How much of a file decides what it is (BINPRM_BUF_SIZE). */
export const HEAD_SIZE = 256;

export interface ScriptLine {
  interpreter: string;
  /** All that follows the interpreter, as one argument; null: nothing. */
  argument: string | null;
}

const NEWLINE = 10;
const SPACE = 32;
const TAB = 9;

/** Reads `head`, the file's first bytes (at most 256 count). null: not a script; -ENOEXEC: a broken one. */
export function parseScript(head: Uint8Array): ScriptLine | number | null {
  if (head.length < 2 || head[0] !== 0x23 || head[1] !== 0x21) return null;
  // Linux looks at a zero-filled buffer of which the last byte is never part of the line.
  const buffer = new Uint8Array(HEAD_SIZE);
  buffer.set(head.subarray(0, HEAD_SIZE));
  const bufferEnd = HEAD_SIZE - 1;
  let end = lineEnd(buffer);
  if (end < 0) {
    const name = skipBlanks(buffer, 2, bufferEnd);
    if (name < 0) return -ENOEXEC;
    // Without a terminator behind it the interpreter's path may have been cut off.
    if (findTerminator(buffer, name, bufferEnd) < 0) return -ENOEXEC;
    end = bufferEnd;
  }
  while (end > 2 && isBlank(buffer[end - 1]!)) end--;
  const name = skipBlanks(buffer, 2, end);
  if (name < 0 || name === end) return -ENOEXEC;
  const separator = findTerminator(buffer, name, end);
  let argument: string | null = null;
  if (separator >= 0 && buffer[separator] !== 0) {
    const at = skipBlanks(buffer, separator, end);
    if (at >= 0) argument = text(buffer, at, end);
  }
  const interpreter = text(buffer, name, separator >= 0 ? separator : end);
  return interpreter === '' ? -ENOEXEC : { interpreter, argument };
}

/** Index of the newline, or -1; a NUL before it hides it (strnchr). */
function lineEnd(buffer: Uint8Array): number {
  for (let i = 0; i < HEAD_SIZE; i++) {
    if (buffer[i] === NEWLINE) return i;
    if (buffer[i] === 0) return -1;
  }
  return -1;
}

function isBlank(byte: number): boolean {
  return byte === SPACE || byte === TAB;
}

/** First byte in [from, last] that is no space or tab, or -1. */
function skipBlanks(buffer: Uint8Array, from: number, last: number): number {
  for (let i = from; i <= last; i++) if (!isBlank(buffer[i]!)) return i;
  return -1;
}

/** First space, tab or NUL in [from, last], or -1. */
function findTerminator(buffer: Uint8Array, from: number, last: number): number {
  for (let i = from; i <= last; i++) if (isBlank(buffer[i]!) || buffer[i] === 0) return i;
  return -1;
}

/** A C string: [from, end) up to its first NUL. */
function text(buffer: Uint8Array, from: number, end: number): string {
  let stop = from;
  while (stop < end && buffer[stop] !== 0) stop++;
  return Buffer.from(buffer.buffer, from, stop - from).toString('latin1');
}
