// The package: `npm pack` makes one that installs and runs where there is neither a compiler nor a registry.

import { execFileSync } from 'node:child_process';
import {
  chmodSync,
  existsSync,
  mkdirSync,
  mkdtempSync,
  readFileSync,
  rmSync,
  symlinkSync,
  writeFileSync,
} from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join, resolve } from 'node:path';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';

import { canRun, execute } from '../support/sandbox.ts';

const source = resolve(import.meta.dirname, '../..');
const npm = resolve(dirname(process.execPath), 'npm');

describe.skipIf(!canRun)('the package', () => {
  let directory: string;
  let tarball: string;
  /** Nothing but node, npm, and what shell scripts use. */
  let bare: NodeJS.ProcessEnv;

  beforeAll(async () => {
    directory = mkdtempSync(join(tmpdir(), 'runsc-package-'));
    const packed = await execute(npm, ['pack', '--silent', '--pack-destination', directory], {
      cwd: source,
      timeoutMs: 900_000,
    });
    expect(packed).toMatchObject({ status: 0 });
    tarball = join(directory, packed.stdout.trim().split('\n').at(-1)!);
    const bin = join(directory, 'bin');
    mkdirSync(bin);
    symlinkSync(process.execPath, join(bin, 'node'));
    for (const name of ['sh', 'env', 'readlink']) symlinkSync(`/usr/bin/${name}`, join(bin, name));
    bare = { PATH: bin, HOME: directory, npm_config_offline: 'true', npm_config_update_notifier: 'false' };
  }, 1_000_000);
  afterAll(() => rmSync(directory, { recursive: true, force: true }));

  test('is complete, and leaves nothing in the source tree', () => {
    const files = execFileSync('tar', ['tzf', tarball], { encoding: 'utf8' }).split('\n');
    for (const arch of ['x64', 'arm64']) {
      for (const name of ['runsc_addon.node', 'launcher', 'stub', 'syscalls.json']) {
        expect(files).toContain(`package/prebuilds/linux-${arch}/${name}`);
      }
    }
    expect(files.filter((name) => /\.(ts|cache)$|node-path|node_modules/.test(name))).toEqual(
      files.filter((name) => /^package\/native\/.*\.ts$/.test(name)),
    );
    expect(existsSync(join(source, 'prebuilds'))).toBe(false);
  });

  test('installs without a compiler, and runs', async () => {
    const prefix = join(directory, 'prefix');
    const install = ['install', '--global', '--prefix', prefix, tarball];
    const installed = await execute(process.execPath, [npm, ...install], { env: bare, timeoutMs: 900_000 });
    expect(installed, installed.stderr).toMatchObject({ status: 0 });
    const runsc = join(prefix, 'bin/runsc');
    expect(await execute(runsc, ['--version'], { env: bare })).toMatchObject({ status: 0 });
    const ran = await execute(runsc, ['do', '--', '/bin/sh', '-c', 'echo $((6 * 7)); exit 3'], { env: bare });
    expect(ran).toMatchObject({ status: 3, stdout: '42\n', stderr: '' });
    const log = join(directory, 'debug.log');
    await execute(runsc, ['--debug', '--debug-log', log, 'do', '--', 'true'], { env: bare });
    const origin = process.arch === 'x64' ? 'started from an image, after a rehearsal' : 'started by Node';
    expect(readFileSync(log, 'utf8')).toContain(origin);
    const table = await execute(runsc, ['syscalls', '--format', 'json'], { env: bare });
    expect(table.stdout).toContain('"openat2"');
    for (const name of ['runsc', 'sentry', 'gofer']) {
      expect(existsSync(join(prefix, `lib/node_modules/runsc/dist/${name}.cache`))).toBe(true);
    }
  }, 1_000_000);

  test('builds when the prebuilt binaries do not fit', async () => {
    const tree = join(directory, 'broken');
    mkdirSync(tree);
    execFileSync('tar', ['xzf', tarball, '-C', tree, '--strip-components=1']);
    writeFileSync(join(tree, `prebuilds/linux-${process.arch}/launcher`), 'not a program');
    chmodSync(join(tree, `prebuilds/linux-${process.arch}/launcher`), 0o755);
    const script = [npm, 'run', 'install'];
    const built = await execute(process.execPath, script, { cwd: tree, timeoutMs: 900_000 });
    expect(built, built.stderr).toMatchObject({ status: 0 });
    expect(built.stderr).toContain('do not fit this machine');
    expect(readFileSync(join(tree, 'build/Release/launcher')).subarray(1, 4).toString()).toBe('ELF');
    const ran = await execute(join(tree, 'runsc/bin/runsc'), ['do', '--', '/bin/sh', '-c', 'exit 4']);
    expect(ran).toMatchObject({ status: 4, stderr: '' });
  }, 1_000_000);

  test('without a compiler and with binaries that do not fit, says what is missing', async () => {
    const tree = join(directory, 'hopeless');
    mkdirSync(tree);
    execFileSync('tar', ['xzf', tarball, '-C', tree, '--strip-components=1']);
    rmSync(join(tree, `prebuilds/linux-${process.arch}`), { recursive: true });
    const built = await execute(process.execPath, [npm, 'run', 'install'], { cwd: tree, env: bare });
    expect(built.status).not.toBe(0);
    expect(built.stderr).toMatch(/do not fit this machine/);
  });
});
