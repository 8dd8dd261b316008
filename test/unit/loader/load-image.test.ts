/** Loading whole programs from the host's own files into a recorded address space. */
import {
  closeSync,
  mkdtempSync,
  openSync,
  readFileSync,
  readSync,
  rmSync,
  statSync,
  writeFileSync,
} from 'node:fs';
import { execFileSync } from 'node:child_process';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe as suite, expect, it } from 'vitest';
import { ELIBBAD, ELOOP, ENOENT, ENOEXEC, ETXTBSY } from '../../../sentry/abi/errno.ts';
import { Credentials } from '../../../sentry/auth/credentials.ts';
import { loadImage, type ExecRequest, type LoadedImage } from '../../../sentry/loader/load-image.ts';
import { describe } from '../../../sentry/mm/describe.ts';
import type { Mappable } from '../../../sentry/mm/mappable.ts';
import { OP_MMAP, OP_ZERO, type Platform } from '../../../platform/platform.ts';
import { setArena, u8 } from '../../../platform/arena.ts';
import type { CallerContext } from '../../../sentry/vfs/context.ts';
import { FileDescription } from '../../../sentry/vfs/file-description.ts';
import { type Filesystem, Inode } from '../../../sentry/vfs/inode.ts';
import { FakeCaller, MAX, MIN } from '../mm/fake-thread.ts';

class HostInode extends Inode {
  readonly fs = {} as Filesystem;
  constructor(mode: number) {
    super();
    this.mode = mode;
  }
  stat(): number {
    return 0;
  }
  open(): number {
    return -ENOENT;
  }
}

/** A file of the host, opened for reading. */
class HostFile extends FileDescription implements Mappable {
  private readonly fd: number;
  private readonly hostPath: string;
  mappings = 0;
  constructor(hostPath: string) {
    super(0, null, new HostInode(statSync(hostPath).mode));
    this.hostPath = hostPath;
    this.fd = openSync(hostPath, 'r');
  }
  override pread(buf: Uint8Array, off: number, len: number, pos: number): number {
    return readSync(this.fd, buf, off, len, pos);
  }
  override mappable(): Mappable {
    return this;
  }
  hostFd(): number {
    return this.fd;
  }
  mapName(): string {
    return this.hostPath;
  }
  mapDev(): number {
    return 1;
  }
  mapIno(): number {
    return 1;
  }
  addMapping(): void {
    this.mappings++;
  }
  removeMapping(): void {
    this.mappings--;
  }
  override release(): void {
    closeSync(this.fd);
  }
}

const caller = { current: new FakeCaller() };
const opened: HostFile[] = [];

function openHost(path: string): HostFile | number {
  try {
    const file = new HostFile(path);
    opened.push(file);
    return file;
  } catch {
    return -ENOENT;
  }
}

function load(path: string, fields: Partial<ExecRequest> = {}): LoadedImage | number {
  caller.current = new FakeCaller();
  opened.length = 0;
  const platform = {
    minAddress: MIN,
    maxAddress: MAX,
    vdso: 0x7ffe12345000,
    vdsoStart: 0x7ffe12341000,
    vdsoEnd: 0x7ffe12347000,
    hwcap: 1,
    hwcap2: 2,
    minSigStackSize: 2048,
    newSpace: () => caller.current.thread,
  } as unknown as Platform;
  const file = openHost(path);
  if (typeof file === 'number') return file;
  return loadImage({
    platform,
    spaces: platform,
    ctx: {} as CallerContext,
    file,
    path,
    argv: [path, 'one'],
    envp: ['A=b'],
    openExec: openHost,
    credentialsFor: () => ({ creds: new Credentials(), secure: false }),
    stackLimit: 8 << 20,
    noRandomize: false,
    pathInaccessible: false,
    ...fields,
  });
}

function loaded(path: string, fields: Partial<ExecRequest> = {}): LoadedImage {
  const image = load(path, fields);
  if (typeof image === 'number') throw new Error(`not loaded: ${image}`);
  return image;
}

/** argv as it was put into the slot for the stack. */
function argvOf(image: LoadedImage): string[] {
  const out = caller.current.copyOuts[0]!;
  expect(out.addr).toBe(image.sp);
  const bytes = Buffer.from(u8.buffer, out.offset, out.len);
  const argc = Number(bytes.readBigUInt64LE(0));
  const texts: string[] = [];
  for (let i = 1; i <= argc; i++) {
    const at = Number(bytes.readBigUInt64LE(8 * i)) - image.sp;
    texts.push(bytes.latin1Slice(at, bytes.indexOf(0, at)));
  }
  return texts;
}

