/** Waiting: sets of descriptors, what of them is ready, and what is left of the time. */
import type { Call } from './arguments.ts';
import { address, showPollfds } from './arguments.ts';
import type { Special } from './special.ts';
import { Bytes, STRUCTS, showSigset } from './structs.ts';

const SETS = ['in', 'out', 'except'];

/** "[3 5]". */
function fdSet(call: Call, i: number): string {
  const addr = call.task.arg(i);
  if (addr === 0) return 'NULL';
  const count = Math.max(0, Math.min(call.task.argI32(0), 65536));
  const bytes = call.read(addr, Math.ceil(count / 64) * 8);
  if (bytes === null) return address(call, i);
  const list: number[] = [];
  for (let fd = 0; fd < count; fd++) if (((bytes[fd >>> 3]! >>> (fd & 7)) & 1) !== 0) list.push(fd);
  return `[${list.join(' ')}]`;
}

/** The sets as they were asked for, and the time; pselect6's mask with its size. */
const select: Special = (call, i, done) => {
  if (i >= 1 && i <= 3) return done ? call.texts[i]! : fdSet(call, i);
  if (i === 4) return done ? call.texts[4]! : null;
  return i === 5 ? sigmask(call) : null;
};

function sigmask(call: Call): string | null {
  const bytes = call.read(call.task.arg(5), 16);
  if (call.task.arg(5) === 0 || bytes === null) return null;
  const b = new Bytes(bytes);
  const set = b.u64(0) === 0 ? null : call.read(b.u64(0), 8);
  const shown = set === null ? 'NULL' : showSigset(new Bytes(set).u32(0), new Bytes(set).u32(4));
  return `{sigmask=${shown}, sigsetsize=${b.u64(8)}}`;
}

/** "2 (in [3], out [4], left {tv_sec=0, tv_usec=9})". */
export function selected(call: Call): string {
  if (call.result === 0) return '0 (Timeout)';
  const parts: string[] = [];
  for (let i = 1; i <= 3; i++) {
    const set = fdSet(call, i);
    if (set !== 'NULL' && set !== '[]') parts.push(`${SETS[i - 1]} ${set}`);
  }
  const left = timeLeft(call, 4, call.name === 'select' ? 'timeval' : 'timespec');
  if (left !== null) parts.push(left);
  return `${call.result} (${parts.join(', ')})`;
}

/** "1 ([{fd=4, revents=POLLOUT}], left {...})". */
export function polled(call: Call): string {
  if (call.result === 0) return '0 (Timeout)';
  const left = call.name === 'ppoll' ? timeLeft(call, 2, 'timespec') : null;
  return `${call.result} (${showPollfds(call, 0, true)}${left === null ? '' : `, ${left}`})`;
}

function timeLeft(call: Call, i: number, kind: string): string | null {
  const bytes = call.task.arg(i) === 0 ? null : call.read(call.task.arg(i), 16);
  return bytes === null ? null : `left ${STRUCTS.get(kind)!(new Bytes(bytes))}`;
}

const poll: Special = (call, i, done) => {
  if (i === 0 && done) return showPollfds(call, 0, false);
  return i === 2 && done && call.name === 'ppoll' ? call.texts[2]! : null;
};

export const POLL_SPECIAL: readonly (readonly [string, Special])[] = [
  ['select', select],
  ['pselect6', select],
  ['poll', poll],
  ['ppoll', poll],
];
