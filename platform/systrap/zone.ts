/**
 * A zone: a zygote stub and the blank spaces that it is asked for ahead of need. Every stub of a container comes from
 * its zone's zygote, by way of blanks and forks, and so lives where the host put that one: in the container's cgroup.
 */
import { EAGAIN, ENOMEM } from '../../sentry/abi/errno.ts';
import { addon } from '../../native/addon.ts';
import { REPLY_BLANK, STATE_POSTED } from '../../native/layout/layout.ts';
import { i32 } from '../arena.ts';
import type { PlatformThread, Zone } from '../platform.ts';
import { native } from './native.ts';
import { SystrapSpace } from './space.ts';
import type { SystrapPlatform } from './systrap.ts';
import type { SystrapThread } from './thread.ts';

/** Blank spaces kept ready. */
const POOL = 2;
const START_TIMEOUT_NS = 5e9;
/** A word to sleep on for a moment. */
const rest = new Int32Array(new SharedArrayBuffer(4));
const REST_MS = 0.03;

export class SystrapZone implements Zone {
  readonly zygote: SystrapThread;
  private readonly platform: SystrapPlatform;
  private idle = false;
  /** The host has been told where it belongs: it may have children. */
  private opened = false;
  private readonly blanks: SystrapThread[] = [];
  /** Blank spaces that the zygote has been asked for. */
  private readonly unborn = new Set<SystrapThread>();

  private constructor(platform: SystrapPlatform, zygote: SystrapThread) {
    this.platform = platform;
    this.zygote = zygote;
    zygote.space.zone = this;
    platform.list(zygote);
  }

  /** Starts a zygote. It is ready a moment later; see open(). */
  static create(platform: SystrapPlatform, stubFd: number): SystrapZone | number {
    const zygote = SystrapSpace.create(platform, 0, (region, socket) =>
      native.spawnZygote(stubFd, region, socket),
    );
    return typeof zygote === 'number' ? zygote : new SystrapZone(platform, zygote);
  }

  get dead(): boolean {
    return this.zygote.space.dead;
  }
  get pid(): number {
    return this.zygote.space.hostPidNow();
  }

  open(): void {
    this.opened = true;
    this.refill();
  }

  newSpace(): PlatformThread | number {
    // A blank one is normally ready; else the zygote's answer is on its way. We may be inside a handler here, so
    // nobody else's post may be looked at.
    const deadline = addon.monotonicNs() + START_TIMEOUT_NS;
    for (;;) {
      this.takePosts();
      this.refill();
      const blank = this.blanks.shift();
      if (blank !== undefined) {
        this.platform.wanting = true;
        if (blank.space.dead) continue;
        return blank;
      }
      if (this.dead) return -ENOMEM;
      if (addon.monotonicNs() > deadline) return -EAGAIN;
      native.wake();
      Atomics.wait(rest, 0, 0, REST_MS);
    }
  }

  /** Waits for the zygote's first post; false when it does not come. */
  awaitZygote(): boolean {
    const deadline = addon.monotonicNs() + START_TIMEOUT_NS;
    while (!this.idle) {
      this.takePosts();
      if (this.dead || addon.monotonicNs() > deadline) return false;
      native.wake();
      Atomics.wait(rest, 0, 0, REST_MS);
    }
    return true;
  }

  destroy(): void {
    for (const thread of [this.zygote, ...this.unborn, ...this.blanks]) thread.space.destroy();
    this.unborn.clear();
    this.blanks.length = 0;
    this.platform.dropZone(this);
  }

  /** True for what this zone waits for: the zygote, and blanks until they are taken. */
  owns(thread: SystrapThread): boolean {
    return thread === this.zygote || this.unborn.has(thread);
  }

  /** A post of one that it owns: the zygote's at its start and after each blank, a blank's when it is ready. */
  onPost(thread: SystrapThread): void {
    if (thread === this.zygote) {
      this.idle = true;
      this.platform.wanting = true;
    } else {
      this.unborn.delete(thread);
      this.blanks.push(thread);
    }
  }

  /** One of its spaces died; false when it was in use. */
  spaceDied(space: SystrapSpace): boolean {
    if (space === this.zygote.space) return true;
    for (const thread of this.unborn) {
      if (thread.space === space) return this.unborn.delete(thread);
    }
    const blank = this.blanks.findIndex((b) => b.space === space);
    if (blank >= 0) this.blanks.splice(blank, 1);
    return blank >= 0;
  }

  /** Asks the zygote for one more blank space when the pool is low. */
  refill(): void {
    if (!this.idle || !this.opened || this.dead || this.blanks.length >= POOL) return;
    const blank = this.zygote.space.prepareFork(this.zygote);
    if (typeof blank === 'number') return;
    this.idle = false;
    const thread = blank as SystrapThread;
    thread.space.zone = this;
    this.unborn.add(thread);
    this.platform.list(thread);
    this.zygote.replyForkBlank(REPLY_BLANK);
  }

  /** Delivers what the zygote and unborn blank spaces have posted, and nothing else. */
  private takePosts(): void {
    for (const thread of [this.zygote, ...this.unborn]) {
      if (thread.listIndex >= 0 && Atomics.load(i32, thread.base >>> 2) === STATE_POSTED)
        this.platform.deliver(thread);
    }
  }
}
