/** A platform at the host boundary without a host: threads post when the test says so, replies are recorded. */
import {
  EVENT_CLONED,
  EVENT_INTERRUPT,
  EVENT_OPS,
  EVENT_READY,
  EVENT_SYSCALL,
} from '../../../platform/platform.ts';
import type {
  Platform,
  PlatformEvents,
  PlatformSpace,
  PlatformThread,
  SignalFrame,
} from '../../../platform/platform.ts';
import { setArena, u8 } from '../../../platform/arena.ts';

const SLOT_SIZE = 1 << 16;
const SLOTS = 64;
const ENOMEM = 12;
const EFAULT = 14;

export const MEMORY_START = 0x10000;
export const MEMORY_SIZE = 0x10000;

export interface Reply {
  kind: 'return' | 'continue' | 'signal' | 'sigreturn' | 'start' | 'fork' | 'thread' | 'exit';
  value: number;
  trapAfter: boolean;
  frame: SignalFrame | null;
  siginfo: Uint8Array | null;
  child: FakeThread | null;
}

export class FakeSpace implements PlatformSpace {
  owner: unknown = null;
  dead = false;
  pid = -1;
  suspended = false;
  readonly sockets = {
    table: null,
    keep: (): null => null,
    has: (): boolean => false,
    drop: (): void => {},
    dropAll: (): void => {},
  };
  readonly memory: Uint8Array;
  readonly platform: FakePlatform;

  constructor(platform: FakePlatform, memory: Uint8Array) {
    this.platform = platform;
    this.memory = memory;
  }
  read(addr: number, dst: Uint8Array, offset: number, len: number): number {
    if (addr < MEMORY_START || addr + len > MEMORY_START + MEMORY_SIZE) return -EFAULT;
    dst.set(this.memory.subarray(addr - MEMORY_START, addr - MEMORY_START + len), offset);
    return 0;
  }
  write(addr: number, src: Uint8Array, offset: number, len: number): number {
    if (addr < MEMORY_START || addr + len > MEMORY_START + MEMORY_SIZE) return -EFAULT;
    this.memory.set(src.subarray(offset, offset + len), addr - MEMORY_START);
    return 0;
  }
  donate(): number {
    return 0;
  }
  keptFile(): number {
    return -1;
  }
  keepFile(): number {
    return -ENOMEM;
  }
  prepareFork(): PlatformThread | number {
    return this.platform.newThread(new FakeSpace(this.platform, this.memory.slice()));
  }
  prepareThread(): PlatformThread | number {
    return this.platform.newThread(this);
  }
  suspend(): void {
    this.suspended = true;
  }
  resume(): void {
    this.suspended = false;
  }
  destroy(): void {
    this.dead = true;
  }
  whenGone(): boolean {
    return false;
  }
}

export class FakeThread implements PlatformThread {
  readonly space: FakeSpace;
  owner: unknown = null;
  inputOffset = 0;
  dataTop: number;
  readonly dataStart: number;
  readonly dataEnd: number;
  ackOps = false;
  filesApart = false;
  readonly args = new Int32Array(12);
  /** Replies not yet looked at, oldest first. */
  readonly replies: Reply[] = [];
  interrupted = 0;
  cpuNs = 0;
  full = true;
  private kind = EVENT_READY;
  private number = 0xffffffff;
  private result = 0;
  private readonly fault = { signo: 0, code: 0, addr: 0 };
  private copyOuts: { addr: number; offset: number; len: number }[] = [];

  constructor(space: FakeSpace, slot: number) {
    this.space = space;
    this.dataStart = this.dataTop = slot * SLOT_SIZE;
    this.dataEnd = this.dataStart + SLOT_SIZE;
  }

  // ---- the guest's side
  /** Makes a system call; the reply, or null while the kernel holds it. */
  call(nr: number, ...args: number[]): Reply | null {
    this.number = nr;
    this.args.fill(0);
    args.forEach((value, i) => {
      this.args[2 * i] = value;
      this.args[2 * i + 1] = Math.floor(value / 4294967296);
    });
    return this.post(EVENT_SYSCALL);
  }
  /** The interrupt that the kernel asked for, or the trap after a reply. */
  trap(): Reply | null {
    this.number = 0xffffffff;
    return this.post(EVENT_INTERRUPT);
  }
  cloned(result = 0): Reply | null {
    this.result = result;
    return this.post(EVENT_CLONED);
  }
  opsDone(result = 0): Reply | null {
    this.result = result;
    return this.post(EVENT_OPS);
  }
  post(event: number): Reply | null {
    this.kind = event;
    this.dataTop = this.dataStart;
    this.space.platform.events.onPost(this);
    return this.reply();
  }
  faults(event: number, signo: number, code: number, addr: number): Reply | null {
    Object.assign(this.fault, { signo, code, addr });
    return this.post(event);
  }
  reply(): Reply | null {
    return this.replies.shift() ?? null;
  }
  int(addr: number): number {
    return new DataView(this.space.memory.buffer, this.space.memory.byteOffset).getInt32(
      addr - MEMORY_START,
      true,
    );
  }
  setInt(addr: number, value: number): void {
    new DataView(this.space.memory.buffer, this.space.memory.byteOffset).setInt32(
      addr - MEMORY_START,
      value,
      true,
    );
  }

