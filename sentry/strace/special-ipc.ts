/** System V IPC: keys, permissions, operations and messages. */
import { SEMBUF_SIZE } from '../abi/ipc.ts';
import type { Call } from './arguments.ts';
import { address } from './arguments.ts';
import type { Special } from './special.ts';
import { Bytes } from './structs.ts';
import { showFlags } from './tables.ts';
import { quote, showMode } from './text.ts';

/** IPC_CREAT and the like, then the mode. */
function getFlags(table: string, arg: number): Special {
  return (call, i) => {
    if (i === 0) return call.task.argI32(0) === 0 ? 'IPC_PRIVATE' : null;
    if (i !== arg) return null;
    const flags = call.task.argU32(arg);
    const mode = showMode(flags & 0o777);
    const others = flags & ~0o777;
    return others === 0 ? mode : `${showFlags(table, others)}|${mode}`;
  };
}

const operations: Special = (call, i) => {
  if (i !== 1) return null;
  const count = Math.min(call.task.arg(2), 32);
  const bytes = call.read(call.task.arg(1), count * SEMBUF_SIZE);
  if (bytes === null) return address(call, 1);
  const b = new Bytes(bytes);
  const shown = Array.from({ length: count }, (_, k) => {
    const at = k * SEMBUF_SIZE;
    const op = (b.u16(at + 2) << 16) >> 16;
    return `{sem_num=${b.u16(at)}, sem_op=${op}, sem_flg=${showFlags('semop', b.u16(at + 4))}}`;
  });
  return `[${shown.join(', ')}]`;
};

function message(call: Call, length: number): string {
  const head = call.read(call.task.arg(1), 8);
  const text = call.read(call.task.arg(1) + 8, Math.max(0, Math.min(length, call.limit + 1)));
  if (head === null || text === null) return address(call, 1);
  return `{mtype=${new Bytes(head).i64(0)}, mtext=${quote(text, call.limit)}}`;
}
const send: Special = (call, i) => (i === 1 ? message(call, call.task.arg(2)) : null);
const receive: Special = (call, i, done) => (i === 1 && done ? message(call, call.result) : null);

export const IPC_SPECIAL: readonly (readonly [string, Special])[] = [
  ['shmget', getFlags('shmget', 2)],
  ['semget', getFlags('semget', 2)],
  ['msgget', getFlags('msgget', 1)],
  ['semop', operations],
  ['semtimedop', operations],
  ['msgsnd', send],
  ['msgrcv', receive],
];
