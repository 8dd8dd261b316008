/** A guest thread of the systrap platform: reads its slot's post, writes its reply. */
import { EFAULT, ENAMETOOLONG } from '../../sentry/abi/errno.ts';
import {
  ACTION_CONTINUE,
  ACTION_EXIT,
  ACTION_FORK,
  ACTION_RETURN,
  ACTION_SIGNAL,
  ACTION_SIGRETURN,
  ACTION_START,
  ACTION_THREAD,
  INPUT_SIZE,
  MAX_INPUTS,
  MAX_OPS,
  MAX_OUTS,
  OP_SIZE,
  OUTPUT_SIZE,
  REPLY_ACK_OPS,
  REPLY_PATCH,
  REPLY_RESTART,
  REPLY_TRAP_AFTER,
  SLOT_DATA,
  SLOT_FIELDS,
  SLOT_HEADER,
  STATE_IDLE,
  STATE_REPLIED,
} from '../../native/layout/layout.ts';
import { getI64, getU64, i32, setU64, u32, u8 } from '../arena.ts';
import { OP_MINCORE, type PlatformThread, type SignalFrame } from '../platform.ts';
import { native } from './native.ts';
import type { SystrapSocket } from './sockets.ts';
import type { SystrapSpace } from './space.ts';

// Word indices within a slot.
const W_ASLEEP = SLOT_FIELDS.asleep[0] >>> 2;
const W_EVENT = SLOT_FIELDS.event[0] >>> 2;
const W_NR = SLOT_FIELDS.nr[0] >>> 2;
const W_FULL = SLOT_FIELDS.full_context[0] >>> 2;
const W_ARGS = SLOT_FIELDS.args[0] >>> 2;
const W_FAULT_SIGNAL = SLOT_FIELDS.fault_signal[0] >>> 2;
const W_FAULT_CODE = SLOT_FIELDS.fault_code[0] >>> 2;
const W_HOST_TID = SLOT_FIELDS.host_tid[0] >>> 2;
const W_INPUT_COUNT = SLOT_FIELDS.input_count[0] >>> 2;
const W_INPUTS = SLOT_FIELDS.inputs[0] >>> 2;
const W_DATA_USED = SLOT_FIELDS.data_used[0] >>> 2;
const W_PATTERN = SLOT_FIELDS.patch_pattern[0] >>> 2;
const W_BIRTH = SLOT_FIELDS.birth_interrupt[0] >>> 2;
const W_APART = SLOT_FIELDS.files_apart[0] >>> 2;
const W_WAITS = SLOT_FIELDS.waits[0] >>> 2;
const W_ACTION = SLOT_FIELDS.action[0] >>> 2;
const W_FLAGS = SLOT_FIELDS.reply_flags[0] >>> 2;
const W_RESULT = SLOT_FIELDS.result[0] >>> 2;
const W_OP_COUNT = SLOT_FIELDS.op_count[0] >>> 2;
const W_OUT_COUNT = SLOT_FIELDS.out_count[0] >>> 2;
const W_OUTS = SLOT_FIELDS.outs[0] >>> 2;

// struct ucontext as marshalled for rt_sigreturn, both architectures: uc_stack at 16, uc_sigmask behind the registers.
const UC_STACK = 16;
const UC_MASK = process.arch === 'x64' ? 296 : 40;
const UC_SIZE = process.arch === 'x64' ? 304 : 176;
/** What lies between the stack pointer at rt_sigreturn and the ucontext: arm64 has the siginfo there. */
const UC_OFFSET = process.arch === 'x64' ? 0 : 128;

export class SystrapThread implements PlatformThread {
  readonly space: SystrapSpace;
  /** Index in its space's region. */
  readonly index: number;
  /** Arena offset of the slot, and the same in words. */
  readonly base: number;
  private readonly w: number;
  owner: unknown = null;
  inputOffset = 0;
  dataTop: number;
  readonly dataEnd: number;
  ackOps = false;
  /** A reply has been given to the last post. */
  replied = true;
  /** Place in the run list, or -1. */
  listIndex = -1;
  /** May this post's site be patched? Asked once per trap by the platform. */
  patchable = false;
  /** Ended: never posts again. */
  gone = false;
  /** Donated with its last reply. */
  keeping: SystrapSocket | null = null;

