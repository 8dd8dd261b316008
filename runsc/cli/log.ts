// The runtime's own log, in the two formats of runc: container managers take the text of an error from the last
// line of --log whose level is error.

import { closeSync, openSync } from 'node:fs';
import { getSystemErrorMap } from 'node:util';

import { STDERR, writeAll } from './output.ts';

export type LogFormat = 'text' | 'json';
export type Level = 'debug' | 'warning' | 'error';

export class Log {
  readonly #format: LogFormat;
  readonly #debug: boolean;
  /** STDERR when there is no --log. */
  readonly #fd: number;

  private constructor(format: LogFormat, debug: boolean, fd: number) {
    this.#format = format;
    this.#debug = debug;
    this.#fd = fd;
  }

  /** Opens --log for append, or takes stderr. Throws in runc's words when the file can't be opened. */
  static open(path: string | undefined, format: LogFormat, debug: boolean): Log {
    if (path === undefined || path === '') return new Log(format, debug, STDERR);
    try {
      return new Log(format, debug, openSync(path, 'a', 0o644));
    } catch (cause) {
      throw new Error(`open ${path}: ${describe(cause)}`, { cause });
    }
  }

  debug(message: string): void {
    if (this.#debug) this.#write('debug', message);
  }

  warn(message: string): void {
    this.#write('warning', message);
  }

  /** With a log file, stderr gets the bare message as well: it is what a person sees. */
  error(message: string): void {
    this.#write('error', message);
    if (this.#fd !== STDERR) writeAll(STDERR, `${oneLine(message)}\n`);
  }

  close(): void {
    if (this.#fd !== STDERR) closeSync(this.#fd);
  }

  #write(level: Level, message: string): void {
    writeAll(this.#fd, formatRecord(this.#format, level, oneLine(message), new Date()));
  }
}

/** One line with its newline. The time is in whole seconds, UTC. */
export function formatRecord(format: LogFormat, level: Level, message: string, time: Date): string {
  const stamp = `${time.toISOString().slice(0, 19)}Z`;
  if (format === 'json') return `${JSON.stringify({ level, msg: message, time: stamp })}\n`;
  return `time="${stamp}" level=${level} msg=${JSON.stringify(message)}\n`;
}

function oneLine(message: string): string {
  return message.trim().replace(/\s*\n\s*/g, '; ');
}

/** The words of strerror(3) for a failed host call, and the bare message for any other error. */
function describe(error: unknown): string {
  const { errno, message } = error as NodeJS.ErrnoException;
  return (errno === undefined ? undefined : getSystemErrorMap().get(errno)?.[1]) ?? message;
}
