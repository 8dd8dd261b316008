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
  rro: MS_RDONLY,
  rnosuid: MS_NOSUID,
  rnodev: MS_NODEV,
  rnoexec: MS_NOEXEC,
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

/** Words that mean nothing to this kernel: defaults, copy-up hints, labels. */
const IGNORED = new Set([
  'defaults',
  'silent',
  'loud',
  'mand',
  'nomand',
  'iversion',
  'noiversion',
  'tmpcopyup',
  'acl',
  'noacl',
]);

export function parseMountOptions(words: readonly string[]): MountOptions {
  const out: MountOptions = { flags: 0, propagation: null, propagationRecursive: false, data: '' };
  const data: string[] = [];
  for (const word of words) {
    const set = SET[word];
    const clear = CLEAR[word];
    const propagation = PROPAGATION[word];
    if (set !== undefined) out.flags |= set;
    else if (clear !== undefined) out.flags &= ~clear;
    else if (propagation !== undefined) [out.propagation, out.propagationRecursive] = propagation;
    else if (!IGNORED.has(word)) data.push(word);
  }
  out.data = data.join(',');
  return out;
}
