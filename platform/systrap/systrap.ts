/**
 * The systrap platform: guests run natively in stub processes under a seccomp filter that turns every syscall into a
 * SIGSYS (or, at patched sites, into a jump). See docs/architecture.md.
 */
import { EAGAIN, ENOMEM } from '../../sentry/abi/errno.ts';
import { panic } from '../../sentry/base/panic.ts';
import {
  ADDRESSES,
  CHUNK_SIZE,
  GLOBAL_FIELDS,
  PATCH_ACROSS_LINES,
  STATE_POSTED,
  STATE_SLEEP,
} from '../../native/layout/layout.ts';
import { i32, setArena } from '../arena.ts';
import { EVENT_INTERRUPT, EVENT_SYSCALL } from '../platform.ts';
import type { Platform, PlatformEvents, PlatformThread, Zone } from '../platform.ts';
import { native } from './native.ts';
import type { SystrapSpace } from './space.ts';
import type { SystrapThread } from './thread.ts';
import { Tokens } from './tokens.ts';
import { SystrapZone } from './zone.ts';

/** Offsets into the arena must stay below 2^32, the longest typed array of V8. */
const ARENA_CHUNKS = Math.floor(0xffffffff / CHUNK_SIZE);
const PAGE = 4096;
/** Posts handled before timers are looked at again. */
const BATCH = 64;
const SPIN_ONLY = -2;
/** Events of one native.collect. */
const COLLECT_MAX = 64;
/** How long the Sentry looks for a post before it sleeps. */
const SENTRY_SPIN_NS = 40_000;
/**
 * How long a stub looks for its reply before it sleeps: more than waking a Sentry that sleeps on an idle CPU takes (25 us
 * in a virtual machine), since a second wake-up, the stub's own, would double a single call's time.
 */
const STUB_SPIN_NS = 60_000;
/** How long a thread looks whether a lock is taken again when it is released: longer than a futex call that wakes nobody. */
const LOCK_WATCH_NS = 2_000;

/** Busy rounds before Node's own loop gets a turn. */
const NODE_TURN = 512;

export interface SystrapOptions {
  /** Open descriptor of the stub executable. */
  stubFd: number;
  /** Rewrite syscall sites to jumps (x86_64). */
  patching: boolean;
  /** Stubs may send datagrams anywhere. */
  addresses: boolean;
}

/** The host does not let the platform start. */
export class PlatformError extends Error {}

export class SystrapPlatform implements Platform {
  readonly name = 'systrap';
  readonly minAddress: number;
  readonly maxAddress: number;
  readonly vdso: number;
  readonly vdsoStart: number;
  readonly vdsoEnd: number;
  readonly hwcap: number;
  readonly hwcap2: number;
  readonly minSigStackSize: number;

  /** [0] = count, then arena offsets of the threads that run guest code: those that can post. */
  private readonly runList = new Uint32Array(32769);
  private readonly running: SystrapThread[] = [];
  private readonly eventList = new Int32Array(131);
  /** [0] = count, then arena offsets of sleeping threads whose reply is there: woken with the next wait. */
  private readonly wakeList = new Uint32Array(65);
  private readonly tokens = new Tokens();
  private readonly collected = new Int32Array(1 + 2 * COLLECT_MAX);
  /** Events that settle() came across: pairs of token and mask, for the next runOnce. */
  private kept: number[] = [];
  /** Spaces that keep a descriptor of a file. */
  private readonly keepers = new Map<object, Set<SystrapSpace>>();
  private readonly watched = new Map<number, number>();
  private readonly freeChunks: number[] = [];
  private nextChunk = 0;
  private readonly stubFd: number;
  /** The sandbox's own, which is there from the start. */
  private readonly first: SystrapZone;
  private readonly zones = new Set<SystrapZone>();
  /** A zone may have room for one more blank space. */
  wanting = true;
  private spinTicks = 0;
  private busyRounds = 0;
  /** The last wait spun in vain: the next may sleep at once. */
  private spun = false;
  private events: PlatformEvents | null = null;

