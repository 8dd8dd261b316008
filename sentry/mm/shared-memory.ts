/**
 * Anonymous shared memory: MAP_SHARED|MAP_ANONYMOUS and shared /dev/zero. A memfd makes it; once mapped, the host's
 * mappings hold it (forks inherit them), and no descriptor stays open for it.
 */
import { EINVAL, ENOMEM } from '../abi/errno.ts';
import { MFD_CLOEXEC } from '../abi/mman.ts';
import { addon } from '../../native/addon.ts';
import type { Mappable } from './mappable.ts';

/** Linux's device number of its internal shmem mount, 0:1. */
const SHMEM_DEV = 1;
let nextIno = 1024;
let totalBytes = 0;

function hostMemory(): number {
  if (totalBytes === 0) {
    const info = new Float64Array(16);
    totalBytes = addon.sysinfo(info) < 0 ? Infinity : info[0]!;
  }
  return totalBytes;
}

export class SharedMemory implements Mappable {
  private fd: number;
  private readonly ino: number;

  private constructor(fd: number) {
    this.fd = fd;
    this.ino = nextIno++;
  }

  /** `len` bytes, or a negated errno. `reserve`: not with MAP_NORESERVE. */
  static create(len: number, reserve: boolean): SharedMemory | number {
    // The host accounts a memfd page by page; Linux refuses at once what could never be had (vm.overcommit_memory 0).
    if (reserve && len > hostMemory()) return -ENOMEM;
    const fd = addon.memfdCreate('shared', MFD_CLOEXEC);
    if (fd < 0) return fd;
    const r = addon.ftruncate(fd, len);
    if (r < 0) {
      addon.close(fd);
      return r;
    }
    return new SharedMemory(fd);
  }

  /** Only before it is sealed off by closeFd(): nobody can map a second view of it by mmap. */
  hostFd(_writable: boolean): number {
    return this.fd < 0 ? -EINVAL : this.fd;
  }

  /** The first mapping has been handed over. */
  closeFd(): void {
    addon.close(this.fd);
    this.fd = -1;
  }

  mapName(): string {
    return '/dev/zero (deleted)';
  }
  mapDev(): number {
    return SHMEM_DEV;
  }
  mapIno(): number {
    return this.ino;
  }
  addMapping(_sharedWriter: boolean): void {
    // the host's mappings hold the memory
  }
  removeMapping(_sharedWriter: boolean): void {
    // likewise
  }
}
