/**
 * The protocol between the Sentry and the gofer, in one paragraph. Both ends share a SOCK_SEQPACKET socket; the
 * Sentry sends one request and waits for its one reply, so there are no tags. Everything is little-endian. A
 * request is a u16 operation, a u16 that is the sender's processor + 1, and its fields; a reply is an i32 result
 * (>= 0, or a negated errno), a u32 of padding, and its fields; a failed reply has none (but for WALK). `text` is a
 * u32 length and so many bytes (latin1 in memory); `attrs` are the 16 doubles of addon.fstat(), aligned to 8 bytes
 * from the start of the message; `handle` is a u32 that the gofer gives for a directory, or for a file that has
 * lost its name. All objects are addressed by (handle, name): a single component beneath the directory, or "" for
 * the handle itself; `ino` is the inode number that the Sentry expects there (0: any), and the answer is ESTALE
 * when it is another. Descriptors travel beside the reply as SCM_RIGHTS. Every reply that carries a handle grants
 * it once; CLUNK gives grants back.
 */

export const ATTACH = 1;
export const WALK = 2;
export const OPEN = 3;
export const CREATE = 4;
export const MKDIR = 5;
export const MKNOD = 6;
export const SYMLINK = 7;
export const LINK = 8;
export const UNLINK = 9;
export const RENAME = 10;
export const SETATTR = 11;
export const GETATTR = 12;
export const READDIR = 13;
export const STATFS = 14;
export const GETXATTR = 15;
export const SETXATTR = 16;
export const LISTXATTR = 17;
export const REMOVEXATTR = 18;
export const FSYNC = 19;
export const CLUNK = 20;
export const TMPFILE = 21;
export const MEMORY = 22;
export const READTREE = 23;
export const CONNECT = 24;

export const STORE_MEMORY = 0;
export const STORE_OVERLAY = 1;

export type Field = 'u32' | 'f64' | 'handle' | 'ino' | 'name' | 'text' | 'attrs' | 'fd' | `${string}*`;

export interface MessageRow {
  readonly id: number;
  readonly request: readonly (readonly [string, Field])[];
  readonly reply: readonly (readonly [string, Field])[];
}

