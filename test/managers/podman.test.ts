// Podman, by root: the commands that people type, through conmon.

import { afterAll, beforeAll, describe, expect, test } from 'vitest';

import { describeContainer } from './engine-container.ts';
import { describeLife } from './engine-life.ts';
import { describePods } from './engine-pods.ts';
import { describeRun } from './engine-run.ts';
import { imageName } from './images.ts';
import { oracle, until } from './machine.ts';
import { missing } from './packages.ts';
import { podman as rootPodman, PODMAN_PACKAGES, startPodman } from './podman.ts';
import { MAKING_MS } from '../support/rootfs.ts';

const image = imageName('busybox');

describe.skipIf(missing(...PODMAN_PACKAGES))('podman', () => {
  const podman = rootPodman();

  beforeAll(() => startPodman(podman), MAKING_MS);
  afterAll(() => podman.close());

  describeRun(podman);
  describeContainer(podman, { execFailures: [127, 126], cgroups: true, copies: true });
  describeLife(podman);
  describePods(podman);

  test('top', async () => {
    await podman.succeed(`run -d --name box ${image} sleep 1000`);
    expect(await podman.succeed('top box -o args')).toContain('sleep 1000');
    await podman.remove('box');
    await podman.nothingLeft();
  });

  test('top: its own columns', async () => {
    await podman.succeed(
      `run -d --name box ${image} sh -c 'sleep 1001 & sh -c "while :; do :; done" spinning & wait'`,
    );
    await until('all are there', async () => {
      const [heading = '', ...rows] = (await podman.succeed('top box')).trimEnd().split('\n');
      expect(heading.split(/\s+/)).toEqual([
        'USER',
        'PID',
        'PPID',
        '%CPU',
        'ELAPSED',
        'TTY',
        'TIME',
        'COMMAND',
      ]);
      // One that has a CPU to itself.
      const spins = rows.some((row) =>
        /\s[1-9]\S*m?s\s+sh -c while :; do :; done spinning$/.test(row.trimEnd()),
      );
      return spins && rows.some((row) => row.trimEnd().endsWith('sleep 1001'));
    });
    // A pid that can be looked up on the host.
    const hosts = (await podman.succeed('top box hpid,args')).split('\n');
    const [pid = ''] = hosts
      .find((row) => row.trimEnd().endsWith(' sleep 1001'))!
      .trim()
      .split(/\s+/);
    const command = (await podman.machine.shell(`cat /proc/${pid}/cmdline`)).replaceAll('\0', ' ');
    expect(command.trim()).toBe('sleep 1001');
    expect((await podman.succeed('top box')).match(/runsc-(sentry|gofer)/)).toBeNull();
    await podman.remove('box');
    await podman.nothingLeft();
  });

  test.skipIf(oracle)('cp does not write below a mount that only the container has', async () => {
    await podman.succeed(`run -d --name box --tmpfs /t ${image} sleep 1000`);
    expect((await podman.call('cp /etc/passwd box:/t/file')).stderr).toContain('read-only file system');
    await podman.remove('box');
    await podman.nothingLeft();
  });

  test('init: created, then started', async () => {
    await podman.succeed(`create --name made ${image} sh -c 'echo ran; exit 4'`);
    await podman.succeed('init made');
    expect(await podman.inspect('.State.Status', 'made')).toBe('initialized');
    expect(await podman.call('start -a made')).toMatchObject({ status: 4, stdout: 'ran\n' });
    await podman.succeed('rm made');
    await podman.succeed(`create --name made ${image} true`);
    await podman.succeed('init made');
    await podman.remove('made');
    await podman.nothingLeft();
  });
});
