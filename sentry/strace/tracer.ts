/** --strace: each call with decoded arguments and its result, as strace(1) writes them or as JSON lines. */
import { u8 } from '../../platform/arena.ts';
import type { ArgKind } from '../../syscalls/table/args.ts';
import type { SyscallTracer } from '../kernel/kernel.ts';
import type { Task } from '../kernel/task.ts';
import { SIGINFO_SIZE } from '../abi/signal.ts';
import { encodeSigInfo } from '../signal/sig-info.ts';
import type { SigInfo } from '../signal/sig-info.ts';
import type { Call } from './arguments.ts';
import { isOutput, showInput, showOutput } from './arguments.ts';
import { RESULTS } from './result.ts';
import { SPECIAL } from './special.ts';
import { Bytes, STRUCTS, showSigset } from './structs.ts';
import { showSignal } from './tables.ts';
import { errnoName, showError } from './text.ts';

const siginfo = new Uint8Array(SIGINFO_SIZE);

/** What the tracer needs of a row of the syscall table. */
export interface TracedRow {
  readonly number: number;
  readonly name: string;
  readonly args: readonly ArgKind[];
  readonly result: string;
}

export interface TracerOptions {
  readonly rows: readonly TracedRow[];
  /** Names to show; empty: all. */
  readonly only: readonly string[];
  readonly json: boolean;
  /** Longest string shown; strace's own default is 32. */
  readonly stringLimit?: number;
  /** Takes one line, its newline included. */
  readonly write: (line: string) => void;
}

const STRING_LIMIT = 32;
const MAX_ERRNO = 4095;
/** Results that never reach the guest as such. */
const ERESTART_FIRST = 512;

/** A result on its way to the guest: it lies in the slot until after the reply. */
interface Staged {
  readonly addr: number;
  readonly offset: number;
  readonly len: number;
}

/** A call that has begun. */
class Pending implements Call {
  readonly task: Task;
  readonly name: string;
  readonly args: readonly ArgKind[];
  readonly limit: number;
  readonly row: TracedRow;
  readonly texts: string[] = [];
  readonly startNs: number;
  staged: Staged[] = [];
  result = 0;

  constructor(task: Task, row: TracedRow, limit: number) {
    this.task = task;
    this.row = row;
    this.name = row.name;
    this.args = row.args;
    this.limit = limit;
    this.startNs = task.kernel.clock.monotonicNs();
  }

  read(addr: number, len: number): Uint8Array | null {
    if (len < 0) return null;
    const out = new Uint8Array(len);
    if (len === 0) return out;
    if (!this.stagedWhole(addr, len) && this.task.copyInTo(addr, out, 0, len) < 0) return null;
    for (const s of this.staged) {
      const from = Math.max(addr, s.addr);
      const to = Math.min(addr + len, s.addr + s.len);
      if (from >= to) continue;
      const offset = s.offset + (from - s.addr);
      out.set(u8.subarray(offset, offset + (to - from)), from - addr);
    }
    return out;
  }

  private stagedWhole(addr: number, len: number): boolean {
    return this.staged.some((s) => addr >= s.addr && addr + len <= s.addr + s.len);
  }
}

export class Tracer implements SyscallTracer {
  private readonly rows: (TracedRow | undefined)[] = [];
  private readonly options: TracerOptions;
  private readonly limit: number;
  private readonly pending = new WeakMap<Task, Pending>();
  private readonly watched = new WeakSet<Task>();

  constructor(options: TracerOptions) {
    this.options = options;
    this.limit = options.stringLimit ?? STRING_LIMIT;
    const only = new Set(options.only);
    for (const row of options.rows) if (only.size === 0 || only.has(row.name)) this.rows[row.number] = row;
  }

  enter(task: Task, nr: number): void {
    const row = this.rows[nr];
    if (row === undefined) {
      this.pending.delete(task);
      return;
    }
    this.watch(task);
    const call = new Pending(task, row, this.limit);
    this.pending.set(task, call);
    for (let i = 0; i < row.args.length; i++) call.texts.push(this.input(call, i));
    // These do not come back.
    if (row.name === 'exit' || row.name === 'exit_group') {
      this.pending.delete(task);
      this.emit(call, '?', 0, null);
    }
  }

  /** The register that comes back is the interrupted code's, and none of the kernel's business. */
  sigreturn(task: Task): void {
    const call = this.pending.get(task);
    if (call?.name !== 'rt_sigreturn') return;
    this.pending.delete(task);
    call.texts.push(`{mask=${showSigset(task.maskLo, task.maskHi)}}`);
    this.emit(call, '?', 0, null);
  }

