/** Mount options of config.json (config.md, "Mounts"; mount(8)): flags, propagation, and what is left for the filesystem. */
import {
  MS_BIND,
  MS_DIRSYNC,
  MS_LAZYTIME,
  MS_NOATIME,
  MS_NODEV,
  MS_NODIRATIME,
  MS_NOEXEC,
  MS_NOSUID,
  MS_NOSYMFOLLOW,
  MS_RDONLY,
  MS_REC,
  MS_RELATIME,
  MS_REMOUNT,
  MS_STRICTATIME,
  MS_SYNCHRONOUS,
} from '../../sentry/abi/mount.ts';

type Propagation = 'shared' | 'private' | 'slave' | 'unbindable';

export interface MountOptions {
  flags: number;
  propagation: Propagation | null;
  propagationRecursive: boolean;
  /** A tmpfs begins with what the directory beneath it holds. */
  copyUp: boolean;
  /** Comma-separated, for the filesystem itself. */
  data: string;
}

const SET: Readonly<Record<string, number>> = {
  ro: MS_RDONLY,
  nosuid: MS_NOSUID,
  nodev: MS_NODEV,
  noexec: MS_NOEXEC,
  noatime: MS_NOATIME,
  nodiratime: MS_NODIRATIME,
  relatime: MS_RELATIME,
  strictatime: MS_STRICTATIME,
  lazytime: MS_LAZYTIME,
  sync: MS_SYNCHRONOUS,
  dirsync: MS_DIRSYNC,
  remount: MS_REMOUNT,
  bind: MS_BIND,
  rbind: MS_BIND | MS_REC,
  nosymfollow: MS_NOSYMFOLLOW,
};

const CLEAR: Readonly<Record<string, number>> = {
  rw: MS_RDONLY,
  suid: MS_NOSUID,
  dev: MS_NODEV,
  exec: MS_NOEXEC,
  atime: MS_NOATIME,
  diratime: MS_NODIRATIME,
  norelatime: MS_RELATIME,
  nostrictatime: MS_STRICTATIME,
  nolazytime: MS_LAZYTIME,
  async: MS_SYNCHRONOUS,
  symfollow: MS_NOSYMFOLLOW,
};

const PROPAGATION: Readonly<Record<string, readonly [Propagation, boolean]>> = {
  shared: ['shared', false],
  rshared: ['shared', true],
  private: ['private', false],
  rprivate: ['private', true],
  slave: ['slave', false],
  rslave: ['slave', true],
  unbindable: ['unbindable', false],
  runbindable: ['unbindable', true],
};

/**
 * mount_setattr(2) with AT_RECURSIVE: options with an `r` in front, for the mount and all beneath it.
 */
const RECURSIVE: ReadonlySet<string> = new Set([
  ...['ro', 'rw', 'nosuid', 'suid', 'nodev', 'dev', 'noexec', 'exec', 'noatime', 'atime', 'nodiratime'],
  ...['diratime', 'relatime', 'norelatime', 'strictatime', 'nostrictatime', 'nosymfollow', 'symfollow'],
]);

/** Words that mean nothing to this kernel: defaults, labels. */
const IGNORED = new Set([
  'defaults',
  'silent',
  'loud',
  'mand',
  'nomand',
  'iversion',
  'noiversion',
  'acl',
  'noacl',
  // The gofer's mounts are, so that the files come with the ids.
  'idmap',
  'ridmap',
]);

/** Every option of config.json that is understood, besides those of the filesystems themselves. */
export const MOUNT_OPTIONS: readonly string[] = [
  ...Object.keys(SET),
  ...Object.keys(CLEAR),
  ...Object.keys(PROPAGATION),
  ...[...RECURSIVE].map((word) => `r${word}`),
  ...IGNORED,
  'tmpcopyup',
];

export function parseMountOptions(words: readonly string[]): MountOptions {
  const out: MountOptions = {
    flags: 0,
    propagation: null,
    propagationRecursive: false,
    copyUp: false,
    data: '',
  };
  const data: string[] = [];
  for (const word of words) {
    const propagation = PROPAGATION[word];
    if (setFlag(out, word)) continue;
    if (propagation !== undefined) [out.propagation, out.propagationRecursive] = propagation;
    else if (word.startsWith('r') && RECURSIVE.has(word.slice(1))) setFlag(out, word.slice(1));
    else if (word === 'tmpcopyup') out.copyUp = true;
    else if (!IGNORED.has(word)) data.push(word);
  }
  out.data = data.join(',');
  return out;
}

/** Those that are for what is mounted beneath as well, as the same without `r`. */
export function recursiveOptions(words: readonly string[]): string[] {
  return words.flatMap((word) =>
    word.startsWith('r') && RECURSIVE.has(word.slice(1)) ? [word.slice(1)] : [],
  );
}

function setFlag(out: MountOptions, word: string): boolean {
  const set = SET[word];
  const clear = CLEAR[word];
  if (set !== undefined) out.flags |= set;
  else if (clear !== undefined) out.flags &= ~clear;
  return set !== undefined || clear !== undefined;
}
