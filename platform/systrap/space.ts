/** A guest address space of the systrap platform: a host process, its slots, its socket. */
import { EAGAIN, EFAULT, ENOMEM } from '../../sentry/abi/errno.ts';
import { SIGCONT, SIGSTOP } from '../../sentry/abi/signal.ts';
import { addon } from '../../native/addon.ts';
import {
  CHUNK_SIZE,
  CHUNK_SLOTS,
  FD_FILES,
  FILE_SLOTS,
  MAX_THREADS,
  SLOT_SIZE,
} from '../../native/layout/layout.ts';
import { OP_CLOSE_FD, OP_KEEP_FD } from '../platform.ts';
import type { PlatformSpace, PlatformThread } from '../platform.ts';
import { native } from './native.ts';
import { SystrapSockets } from './sockets.ts';
import type { SystrapPlatform } from './systrap.ts';
import { SystrapThread } from './thread.ts';
import type { SystrapZone } from './zone.ts';

const pair = new Int32Array(2);
const oneFd = new Int32Array(4);

export class SystrapSpace implements PlatformSpace {
  readonly platform: SystrapPlatform;
  owner: unknown = null;
  dead = false;
  /** Of a zygote, and of what was a blank space. */
  zone: SystrapZone | null = null;
  /** Index of the thread that is the host process's first. */
  readonly mainIndex: number;
  private readonly region: number;
  readonly socket: number;
  private readonly token: number;
  /** Vouched for by the host kernel (see hello in systrap.cc); -1 until then. */
  private hostPid: number;
  /** Arena chunk by region chunk. */
  private readonly chunks = new Map<number, number>();
  private nextIndex: number;
  /** Threads that have been made and not ended, or more: a clone that failed may count. */
  liveThreads = 0;
  /** Files that the stub keeps descriptors of: number by key, and key by number. */
  private readonly keptFiles = new Map<object, number>();
  private readonly keptKeys: (object | undefined)[] = [];
  private nextFile = 0;
  /** Numbers to be closed with the next reply. */
  readonly filesToClose: number[] = [];
  readonly sockets = new SystrapSockets(this);
  private suspended = false;
  /** Ended threads whose host thread may still run its last instructions. */
  private readonly leaving: SystrapThread[] = [];

  private constructor(
    platform: SystrapPlatform,
    mainIndex: number,
    region: number,
    socket: number,
    hostPid: number,
  ) {
    this.platform = platform;
    this.hostPid = hostPid;
    this.mainIndex = mainIndex;
    this.nextIndex = mainIndex + 1;
    this.region = region;
    this.socket = socket;
    this.token = platform.addToken(() => {
      platform.spaceDied(this);
    });
    native.watchHangup(socket, this.token);
  }

  /**
   * Makes region and socket. The child's ends go to `give` (and are closed after it), which hands them to the process
   * that will become the space and returns its pid, 0 (it will say hello) or a negated errno. The result is the first
   * thread or a negated errno.
   */
  static create(
    platform: SystrapPlatform,
    mainIndex: number,
    give: (region: number, socket: number) => number,
  ): SystrapThread | number {
    const region = native.createRegion();
    if (region < 0) return -ENOMEM;
    if (native.spaceSocket(pair) < 0) {
      addon.close(region);
      return -EAGAIN;
    }
    const ours = pair[0]!;
    const theirs = pair[1]!;
    const given = give(region, theirs);
    addon.close(theirs);
    if (given < 0) {
      addon.close(region);
      addon.close(ours);
      return given;
    }
    const space = new SystrapSpace(platform, mainIndex, region, ours, given > 0 ? given : -1);
    const thread = space.threadAt(mainIndex);
    if (typeof thread === 'number') space.destroy();
    return thread;
  }

  read(addr: number, dst: Uint8Array, offset: number, len: number): number {
    const pid = this.hostPidNow();
    return pid < 0 ? -EFAULT : native.readMemory(pid, addr, dst, offset, len);
  }

  write(addr: number, src: Uint8Array, offset: number, len: number): number {
    const pid = this.hostPidNow();
    return pid < 0 ? -EFAULT : native.writeMemory(pid, addr, src, offset, len);
  }

  donate(thread: PlatformThread, fd: number): number {
    oneFd[0] = fd;
    return native.donate(this.socket, oneFd, 1, (thread as SystrapThread).index);
  }

  keptFile(key: object): number {
    return this.keptFiles.get(key) ?? -1;
  }

  keepFile(thread: PlatformThread, key: object, fd: number): number {
    const sent = this.donate(thread, fd);
    if (sent < 0) return sent;
    const index = this.nextFile;
    this.nextFile = (index + 1) % FILE_SLOTS;
    const old = this.keptKeys[index];
    if (old !== undefined) this.keptFiles.delete(old);
    this.keptKeys[index] = key;
    this.keptFiles.set(key, index + FD_FILES);
    this.platform.noteKept(key, this);
    thread.addOp(OP_KEEP_FD, index + FD_FILES, 0, 0, 0, 0, 0);
    return index + FD_FILES;
  }

  /** The file is closed: its descriptor goes with the next reply of any thread. */
  forgetFile(key: object): void {
    const number = this.keptFiles.get(key);
    if (number === undefined) return;
    this.keptFiles.delete(key);
    this.keptKeys[number - FD_FILES] = undefined;
    this.filesToClose.push(number);
  }

