// `runsc install` and `uninstall`, on daemon.json files of their own, through the real command line.

import { spawnSync } from 'node:child_process';
import {
  chmodSync,
  existsSync,
  lstatSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  rmSync,
  statSync,
  symlinkSync,
  writeFileSync,
} from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, expect, it } from 'vitest';

import { runsc } from '../../support/sandbox.ts';

let directory: string;
let file: string;

beforeEach(() => {
  directory = mkdtempSync(join(tmpdir(), 'runsc-install-'));
  file = join(directory, 'daemon.json');
});
afterEach(() => rmSync(directory, { recursive: true }));

function call(...args: string[]): { status: number | null; stdout: string; stderr: string } {
  const result = spawnSync(runsc, args, { encoding: 'utf8', timeout: 200_000 });
  // The log's text format has quotes escaped.
  return { ...result, stderr: result.stderr.replaceAll('\\"', '"') };
}

function config(): unknown {
  return JSON.parse(readFileSync(file, 'utf8'));
}

it('makes the file and its directory', () => {
  file = join(directory, 'etc/docker/daemon.json');
  expect(call('install', '--config_file', file)).toMatchObject({ status: 0, stderr: '' });
  expect(config()).toEqual({ runtimes: { runsc: { path: runsc } } });
  expect(statSync(file).mode & 0o777).toBe(0o644);
});

it('keeps everything else, the mode, and a symbolic link', () => {
  const place = join(directory, 'elsewhere.json');
  const before = { 'log-level': 'warn', runtimes: { crun: { path: '/usr/bin/crun' } }, dns: ['192.0.2.1'] };
  writeFileSync(place, JSON.stringify(before));
  chmodSync(place, 0o600);
  symlinkSync('elsewhere.json', file);
  expect(call('install', `--config_file=${file}`, '--runtime', 'other', '--path', '/x').status).toBe(0);
  expect(config()).toEqual({ ...before, runtimes: { ...before.runtimes, other: { path: '/x' } } });
  expect(lstatSync(file).isSymbolicLink()).toBe(true);
  expect(statSync(place).mode & 0o777).toBe(0o600);
  expect(readdirSync(directory).sort()).toEqual(['daemon.json', 'elsewhere.json']);
});

it('takes flags for the runtime behind --', () => {
  const status = call('install', '--config_file', file, '--', '--network=none', '--debug').status;
  expect(status).toBe(0);
  expect(config()).toEqual({
    runtimes: { runsc: { path: runsc, runtimeArgs: ['--network=none', '--debug'] } },
  });
});

it('sets the experimental flag and the cgroup driver, and keeps other exec-opts', () => {
  writeFileSync(file, JSON.stringify({ 'exec-opts': ['native.cgroupdriver=cgroupfs', 'a=b'] }));
  expect(call('install', '--config_file', file, '--experimental', '--cgroupdriver', 'systemd').status).toBe(
    0,
  );
  expect(config()).toMatchObject({ experimental: true, 'exec-opts': ['a=b', 'native.cgroupdriver=systemd'] });
});

it('replaces its own entry, but not with --clobber=false', () => {
  expect(call('install', '--config_file', file).status).toBe(0);
  expect(call('install', '--config_file', file, '--clobber=false').status).toBe(0);
  const refused = call('install', '--config_file', file, '--clobber=false', '--', '--debug');
  expect(refused.status).toBe(1);
  expect(refused.stderr).toContain('has another runtime "runsc"');
  expect(config()).toEqual({ runtimes: { runsc: { path: runsc } } });
  expect(call('install', '--config_file', file, '--', '--debug').status).toBe(0);
  expect(config()).toEqual({ runtimes: { runsc: { path: runsc, runtimeArgs: ['--debug'] } } });
});

it.each([
  ['{"a":', 'is not JSON'],
  ['[]', 'is not a JSON object'],
  ['{"runtimes":[]}', '"runtimes" is not an object'],
])('leaves %s alone', (text, complaint) => {
  writeFileSync(file, text);
  for (const command of ['install', 'uninstall']) {
    const result = call(command, '--config_file', file);
    expect(result.status).toBe(1);
    expect(result.stderr).toContain(complaint);
  }
  expect(readFileSync(file, 'utf8')).toBe(text);
  expect(readdirSync(directory)).toEqual(['daemon.json']);
});

it('takes an empty file for an empty object, as Docker does', () => {
  writeFileSync(file, '\n');
  expect(call('install', '--config_file', file).status).toBe(0);
  expect(config()).toEqual({ runtimes: { runsc: { path: runsc } } });
});

it('uninstalls what it installed', () => {
  const before = { 'log-level': 'warn', runtimes: { crun: { path: '/usr/bin/crun' } } };
  writeFileSync(file, JSON.stringify(before));
  expect(call('install', '--config_file', file).status).toBe(0);
  expect(call('uninstall', '--config_file', file).status).toBe(0);
  expect(config()).toEqual(before);
  const again = call('uninstall', '--config_file', file);
  expect(again.status).toBe(1);
  expect(again.stderr).toContain('has no runtime "runsc"');
});

it('removes the table of runtimes with its last entry', () => {
  expect(call('install', '--config_file', file).status).toBe(0);
  expect(call('uninstall', '--config_file', file).status).toBe(0);
  expect(config()).toEqual({});
});

it('does not remove the default runtime', () => {
  expect(call('install', '--config_file', file).status).toBe(0);
  writeFileSync(file, JSON.stringify({ ...(config() as object), 'default-runtime': 'runsc' }));
  const refused = call('uninstall', '--config_file', file);
  expect(refused.status).toBe(1);
  expect(refused.stderr).toContain('as its default-runtime');
  expect(config()).toMatchObject({ runtimes: { runsc: { path: runsc } } });
});

it('prints what one manager needs, and changes nothing', () => {
  const result = call('install', '--config_file', file, '--print', 'containerd');
  expect(result.status).toBe(0);
  expect(result.stdout).toContain(`BinaryName = ${JSON.stringify(runsc)}`);
  expect(existsSync(file)).toBe(false);
  expect(call('install', '--print', 'nobody').stderr).toContain(
    'unknown manager "nobody": the known ones are containerd, cri-o, podman, kubernetes',
  );
});
