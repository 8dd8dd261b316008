// The filter of a stub: which host calls a guest could make by jumping into the stub's text, with any registers.

import { execFileSync } from 'node:child_process';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join, resolve } from 'node:path';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';

import {
  ADDRESSES,
  FD_DOORBELL,
  FD_FILES,
  FD_SOCKET,
  FD_SOCKETS,
  SOCKET_SLOTS,
} from '../../../native/layout/layout.ts';
import { runProgram } from '../../../sentry/kernel/seccomp-bpf.ts';

const ALLOW = 0x7fff0000;
const TRAP = 0x00030000;
const stub = resolve(import.meta.dirname, '../../../native/stub');

describe.skipIf(process.arch !== 'x64')("the stub's filter", () => {
  let directory: string;
  /** With rules about addresses, and without. */
  let program: DataView;
  let free: DataView;
  beforeAll(() => {
    directory = mkdtempSync(join(tmpdir(), 'runsc-filter-'));
    const binary = join(directory, 'filter');
    const source = join(import.meta.dirname, 'stub-filter.c');
    const end = '-Wl,--defsym=stub_text_end=0x6000';
    execFileSync('gcc', [
      '-O1',
      '-w',
      '-no-pie',
      end,
      '-I',
      stub,
      '-I',
      join(stub, 'x86_64'),
      '-o',
      binary,
      source,
    ]);
    const written = (...args: string[]): DataView => {
      const bytes = execFileSync(binary, args);
      return new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
    };
    program = written();
    free = written('free');
  }, 60_000);
  afterAll(() => rmSync(directory, { recursive: true, force: true }));

  /** The verdict for a call with six arguments, from the first byte of the stub's text. */
  function verdict(
    nr: number,
    args: readonly number[] = [],
    ip: number = ADDRESSES.x86_64.text,
    filter = program,
  ): number {
    const data = new Uint32Array(16);
    data[0] = nr;
    data[1] = 0xc000003e;
    data[2] = ip;
    data[3] = Math.floor(ip / 2 ** 32);
    args.forEach((value, i) => {
      data[4 + 2 * i] = value;
      data[5 + 2 * i] = Math.floor(value / 2 ** 32);
    });
    return runProgram(filter, data) >>> 0;
  }

  test('calls that are allowed with some arguments are those that are listed', () => {
    const listed = [
      1, 9, 10, 11, 15, 17, 19, 20, 25, 26, 27, 28, 44, 45, 47, 3, 56, 60, 131, 149, 157, 158, 202,
    ];
    const more = [228, 233, 271, 281, 292, 324, 436];
    const values = [0, 1, 2, 3, 15, 0x40, 0x4040, 100, 101, 256, 4096, 8191, 0x1001, 0x1002, 0x8011];
    const found = new Set<number>();
    for (let nr = 0; nr < 600; nr++) {
      for (const first of values) {
        for (const other of values) {
          const plain = [first, other, other, other, 0, 0];
          if (
            [plain, [first, 1, 0, other, 0, 0], [first, 0, 0, 0, 0, 0]].some((a) => verdict(nr, a) === ALLOW)
          )
            found.add(nr);
        }
      }
    }
    // clone's flags are exact: not among the values above.
    found.add(56);
    expect([...found].sort((a, b) => a - b)).toEqual([...listed, ...more].sort((a, b) => a - b));
  });

  test('nothing from elsewhere, and nothing of other architectures', () => {
    expect(verdict(9, [], 0x400000)).toBe(TRAP);
    expect(verdict(9, [], ADDRESSES.x86_64.text + 0x5fff)).toBe(ALLOW);
    expect(verdict(9, [], ADDRESSES.x86_64.text + 0x6001)).toBe(TRAP);
    expect(verdict(9, [], ADDRESSES.x86_64.region)).toBe(TRAP);
    expect(verdict(0x40000000 + 9)).toBe(TRAP);
  });

  test('sockets: data alone, of those that were given', () => {
    for (const nr of [44, 45]) {
      const flags = nr === 44 ? 0x4040 : 0x40;
      for (const fd of [FD_SOCKETS, FD_SOCKETS + SOCKET_SLOTS - 1])
        expect(verdict(nr, [fd, 1, 1, flags, 0, 0])).toBe(ALLOW);
      for (const fd of [0, FD_SOCKET, FD_FILES, FD_SOCKETS - 1, FD_SOCKETS + SOCKET_SLOTS])
        expect(verdict(nr, [fd, 1, 1, flags, 0, 0])).toBe(TRAP);
      for (const other of [0, 1, flags | 1, flags | 0x20000000])
        expect(verdict(nr, [FD_SOCKETS, 1, 1, other, 0, 0])).toBe(TRAP);
      // Where there are rules about addresses, the Sentry judges to whom datagrams go.
      for (const address of [1, 2 ** 32, 2 ** 40]) {
        const args = [FD_SOCKETS, 1, 1, flags, address, 16];
        expect(verdict(nr, args)).toBe(nr === 44 ? TRAP : ALLOW);
        expect(verdict(nr, args, ADDRESSES.x86_64.text, free)).toBe(ALLOW);
        expect(verdict(nr, [0, ...args.slice(1)], ADDRESSES.x86_64.text, free)).toBe(TRAP);
      }
    }
    for (const nr of [19, 20]) {
      for (const fd of [FD_SOCKETS, FD_SOCKETS + SOCKET_SLOTS - 1])
        expect(verdict(nr, [fd, 1, 1])).toBe(ALLOW);
      for (const fd of [0, FD_SOCKET, FD_FILES, FD_SOCKETS - 1, FD_SOCKETS + SOCKET_SLOTS])
        expect(verdict(nr, [fd, 1, 1])).toBe(TRAP);
    }
  });

  test('epoll: what was given, of what was given', () => {
    const within = [FD_SOCKETS, FD_SOCKETS + SOCKET_SLOTS - 1];
    const outside = [0, FD_DOORBELL, FD_SOCKET, FD_FILES, FD_SOCKETS - 1, FD_SOCKETS + SOCKET_SLOTS];
    for (const fd of within) {
      expect(verdict(233, [fd, 1, FD_SOCKETS, 1])).toBe(ALLOW);
      expect(verdict(233, [FD_SOCKETS, 1, fd, 1])).toBe(ALLOW);
    }
    for (const fd of outside) {
      expect(verdict(233, [fd, 1, FD_SOCKETS, 1])).toBe(TRAP);
      expect(verdict(233, [FD_SOCKETS, 1, fd, 1])).toBe(TRAP);
      expect(verdict(281, [fd, 1, 1, 0, 0])).toBe(TRAP);
    }
  });

  test('dup3: to where sockets and files are, and no doorbell', () => {
    for (const to of [FD_SOCKETS, FD_SOCKETS + SOCKET_SLOTS - 1, FD_FILES, FD_FILES + 127, FD_SOCKET]) {
      expect(verdict(292, [5, to, 0])).toBe(ALLOW);
      expect(verdict(292, [FD_DOORBELL, to, 0])).toBe(TRAP);
    }
    for (const to of [0, FD_DOORBELL, FD_FILES - 1, FD_FILES + 128, FD_SOCKETS + SOCKET_SLOTS])
      expect(verdict(292, [5, to, 0])).toBe(TRAP);
  });

  test('prctl: a name, and where the arguments are', () => {
    const [name, mm, map] = [15, 35, 14];
    for (const address of [0, 1, 2 ** 40]) {
      expect(verdict(157, [name, address])).toBe(ALLOW);
      expect(verdict(157, [mm, map, address, 104])).toBe(ALLOW);
    }
    for (let option = 0; option < 100; option++) {
      if (option !== name && option !== mm) expect(verdict(157, [option, map])).toBe(TRAP);
      if (option !== map) expect(verdict(157, [mm, option])).toBe(TRAP);
    }
  });

  test('ppoll of a few descriptors, without a mask', () => {
    for (const count of [0, 1, 64]) expect(verdict(271, [1, count, 0, 0])).toBe(ALLOW);
    for (const count of [65, 2 ** 31]) expect(verdict(271, [1, count, 0, 0])).toBe(TRAP);
    for (const mask of [1, 2 ** 32]) expect(verdict(271, [1, 1, 0, mask])).toBe(TRAP);
  });
});
