/** System V shared memory: segments are memory files of the host, mapped like files (shmget(2), shmop(2)). */
import { EINVAL, ENOMEM } from '../abi/errno.ts';
import { SHM_DEST, SHM_HUGETLB, SHMMNI } from '../abi/ipc.ts';
import { MFD_CLOEXEC } from '../abi/mman.ts';
import type { Credentials } from '../auth/credentials.ts';
import type { Mappable } from '../mm/mappable.ts';
import { addon } from '../../native/addon.ts';
import { IpcIds, IpcObject } from './ipc-ids.ts';

/** Linux's device number of its internal shmem mount, 0:1. */
const SHMEM_DEV = 1;
const PAGE = 4096;

export class ShmSegment extends IpcObject implements Mappable {
  readonly sizeBytes: number;
  readonly cpid: number;
  lpid = 0;
  /** Seconds since the epoch. */
  atime = 0;
  dtime = 0;
  ctime: number;
  /** Areas that map it. */
  attached = 0;
  private fd: number;
  private readonly name: string;
  private readonly ids: IpcIds<ShmSegment>;

  constructor(
    ids: IpcIds<ShmSegment>,
    fd: number,
    key: number,
    mode: number,
    creds: Credentials,
    sizeBytes: number,
    pid: number,
    nowSec: number,
  ) {
    super(key, mode, creds);
    this.ids = ids;
    this.fd = fd;
    this.sizeBytes = sizeBytes;
    this.cpid = pid;
    this.ctime = nowSec;
    this.name = `/SYSV${(key >>> 0).toString(16).padStart(8, '0')} (deleted)`;
  }

  /** IPC_RMID: gone at once when nobody maps it, else with the last area. */
  markRemoved(): void {
    this.mode |= SHM_DEST;
    this.ids.hideKey(this);
    this.freeIfUnused();
  }

  private freeIfUnused(): void {
    if (this.attached > 0 || (this.mode & SHM_DEST) === 0 || this.fd < 0) return;
    this.ids.remove(this);
    addon.close(this.fd);
    this.fd = -1;
  }

  // ---- as something that is mapped
  hostFd(_writable: boolean): number {
    return this.fd < 0 ? -EINVAL : this.fd;
  }
  mapName(): string {
    return this.name;
  }
  mapDev(): number {
    return SHMEM_DEV;
  }
  mapIno(): number {
    return this.id;
  }
  addMapping(_sharedWriter: boolean): void {
    this.attached++;
  }
  removeMapping(_sharedWriter: boolean): void {
    this.attached--;
    this.freeIfUnused();
  }
}

export class ShmTable {
  readonly ids = new IpcIds<ShmSegment>(SHMMNI);
  private readonly hostMemoryBytes: number;

  constructor(hostMemoryBytes: number) {
    this.hostMemoryBytes = hostMemoryBytes;
  }

  /** shmget(2): an identifier or a negated errno. */
  get(
    creds: Credentials,
    key: number,
    sizeBytes: number,
    flags: number,
    pid: number,
    nowSec: number,
  ): number {
    const make = (): ShmSegment | number => {
      if (sizeBytes < 1) return -EINVAL;
      // No huge page pools; and what the machine could never hold is refused at once.
      if ((flags & SHM_HUGETLB) !== 0 || sizeBytes > this.hostMemoryBytes) return -ENOMEM;
      const fd = addon.memfdCreate('sysv', MFD_CLOEXEC);
      if (fd < 0) return -ENOMEM;
      const r = addon.ftruncate(fd, Math.ceil(sizeBytes / PAGE) * PAGE);
      if (r < 0) {
        addon.close(fd);
        return -ENOMEM;
      }
      return new ShmSegment(this.ids, fd, key, flags, creds, sizeBytes, pid, nowSec);
    };
    return this.ids.get(creds, key, flags, make, (segment) => (segment.sizeBytes < sizeBytes ? -EINVAL : 0));
  }

  /** Segments that somebody still maps go with the last area. */
  destroy(): void {
    for (const segment of this.ids.all()) segment.markRemoved();
  }

  /** Pages of all segments. */
  get totalPages(): number {
    return this.ids.all().reduce((pages, segment) => pages + Math.ceil(segment.sizeBytes / PAGE), 0);
  }

  /** /proc/sysvipc/shm. */
  text(): string {
    return this.ids.table((s) => [
      [s.sizeBytes, 21],
      [s.cpid, 5],
      [s.lpid, 5],
      [s.attached, 5],
      [s.uid, 5],
      [s.gid, 5],
      [s.cuid, 5],
      [s.cgid, 5],
      [s.atime, 10],
      [s.dtime, 10],
      [s.ctime, 10],
      [Math.ceil(s.sizeBytes / PAGE) * PAGE, 21],
      [0, 21],
    ]);
  }
}