  constructor(options: SystrapOptions) {
    const made = native.init(ARENA_CHUNKS);
    if (typeof made === 'number') {
      const hint = made === -ENOMEM ? ' (is there a limit of address space, ulimit -v?)' : '';
      throw new PlatformError(`systrap: cannot reserve the arena: errno ${-made}${hint}`);
    }
    setArena(made.arena);
    native.setLists(this.runList, this.eventList, this.wakeList);
    const global = new Int32Array(made.global);
    const several = native.cpuCount() > 1;
    this.spinTicks = several ? Math.round(made.ticksPerNs * SENTRY_SPIN_NS) : 0;
    global[GLOBAL_FIELDS.spin_ticks[0] >>> 2] = several ? Math.round(made.ticksPerNs * STUB_SPIN_NS) : 0;
    global[GLOBAL_FIELDS.lock_ticks[0] >>> 2] = several ? Math.round(made.ticksPerNs * LOCK_WATCH_NS) : 0;
    global[GLOBAL_FIELDS.patch[0] >>> 2] = options.patching ? 1 : 0;
    global[GLOBAL_FIELDS.addresses[0] >>> 2] = options.addresses ? 1 : 0;
    const places = process.arch === 'x64' ? ADDRESSES.x86_64 : ADDRESSES.aarch64;
    this.minAddress = places.min;
    this.maxAddress = places.text;

    this.stubFd = options.stubFd;
    const first = SystrapZone.create(this, options.stubFd);
    if (typeof first === 'number') throw new PlatformError(`systrap: cannot start a stub: errno ${-first}`);
    this.first = first;
    this.zones.add(first);
    if (!first.awaitZygote()) throw new PlatformError('systrap: the stub did not start');
    const args = new Int32Array(12);
    first.zygote.readArgs(args);
    const word = (i: number): number => (args[2 * i + 1]! >>> 0) * 4294967296 + (args[2 * i]! >>> 0);
    this.vdso = word(0);
    // The extents are not told to user space: what Linux 6 uses on these architectures.
    const [before, after] = process.arch === 'x64' ? [6, 2] : [2, 1];
    this.vdsoStart = this.vdso === 0 ? 0 : this.vdso - before * PAGE;
    this.vdsoEnd = this.vdso === 0 ? 0 : this.vdso + after * PAGE;
    this.hwcap = word(1);
    this.hwcap2 = word(2);
    this.minSigStackSize = word(3);
    first.open();
  }

  newSpace(): PlatformThread | number {
    return this.first.newSpace();
  }

  newZone(): Zone | number {
    const zone = SystrapZone.create(this, this.stubFd);
    if (typeof zone !== 'number') this.zones.add(zone);
    return zone;
  }

  /** Its container is gone. */
  dropZone(zone: SystrapZone): void {
    this.zones.delete(zone);
  }

  runOnce(events: PlatformEvents, deadlineNs: number): boolean {
    this.events = events;
    if (this.wanting) {
      this.wanting = false;
      for (const zone of this.zones) zone.refill();
    }
    if (this.kept.length > 0) {
      this.tellKept();
      return false;
    }
    this.tokens.allTold();
    const deadline = deadlineNs === Infinity ? -1 : deadlineNs;
    for (let n = 0; n < BATCH; n++) {
      // Only the first wait may sleep: a handler may have armed an earlier deadline. Its spinning has been done by
      // the last wait of the batch before.
      const found =
        n === 0
          ? native.wait(this.spun ? 0 : this.spinTicks, deadline)
          : native.wait(this.spinTicks, SPIN_ONLY);
      this.handle(found);
      this.spun = n > 0 && found < 0;
      if (found < 0) {
        if (found === -3) return true;
        break;
      }
    }
    // What comes now may take a while.
    if (this.wakeList[0] !== 0) native.wake();
    if (++this.busyRounds < NODE_TURN) return false;
    this.busyRounds = 0;
    return true;
  }

  startLoop(turn: () => boolean): void {
    native.startLoop(turn);
  }

  /** The end of a platform whose guests are all gone; the process can have another one. */
  dispose(): void {
    for (const zone of this.zones) zone.destroy();
    setArena(new ArrayBuffer(0));
    native.dispose();
  }

  watch(fd: number, callback: (mask: number) => void): void {
    const token = this.addToken(callback);
    this.watched.set(fd, token);
    native.watch(fd, token);
  }

  unwatch(fd: number, gone = false): void {
    const token = this.watched.get(fd);
    if (token === undefined) return;
    this.watched.delete(fd);
    this.dropToken(token);
    if (!gone) native.unwatch(fd);
  }

  announce(): void {
    native.collect(this.collected);
    for (let i = 0, count = this.collected[0]!; i < count; i++)
      this.kept.push(this.collected[1 + 2 * i]!, this.collected[2 + 2 * i]!);
    this.tellKept();
  }

  settle(fd: number): number {
    const token = this.watched.get(fd);
    let mask = 0;
    for (let full = true; full && mask === 0;) {
      full = native.collect(this.collected) === COLLECT_MAX;
      for (let i = 0, count = this.collected[0]!; i < count; i++) {
        const bits = this.collected[2 + 2 * i]!;
        if (this.collected[1 + 2 * i] === token) mask |= bits;
        else this.kept.push(this.collected[1 + 2 * i]!, bits);
      }
    }
    return mask;
  }