/** The message table. The two ends read and write the fields in exactly this order. */
export const messages = {
  attach: {
    id: ATTACH,
    request: [['tree', 'u32']],
    reply: [
      ['handle', 'handle'],
      ['attrs', 'attrs'],
    ],
  },
  // Walks down as far as it can: a symbolic link or another non-directory ends it (with its attributes), as does a
  // missing name (the result is then its errno, after the components found). `target` is a symbolic link's text.
  walk: {
    id: WALK,
    request: [
      ['directory', 'handle'],
      ['count', 'u32'],
      ['names', 'name*'],
    ],
    reply: [
      ['found', 'u32'],
      ['components', 'attrs, handle (0: no directory), text target*'],
    ],
  },
  // Regular files only. access: O_RDONLY, O_WRONLY or O_RDWR. So many `more` are opened for reading along with it, as far
  // as they can be: `opened` says of each whether its descriptor came, in order.
  open: {
    id: OPEN,
    request: [
      ['directory', 'handle'],
      ['ino', 'ino'],
      ['access', 'u32'],
      ['name', 'name'],
      ['more', 'u32'],
      ['others', 'handle, ino, name*'],
    ],
    reply: [
      ['attrs', 'attrs'],
      ['opened', 'u32*'],
      ['files', 'fd*'],
    ],
  },
  // Always exclusive; opened O_RDWR.
  create: {
    id: CREATE,
    request: [
      ['directory', 'handle'],
      ['mode', 'u32'],
      ['uid', 'u32'],
      ['gid', 'u32'],
      ['name', 'name'],
    ],
    reply: [
      ['attrs', 'attrs'],
      ['file', 'fd'],
    ],
  },
  // A connection to a unix socket of the host's, non-blocking. type: SOCK_STREAM or SOCK_DGRAM.
  connect: {
    id: CONNECT,
    request: [
      ['directory', 'handle'],
      ['ino', 'ino'],
      ['type', 'u32'],
      ['name', 'name'],
    ],
    reply: [['socket', 'fd']],
  },
  mkdir: {
    id: MKDIR,
    request: [
      ['directory', 'handle'],
      ['mode', 'u32'],
      ['uid', 'u32'],
      ['gid', 'u32'],
      ['name', 'name'],
    ],
    reply: [
      ['handle', 'handle'],
      ['attrs', 'attrs'],
    ],
  },
  mknod: {
    id: MKNOD,
    request: [
      ['directory', 'handle'],
      ['mode', 'u32'],
      ['uid', 'u32'],
      ['gid', 'u32'],
      ['rdev', 'u32'],
      ['name', 'name'],
    ],
    reply: [['attrs', 'attrs']],
  },
  symlink: {
    id: SYMLINK,
    request: [
      ['directory', 'handle'],
      ['uid', 'u32'],
      ['gid', 'u32'],
      ['name', 'name'],
      ['target', 'text'],
    ],
    reply: [['attrs', 'attrs']],
  },
  link: {
    id: LINK,
    request: [
      ['source', 'handle'],
      ['ino', 'ino'],
      ['directory', 'handle'],
      ['sourceName', 'name'],
      ['name', 'name'],
    ],
    reply: [['attrs', 'attrs']],
  },
  // flags: AT_REMOVEDIR or 0. pin 1: the file stays in use, so a handle for it comes back (0: none could be made).
  unlink: {
    id: UNLINK,
    request: [
      ['directory', 'handle'],
      ['flags', 'u32'],
      ['pin', 'u32'],
      ['name', 'name'],
    ],
    reply: [['pinned', 'handle']],
  },
  // flags and errors of renameat2(2). pin: the same for the file that newName named.
  rename: {
    id: RENAME,
    request: [
      ['oldDirectory', 'handle'],
      ['newDirectory', 'handle'],
      ['flags', 'u32'],
      ['pin', 'u32'],
      ['oldName', 'name'],
      ['newName', 'name'],
    ],
    reply: [['pinned', 'handle']],
  },
  // mask: SET_ bits. Owner first, then mode (chown(2) clears setuid), size, times.
  setattr: {
    id: SETATTR,
    request: [
      ['directory', 'handle'],
      ['ino', 'ino'],
      ['mask', 'u32'],
      ['mode', 'u32'],
      ['uid', 'u32'],
      ['gid', 'u32'],
      ['size', 'f64'],
      ['atimeSec', 'f64'],
      ['atimeNsec', 'f64'],
      ['mtimeSec', 'f64'],
      ['mtimeNsec', 'f64'],
      ['name', 'name'],
    ],
    reply: [['attrs', 'attrs']],
  },
  getattr: {
    id: GETATTR,
    request: [
      ['directory', 'handle'],
      ['ino', 'ino'],
      ['name', 'name'],
    ],
    reply: [['attrs', 'attrs']],
  },
  // cursor 0 starts; the reply's cursor continues, 0: that was all. An entry whose nlink is 0 vanished or could not
  // be read: only its ino and type hold. "." and ".." are left out. A start by name grants the directory's handle.
  // A block, aligned to 8: u32 entries, u32 bytes of names, each entry's attributes, each entry's name and a NUL.
  readdir: {
    id: READDIR,
    request: [
      ['directory', 'handle'],
      ['ino', 'ino'],
      ['cursor', 'u32'],
      ['name', 'name'],
    ],
    reply: [
      ['handle', 'handle'],
      ['cursor', 'u32'],
      ['count', 'u32'],
      ['entries', 'block*'],
    ],
  },
  // Lists subdirectories and what is below them, whole directories only, in the order in which a tree is gone
  // through, until `limit` are listed or the message is full. `above`: 0, the directory itself; n: the nth listing.
  // brief 1: blocks have two doubles in place of an entry's attributes, its inode number and its type (readdir(3)).
  readtree: {
    id: READTREE,
    request: [
      ['directory', 'handle'],
      ['limit', 'u32'],
      ['brief', 'u32'],
      ['count', 'u32'],
      ['names', 'name*'],
    ],
    reply: [
      ['count', 'u32'],
      ['listings', 'u32 above, text name, handle, attrs, u32 blocks, block**'],
    ],
  },
  statfs: { id: STATFS, request: [['directory', 'handle']], reply: [['numbers', '8 f64*']] },
  getxattr: {
    id: GETXATTR,
    request: [
      ['directory', 'handle'],
      ['ino', 'ino'],
      ['name', 'name'],
      ['key', 'text'],
    ],
    reply: [['value', 'text']],
  },
  setxattr: {
    id: SETXATTR,
    request: [
      ['directory', 'handle'],
      ['ino', 'ino'],
      ['flags', 'u32'],
      ['name', 'name'],
      ['key', 'text'],
      ['value', 'text'],
    ],
    reply: [],
  },
  // The keys as listxattr(2) gives them: each ends with NUL.
  listxattr: {
    id: LISTXATTR,
    request: [
      ['directory', 'handle'],
      ['ino', 'ino'],
      ['name', 'name'],
    ],
    reply: [['keys', 'text']],
  },
  removexattr: {
    id: REMOVEXATTR,
    request: [
      ['directory', 'handle'],
      ['ino', 'ino'],
      ['name', 'name'],
      ['key', 'text'],
    ],
    reply: [],
  },
  fsync: {
    id: FSYNC,
    request: [
      ['directory', 'handle'],
      ['ino', 'ino'],
      ['dataOnly', 'u32'],
      ['name', 'name'],
    ],
    reply: [],
  },
  clunk: {
    id: CLUNK,
    request: [
      ['handles', 'u32'],
      ['cursors', 'u32'],
      ['pairs', 'handle, u32 grants*'],
      ['cursor', 'u32*'],
    ],
    reply: [],
  },
  tmpfile: {
    id: TMPFILE,
    request: [
      ['directory', 'handle'],
      ['mode', 'u32'],
      ['uid', 'u32'],
      ['gid', 'u32'],
    ],
    reply: [
      ['handle', 'handle'],
      ['attrs', 'attrs'],
      ['file', 'fd'],
    ],
  },
  // New nameless files for bytes that the Sentry keeps itself, each open for both, and open for reading only. `store` is
  // STORE_MEMORY (tmpfs) or STORE_OVERLAY (on disk, where the container has one).
  memory: {
    id: MEMORY,
    request: [
      ['store', 'u32'],
      ['count', 'u32'],
    ],
    reply: [
      ['made', 'u32'],
      ['files', 'fd writable, fd readable*'],
    ],
  },
} as const satisfies Record<string, MessageRow>;

