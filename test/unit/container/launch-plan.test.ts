// What the native launcher is told for a given config.json.

import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';

import { planLaunch } from '../../../runsc/container/run.ts';
import { cpuCount } from '../../../runsc/sandbox/cpu-count.ts';
import { LaunchPlan } from '../../../runsc/sandbox/launch-plan.ts';
import { servedTrees } from '../../../runsc/sandbox/served-trees.ts';

import type { RunRequest, RuntimeOptions } from '../../../runsc/container/container.ts';
import type { BootDocument, GoferBootDocument } from '../../../runsc/sandbox/boot-document.ts';
import type { Spec } from '../../../runsc/spec/spec.ts';

let bundle: string;
beforeAll(() => {
  bundle = mkdtempSync(join(tmpdir(), 'runsc-plan-'));
  mkdirSync(join(bundle, 'rootfs'));
  mkdirSync(join(bundle, 'data'));
  writeFileSync(join(bundle, 'file'), '');
});
afterAll(() => rmSync(bundle, { recursive: true }));

const programs = {
  launcher: '/l',
  stub: '/s',
  node: '/n',
  sentry: ['--x', '/sentry'],
  gofer: ['/gofer'],
  directory: '/d',
  command: [],
  commandFiles: [],
  images: false,
  files: ['f'],
};
const options: RuntimeOptions = {
  root: '/run/test',
  logFormat: 'text',
  debug: false,
  platform: 'systrap',
  network: 'none',
  overlay2: 'none',
  strace: true,
  straceSyscalls: ['open'],
  straceFormat: 'json',
  systemdCgroup: false,
  rootless: 'auto',
  ignoreCgroups: true,
};

function plan(
  spec: Partial<Spec>,
  request: Partial<RunRequest> = {},
  changed: Partial<RuntimeOptions> = {},
): LaunchPlan {
  const whole: Spec = { ociVersion: '1.0.2', root: { path: 'rootfs' }, ...spec };
  return planLaunch(
    { ...options, ...changed },
    { id: 'c1', bundle, spec: whole, detach: false, preserveFds: 0, ...request },
    programs,
  );
}

describe('records', () => {
  test('are key=value with NUL at the end; a value can’t break out', () => {
    expect(new LaunchPlan().add('preserve', 2).add('detach', true).encode().toString()).toBe(
      'preserve=2\0detach=1\0',
    );
    expect(() => new LaunchPlan().add('pid.file', 'a\0keep=1')).toThrow('NUL');
  });

  test('both programs get their arguments and nothing of the caller’s environment', () => {
    const made = plan({});
    expect(made.values('sentry.arg')).toEqual(['runsc-sentry', '--x', '/sentry', 'c1']);
    expect(made.values('gofer.env')).toEqual(made.values('sentry.env'));
    expect(made.values('sentry.env')).toContain('RUNSC_BOOT_FD=10');
    expect(made.values('sentry.env').some((variable) => variable.startsWith('PATH='))).toBe(false);
  });

  test('the boot documents agree about the trees', () => {
    const mounts = [
      { destination: '/proc', type: 'proc' },
      { destination: 'relative', type: 'bind', source: 'data', options: ['ro'] },
      { destination: '/f', type: 'none', source: 'file', options: ['rbind', 'ro', 'rw'] },
    ];
    const made = plan({ mounts, root: { path: 'rootfs', readonly: true } });
    const sentry = JSON.parse(made.values('boot.sentry')[0]!) as BootDocument;
    const gofer = JSON.parse(made.values('boot.gofer')[0]!) as GoferBootDocument;
    expect(made.values('tree.source')).toEqual(['rootfs', 'data', 'file'].map((name) => join(bundle, name)));
    expect(made.values('tree.mode')).toEqual(['rro,recursive', 'ro', 'rw,recursive']);
    const alone = { group: 0, beneath: [] };
    expect(sentry.mounts).toEqual([
      { goferIndex: 1, destination: '/relative', directory: true, readonly: true, options: ['ro'], ...alone },
      {
        goferIndex: 2,
        destination: '/f',
        directory: false,
        readonly: false,
        options: ['rbind', 'ro', 'rw'],
        ...alone,
      },
    ]);
    expect(gofer.root).toEqual({ readonly: true });
    expect(gofer.mounts).toEqual([
      { index: 1, readonly: true, slave: false, directory: true },
      { index: 2, readonly: false, slave: false, directory: false },
    ]);
    expect(sentry.strace).toEqual({ enabled: true, syscalls: ['open'], format: 'json' });
  });

  test('a user namespace of the spec maps the gofer', () => {
    const made = plan({
      linux: {
        uidMappings: [{ containerID: 0, hostID: 1000, size: 10 }],
        gidMappings: [{ containerID: 0, hostID: 2000, size: 5 }],
      },
    });
    expect(made.values('gofer.uidmap')).toEqual(['0 1000 10\n']);
    expect(made.values('gofer.gidmap')).toEqual(['0 2000 5\n']);
  });

  test('the terminal is the caller’s, or goes to the socket', () => {
    const process = { terminal: true, cwd: '/', args: ['sh'], consoleSize: { height: 10, width: 20 } };
    const made = plan({ process });
    expect([
      made.values('console.mode'),
      made.values('console.rows'),
      made.values('console.columns'),
    ]).toEqual([['tty'], ['10'], ['20']]);
    expect(plan({ process }, { detach: true, consoleSocket: '/s' }).values('console.mode')).toEqual([
      'socket',
    ]);
    expect(() => plan({ process }, { detach: true })).toThrow('cannot allocate tty');
    expect(() => plan({ process }, { consoleSocket: '/s' })).toThrow('cannot use console socket');
  });

  test('--debug-log names a file, or a directory that gets one', () => {
    expect(plan({}, {}, { debugLog: '/x/%ID%.log' }).values('debug-log.path')).toEqual(['/x/c1.log']);
    expect(plan({}, {}, { debugLog: bundle }).values('debug-log.path')[0]).toMatch(
      /\/runsc\.log\.\d{8}T\d{6}\.c1$/,
    );
  });
});

test.each(['root:memory', 'all:memory,size=1g'])(
  'under %s nothing of the rootfs is writable on the host',
  (overlay) => {
    const spec = {
      ociVersion: '1.0.2',
      root: { path: 'rootfs' },
      mounts: [{ destination: '/d', type: 'bind', source: 'data' }],
    };
    const { trees } = servedTrees(bundle, spec, overlay);
    expect(trees.map(({ readonly }) => readonly)).toEqual([true, overlay.startsWith('all')]);
  },
);

test.each([
  [{}, 8],
  [{ cpu: { cpus: '0-2,5' } }, 4],
  [{ cpu: { quota: 150000, period: 100000 } }, 2],
  [{ cpu: { quota: 1000 } }, 1],
  [{ cpu: { quota: -1, cpus: '0-99' } }, 8],
])('of 8 CPUs, %j leaves %i', (resources, count) => {
  expect(cpuCount(resources, 8)).toBe(count);
});