suite('loadImage', () => {
  let dir = '';
  const file = (name: string): string => join(dir, name);
  beforeAll(() => {
    setArena(new ArrayBuffer(65536));
    dir = mkdtempSync(join(tmpdir(), 'loader-'));
    writeFileSync(
      file('p.c'),
      'static volatile char big[100000]; int data = 3; int main(void){ return big[5] + data; }\n',
    );
    execFileSync('gcc', ['-O1', '-static', '-no-pie', '-o', file('static'), file('p.c')]);
    execFileSync('gcc', ['-O1', '-o', file('dynamic'), file('p.c')]);
    execFileSync('gcc', ['-O1', '-static-pie', '-o', file('static-pie'), file('p.c')]);
    execFileSync('gcc', ['-O1', '-z', 'execstack', '-o', file('execstack'), file('p.c')]);
    for (let i = 1; i <= 7; i++)
      writeFileSync(file(`s${i}`), `#!${i === 1 ? file('static') : file(`s${i - 1}`)} a${i}\n`);
  });
  afterAll(() => {
    rmSync(dir, { recursive: true });
  });

  it('maps a static program where it wants to be, with zeroed .bss and a heap behind it', () => {
    const image = loaded(file('static'));
    const entry = Number(readFileSync(file('static')).readBigUInt64LE(24));
    expect(image.ip).toBe(entry);
    expect(image.name).toBe('static');
    const { mm } = image;
    expect(mm.isPatchable(image.ip)).toBe(true);
    expect(mm.canAccess(image.sp, 64, true)).toBe(true);
    expect(mm.canAccess(mm.endData, 100000, true)).toBe(true);
    expect(mm.brk).toBeGreaterThanOrEqual(mm.endData + 100000);
    const zero = caller.current.ops.find((op) => op.op === OP_ZERO)!;
    expect(zero.args[0]).toBe(mm.endData);
    expect((zero.args[0]! + zero.args[1]!) % 4096).toBe(0);
    const stack = describe(mm).find((area) => area.name === '[stack]')!;
    expect([stack.end - stack.start, stack.rights]).toEqual([8 << 20, 'rw-p']);
    expect(describe(mm).map((area) => area.name)).toContain('[vdso]');
    // One descriptor for each file mapping, in order.
    const fileMaps = caller.current.ops.filter((op) => op.op === OP_MMAP && op.args[4] === -2);
    expect(caller.current.donated.length).toBe(fileMaps.length);
    expect(argvOf(image)).toEqual([file('static'), 'one']);
  });

  it('maps a dynamic program and its interpreter, randomised', () => {
    const image = loaded(file('dynamic'));
    const again = loaded(file('dynamic'));
    expect(image.mm.startCode).not.toBe(again.mm.startCode);
    expect(image.mm.startCode).toBeGreaterThan(0x555555554000);
    expect(image.mm.startCode).toBeLessThan(0x555555554000 + 2 ** 41);
    const interpreter = describe(image.mm).find((area) => area.name.includes('ld-linux'))!;
    expect(image.ip).toBeGreaterThan(interpreter.start);
    expect(interpreter.start).toBeGreaterThan(image.mm.brk);
    const fixed = loaded(file('dynamic'), { noRandomize: true });
    expect(fixed.mm.startBrk % 4096).toBe(0);
    expect(Math.floor(fixed.mm.startCode / 0x10000)).toBe(Math.floor(0x555555550000 / 0x10000));
  });

  it('puts a static PIE among the mappings and its heap apart', () => {
    const image = loaded(file('static-pie'));
    expect(image.mm.startCode).toBeGreaterThan(0x600000000000);
    expect(image.mm.brk).toBeLessThan(0x600000000000);
  });

  it('makes the stack executable when the file asks for it', () => {
    const image = loaded(file('execstack'));
    expect(describe(image.mm).find((area) => area.name === '[stack]')!.rights).toBe('rwxp');
  });

  it('follows scripts, five deep', () => {
    const image = loaded(file('s2'));
    expect(argvOf(image)).toEqual([file('static'), 'a1', file('s1'), 'a2', file('s2'), 'one']);
    expect(image.name).toBe('s2');
    expect(typeof load(file('s5'))).toBe('object');
    expect(load(file('s6'))).toBe(-ELOOP);
    expect(load(file('s1'), { pathInaccessible: true })).toBe(-ENOENT);
    writeFileSync(file('nowhere'), '#!/no/such/file\n');
    expect(load(file('nowhere'))).toBe(-ENOENT);
  });

  it('refuses what is no program', () => {
    const elf = readFileSync(file('dynamic'));
    const changed = (name: string, edit: (bytes: Buffer) => void): string => {
      const bytes = Buffer.from(elf);
      edit(bytes);
      writeFileSync(file(name), bytes);
      return file(name);
    };
    writeFileSync(file('empty'), '');
    writeFileSync(file('text'), 'hello\n');
    expect(load(file('empty'))).toBe(-ENOEXEC);
    expect(load(file('text'))).toBe(-ENOEXEC);
    expect(load(changed('machine', (b) => b.writeUInt16LE(3, 18)))).toBe(-ENOEXEC);
    expect(load(changed('type', (b) => b.writeUInt16LE(1, 16)))).toBe(-ENOEXEC);
    expect(load(changed('phentsize', (b) => b.writeUInt16LE(32, 54)))).toBe(-ENOEXEC);
    expect(load(changed('phoff', (b) => b.writeBigUInt64LE(1n << 40n, 32)))).toBe(-ENOEXEC);
    writeFileSync(
      file('interpreter'),
      'no ELF file, but long enough to hold a header, which has sixty-four bytes',
    );
    const linker = `-Wl,--dynamic-linker=${file('interpreter')}`;
    execFileSync('gcc', [linker, '-o', file('odd'), file('p.c')]);
    expect(load(file('odd'))).toBe(-ELIBBAD);
    rmSync(file('interpreter'));
    expect(load(file('odd'))).toBe(-ENOENT);
  });

  it('survives damaged headers', () => {
    const elf = readFileSync(file('dynamic'));
    let state = 1;
    const below = (bound: number): number => {
      state = (Math.imul(state, 1664525) + 1013904223) >>> 0;
      return Math.floor((state / 4294967296) * bound);
    };
    let refused = 0;
    for (let round = 0; round < 300; round++) {
      const bytes = Buffer.from(elf);
      for (let k = 0; k < 3; k++) {
        const at = 16 + below(64 + 13 * 56 - 24);
        if (below(2) === 0) bytes[at] = below(256);
        else bytes.writeBigUInt64LE(BigInt(below(2 ** 32)) << BigInt(below(33)), at - (at % 8));
      }
      writeFileSync(file('damaged'), bytes);
      const image = load(file('damaged'));
      if (typeof image !== 'number') {
        for (const area of describe(image.mm)) expect(area.start).toBeGreaterThanOrEqual(MIN);
        image.mm.release();
      } else {
        expect(image).toBeLessThan(0);
        refused++;
      }
      expect(opened.map((f) => [f.mappings, f.refs])).toEqual(opened.map(() => [0, 0]));
    }
    expect(refused).toBeGreaterThan(50);
  });

  it('denies writing while the program runs, and lets go of everything at the end', () => {
    const image = loaded(file('dynamic'));
    const { inode } = image.file;
    expect(inode!.writers).toBe(-1);
    const child = image.mm.fork(caller.current.thread.space);
    expect(inode!.writers).toBe(-2);
    child.release();
    image.mm.release();
    expect(inode!.writers).toBe(0);
    expect(opened.map((f) => [f.mappings, f.refs])).toEqual(opened.map(() => [0, 0]));
    const busy = openHost(file('static')) as HostFile;
    busy.inode!.writers = 1;
    expect(load('/', { file: busy, path: 'busy' })).toBe(-ETXTBSY);
  });

  it('brings a stack too big for the slot as a mapped file', () => {
    const envp = Array.from({ length: 20 }, (_, i) => `V${i}=`.padEnd(50_000, 'v'));
    const image = loaded(file('static'), { envp });
    expect(caller.current.copyOuts).toEqual([]);
    const last = caller.current.ops.filter(({ op }) => op === OP_MMAP).at(-1)!;
    expect(last.args[0]! <= image.sp && last.args[0]! + last.args[1]! > image.sp).toBe(true);
  });
});
