/** Keys, identifiers and permissions of System V objects (sysvipc(7), "Resource access permissions"). */
import { CAP_IPC_OWNER, CAP_SYS_ADMIN } from '../abi/capability.ts';
import { EACCES, EEXIST, EIDRM, EINVAL, ENOENT, ENOSPC, EPERM } from '../abi/errno.ts';
import { IPC_CREAT, IPC_EXCL, IPC_PRIVATE } from '../abi/ipc.ts';
import type { Credentials } from '../auth/credentials.ts';
import { panic } from '../base/panic.ts';

/** An identifier is a place in the table and the number of times that places were given out: IPCMNI of the kernel. */
const PLACES = 32768;
const MAX_SEQUENCE = 65535;
/** ipc_min_cycle: places are gone through before one comes again. */
const MIN_CYCLE = 64;

/** struct kern_ipc_perm: what every object begins with. */
export class IpcObject {
  id = -1;
  key: number;
  uid: number;
  gid: number;
  readonly cuid: number;
  readonly cgid: number;
  /** Permission bits, and what the kind adds (SHM_DEST). */
  mode: number;

  constructor(key: number, mode: number, creds: Credentials) {
    this.key = key;
    this.uid = this.cuid = creds.euid;
    this.gid = this.cgid = creds.egid;
    this.mode = mode & 0o777;
  }

  get sequence(): number {
    return Math.floor(this.id / PLACES);
  }

  /** 0, or -EACCES when some of the read and write bits of `wanted` (in any of the three places) aren't granted. */
  permits(creds: Credentials, wanted: number): number {
    const asked = ((wanted >>> 6) | (wanted >>> 3) | wanted) & 7;
    let granted = this.mode;
    if (creds.euid === this.cuid || creds.euid === this.uid) granted >>>= 6;
    else if (creds.inGroup(this.cgid) || creds.inGroup(this.gid)) granted >>>= 3;
    return (asked & ~granted & 7) !== 0 && !creds.hasCap(CAP_IPC_OWNER) ? -EACCES : 0;
  }

  /** 0, or -EPERM for who may neither change nor remove it. */
  permitsChange(creds: Credentials): number {
    if (creds.euid === this.cuid || creds.euid === this.uid || creds.hasCap(CAP_SYS_ADMIN)) return 0;
    return -EPERM;
  }
}

/** The objects of one kind. */
export class IpcIds<T extends IpcObject> {
  private readonly places: (T | undefined)[] = [];
  private readonly keys = new Map<number, T>();
  private sequence = 0;
  private last = -1;
  /** How many there may be (kernel.shmmni and its like), at most as many as there are places. */
  limit: number;
  used = 0;

  constructor(limit: number) {
    this.limit = limit;
  }

  /** The rules of shmget, semget and msgget: an id or a negated errno. `fits` checks an object that is there. */
  get(
    creds: Credentials,
    key: number,
    flags: number,
    make: () => T | number,
    fits: (object: T) => number,
  ): number {
    const found = key === IPC_PRIVATE ? undefined : this.keys.get(key);
    if (found === undefined) {
      if (key !== IPC_PRIVATE && (flags & IPC_CREAT) === 0) return -ENOENT;
      return this.add(make);
    }
    if ((flags & (IPC_CREAT | IPC_EXCL)) === (IPC_CREAT | IPC_EXCL)) return -EEXIST;
    const r = fits(found);
    if (r < 0) return r;
    const denied = found.permits(creds, flags);
    return denied < 0 ? denied : found.id;
  }

  private add(make: () => T | number): number {
    if (this.used >= this.limit) return -ENOSPC;
    const object = make();
    if (typeof object === 'number') return object;
    const place = this.freePlace();
    if (place <= this.last) this.sequence = this.sequence >= MAX_SEQUENCE ? 0 : this.sequence + 1;
    this.last = place;
    object.id = this.sequence * PLACES + place;
    this.places[place] = object;
    if (object.key !== IPC_PRIVATE) this.keys.set(object.key, object);
    this.used++;
    return object.id;
  }

  /** Round and round through some more places than are used, so that old identifiers stay unknown for a while. */
  private freePlace(): number {
    const end = Math.min(Math.max(Math.floor((this.used * 3) / 2), MIN_CYCLE), this.limit);
    const after = this.last + 1;
    for (let place = after; place < end; place++) if (this.places[place] === undefined) return place;
    for (let place = 0; place < after; place++) if (this.places[place] === undefined) return place;
    panic('no free place below the limit');
  }

  /** The object with an identifier; -EINVAL, or -EIDRM when its place was given to another. */
  byId(id: number): T | number {
    if (id < 0) return -EINVAL;
    const object = this.places[id % PLACES];
    if (object === undefined) return -EINVAL;
    return object.id === id ? object : -EIDRM;
  }

  /** The object at a place, as IPC_INFO counts them. */
  atPlace(place: number): T | number {
    return this.places[place % PLACES] ?? -EINVAL;
  }

  /** The highest place in use; 0 also when there is none. */
  get highest(): number {
    return Math.max(0, this.places.length - 1);
  }

  /** It can't be found by its key any more. */
  hideKey(object: T): void {
    if (this.keys.get(object.key) === object) this.keys.delete(object.key);
    object.key = IPC_PRIVATE;
  }

  remove(object: T): void {
    this.hideKey(object);
    const place = object.id % PLACES;
    this.places[place] = undefined;
    while (this.places.length > 0 && this.places.at(-1) === undefined) this.places.length--;
    this.used--;
  }

  all(): T[] {
    return this.places.filter((object) => object !== undefined);
  }

  /** A file of /proc/sysvipc: key, identifier, mode, and what the kind adds, as [value, width]. */
  table(more: (object: T) => readonly (readonly [number, number])[]): string {
    const lines = this.all().map((object) => {
      const { key, id, mode } = object;
      const columns = [[key, 10], [id, 10], [mode.toString(8), 5], ...more(object)] as const;
      return `${columns.map(([value, width]) => String(value).padStart(width)).join(' ')}\n`;
    });
    return lines.join('');
  }
}