  // ---- the kernel's side
  event(): number {
    return this.kind;
  }
  nr(): number {
    return this.number;
  }
  readArgs(out: Int32Array): void {
    out.set(this.args);
  }
  sp(): number {
    return MEMORY_START + MEMORY_SIZE - 256;
  }
  ip(): number {
    return 0x400000;
  }
  fullContext(): boolean {
    return this.full;
  }
  faultSignal(): number {
    return this.fault.signo;
  }
  faultCode(): number {
    return this.fault.code;
  }
  faultAddress(): number {
    return this.fault.addr;
  }
  faultError(): number {
    return 0;
  }
  opResult(): number {
    return this.result;
  }
  findInput(): number {
    return -1;
  }
  findString(): number {
    return -1;
  }
  addCopyOut(addr: number, offset: number, len: number): boolean {
    this.copyOuts.push({ addr, offset, len });
    return true;
  }
  clearReply(): void {
    this.copyOuts = [];
  }
  addOp(): void {
    // nothing to run them
  }
  replyReturn(ret: number, trapAfter: boolean): void {
    this.answer('return', ret, trapAfter);
  }
  replyContinue(restart: boolean): void {
    this.answer('continue', restart ? 1 : 0);
  }
  replySignal(frame: SignalFrame): void {
    const siginfo = u8.slice(frame.siginfoOffset, frame.siginfoOffset + 128);
    this.answer('signal', frame.signo, frame.trapAfter, { ...frame }, siginfo);
  }
  replySigreturn(trapAfter: boolean): void {
    this.answer('sigreturn', 0, trapAfter);
  }
  sigreturnFrame(out: SignalFrame): boolean {
    Object.assign(out, this.savedFrame);
    return true;
  }
  savedFrame: Partial<SignalFrame> = {};
  replyStart(ip: number): void {
    this.answer('start', ip);
  }
  replyFork(child: PlatformThread): void {
    this.answer('fork', 0, false, null, null, child as FakeThread);
  }
  replyThread(child: PlatformThread): void {
    this.answer('thread', 0, false, null, null, child as FakeThread);
  }
  replyExit(clearTid: number): void {
    this.answer('exit', clearTid);
  }
  interrupt(): void {
    this.interrupted++;
  }
  cpuTimeNs(): number {
    return this.cpuNs;
  }

  waits(): boolean {
    return false;
  }

  private answer(
    kind: Reply['kind'],
    value: number,
    trapAfter = false,
    frame: SignalFrame | null = null,
    siginfo: Uint8Array | null = null,
    child: FakeThread | null = null,
  ): void {
    for (const out of this.copyOuts) this.space.write(out.addr, u8, out.offset, out.len);
    this.copyOuts = [];
    this.replies.push({ kind, value, trapAfter, frame, siginfo, child });
  }
}

export class FakePlatform implements Platform {
  readonly name = 'fake';
  readonly minAddress = MEMORY_START;
  readonly maxAddress = 0x7fff00000000;
  readonly vdso = 0;
  readonly vdsoStart = 0;
  readonly vdsoEnd = 0;
  readonly hwcap = 0;
  readonly hwcap2 = 0;
  readonly minSigStackSize = 2048;
  events!: PlatformEvents;
  private slots = 0;

  constructor() {
    setArena(new ArrayBuffer(SLOT_SIZE * SLOTS));
  }
  newThread(space: FakeSpace): FakeThread {
    return new FakeThread(space, this.slots++ % SLOTS);
  }
  newZone(): number {
    return -ENOMEM;
  }
  newSpace(): FakeThread {
    return this.newThread(new FakeSpace(this, new Uint8Array(MEMORY_SIZE)));
  }
  runOnce(): boolean {
    return false;
  }
  startLoop(): void {
    // the test is the loop
  }
  forgetFile(): void {
    // no descriptors
  }
  watch(): void {
    // no descriptors
  }
  unwatch(): void {
    // no descriptors
  }
  settle(): number {
    return 0;
  }
  announce(): void {
    // no descriptors
  }
}
