/** Random programs of memory calls in a small window, run over our map and by the host's own kernel. */
import { execFileSync } from 'node:child_process';
import { advise } from '../../../sentry/mm/madvise.ts';
import { describe } from '../../../sentry/mm/describe.ts';
import { NO_LIMITS } from '../../../sentry/mm/limits.ts';
import { lockRange, unlockRange } from '../../../sentry/mm/lock-pages.ts';
import { mapMemory, type MapFile, unmapMemory } from '../../../sentry/mm/mmap.ts';
import { protect } from '../../../sentry/mm/mprotect.ts';
import { remap } from '../../../sentry/mm/mremap.ts';
import { sync } from '../../../sentry/mm/msync.ts';
import { FakeCaller, newSpace } from './fake-thread.ts';

const PAGE = 4096;
const START = 0x200000000000;
const PAGES = 24;
const END = START + PAGES * PAGE;
/** Numbers for the replay program, which runs on the machine of the test: x86_64 or arm64. */
const NR =
  process.arch === 'arm64'
    ? {
        mmap: 222,
        mprotect: 226,
        munmap: 215,
        mremap: 216,
        msync: 227,
        madvise: 233,
        munlock: 229,
        mlock2: 284,
      }
    : { mmap: 9, mprotect: 10, munmap: 11, mremap: 25, msync: 26, madvise: 28, munlock: 150, mlock2: 325 };

const ADVICE = [0, 1, 2, 3, 4, 5, 8, 9, 10, 11, 16, 17, 18, 19, 20, 21, 99];
const SHOWN_FLAGS = new Set('rd wr ex sh ms mr mw me gd lo lf sr rr dc nr wf dd nh'.split(' '));

export interface Outcome {
  /** "mmap 200000000000,1000,… : result", one a call. */
  calls: string[];
  /** Rights, offset and VmFlags of each page of the window; "" for a hole. */
  pages: string[];
}

export class MemoryProgram {
  private state: number;
  private readonly caller = new FakeCaller();
  private readonly mm = newSpace(this.caller);
  private readonly lines: string[] = [];
  private readonly names: string[] = [];
  private readonly results: string[] = [];
  private readonly files = new Map<number, MapFile>();

  constructor(seed: number, steps: number) {
    this.state = seed >>> 0;
    const mappable = {
      hostFd: () => 3,
      mapName: () => '/window',
      mapDev: () => 1,
      mapIno: () => 5,
      addMapping: () => undefined,
      removeMapping: () => undefined,
    };
    this.files.set(10, { readable: true, writable: true, noexec: false, mappable });
    this.files.set(11, { readable: true, writable: false, noexec: false, mappable });
    this.files.set(12, { readable: false, writable: true, noexec: false, mappable });
    for (let i = 0; i < steps; i++) this.step();
  }

  get ours(): Outcome {
    const pages = new Array<string>(PAGES).fill('');
    for (const area of describe(this.mm)) {
      put(pages, area.start, area.end, area.rights, area.ino === 0 ? -1 : area.offset, area.vmFlags);
    }
    return { calls: this.names.map((name, i) => `${name} : ${this.results[i]}`), pages };
  }

  /** The same program by `replay` (native/replay.c). */
  linux(replay: string): Outcome {
    const input = `${this.lines.join('\n')}\nmaps\n`;
    const output = execFileSync(replay, [START.toString(16), END.toString(16)], { input })
      .toString()
      .split('\n');
    const pages = new Array<string>(PAGES).fill('');
    for (const line of output.slice(this.names.length)) {
      if (!line.startsWith('area ')) continue;
      const [, start, end, rights, offset, isFile, ...vmFlags] = line.split(' ');
      const at = isFile === '1' ? parseInt(offset!, 16) : -1;
      put(pages, parseInt(start!, 16), parseInt(end!, 16), rights!, at, vmFlags.join(' '));
    }
    return { calls: this.names.map((name, i) => `${name} : ${output[i]}`), pages };
  }