export const SET_MODE = 1;
export const SET_UID = 2;
export const SET_GID = 4;
export const SET_SIZE = 8;
export const SET_ATIME = 16;
export const SET_MTIME = 32;

/** Largest message either way. The socket's buffers must hold it: see addon.setSocketBuffers(). */
export const MESSAGE_BYTES = 128 * 1024;
/** What each end asks of its socket's buffers. */
export const SOCKET_BUFFER_BYTES = 256 * 1024;
/** Most names of one WALK, so that its reply fits. */
export const WALK_LIMIT = 256;
/** Most names and listings of one READTREE. */
export const TREE_LIMIT = 256;
/** Most files that one OPEN opens beside the one that is asked for. */
export const OPEN_MORE_LIMIT = 64;
/** Most files of one MEMORY. */
export const MEMORY_LIMIT = OPEN_MORE_LIMIT / 2;
/** Most handles or cursors of one CLUNK. */
export const CLUNK_LIMIT = 1024;

/** Places of addon.fstat()'s numbers. */
export const ATTR_DEV = 0;
export const ATTR_INO = 1;
export const ATTR_MODE = 2;
export const ATTR_NLINK = 3;
export const ATTR_UID = 4;
export const ATTR_GID = 5;
export const ATTR_RDEV = 6;
export const ATTR_SIZE = 7;
export const ATTR_BLKSIZE = 8;
export const ATTR_BLOCKS = 9;
export const ATTR_ATIME = 10;
export const ATTR_MTIME = 12;
export const ATTR_CTIME = 14;
export const ATTR_COUNT = 16;
/** An entry in a brief block. */
export const BRIEF_INO = 0;
export const BRIEF_TYPE = 1;
export const BRIEF_COUNT = 2;
