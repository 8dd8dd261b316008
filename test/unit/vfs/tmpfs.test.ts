/** tmpfs: limits, holes, growth out of the heap, seals, mappings, what unlinking frees, big directories. */
import { existsSync, readdirSync } from 'node:fs';
import { describe, expect, it } from 'vitest';
import { EBUSY, EINVAL, ENOSPC, ENXIO, EPERM } from '../../../sentry/abi/errno.ts';
import {
  F_SEAL_GROW,
  F_SEAL_SEAL,
  F_SEAL_SHRINK,
  F_SEAL_WRITE,
  FALLOC_FL_KEEP_SIZE,
  FALLOC_FL_PUNCH_HOLE,
  O_APPEND,
  O_CREAT,
  O_RDWR,
  SEEK_DATA,
  SEEK_HOLE,
} from '../../../sentry/abi/fcntl.ts';
import { createMemfd } from '../../../sentry/fs/tmpfs/memfd.ts';
import { Tmpfs } from '../../../sentry/fs/tmpfs/tmpfs.ts';
import { evictAll } from '../../../sentry/vfs/dcache.ts';
import type { FileDescription } from '../../../sentry/vfs/file-description.ts';
import type { StatFs } from '../../../sentry/vfs/inode.ts';
import { makeDirectory, removeDirectory, removeFile } from '../../../sentry/vfs/names.ts';
import { at, list, open, put, stat, tmpfs, world, type World } from './world.ts';
import { cpuMs, expectLinear } from '../../support/cpu-time.ts';

const MIB = 1 << 20;

function free(fs: Tmpfs): number {
  const out: StatFs = { type: 0, bsize: 0, blocks: 0, bfree: 0, bavail: 0, files: 0, ffree: 0, namelen: 0 };
  fs.statfs(out);
  return out.bfree;
}

function write(t: World, file: FileDescription, text: string, pos: number): number {
  return file.pwrite(Buffer.from(text), 0, text.length, pos, t);
}

function memfds(): number {
  return readdirSync('/proc/self/fd').length;
}

describe('content', () => {
  it('agrees with a plain buffer through random writes, reads and truncations', () => {
    const { t } = world();
    const file = open(t, '/f', O_RDWR | O_CREAT);
    let model = Buffer.alloc(0);
    let seed = 7;
    const next = (below: number): number => {
      seed = (seed * 1103515245 + 12345) & 0x7fffffff;
      return (seed >>> 8) % below;
    };
    for (let step = 0; step < 600; step++) {
      const pos = next(step < 300 ? 100_000 : 3 * MIB);
      if (next(8) === 0) {
        file.truncate(pos);
        model =
          pos <= model.length
            ? model.subarray(0, pos)
            : Buffer.concat([model, Buffer.alloc(pos - model.length)]);
      } else if (next(2) === 0) {
        const bytes = Buffer.alloc(1 + next(next(2) === 0 ? 40 : 9000), 1 + next(255));
        expect(file.pwrite(bytes, 0, bytes.length, pos, t)).toBe(bytes.length);
        const longer = Buffer.alloc(Math.max(model.length, pos + bytes.length));
        model.copy(longer);
        bytes.copy(longer, pos);
        model = longer;
      } else {
        const got = Buffer.alloc(5000, 0xee);
        const n = file.pread(got, 0, 5000, pos, t);
        expect(n).toBe(Math.max(0, Math.min(5000, model.length - pos)));
        expect(got.subarray(0, n).equals(model.subarray(pos, pos + n))).toBe(true);
      }
      expect(file.inode!.size()).toBe(model.length);
    }
    file.decRef();
  });

  it('has holes', () => {
    const { t } = world();
    const file = open(t, '/f', O_RDWR | O_CREAT);
    file.truncate(8 * MIB);
    write(t, file, 'x', 4 * MIB);
    expect(file.seek(0, SEEK_DATA)).toBe(4 * MIB);
    expect(file.seek(4 * MIB, SEEK_HOLE)).toBe(4 * MIB + 4096);
    expect(file.seek(5 * MIB, SEEK_DATA)).toBe(-ENXIO);
    expect(stat(t, '/f').blocks).toBe(8);
    expect(file.allocate(FALLOC_FL_PUNCH_HOLE | FALLOC_FL_KEEP_SIZE, 0, 8 * MIB)).toBe(0);
    expect(stat(t, '/f').blocks).toBe(0);
    file.decRef();
  });

  it('appends at the end whatever the position', () => {
    const { t } = world();
    put(t, '/f', 'abc');
    const file = open(t, '/f', O_RDWR | O_APPEND);
    expect(write(t, file, 'de', 0)).toBe(2);
    expect(file.inode!.size()).toBe(5);
    file.decRef();
  });
});

