// The user namespace that this process is in: an ordinary user's engine runs us as root of one of its own.

import { readFileSync } from 'node:fs';

/** user_namespaces(7): the initial namespace maps the whole range onto itself. */
export function inUserNamespace(): boolean {
  return readMap('uid_map').trim().replace(/\s+/g, ' ') !== '0 0 4294967295';
}

/** Whether an id can be used here at all, as user and as group. */
export function isMapped(id: number): boolean {
  return ['uid_map', 'gid_map'].every((file) => mapHolds(readMap(file), id));
}

/** `map` has lines of first id inside, first id outside, and their number. */
export function mapHolds(map: string, id: number): boolean {
  return map.split('\n').some((line) => {
    const [first = NaN, , size = NaN] = line.trim().split(/\s+/).map(Number);
    return id >= first && id < first + size;
  });
}

function readMap(file: string): string {
  try {
    return readFileSync(`/proc/self/${file}`, 'utf8');
  } catch {
    // A kernel without user namespaces.
    return '0 0 4294967295';
  }
}
