// Flags of gVisor's runsc: each is taken in every spelling, and those that matter are told of.

import { spawnSync } from 'node:child_process';
import { mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join, resolve } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';

const runsc = resolve(import.meta.dirname, '../../../runsc/bin/runsc');

describe('flags of gVisor', () => {
  let directory: string;
  beforeAll(() => {
    directory = mkdtempSync(join(tmpdir(), 'runsc-flags-'));
  });
  afterAll(() => rmSync(directory, { recursive: true, force: true }));

  const run = (...flags: string[]) =>
    spawnSync(runsc, ['--root', directory, ...flags, 'list', '--quiet'], { encoding: 'utf8' });

  it.each([
    ['--alsologtostderr'],
    ['-alsologtostderr=true'],
    ['--debug-log-format=json'],
    ['--debug-log-format', 'json'],
    ['-panic-log', '/tmp/x'],
    ['--panic-log=/tmp/x'],
    ['--file-access=shared'],
    ['--oci-seccomp'],
    ['--oci-seccomp=false'],
    ['--strace-log-size', '100'],
    ['--watchdog-action=panic'],
    ['--directfs=false'],
    ['--platform=systrap', '--network=none', '--debug', '--systemd-cgroup', '--rootless=false'],
    ['--platform_device_path', '/dev/kvm'],
    ['--num-network-channels=4', '--qdisc=none', '--gso=false'],
  ])('%s', (...flags) => {
    expect(run(...flags)).toMatchObject({ status: 0, stdout: '', stderr: '' });
  });

  it.each([['--host-fifo=open'], ['-nvproxy'], ['--character-device-policy', 'passthrough']])(
    '%s is told of',
    (...flags) => {
      const log = join(directory, 'log');
      const { status, stderr } = run('--log', log, '--log-format=json', ...flags);
      expect({ status, stderr }).toEqual({ status: 0, stderr: '' });
      const lines = readFileSync(log, 'utf8').trim().split('\n');
      expect(JSON.parse(lines.at(-1)!)).toMatchObject({
        level: 'warning',
        msg: expect.stringMatching(/^--[a-z-]+ is not supported, ignored$/) as string,
      });
    },
  );

  it('are not in the help, and what nobody has is still refused', () => {
    expect(spawnSync(runsc, ['--help'], { encoding: 'utf8' }).stdout).not.toContain('nvproxy');
    expect(run('--no-such-flag')).toMatchObject({ status: 1 });
  });
});
