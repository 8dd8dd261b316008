/**
 * Anonymous shared memory: MAP_SHARED|MAP_ANONYMOUS and shared /dev/zero. A memfd makes it; once mapped, the host's
 * mappings hold it (forks inherit them), and no descriptor stays open for it.
 */
import { EINVAL } from '../abi/errno.ts';
import { MFD_CLOEXEC } from '../abi/mman.ts';
import { addon } from '../../native/addon.ts';
import type { Mappable } from './mappable.ts';

/** Linux's device number of its internal shmem mount, 0:1. */
const SHMEM_DEV = 1;
let nextIno = 1024;

export class SharedMemory implements Mappable {
  private fd: number;
  private readonly ino: number;

  private constructor(fd: number) {
    this.fd = fd;
    this.ino = nextIno++;
  }

  /** `len` bytes, or a negated errno. */
  static create(len: number): SharedMemory | number {
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
