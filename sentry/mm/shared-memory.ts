/** Anonymous shared memory: MAP_SHARED|MAP_ANONYMOUS and shared /dev/zero, each a memfd of its own. */
import { addon } from '../../native/addon.ts';
import type { Mappable } from './mappable.ts';

/** Linux's device number of its internal shmem mount, 0:1. */
const SHMEM_DEV = 1;
let nextIno = 1024;

export class SharedMemory implements Mappable {
  private fd: number;
  private uses = 0;
  private readonly ino: number;

  private constructor(fd: number) {
    this.fd = fd;
    this.ino = nextIno++;
  }

  /** `len` bytes, or a negated errno. */
  static create(len: number): SharedMemory | number {
    const fd = addon.memfdCreate('shared', 1);
    if (fd < 0) return fd;
    const r = addon.ftruncate(fd, len);
    if (r < 0) {
      addon.close(fd);
      return r;
    }
    return new SharedMemory(fd);
  }

  hostFd(_writable: boolean): number {
    return this.fd;
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
    this.uses++;
  }
  removeMapping(_sharedWriter: boolean): void {
    if (--this.uses > 0 || this.fd < 0) return;
    addon.close(this.fd);
    this.fd = -1;
  }
}