  private step(): void {
    const addr = this.address();
    let len = this.length();
    if (len < END - START && addr + len > END) len = END - addr;
    const caller = this.caller;
    const mm = this.mm;
    switch (this.below(9)) {
      case 0:
      case 1:
      case 2:
        this.map(addr, len);
        break;
      case 3:
        this.record('munmap', [addr, len], unmapMemory(mm, caller, addr, len));
        break;
      case 4: {
        const prot = this.pick(0, 1, 3, 5, 7, 2, 4, 1, 3, 0x8, 0x1000003, 0x2000003, 0x3000003);
        this.record('mprotect', [addr, len, prot], protect(mm, caller, NO_LIMITS, addr, len, prot));
        break;
      }
      case 5:
        this.remap(addr, len);
        break;
      case 6: {
        const advice = this.pick(...ADVICE);
        // Larger ranges meet the test program's own stack and vdso.
        if (len > END - START) len = PAGE;
        this.record('madvise', [addr, len, advice], advise(mm, caller, addr, len, advice, true));
        break;
      }
      case 7:
        if (this.below(2) === 0) {
          this.record('mlock2', [addr, len, 1], lockRange(mm, caller, NO_LIMITS, addr, len, true));
        } else {
          this.record('munlock', [addr, len], unlockRange(mm, caller, addr, len));
        }
        break;
      default: {
        const flags = this.pick(0, 1, 2, 4, 5, 6, 8, 2);
        this.record('msync', [addr, len, flags], sync(mm, caller, addr, len, flags));
      }
    }
  }

  private map(addr: number, length: number): void {
    const kind = this.pick<string | number>('private', 'private', 'shared', 'bad', 10, 10, 11, 12);
    let flags = this.pick(0x10, 0x10, 0x10, 0x100000) | this.pick(0, 0, 0, 0x4000, 0x20000, 0x100);
    const prot = this.pick(0, 1, 3, 3, 3, 5, 7, 2, 4);
    let fd = 0;
    let offset = 0;
    if (typeof kind === 'number') {
      fd = kind;
      offset = PAGE * this.below(8);
      flags |= this.pick(1, 2, 2, 3, 1, 0);
    } else {
      flags |= kind === 'private' ? 0x22 : kind === 'shared' ? 0x21 : this.pick(0x20, 0x23, 0x2f);
    }
    const file = this.files.get(fd) ?? null;
    const r = mapMemory(this.mm, this.caller, NO_LIMITS, { addr, length, prot, flags, offset, file });
    this.record('mmap', [addr, length, prot, flags, fd, offset], r);
  }

  /** Only with results that do not depend on where the host would find room. */
  private remap(addr: number, oldLength: number): void {
    if (oldLength > END - START || oldLength === 0) return;
    let newLength = this.length();
    const flags = this.pick(0, 0, 1, 3, 3, 2, 4, 7, 8, 3, 3);
    const newAddr = this.address();
    const small = newLength < END - START;
    if ((flags & 2) !== 0) {
      if (small && newAddr + newLength > END) newLength = END - newAddr;
    } else if ((flags & 1) !== 0) {
      newLength = Math.min(newLength, oldLength);
    } else if (small && addr + newLength > END) newLength = END - addr;
    const r = remap(this.mm, this.caller, NO_LIMITS, { addr, oldLength, newLength, flags, newAddr });
    this.record('mremap', [addr, oldLength, newLength, flags, newAddr], r);
  }

  private record(name: keyof typeof NR, args: number[], result: number): void {
    const words = [...args, 0, 0, 0, 0, 0, 0].slice(0, 6).map((word) => word.toString(16));
    this.lines.push(`${NR[name]} ${words.join(' ')}`);
    this.names.push(`${name} ${args.map((word) => word.toString(16)).join(',')}`);
    this.results.push(result < 0 ? String(result) : result.toString(16));
  }

  private address(): number {
    return START + this.below(PAGES) * PAGE + (this.below(25) === 0 ? this.pick(1, 0x800) : 0);
  }

  private length(): number {
    if (this.below(30) === 0) return this.pick(0, 1, 0x7fffffffffff, 2 ** 63);
    return PAGE * (1 + this.below(6)) - (this.below(4) === 0 ? this.below(4000) : 0);
  }

  private below(bound: number): number {
    this.state = (Math.imul(this.state, 1664525) + 1013904223) >>> 0;
    return Math.floor((this.state / 4294967296) * bound);
  }

  private pick<T>(...choices: T[]): T {
    return choices[this.below(choices.length)]!;
  }
}

/** offset -1: anonymous. */
function put(
  pages: string[],
  start: number,
  end: number,
  rights: string,
  offset: number,
  vmFlags: string,
): void {
  const flags = vmFlags.split(/\s+/).filter((flag) => SHOWN_FLAGS.has(flag));
  for (let at = start; at < end; at += PAGE) {
    const where = offset < 0 ? '-' : (offset + at - start).toString(16);
    pages[(at - START) / PAGE] = `${rights} ${where} ${flags.sort().join(' ')}`;
  }
}