  private tellKept(): void {
    while (this.kept.length > 0) {
      const [token, mask] = this.kept.splice(0, 2);
      this.tokens.tell(token!, mask!);
    }
  }

  readonly forgetFile = (key: object): void => {
    const spaces = this.keepers.get(key);
    if (spaces === undefined) return;
    this.keepers.delete(key);
    for (const space of spaces) space.forgetFile(key);
  };

  // ---- for space.ts and thread.ts
  noteKept(key: object, space: SystrapSpace): void {
    let spaces = this.keepers.get(key);
    if (spaces === undefined) this.keepers.set(key, (spaces = new Set()));
    spaces.add(space);
  }
  noteDropped(key: object, space: SystrapSpace): void {
    this.keepers.get(key)?.delete(space);
  }
  addToken(callback: (mask: number) => void): number {
    return this.tokens.add(callback);
  }
  dropToken(token: number): void {
    this.tokens.drop(token);
    if (this.kept.length > 0) this.kept = this.kept.filter((_, i, all) => all[i & ~1] !== token);
  }
  takeChunk(): number {
    const free = this.freeChunks.pop();
    if (free !== undefined) return free;
    return this.nextChunk < ARENA_CHUNKS ? this.nextChunk++ : -EAGAIN;
  }
  giveChunk(chunk: number): void {
    this.freeChunks.push(chunk);
  }
  wake(base: number): void {
    const n = this.wakeList[0]! + 1;
    this.wakeList[n] = base;
    this.wakeList[0] = n;
    if (n === this.wakeList.length - 1) native.wake();
  }
  list(thread: SystrapThread): void {
    if (thread.listIndex >= 0) return;
    const n = this.running.length;
    thread.listIndex = n;
    this.running.push(thread);
    this.runList[n + 1] = thread.base;
    this.runList[0] = n + 1;
  }
  unlist(thread: SystrapThread): void {
    const at = thread.listIndex;
    if (at < 0) return;
    const last = this.running.pop();
    if (last === undefined) panic('systrap: run list is empty');
    if (last !== thread) {
      this.running[at] = last;
      this.runList[at + 1] = last.base;
      last.listIndex = at;
    }
    thread.listIndex = -1;
    this.runList[0] = this.running.length;
  }
  unlistSpace(space: SystrapSpace): void {
    for (let i = this.running.length - 1; i >= 0; i--) {
      const t = this.running[i];
      if (t !== undefined && t.space === space) this.unlist(t);
    }
  }
  spaceDied(space: SystrapSpace): void {
    if (space.dead) return;
    space.died();
    if (space === this.first.zygote.space) panic('systrap: the zygote died');
    if (space.zone?.spaceDied(space) !== true) this.events?.onSpaceDeath(space);
  }

  /** Acts on what native.wait returned. */
  private handle(found: number): void {
    if (found >= 0) {
      this.busyRounds++;
      const thread = this.running[found];
      // The list may have changed between the wait and now only through us.
      if (thread !== undefined && Atomics.load(i32, thread.base >>> 2) === STATE_POSTED) this.deliver(thread);
      return;
    }
    this.busyRounds = 0;
    if (found !== -2) return;
    const count = this.eventList[0]!;
    for (let i = 0; i < count; i++) {
      this.tokens.tell(this.eventList[1 + 2 * i]!, this.eventList[2 + 2 * i]!);
    }
  }

  /** Also for zones, which wait for posts of their own. */
  deliver(thread: SystrapThread): void {
    thread.opened();
    const { zone } = thread.space;
    if (zone !== null && thread.owner === null && zone.owns(thread)) {
      zone.onPost(thread);
    } else {
      const events = this.events;
      if (events === null) panic('systrap: a post before the kernel runs');
      const pattern = thread.patchPattern();
      const event = pattern === 0 ? -1 : thread.event();
      // A call's site, or that of a futex call that the stub did.
      if ((event === EVENT_SYSCALL || event === EVENT_INTERRUPT) && thread.fullContext()) {
        const allowed = (pattern & PATCH_ACROSS_LINES) === 0 || thread.space.liveThreads === 1;
        thread.patchable = allowed && events.isPatchable(thread, thread.ip());
      }
      events.onPost(thread);
    }
    if (!thread.replied) {
      // Whoever it has woken can take its CPU over, rather than find one that has gone idle.
      if (this.wakeList[0] !== 0) native.wake();
      this.unlist(thread);
      Atomics.store(i32, thread.base >>> 2, STATE_SLEEP);
    }
  }
}
