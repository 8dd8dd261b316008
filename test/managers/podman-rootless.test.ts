// Podman, by an ordinary user: user namespaces by newuidmap, networks by slirp4netns, storage without privilege.

import { afterAll, beforeAll, describe, expect, test } from 'vitest';

import { describeContainer } from './engine-container.ts';
import { describeLife } from './engine-life.ts';
import { describePods } from './engine-pods.ts';
import { describeRun } from './engine-run.ts';
import { imageName } from './images.ts';
import { oracle } from './machine.ts';
import { missing } from './packages.ts';
import { ROOTLESS_PACKAGES, startUserPodman, userPodman } from './podman.ts';
import { MAKING_MS } from '../support/rootfs.ts';

const image = imageName('busybox');
const FUSE = 'mount_program = "/usr/bin/fuse-overlayfs"';

describe.skipIf(missing(...ROOTLESS_PACKAGES))('podman of an ordinary user', () => {
  const podman = userPodman();

  beforeAll(() => startUserPodman(podman), MAKING_MS);
  afterAll(() => podman.close());

  describeRun(podman);
  // Of version 1 it has no cgroups. Files are copied by joining a pid namespace that has to be the user's own.
  describeContainer(podman, { execFailures: [127, 126], cgroups: false, copies: oracle });
  describeLife(podman);
  describePods(podman);

  test.each([
    ['none', '1'],
    ['host', ''],
    ['slirp4netns', '2'],
  ])('--network %s', async (network, links) => {
    const script = 'ip -o link | grep -c . ; wget -qO- http://127.0.0.1:1/ 2>&1 | grep -o refused';
    const result = await podman.succeed(`run --rm --network ${network} ${image} sh -c '${script}'`);
    expect(result).toMatch(new RegExp(`^${links === '' ? '\\d+' : links}\nrefused$`));
    await podman.nothingLeft();
  });

  test('all ids of the user can be used, and are the user’s on the machine', async () => {
    await podman.machine.shell('mkdir -m 777 /run/ids');
    const script = 'touch /ids/root /ids/other; chown 77:88 /ids/other; stat -c "%u %g" /ids/*';
    expect(await podman.succeed(`run --rm -v /run/ids:/ids ${image} sh -c '${script}'`)).toBe('77 88\n0 0');
    expect(await podman.machine.shell('stat -c "%u %g" /run/ids/*; rm -r /run/ids')).toBe(
      '200076 200087\n1234 1234',
    );
  });

  test.each([
    ['keep-id', '1234'],
    ['auto', '0'],
    ['nomap', '0'],
  ])('--userns %s', async (mode, uid) => {
    expect(await podman.succeed(`run --rm --userns ${mode} ${image} id -u`)).toBe(uid);
    await podman.nothingLeft();
  });
});

describe.skipIf(missing(...ROOTLESS_PACKAGES))('fuse-overlayfs', () => {
  const podman = userPodman();

  beforeAll(() => startUserPodman(podman, FUSE), MAKING_MS);
  afterAll(() => podman.close());

  test('holds the container’s files', async () => {
    const script =
      'echo x >/etc/new; mv /etc/new /etc/newer; rm /etc/passwd; cat /etc/newer; ls /etc/passwd 2>&1';
    await podman.succeed(`create --name box ${image} sh -c '${script}'`);
    const { stdout } = await podman.call('start -a box');
    expect(stdout).toBe('x\nls: /etc/passwd: No such file or directory\n');
    expect((await podman.succeed('diff box')).split('\n').sort()).toEqual([
      'A /etc/newer',
      'C /etc',
      'D /etc/passwd',
    ]);
    await podman.remove('box');
    await podman.nothingLeft();
  });
});