  constructor(space: SystrapSpace, index: number, base: number) {
    this.space = space;
    this.index = index;
    this.base = base;
    this.w = base >>> 2;
    this.dataTop = base + SLOT_HEADER;
    this.dataEnd = base + SLOT_HEADER + SLOT_DATA;
  }

  /** Makes a slot that an ended thread left fit for another. A fresh region is zero and may be in use already. */
  recycle(): void {
    i32[this.w] = STATE_IDLE;
    i32[this.w + W_ASLEEP] = 0;
    i32[this.w + W_BIRTH] = 0;
    i32[this.w + W_APART] = 0;
    i32[this.w + W_WAITS] = 0;
  }

  /** A post arrived: forget the last reply. */
  opened(): void {
    this.replied = false;
    this.ackOps = false;
    const used = u32[this.w + W_DATA_USED]!;
    this.dataTop = this.base + SLOT_HEADER + (used > SLOT_DATA ? SLOT_DATA : used);
    // Writing costs more than looking.
    if (u32[this.w + W_OP_COUNT] !== 0) u32[this.w + W_OP_COUNT] = 0;
    if (u32[this.w + W_OUT_COUNT] !== 0) u32[this.w + W_OUT_COUNT] = 0;
    if (this.space.filesToClose.length > 0) this.space.closeFiles(this);
    if (this.keeping !== null) {
      this.keeping.arrived();
      this.keeping = null;
    }
  }

  // ---- the post
  event(): number {
    return u32[this.w + W_EVENT]!;
  }
  nr(): number {
    return u32[this.w + W_NR]!;
  }
  readArgs(out: Int32Array): void {
    const at = this.w + W_ARGS;
    for (let i = 0; i < 12; i++) out[i] = i32[at + i]!;
  }
  sp(): number {
    return getU64(this.base + SLOT_FIELDS.sp[0]);
  }
  ip(): number {
    return getU64(this.base + SLOT_FIELDS.ip[0]);
  }
  patchPattern(): number {
    return u32[this.w + W_PATTERN]!;
  }
  fullContext(): boolean {
    return u32[this.w + W_FULL] !== 0;
  }
  faultSignal(): number {
    return u32[this.w + W_FAULT_SIGNAL]! & 63;
  }
  faultCode(): number {
    return i32[this.w + W_FAULT_CODE]!;
  }
  faultAddress(): number {
    return getI64(this.base + SLOT_FIELDS.fault_address[0]);
  }
  faultError(): number {
    return u32[(this.base + SLOT_FIELDS.fault_error[0]) >>> 2]!;
  }
  opResult(): number {
    return getI64(this.base + SLOT_FIELDS.op_result[0]);
  }

  findInput(addr: number, len: number): number {
    let count = u32[this.w + W_INPUT_COUNT]!;
    if (count > MAX_INPUTS) count = MAX_INPUTS;
    for (let i = 0, at = this.w + W_INPUTS; i < count; i++, at += INPUT_SIZE >>> 2) {
      const delta = addr - (u32[at + 1]! * 4294967296 + u32[at]!);
      if (delta < 0) continue;
      const length = i32[at + 3]!;
      if (length < 0) {
        if (delta === 0) return -EFAULT;
        continue;
      }
      if (delta + len > length) continue;
      const offset = u32[at + 2]! + delta;
      if (offset + len > SLOT_DATA) return -EFAULT;
      return this.base + SLOT_HEADER + offset;
    }
    return -1;
  }

  findString(addr: number): number {
    let count = u32[this.w + W_INPUT_COUNT]!;
    if (count > MAX_INPUTS) count = MAX_INPUTS;
    for (let i = 0, at = this.w + W_INPUTS; i < count; i++, at += INPUT_SIZE >>> 2) {
      if (u32[at]! + u32[at + 1]! * 4294967296 !== addr) continue;
      const length = i32[at + 3]!;
      if (length < 0) return length === -ENAMETOOLONG ? -ENAMETOOLONG : -EFAULT;
      const offset = u32[at + 2]!;
      if (offset + length >= SLOT_DATA) return -EFAULT;
      this.inputOffset = this.base + SLOT_HEADER + offset;
      if (u8[this.inputOffset + length] !== 0) return -1;
      return length;
    }
    return -1;
  }

