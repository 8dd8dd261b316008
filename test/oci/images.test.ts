/** Sentry and gofer come from images of themselves; where an image does not fit, Node starts instead. */
import { spawnSync } from 'node:child_process';
import {
  copyFileSync,
  existsSync,
  mkdirSync,
  mkdtempSync,
  openSync,
  readdirSync,
  readFileSync,
  readlinkSync,
  rmSync,
  statSync,
  truncateSync,
  writeFileSync,
} from 'node:fs';
import { tmpdir } from 'node:os';
import { join, resolve } from 'node:path';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { IMAGE_FD, IMAGE_PROOF_STATUS } from '../../runsc/sandbox/boot-document.ts';
import { makeImages } from '../../runsc/sandbox/image-maker.ts';
import type { Images } from '../../runsc/sandbox/images.ts';
import { installedPrograms } from '../../runsc/sandbox/package-files.ts';
import { imagesUnderTest } from '../support/images.ts';
import { until } from './sandbox-fixture.ts';

const all = ['command', 'sentry', 'gofer'] as const;
const PROGRAM_FD = IMAGE_FD + 1;
const x64 = process.arch === 'x64';

describe.runIf(x64)('images', () => {
  let images: Images;
  let directory: string;

  beforeAll(async () => {
    images = await imagesUnderTest();
    directory = mkdtempSync(join(tmpdir(), 'runsc-images-'));
  }, 700_000);
  afterAll(() => {
    rmSync(directory, { recursive: true });
  });

  /** Executes the restorer with an image, and echo(1) for the case that it does not fit. */
  function restore(image: string, program = '/bin/echo', args = ['instead']) {
    const stdio: (number | 'pipe')[] = Array<number>(PROGRAM_FD + 1).fill(openSync('/dev/null', 'r+'));
    stdio[1] = stdio[2] = 'pipe';
    stdio[IMAGE_FD] = openSync(image, 'r');
    stdio[PROGRAM_FD] = openSync(program, 'r');
    const { status, signal, stdout } = spawnSync(images.restorer, args, {
      stdio,
      env: {},
      timeout: 120_000,
    });
    return { status, signal, stdout: String(stdout) };
  }
  const imagesIn = (name: string): Images => ({
    ...images,
    command: join(directory, name, 'command'),
    sentry: join(directory, name, 'sentry-1'),
    gofer: join(directory, name, 'gofer-1'),
  });
  const echoed = { status: 0, signal: null, stdout: 'instead\n' };

  test('are made by the build, for their owner only', () => {
    for (const path of [images.sentry, images.gofer, images.command]) {
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

  test.each(all)('what comes from an image is the program: %s', (name) => {
    // Its boot document is empty.
    expect(restore(images[name], process.execPath, [])).toEqual({
      status: IMAGE_PROOF_STATUS,
      signal: null,
      stdout: '',
    });
  });

  const runsc = resolve(import.meta.dirname, '../../runsc/bin/runsc');

  test('a container’s Sentry comes from one, which has rehearsed and asked for nothing', () => {
    const log = join(directory, 'debug.log');
    const { status } = spawnSync(runsc, ['--debug', '--debug-log', log, 'do', '--', 'true'], {
      encoding: 'utf8',
    });
    expect(status).toBe(0);
    const text = readFileSync(log, 'utf8');
    expect(text).toContain('started from an image, after a rehearsal');
    expect(text).not.toContain('asked for');
  });

  test('what is random is not in the image', () => {
    const script = 'echo $(cat /proc/self/maps | sed -n 1p) $(cat /proc/sys/kernel/random/boot_id)';
    const outputs = Array.from({ length: 4 }, () => {
      const { stdout } = spawnSync(runsc, ['do', '--', 'bash', '-c', script], { encoding: 'utf8' });
      return stdout.trim().split(' ');
    });
    for (const field of [0, 6]) expect(new Set(outputs.map((output) => output[field])).size).toBe(4);
  });

  test('a rehearsal leaves no process and no file behind', async () => {
    const own = imagesIn('own');
    // All that is started here has this directory, and nothing else on the machine.
    const before = process.cwd();
    process.chdir(directory);
    try {
      let seen = 0;
      const looking = setInterval(() => (seen = Math.max(seen, startedIn(directory).length)), 20);
      expect(await makeImages(installedPrograms(), own, all)).toBe(true);
      clearInterval(looking);
      expect(seen).toBeGreaterThan(2);
    } finally {
      process.chdir(before);
    }
    expect(readdirSync(join(directory, 'own')).sort()).toEqual(['command', 'gofer-1', 'sentry-1']);
    await until(
      'processes',
      () => startedIn(directory),
      (pids) => pids.length === 0,
    );
    expect(restore(own.sentry, process.execPath)).toMatchObject({ status: IMAGE_PROOF_STATUS });
  }, 600_000);

  test('while somebody makes images, others go without', async () => {
    const own = imagesIn('two');
    const stage = join(directory, 'two/stage');
    mkdirSync(stage, { recursive: true });
    expect(await makeImages(installedPrograms(), own, all)).toBe(false);
    expect(existsSync(own.sentry)).toBe(false);
    expect(existsSync(stage)).toBe(true);
  });
});

/** Pids of processes that have this directory as theirs, but for this one. */
function startedIn(directory: string): string[] {
  return readdirSync('/proc').filter((name) => {
    if (!/^\d+$/.test(name) || Number(name) === process.pid) return false;
    try {
      return readlinkSync(`/proc/${name}/cwd`) === directory;
    } catch {
      return false;
    }
  });
}

function flip(path: string, offset: number): void {
  const bytes = readFileSync(path);
  bytes[offset]! ^= 0xff;
  writeFileSync(path, bytes);
}
