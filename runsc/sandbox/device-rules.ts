// linux.resources.devices as one list: who is in the container's cgroup may open these devices of the host and no
// others, or all but these. Guests reach no device of the host anyway; this binds the processes around them.

import type { DeviceRule } from '../spec/spec-linux.ts';

export type DeviceType = 'b' | 'c';

/** A device, or with -1 for a number all of them. */
export interface DeviceEntry {
  readonly type: DeviceType;
  readonly major: number;
  readonly minor: number;
  /** Letters of `rwm`, in this order. */
  readonly access: string;
}

export interface DeviceList {
  /** Everything is allowed but the entries, instead of nothing. */
  readonly allowAll: boolean;
  readonly entries: readonly DeviceEntry[];
}

const ANY = -1;

/** Of every container, whatever config.json says (config-linux.md, "Default Devices"): the same as runc's. */
const DEFAULTS: readonly DeviceEntry[] = [
  { type: 'c', major: ANY, minor: ANY, access: 'm' },
  { type: 'b', major: ANY, minor: ANY, access: 'm' },
  // null, zero, full, random, urandom; tty, ptmx; pseudoterminals; tun.
  ...[3, 5, 7, 8, 9].map((minor) => ({ type: 'c', major: 1, minor, access: 'rwm' }) as const),
  ...[0, 2].map((minor) => ({ type: 'c', major: 5, minor, access: 'rwm' }) as const),
  { type: 'c', major: 136, minor: ANY, access: 'rwm' },
  { type: 'c', major: 10, minor: 200, access: 'rwm' },
];

/** The rules apply in their order; at first nothing is allowed, and the defaults come last. */
export function deviceList(rules: readonly DeviceRule[] = []): DeviceList {
  let allowAll = false;
  const entries = new Map<string, DeviceEntry>();
  const change = (allow: boolean, entry: DeviceEntry): void => {
    const key = `${entry.type} ${entry.major}:${entry.minor}`;
    const had = entries.get(key)?.access ?? '';
    const wanted = (letter: string): boolean =>
      allow === allowAll
        ? had.includes(letter) && !entry.access.includes(letter)
        : had.includes(letter) || entry.access.includes(letter);
    const access = [...'rwm'].filter(wanted).join('');
    if (access === '') entries.delete(key);
    else entries.set(key, { ...entry, access });
  };
  for (const { allow, type = '', major = ANY, minor = ANY, access = '' } of rules) {
    if (type === 'b' || type === 'c') {
      change(allow, { type, major, minor, access: access === '' ? 'rwm' : access });
    } else {
      allowAll = allow;
      entries.clear();
    }
  }
  for (const entry of DEFAULTS) change(true, entry);
  return { allowAll, entries: [...entries.values()] };
}