  sigreturnFrame(out: SignalFrame): boolean {
    // Read once: the guest can write the slot meanwhile, and may only confuse itself.
    const at = this.findInput(this.sp() + UC_OFFSET, UC_SIZE);
    if (at < 0) return false;
    const w = at >>> 2;
    out.altSp = getU64(at + UC_STACK);
    out.altFlags = u32[w + ((UC_STACK + 8) >>> 2)]!;
    out.altSize = getU64(at + UC_STACK + 16);
    out.maskLo = u32[w + (UC_MASK >>> 2)]!;
    out.maskHi = u32[w + (UC_MASK >>> 2) + 1]!;
    return true;
  }

  get filesApart(): boolean {
    return i32[this.w + W_APART] !== 0;
  }
  set filesApart(apart: boolean) {
    i32[this.w + W_APART] = apart ? 1 : 0;
  }

  // ---- the reply
  addCopyOut(addr: number, offset: number, len: number): boolean {
    const n = u32[this.w + W_OUT_COUNT]!;
    if (n >= MAX_OUTS) return false;
    const at = this.w + W_OUTS + n * (OUTPUT_SIZE >>> 2);
    u32[at] = addr;
    u32[at + 1] = addr / 4294967296;
    u32[at + 2] = offset - this.base - SLOT_HEADER;
    u32[at + 3] = len;
    u32[this.w + W_OUT_COUNT] = n + 1;
    return true;
  }

  clearReply(): void {
    u32[this.w + W_OUT_COUNT] = 0;
    u32[this.w + W_OP_COUNT] = 0;
    this.ackOps = false;
  }

  /** Room for so many more host operations. */
  opsLeft(): number {
    return MAX_OPS - u32[this.w + W_OP_COUNT]!;
  }

  addOp(op: number, a0: number, a1: number, a2: number, a3: number, a4: number, a5: number): void {
    const n = u32[this.w + W_OP_COUNT]!;
    if (n >= MAX_OPS) return;
    const at = this.base + SLOT_FIELDS.ops[0] + n * OP_SIZE;
    setU64(at, op);
    setU64(at + 8, a0);
    setU64(at + 16, a1);
    // The stub knows its data area, not the arena.
    setU64(at + 24, op === OP_MINCORE ? a2 - this.base - SLOT_HEADER : a2);
    setU64(at + 32, a3);
    setU64(at + 40, a4);
    setU64(at + 48, a5);
    u32[this.w + W_OP_COUNT] = n + 1;
  }