describe('limits', () => {
  it('ends with ENOSPC at size= and gives back what is removed', () => {
    const fs = tmpfs('size=1m');
    const { t } = world(fs);
    const file = open(t, '/f', O_RDWR | O_CREAT);
    const bytes = Buffer.alloc(700 * 1024, 1);
    expect(file.pwrite(bytes, 0, bytes.length, 0, t)).toBe(bytes.length);
    expect(file.pwrite(bytes, 0, bytes.length, bytes.length, t)).toBe(MIB - bytes.length);
    expect(file.pwrite(bytes, 0, 1, MIB, t)).toBe(-ENOSPC);
    // What is there already can be written over.
    expect(file.pwrite(bytes, 0, bytes.length, 0, t)).toBe(bytes.length);
    expect(file.allocate(0, 0, 2 * MIB)).toBe(-ENOSPC);
    expect(free(fs)).toBe(0);
    removeFile(t, null, '/f');
    expect(free(fs)).toBe(0);
    file.decRef();
    evictAll();
    expect(free(fs)).toBe(256);
  });

  it('counts inodes', () => {
    const { t } = world(tmpfs('nr_inodes=3'));
    expect(makeDirectory(t, null, '/a', 0o755)).toBe(0);
    expect(makeDirectory(t, null, '/b', 0o755)).toBe(0);
    expect(makeDirectory(t, null, '/c', 0o755)).toBe(0);
    expect(makeDirectory(t, null, '/d', 0o755)).toBe(-ENOSPC);
    expect(removeDirectory(t, null, '/a')).toBe(0);
    evictAll();
    expect(makeDirectory(t, null, '/d', 0o755)).toBe(0);
  });

  it.each(['size=x', 'mode=9', 'uid=-1', 'nonsense', 'size=12q', 'nr_inodes='])('refuses %s', (options) => {
    expect(Tmpfs.create(options, MIB)).toBe(-EINVAL);
  });

  it('takes its options', () => {
    const fs = tmpfs('size=50%,mode=0711,uid=3,gid=4');
    const root = fs.root();
    expect([root.mode & 0o7777, root.uid, root.gid, free(fs)]).toEqual([0o711, 3, 4, 131072]);
    expect(fs.showOptions()).toBe('size=524288k,mode=711,uid=3,gid=4');
    expect(fs.remount('size=1m')).toBe(0);
    expect(free(fs)).toBe(256);
  });
});

describe('host descriptors', () => {
  it('are closed when name, descriptions and mappings are gone, in any order', () => {
    const { t } = world();
    const before = memfds();
    const file = open(t, '/f', O_RDWR | O_CREAT);
    const inode = file.inode!;
    const mapping = file.mappable()!;
    expect(existsSync(`/proc/self/fd/${mapping.hostFd(true)}`)).toBe(true);
    mapping.addMapping(true);
    expect(memfds()).toBe(before + 2);
    removeFile(t, null, '/f');
    file.decRef();
    evictAll();
    expect(inode.refs).toBe(0);
    expect(memfds()).toBe(before + 2);
    mapping.removeMapping(true);
    expect(memfds()).toBe(before);
  });

  it('go with the filesystem when it is unmounted', () => {
    const { ns, t } = world();
    makeDirectory(t, null, '/m', 0o755);
    const before = memfds();
    const mounted = ns.mount(tmpfs(), at(t, '/m'), 0, 'x');
    const file = open(t, '/m/f', O_RDWR | O_CREAT);
    file.mappable()!.hostFd(true);
    file.decRef();
    expect(memfds()).toBe(before + 2);
    expect(ns.umount(mounted as never, false, () => true)).toBe(-EBUSY);
    expect(ns.umount(mounted as never, false, () => false)).toBe(0);
    expect(memfds()).toBe(before);
  });
});

describe('memfd', () => {
  it('seals', () => {
    const { t } = world();
    const plain = createMemfd(t, 'plain', 0) as FileDescription;
    expect(plain.inode!.seals()).toBe(F_SEAL_SEAL);
    expect(plain.inode!.addSeals(F_SEAL_GROW)).toBe(-EPERM);
    const file = createMemfd(t, 'sealed', 2) as FileDescription;
    file.incRef();
    expect(write(t, file, 'abcdef', 0)).toBe(6);
    expect(file.inode!.addSeals(F_SEAL_GROW | F_SEAL_SHRINK)).toBe(0);
    expect(write(t, file, 'ABC', 0)).toBe(3);
    expect(write(t, file, 'x', 6)).toBe(-EPERM);
    expect(file.truncate(3)).toBe(-EPERM);
    const mapping = file.mappable()!;
    mapping.addMapping(true);
    expect(file.inode!.addSeals(F_SEAL_WRITE)).toBe(-EBUSY);
    mapping.removeMapping(true);
    expect(file.inode!.addSeals(F_SEAL_WRITE | F_SEAL_SEAL)).toBe(0);
    expect(write(t, file, 'x', 0)).toBe(-EPERM);
    expect(mapping.hostFd(true)).toBe(-EPERM);
    expect(mapping.hostFd(false)).toBeGreaterThan(0);
    expect(file.inode!.addSeals(F_SEAL_GROW)).toBe(-EPERM);
    file.decRef();
  });
});

describe('directories', () => {
  it('list 40,000 entries in linear time while they are removed', () => {
    expectLinear((count) => {
      const { t } = world();
      makeDirectory(t, null, '/d', 0o755);
      for (let i = 0; i < count; i++) put(t, `/d/f${i}`, '');
      const dir = open(t, '/d', 0o200000);
      const start = cpuMs();
      let seen = 0;
      for (let took = 1; took > 0;) {
        took = 0;
        const names: string[] = [];
        dir.readdir(
          {
            add: (name) => {
              if (took === 100) return false;
              took++;
              if (name.startsWith('f')) names.push(name);
              return true;
            },
          },
          t,
        );
        seen += names.length;
        for (const name of names) expect(removeFile(t, null, `/d/${name}`)).toBe(0);
      }
      dir.decRef();
      expect(seen).toBe(count);
      expect(list(t, '/d')).toEqual([]);
      return cpuMs() - start;
    });
  });
});
