// Reading and writing the files of a container's cgroup, which is one directory per hierarchy.

import { existsSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { getSystemErrorMap } from 'node:util';

export class CgroupFiles {
  readonly #directories: readonly string[];

  /** Directories as state.json lists them; those that are gone are passed over. */
  constructor(directories: readonly string[]) {
    this.#directories = directories.filter((directory) => existsSync(directory));
  }

  /** No directory is left, or there never was one. */
  get missing(): boolean {
    return this.#directories.length === 0;
  }

  /** Whether the unified hierarchy holds the controllers: v1's have none of this file. */
  get unified(): boolean {
    return this.#directories.length === 1 && this.find('cgroup.controllers') !== undefined;
  }

  /** Path of a file in whichever hierarchy has it. */
  find(file: string): string | undefined {
    return this.#directories.map((directory) => join(directory, file)).find((path) => existsSync(path));
  }

  /** Its text without the last newline, or undefined when no hierarchy has it or it can't be read. */
  read(file: string): string | undefined {
    const path = this.find(file);
    if (path === undefined) return undefined;
    try {
      return readFileSync(path, 'utf8').trimEnd();
    } catch {
      return undefined;
    }
  }

  /** Throws in runc's words. */
  write(file: string, value: string): void {
    const path = this.find(file) ?? join(this.#directories[0] ?? '/sys/fs/cgroup', file);
    try {
      writeFileSync(path, value, { flag: 'r+' });
    } catch (cause) {
      throw new CgroupWriteError(
        `failed to write ${JSON.stringify(value)}: write ${path}: ${describe(cause)}`,
        { cause },
      );
    }
  }
}

export class CgroupWriteError extends Error {
  get code(): string | undefined {
    return (this.cause as NodeJS.ErrnoException).code;
  }
}

/** strerror(3)'s words, which libuv's differ from for this one. */
function describe(error: unknown): string {
  const { errno, code, message } = error as NodeJS.ErrnoException;
  if (code === 'ERANGE') return 'numerical result out of range';
  return (errno === undefined ? undefined : getSystemErrorMap().get(errno)?.[1]) ?? message;
}