  closeFiles(thread: SystrapThread): void {
    for (const number of this.filesToClose) {
      // It may have been given to another file meanwhile.
      if (this.keptKeys[number - FD_FILES] === undefined) thread.addOp(OP_CLOSE_FD, number, 0, 0, 0, 0, 0);
    }
    this.filesToClose.length = 0;
  }

  prepareFork(parent: PlatformThread): PlatformThread | number {
    const main = (parent as SystrapThread).index;
    return SystrapSpace.create(this.platform, main, (region, socket) => {
      oneFd[0] = region;
      oneFd[1] = socket;
      return native.donate(this.socket, oneFd, 2, main);
    });
  }

  prepareThread(): PlatformThread | number {
    for (let i = 0; i < this.leaving.length; i++) {
      const old = this.leaving[i]!;
      if (!old.hostGone()) continue;
      this.leaving.splice(i, 1);
      const fresh = this.threadAt(old.index);
      if (typeof fresh !== 'number') fresh.recycle();
      return fresh;
    }
    if (this.nextIndex >= MAX_THREADS) return -EAGAIN;
    return this.threadAt(this.nextIndex++);
  }

  /** Bookkeeping of replyExit: the index is free once the host thread is gone; the main thread's never is. */
  threadLeft(thread: SystrapThread): void {
    this.liveThreads--;
    if (thread.index !== this.mainIndex) this.leaving.push(thread);
  }

  get pid(): number {
    return this.hostPidNow();
  }

  /** The host pid if the stub has said hello, else -1. */
  hostPidNow(): number {
    if (this.hostPid < 0) {
      const pid = native.hello(this.socket);
      if (pid > 0) this.hostPid = pid;
    }
    return this.hostPid;
  }

  cpuTimeNs(): number {
    const pid = this.hostPidNow();
    const ns = pid < 0 ? 0 : native.cpuNs(pid);
    return ns < 0 ? 0 : ns;
  }

  destroy(): void {
    if (this.dead) return;
    this.dead = true;
    const pid = this.hostPidNow();
    if (pid > 0) native.killStub(pid);
    else this.killOnceBorn();
    this.free(pid > 0);
  }

  whenGone(callback: () => void): boolean {
    if (!this.sockets.any || this.hostPid < 0) return false;
    const fd = addon.pidfdOpen(this.hostPid);
    if (fd < 0) return false;
    this.platform.watch(fd, () => {
      this.platform.unwatch(fd);
      addon.close(fd);
      callback();
    });
    return true;
  }

  suspend(): void {
    if (this.dead || this.suspended) return;
    this.suspended = true;
    const pid = this.hostPidNow();
    if (pid > 0) addon.kill(pid, SIGSTOP);
    else this.whenBorn((born) => this.suspended && addon.kill(born, SIGSTOP));
  }

  resume(): void {
    if (this.dead || !this.suspended) return;
    this.suspended = false;
    const pid = this.hostPidNow();
    if (pid > 0) addon.kill(pid, SIGCONT);
  }

  /** The host process is gone by itself. */
  died(): void {
    if (this.dead) return;
    this.dead = true;
    this.free(true);
  }

  /** The clone that was asked for has not come yet: calls `act` with its pid when it says hello. */
  private whenBorn(act: (pid: number) => void): void {
    const { socket, platform } = this;
    platform.unwatch(socket);
    native.unwatch(socket);
    platform.watch(socket, () => {
      const pid = this.hostPidNow();
      if (pid < 0) return;
      platform.unwatch(socket);
      native.watchHangup(socket, this.token);
      act(pid);
    });
  }

  /** The clone that was asked for has not come, and may never: whoever says hello on this socket is killed then. */
  private killOnceBorn(): void {
    const { socket } = this;
    this.platform.unwatch(socket);
    native.unwatch(socket);
    this.platform.watch(socket, () => {
      const pid = native.hello(socket);
      if (pid === -EAGAIN) return;
      if (pid > 0) native.killStub(pid);
      this.platform.unwatch(socket);
      addon.close(socket);
    });
  }

  /** Arena offset of the first thread's slot, or -1. */
  mainSlot(): number {
    const chunk = this.chunks.get(Math.floor(this.mainIndex / CHUNK_SLOTS));
    return chunk === undefined ? -1 : chunk * CHUNK_SIZE + (this.mainIndex % CHUNK_SLOTS) * SLOT_SIZE;
  }

  private threadAt(index: number): SystrapThread | number {
    const regionChunk = Math.floor(index / CHUNK_SLOTS);
    let chunk = this.chunks.get(regionChunk);
    if (chunk === undefined) {
      chunk = this.platform.takeChunk();
      if (chunk < 0) return -EAGAIN;
      if (native.mapChunk(this.region, regionChunk, chunk) < 0) {
        this.platform.giveChunk(chunk);
        return -ENOMEM;
      }
      this.chunks.set(regionChunk, chunk);
    }
    this.liveThreads++;
    return new SystrapThread(this, index, chunk * CHUNK_SIZE + (index % CHUNK_SLOTS) * SLOT_SIZE);
  }

  private free(closeSocket: boolean): void {
    this.platform.unlistSpace(this);
    this.platform.dropToken(this.token);
    if (closeSocket) addon.close(this.socket);
    addon.close(this.region);
    for (const chunk of this.chunks.values()) {
      native.mapChunk(-1, 0, chunk);
      this.platform.giveChunk(chunk);
    }
    this.chunks.clear();
    for (const key of this.keptFiles.keys()) this.platform.noteDropped(key, this);
    this.keptFiles.clear();
  }
}
