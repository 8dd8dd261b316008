// The launch plan: what the native launcher is told, as `key=value` records, each ended by a NUL byte.
// native/launcher/plan.h reads it. A key may repeat; order matters between records of one key.

import { LAUNCH_KEYS } from './launch-keys.ts';

import type { LaunchKey } from './launch-keys.ts';

export class LaunchPlan {
  readonly #records: string[] = [];

  /** Values with NUL bytes can't occur: config.json's texts were checked, and paths have none. */
  add(key: LaunchKey, value: string | number | boolean): this {
    const text = typeof value === 'boolean' ? (value ? '1' : '0') : String(value);
    if (text.includes('\0')) throw new Error(`${LAUNCH_KEYS[key]} must not contain a NUL byte`);
    this.#records.push(`${key}=${text}\0`);
    return this;
  }

  addAll(key: LaunchKey, values: Iterable<string>): this {
    for (const value of values) this.add(key, value);
    return this;
  }

  /** The records' bytes (UTF-8). */
  encode(): Buffer {
    return Buffer.from(this.#records.join(''));
  }

  /** Values of one key, for tests and messages. */
  values(key: LaunchKey): string[] {
    const prefix = `${key}=`;
    return this.#records
      .filter((record) => record.startsWith(prefix))
      .map((record) => record.slice(prefix.length, -1));
  }
}
