/** Sentry and gofer come from images of themselves; where an image does not fit, Node starts instead. */
import { spawnSync } from 'node:child_process';
import {
  copyFileSync,
  existsSync,
  mkdtempSync,
  openSync,
  readFileSync,
  rmSync,
  statSync,
  truncateSync,
  writeFileSync,
} from 'node:fs';
import { tmpdir } from 'node:os';
import { join, resolve } from 'node:path';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { IMAGE_FD, IMAGE_PROOF_STATUS } from '../../runsc/sandbox/boot-document.ts';
import { findImages, type Images } from '../../runsc/sandbox/images.ts';
import { installedPrograms } from '../../runsc/sandbox/package-files.ts';

const PROGRAM_FD = IMAGE_FD + 1;
const x64 = process.arch === 'x64';

describe.runIf(x64)('images', () => {
  let images: Images;
  let directory: string;

  beforeAll(async () => {
    images = (await findImages(installedPrograms()))!;
    directory = mkdtempSync(join(tmpdir(), 'runsc-images-'));
  });
  afterAll(() => {
    rmSync(directory, { recursive: true });
  });

  /** Executes the restorer with an image, and echo(1) for the case that it does not fit. */
  function restore(image: string, program = '/bin/echo') {
    const stdio: (number | 'pipe')[] = Array<number>(PROGRAM_FD + 1).fill(openSync('/dev/null', 'r+'));
    stdio[1] = stdio[2] = 'pipe';
    stdio[IMAGE_FD] = openSync(image, 'r');
    stdio[PROGRAM_FD] = openSync(program, 'r');
    const { status, signal, stdout } = spawnSync(images.restorer, ['instead'], {
      stdio,
      env: {},
      timeout: 20_000,
    });
    return { status, signal, stdout: String(stdout) };
  }
  const echoed = { status: 0, signal: null, stdout: 'instead\n' };

  test('are made by the build, for their owner only', () => {
    for (const path of [images.sentry, images.gofer]) {
      expect(existsSync(path)).toBe(true);
      expect(statSync(path).mode & 0o777).toBe(0o600);
    }
  });

  test('another program than the one that was written: the program starts', () => {
    expect(restore(images.gofer)).toEqual(echoed);
  });

  test.each([
    ['nothing', (path: string) => truncateSync(path, 0)],
    ['less than a header', (path: string) => truncateSync(path, 4096)],
    ['not all of it', (path: string) => truncateSync(path, statSync(path).size - 4096)],
    ['no image', (path: string) => writeFileSync(path, Buffer.alloc(1 << 20, 'x'))],
    ['another processor', (path: string) => flip(path, 16)],
    ['another vdso', (path: string) => flip(path, 24)],
  ])('%s: the program starts', (_what, damage) => {
    const path = join(directory, 'image');
    copyFileSync(images.gofer, path);
    damage(path);
    expect(restore(path)).toEqual(echoed);
  });

  test.each(['sentry', 'gofer'] as const)('what comes from an image is the program: %s', (name) => {
    // Its boot document is empty.
    expect(restore(images[name], process.execPath)).toEqual({
      status: IMAGE_PROOF_STATUS,
      signal: null,
      stdout: '',
    });
  });

  test('a container’s Sentry comes from one', () => {
    const log = join(directory, 'debug.log');
    const runsc = resolve(import.meta.dirname, '../../runsc/bin/runsc');
    const { status } = spawnSync(runsc, ['--debug', '--debug-log', log, 'do', '--', 'true'], {
      encoding: 'utf8',
    });
    expect(status).toBe(0);
    expect(readFileSync(log, 'utf8')).toContain('started from an image');
  });
});

function flip(path: string, offset: number): void {
  const bytes = readFileSync(path);
  bytes[offset]! ^= 0xff;
  writeFileSync(path, bytes);
}
