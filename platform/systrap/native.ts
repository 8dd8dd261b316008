/** The systrap half of the native addon (native/addon/systrap.h). Results are values or negated errnos. */
import { addon } from '../../native/addon.ts';

export interface SystrapNative {
  /** Reserves the arena of `chunks` chunks and makes the global page, doorbell and epoll set. */
  init(chunks: number): { arena: ArrayBuffer; global: ArrayBuffer; ticksPerNs: number } | number;
  createRegion(): number;
  mapChunk(regionFd: number, regionChunk: number, arenaChunk: number): number;
  spawnZygote(stubFd: number, regionFd: number, socketFd: number): number;
  setLists(runList: Uint32Array, events: Int32Array, wakes: Uint32Array): number;
  wait(spinTicks: number, deadlineNs: number): number;
  wake(): void;
  watch(fd: number, token: number): number;
  watchHangup(fd: number, token: number): number;
  unwatch(fd: number): number;
  /** Fills in [0] = count, then pairs of token and mask, without waiting; at most COLLECT_MAX. */
  collect(events: Int32Array): number;
  readMemory(pid: number, addr: number, buf: Uint8Array, off: number, len: number): number;
  writeMemory(pid: number, addr: number, buf: Uint8Array, off: number, len: number): number;
  interrupt(tgid: number, tid: number): number;
  killStub(pid: number): number;
  cpuNs(pid: number): number;
  spaceSocket(out: Int32Array): number;
  hello(fd: number): number;
  donate(fd: number, fds: Int32Array, count: number, thread: number): number;
  startLoop(turn: () => boolean): void;
  /** Undoes init and startLoop. The arena is gone: nobody may look at it any more. */
  dispose(): void;
  cpuCount(): number;
}

export const native = addon.systrap as SystrapNative;
