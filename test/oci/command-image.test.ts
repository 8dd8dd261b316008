/** The command line comes from an image of it, and does then as it does when Node starts it. */
import { spawn, spawnSync, type SpawnSyncReturns } from 'node:child_process';
import { once } from 'node:events';
import {
  appendFileSync,
  closeSync,
  constants,
  copyFileSync,
  cpSync,
  existsSync,
  mkdirSync,
  mkdtempSync,
  openSync,
  readlinkSync,
  realpathSync,
  rmSync,
  writeFileSync,
} from 'node:fs';
import { tmpdir } from 'node:os';
import { join, resolve } from 'node:path';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { defaultSpec } from '../../runsc/spec/default-spec.ts';
import { imagesUnderTest } from '../support/images.ts';
import { rootfs } from '../support/rootfs.ts';

const source = resolve(import.meta.dirname, '../..');
const LIMIT_MS = 60_000;

describe.runIf(process.arch === 'x64')('the command line as an image', () => {
  let directory: string;

  beforeAll(async () => {
    await imagesUnderTest();
    directory = mkdtempSync(join(tmpdir(), 'runsc-command-'));
  }, 700_000);
  afterAll(() => {
    rmSync(directory, { recursive: true });
  });

  const command = (root = source): string => join(root, 'runsc/bin/runsc');

  /** What executes `runsc run` where it reads the configuration, a FIFO: it waits there. */
  async function executable(root: string): Promise<string> {
    const bundle = mkdtempSync(join(directory, 'bundle-'));
    const config = join(bundle, 'config.json');
    spawnSync('mkfifo', [config]);
    const child = spawn(command(root), ['run', '--bundle', bundle, 'never'], { stdio: 'ignore' });
    try {
      for (const end = Date.now() + LIMIT_MS; Date.now() < end;) {
        if (isAwaited(config)) return readlinkSync(`/proc/${child.pid}/exe`);
        await new Promise((resolved) => setTimeout(resolved, 2));
      }
      return 'nothing';
    } finally {
      child.kill('SIGKILL');
      await once(child, 'close');
    }
  }

  /** A FIFO has no writer without a reader. */
  function isAwaited(fifo: string): boolean {
    try {
      closeSync(openSync(fifo, constants.O_WRONLY | constants.O_NONBLOCK));
      return true;
    } catch {
      return false;
    }
  }
  const node = realpathSync(process.execPath);

  test('is what runs', async () => {
    const path = await executable(source);
    expect(path).toBe(join(source, 'build/Release/restore'));
  });

  test('another build of it: Node starts, with the new one', async () => {
    const copy = join(directory, 'package');
    mkdirSync(join(copy, 'build/Release'), { recursive: true });
    mkdirSync(join(copy, 'runsc/bin'), { recursive: true });
    copyFileSync(join(source, 'package.json'), join(copy, 'package.json'));
    copyFileSync(command(), command(copy));
    cpSync(join(source, 'dist'), join(copy, 'dist'), { recursive: true, preserveTimestamps: true });
    for (const name of ['front', 'launcher', 'restore', 'runsc_addon.node', 'stub'])
      copyFileSync(join(source, 'build/Release', name), join(copy, 'build/Release', name));
    // The image that was copied along is of other files.
    expect(await executable(copy)).toBe(node);
    rmSync(join(copy, 'dist/images'), { recursive: true });
    // The first container makes images, also when nothing becomes of it.
    const bundle = bundleOf(['true']);
    spawnSync(command(copy), ['run', '--bundle', bundle, 'runsc-command-first'], { timeout: LIMIT_MS });
    expect(existsSync(join(copy, 'dist/images/command'))).toBe(true);
    expect(await executable(copy)).toBe(join(copy, 'build/Release/restore'));
    appendFileSync(join(copy, 'dist/runsc.bundle.cjs'), '\n');
    expect(await executable(copy)).toBe(node);
  }, 180_000);

  function bundleOf(args: string[], terminal = false): string {
    const bundle = mkdtempSync(join(directory, 'bundle-'));
    const spec = defaultSpec();
    const config = {
      ...spec,
      process: { ...spec.process, args, terminal },
      root: { path: rootfs('busybox'), readonly: true },
    };
    writeFileSync(join(bundle, 'config.json'), JSON.stringify(config));
    return bundle;
  }

  const untimed = (text: string): string => text.replace(/time="[^"]*"/g, '');

  /** By the image, and by Node as where there is none. */
  function both(
    args: string[],
    options: { cwd?: string; env?: NodeJS.ProcessEnv; setup?: string; stdio?: number[] } = {},
  ): void {
    const program = [process.execPath, join(source, 'dist/runsc.cjs')];
    const script = `${options.setup ?? ':'}; exec "$@"`;
    const run = (...started: string[]): SpawnSyncReturns<string> =>
      spawnSync('bash', ['-c', script, 'bash', ...started, ...args], {
        encoding: 'utf8',
        timeout: LIMIT_MS,
        env: { PATH: process.env['PATH'], HOME: '/root', ...options.env },
        cwd: options.cwd ?? directory,
        stdio: options.stdio ?? ['ignore', 'pipe', 'pipe'],
      });
    // Without the shell in front of it, which has a mind of its own.
    const image = run(join(source, 'build/Release/front'), ...program);
    const plain = run(...program);
    expect([image.status, image.signal]).toEqual([plain.status, plain.signal]);
    expect(image.stdout).toBe(plain.stdout);
    expect(untimed(image.stderr)).toBe(untimed(plain.stderr));
    expect(`${image.stdout}${image.stderr}`).not.toBe('');
  }

  test.each([
    ['nothing', []],
    ['help', ['help', 'run']],
    ['the version among flags', ['--debug', '--version']],
    ['features', ['features']],
    ['a list', ['--root', '/run/runsc-nothing', 'list']],
    ['a command that there is not', ['fly']],
    ['a flag that there is not', ['run', '--fly', 'x']],
    ['a container that there is not', ['state', 'nobody']],
    ['a bundle that there is not', ['run', '--bundle', '/nowhere', 'x']],
    ['words that are no UTF-8 and empty ones', ['run', '', 'ü\u{1f600}']],
    ['a process in a container that there is not', ['exec', 'nobody', 'true']],
  ])('answers alike: %s', (_what, args) => both(args));

  test('variables, arguments and the directory are the caller’s', () => {
    const env = { ONE: '1', EMPTY: '', LINES: 'a\nb', 'ODD NAME': '=x=', TZ: 'Asia/Tokyo', NODE_OPTIONS: '' };
    const cwd = mkdtempSync(join(directory, 'cwd-'));
    // What bash sets by itself differs by its name only.
    const print = 'env | grep -v ^_= | sort; pwd; ulimit -n; printf "%s|" "$@"';
    both(['do', '--', 'bash', '-c', print, 'bash', 'a b', '', 'ü'], { env, cwd });
  });

  test('limits are the caller’s, open files raised as by Node', () => {
    both(['do', '--', 'bash', '-c', 'ulimit -a | grep -v processes'], {
      setup: 'ulimit -Sn 700; ulimit -Hn 900; ulimit -Sc 0; ulimit -s 4096',
    });
    // Too few for the numbers that an image has.
    both(['do', '--', 'bash', '-c', 'ulimit -n'], { setup: 'ulimit -n 256' });
  });

  test('descriptors pass to the container when they are to, and others don’t', () => {
    const bundle = bundleOf(['ls', '/proc/self/fd']);
    const file = openSync('/etc/passwd', 'r');
    const stdio = ['ignore', 'pipe', 'pipe', file, file, file] as unknown as number[];
    for (const count of ['0', '2'])
      both(['run', '--preserve-fds', count, '--bundle', bundle, `runsc-command-fds-${process.pid}`], {
        stdio,
      });
    both(['run', '--preserve-fds', '4', '--bundle', bundle, 'runsc-command-none'], { stdio });
  });

  test('what the launcher inherits is nothing of the caller’s', () => {
    const bundle = bundleOf(['sleep', '1000']);
    const id = `runsc-command-held-${process.pid}`;
    const held = join(directory, 'held');
    writeFileSync(held, '');
    const pidFile = join(directory, 'pid');
    const args = ['run', '--detach', '--pid-file', pidFile, '--bundle', bundle, id];
    const script = 'exec 7<"$0"; exec "$@"';
    const { status } = spawnSync('bash', ['-c', script, held, command(), ...args], { stdio: 'ignore' });
    expect(status).toBe(0);
    try {
      const { stdout } = spawnSync(
        'bash',
        ['-c', 'ls -l /proc/[0-9]*/fd 2>/dev/null | grep -c -- "$0"', held],
        {
          encoding: 'utf8',
        },
      );
      expect(stdout.trim()).toBe('0');
    } finally {
      spawnSync(command(), ['delete', '--force', id]);
    }
  });

  test.each(['0', '1', '2', '0 1 2'])('closed standard descriptors: %s', (closed) => {
    const bundle = bundleOf(['sh', '-c', 'exit 7']);
    const setup = closed
      .split(' ')
      .map((fd) => `exec ${fd}<&-`)
      .join('; ');
    const script = `${setup}; exec "$@"`;
    const args = ['run', '--bundle', bundle, `runsc-command-closed-${process.pid}`];
    const { status } = spawnSync('bash', ['-c', script, 'bash', command(), ...args], { timeout: LIMIT_MS });
    expect(status).toBe(7);
  });

  test('a directory that is gone', () => {
    const cwd = mkdtempSync(join(directory, 'gone-'));
    both(['spec'], { setup: `mkdir -p ${cwd}; cd ${cwd}; rmdir ${cwd}` });
  });

  test('descriptors that are in the way of the image: Node starts', () => {
    both(['features'], { setup: 'exec 29</dev/null 30</dev/null' });
    both(['features'], { setup: 'exec 305</dev/null' });
  });

  test('a reader that goes away', () => {
    const { stdout } = spawnSync(
      'bash',
      ['-c', '"$0" help 2>&1 >&- | cat; "$0" features | true; echo ${PIPESTATUS[0]}', command()],
      {
        encoding: 'utf8',
      },
    );
    expect(stdout).toMatch(/^(0|141)$/m);
  });

  test('timers run from now on', () => {
    const bundle = bundleOf(['sleep', '1000']);
    const id = `runsc-command-timer-${process.pid}`;
    const run = (...args: string[]) => spawnSync(command(), args, { encoding: 'utf8', timeout: LIMIT_MS });
    expect(
      spawnSync(command(), ['run', '--detach', '--bundle', bundle, id], { stdio: 'ignore' }).status,
    ).toBe(0);
    try {
      const start = Date.now();
      const script = '"$@" | head -n 2 | wc -l';
      const { stdout } = spawnSync(
        'bash',
        ['-c', script, 'bash', command(), 'events', '--interval', '1s', id],
        {
          encoding: 'utf8',
          timeout: LIMIT_MS,
        },
      );
      // One a second, and not at once: the clock of the image's loop is its writer's.
      expect(stdout.trim()).toBe('2');
      expect(Date.now() - start).toBeGreaterThan(1900);
    } finally {
      expect(run('delete', '--force', id).status).toBe(0);
    }
  });
});
