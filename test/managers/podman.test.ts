// Podman, by root: the commands that people type, through conmon.

import { afterAll, beforeAll, describe, expect, test } from 'vitest';

import { describeContainer } from './engine-container.ts';
import { describeLife } from './engine-life.ts';
import { describePods } from './engine-pods.ts';
import { describeRun } from './engine-run.ts';
import { imageName } from './images.ts';
import { oracle } from './machine.ts';
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