  replyReturn(ret: number, trapAfter: boolean): void {
    const w = this.w;
    u32[w + W_ACTION] = ACTION_RETURN;
    u32[w + W_RESULT] = ret;
    i32[w + W_RESULT + 1] = Math.floor(ret / 4294967296);
    this.publish(trapAfter ? REPLY_TRAP_AFTER : 0);
  }
  replyContinue(restart: boolean): void {
    u32[this.w + W_ACTION] = ACTION_CONTINUE;
    this.publish(restart ? REPLY_RESTART : 0);
  }
  replySignal(frame: SignalFrame): void {
    const base = this.base;
    const f = SLOT_FIELDS;
    u32[this.w + W_ACTION] = ACTION_SIGNAL;
    u32[(base + f.sig_no[0]) >>> 2] = frame.signo;
    u32[(base + f.sig_flags[0]) >>> 2] = frame.flags;
    setU64(base + f.sig_handler[0], frame.handler);
    setU64(base + f.sig_restorer[0], frame.restorer);
    u32[(base + f.sig_mask[0]) >>> 2] = frame.maskLo;
    u32[((base + f.sig_mask[0]) >>> 2) + 1] = frame.maskHi;
    setU64(base + f.sig_alt_sp[0], frame.altSp);
    setU64(base + f.sig_alt_size[0], frame.altSize);
    u32[(base + f.sig_alt_flags[0]) >>> 2] = frame.altFlags;
    u32[(base + f.sig_set_result[0]) >>> 2] = frame.setResult ? 1 : 0;
    setU64(base + f.sig_result[0], frame.result);
    setU64(base + f.sig_stack_top[0], frame.stackTop);
    u32[(base + f.sig_info_offset[0]) >>> 2] = frame.siginfoOffset - base - SLOT_HEADER;
    u32[(base + f.sig_restart[0]) >>> 2] = frame.restart ? 1 : 0;
    this.publish(frame.trapAfter ? REPLY_TRAP_AFTER : 0);
  }
  replySigreturn(trapAfter: boolean): void {
    u32[this.w + W_ACTION] = ACTION_SIGRETURN;
    this.publish(trapAfter ? REPLY_TRAP_AFTER : 0);
  }
  replyStart(ip: number, sp: number): void {
    this.setParam(0, ip);
    this.setParam(1, sp);
    u32[this.w + W_ACTION] = ACTION_START;
    this.publish(0);
  }
  replyFork(child: PlatformThread, stack: number, tls: number, setTidAddr: number, childTid: number): void {
    this.setParam(0, setTidAddr);
    this.setParam(1, childTid);
    this.setParam(2, stack);
    this.setParam(3, tls < 0 ? 0 : tls);
    this.setParam(4, tls < 0 ? 0 : 1);
    (child as SystrapThread).born();
    u32[this.w + W_ACTION] = ACTION_FORK;
    this.publish(0);
  }
  /** Platform-internal: forks a blank space off the zygote. */
  replyForkBlank(flags: number): void {
    this.setParam(0, 0);
    this.setParam(2, 0);
    this.setParam(4, 0);
    u32[this.w + W_ACTION] = ACTION_FORK;
    this.publish(flags);
  }
  replyThread(child: PlatformThread, stack: number, tls: number, setTidAddr: number, childTid: number): void {
    const c = child as SystrapThread;
    this.setParam(0, c.index);
    this.setParam(1, stack);
    this.setParam(2, tls < 0 ? 0 : tls);
    this.setParam(3, tls < 0 ? 0 : 1);
    this.setParam(4, setTidAddr);
    this.setParam(5, childTid);
    c.born();
    u32[this.w + W_ACTION] = ACTION_THREAD;
    this.publish(0);
  }
  replyExit(clearTid: number, robustHead: number, tid: number, cleared: boolean): void {
    this.setParam(0, clearTid);
    this.setParam(1, robustHead);
    this.setParam(2, tid);
    this.setParam(3, this.index === this.space.mainIndex ? 1 : 0);
    this.setParam(4, cleared ? 1 : 0);
    u32[this.w + W_ACTION] = ACTION_EXIT;
    this.gone = true;
    this.publish(0);
    this.space.platform.unlist(this);
    this.space.threadLeft(this);
  }

  /** It runs without having been replied to: from its clone on. */
  born(): void {
    this.space.platform.list(this);
  }

  interrupt(): void {
    if (this.gone || this.space.dead) return;
    const pid = this.space.hostPidNow();
    if (pid < 0) {
      // Not born: it looks at this word after it has said hello, so one of us sees the other.
      Atomics.store(i32, this.w + W_BIRTH, 1);
      const again = this.space.hostPidNow();
      if (again < 0) return;
    }
    let tid =
      this.space.mainIndex === this.index ? this.space.hostPidNow() : Atomics.load(i32, this.w + W_HOST_TID);
    if (tid === 0) {
      Atomics.store(i32, this.w + W_BIRTH, 1);
      tid = Atomics.load(i32, this.w + W_HOST_TID);
      if (tid === 0) return;
    }
    native.interrupt(this.space.hostPidNow(), tid);
  }

  /** The host thread is really gone: its block can serve another. */
  hostGone(): boolean {
    return Atomics.load(i32, this.w + W_HOST_TID) === 0;
  }

  cpuTimeNs(): number {
    return this.space.cpuTimeNs();
  }

  waits(): boolean {
    return i32[this.w + W_WAITS] !== 0;
  }

  private setParam(i: number, value: number): void {
    setU64(this.base + SLOT_FIELDS.params[0] + 8 * i, value);
  }

  private publish(flags: number): void {
    const w = this.w;
    if (this.space.sockets.toDrop.length > 0) this.space.sockets.closeDropped(this);
    u32[w + W_FLAGS] = flags | (this.ackOps ? REPLY_ACK_OPS : 0) | (this.patchable ? REPLY_PATCH : 0);
    this.patchable = false;
    this.replied = true;
    if (this.listIndex < 0 && !this.gone) this.space.platform.list(this);
    Atomics.store(i32, w, STATE_REPLIED);
    if (Atomics.load(i32, w + W_ASLEEP) !== 0) this.space.platform.wake(this.base);
  }
}