  exited(task: Task, status: number): void {
    const call = this.pending.get(task);
    if (call !== undefined) {
      this.pending.delete(task);
      this.emit(call, '?', 0, null);
    }
    if (this.options.only.length > 0) return;
    const signo = status & 0x7f;
    const core = (status & 0x80) !== 0 ? ' (core dumped)' : '';
    const shown =
      signo === 0 ? `exited with ${(status >>> 8) & 0xff}` : `killed by ${showSignal(signo)}${core}`;
    this.note(task, { exit: shown }, `+++ ${shown} +++`);
  }

  exit(task: Task, nr: number, result: number): void {
    const call = this.pending.get(task);
    if (call?.row.number !== nr) return;
    this.pending.delete(task);
    call.result = result;
    const failed = result < 0 && result >= -MAX_ERRNO;
    const { row } = call;
    if (!failed) {
      for (let i = 0; i < row.args.length; i++) {
        const text = this.output(call, i);
        if (text !== null) call.texts[i] = text;
      }
    }
    this.emit(call, this.shownResult(call, result, failed), result, failed ? errnoName(-result) : null);
  }

  signal(task: Task, info: SigInfo): void {
    if (this.options.only.length > 0) return;
    encodeSigInfo(info, siginfo, 0);
    const shown = STRUCTS.get('siginfo')!(new Bytes(siginfo));
    const signal = showSignal(info.signo);
    this.note(task, { signal, info: shown }, `--- ${signal} ${shown} ---`);
  }

  /** What is no call. */
  private note(task: Task, fields: Readonly<Record<string, string>>, line: string): void {
    if (!this.options.json) {
      this.options.write(`${task.tid} ${line}\n`);
      return;
    }
    const record = {
      time: new Date().toISOString(),
      pid: task.pid,
      tid: task.tid,
      comm: task.name,
      ...fields,
    };
    this.options.write(`${JSON.stringify(record)}\n`);
  }

  private input(call: Pending, i: number): string {
    const special = SPECIAL.get(call.name)?.(call, i, false) ?? null;
    return special ?? showInput(call, i);
  }

  private output(call: Pending, i: number): string | null {
    const special = SPECIAL.get(call.name)?.(call, i, true) ?? null;
    if (special !== null) return special;
    const kind = call.args[i]!;
    if (!isOutput(kind) || kind.show === 'pollfds') return null;
    const after = showOutput(call, i);
    // What was read and then changed shows both, e.g. a socket address's length.
    const before = call.texts[i]!;
    const both =
      kind.dir === 'inout' && kind.show === 'struct:socklen' && before !== after && before !== 'NULL';
    return both ? `${before.slice(0, -1)} => ${after.slice(1)}` : after;
  }

  private shownResult(call: Pending, result: number, failed: boolean): string {
    if (failed) return `${result <= -ERESTART_FIRST ? '?' : '-1'} ${showError(-result)}`;
    const explained = RESULTS.get(call.name)?.(call) ?? null;
    if (explained !== null) return explained;
    if (call.row.result === 'hex') return result === 0 ? '0' : `0x${result.toString(16)}`;
    return String(result);
  }

  private emit(call: Pending, shown: string, result: number, errno: string | null): void {
    const args = call.texts.filter((text) => text !== '');
    const { task } = call;
    if (this.options.json) {
      const durationNs = Math.round(task.kernel.clock.monotonicNs() - call.startNs);
      const record = {
        time: new Date().toISOString(),
        pid: task.pid,
        tid: task.tid,
        comm: task.name,
        syscall: call.name,
        args,
        result: shown === '?' ? null : result,
        ...(errno === null ? {} : { errno }),
        durationNs,
      };
      this.options.write(`${JSON.stringify(record)}\n`);
      return;
    }
    const head = `${call.name}(${args.join(', ')})`;
    this.options.write(`${task.tid} ${head.padEnd(39)} = ${shown}\n`);
  }

  /**
   * Notes what the task's calls stage for copying out: at the end of a call the guest's memory does not have it yet.
   * The method is shadowed on the traced task alone, so that untraced sandboxes pay nothing.
   */
  private watch(task: Task): void {
    if (this.watched.has(task)) return;
    this.watched.add(task);
    const original = task.copyOutStaged.bind(task);
    task.copyOutStaged = (addr, offset, len): number => {
      const r = original(addr, offset, len);
      if (r === 0) this.pending.get(task)?.staged.push({ addr, offset, len });
      return r;
    };
  }
}
