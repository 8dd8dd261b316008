/** Where the bytes of larger tmpfs files are: nameless host files, which guests can map. */
import { addon } from '../../native/addon.ts';

const MFD_CLOEXEC = 1;

/** A new empty file by two descriptors; the store's user closes both. */
export interface StoredFile {
  readonly fd: number;
  /** The same file for reading only: what a guest that may not write gets. */
  readonly readFd: number;
}

export interface FileStore {
  /** True when the file is memory: the kernel may map it and touch its pages like its own. */
  readonly inMemory: boolean;
  /** A negated errno when there is no room. */
  make(): StoredFile | number;
}

/** Memory files without a read-only side: for a kernel without a gofer, as tests have it. */
const memfds: FileStore = {
  inMemory: true,
  make() {
    const fd = addon.memfdCreate('tmpfs', MFD_CLOEXEC);
    const readFd = fd < 0 ? fd : addon.dup(fd);
    return readFd < 0 ? readFd : { fd, readFd };
  },
};

let store = memfds;

/** The store of every filesystem that isn't given one of its own. */
export function defaultStore(): FileStore {
  return store;
}
export function setDefaultStore(to: FileStore): void {
  store = to;
}
