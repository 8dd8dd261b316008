// The README's lines about container managers, run as they are written.

import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';

import { imageArchive, imageName } from './images.ts';
import { Machine, oracle } from './machine.ts';
import { missing } from './packages.ts';
import { PODMAN_CONFIG } from './podman.ts';
import { MAKING_MS } from '../support/rootfs.ts';

const lines = readFileSync(join(import.meta.dirname, '../../README.md'), 'utf8').split('\n');

/** The lines that begin with a command, without the comments behind them. */
const linesOf = (command: string): string[] =>
  lines.filter((line) => line.startsWith(command)).map((line) => line.replace(/ +#.*/, ''));

const packages = [
  'docker.io',
  'containerd',
  'podman',
  'iptables',
  'containernetworking-plugins',
  'umoci',
  'skopeo',
];

describe.skipIf(oracle || missing(...packages))('the README', () => {
  let machine: Machine;
  const archive = (): string => imageArchive('busybox');

  beforeAll(async () => {
    archive();
    machine = await Machine.make({ '/etc/containers/containers.conf': PODMAN_CONFIG });
    await machine.shell('mkdir -p /etc/crio/crio.conf.d');
    const installs = linesOf('runsc install').filter((line) => !line.includes('kubectl'));
    expect(installs).toHaveLength(4);
    for (const line of [...linesOf('mkdir -p /etc/'), ...installs]) await machine.shell(line);
  }, MAKING_MS);
  afterAll(() => machine?.close());

  test('Docker', async () => {
    const daemon = await machine.daemon(['dockerd'], '/usr/bin/docker version');
    await machine.shell(
      `/usr/bin/docker load -i ${archive()}; /usr/bin/docker tag ${imageName('busybox')} debian`,
    );
    const runs = linesOf('docker run');
    expect(runs).toHaveLength(1);
    expect(await machine.shell(`PATH=/usr/bin:$PATH; ${runs[0]!}`)).toMatch(/ bin$/m);
    await daemon.stop();
  });

  test('containerd', async () => {
    const daemon = await machine.daemon(['containerd'], 'ctr plugins ls id==cri | grep -q ok');
    await machine.shell(
      `ctr image import ${archive()}; ctr image tag ${imageName('busybox')} docker.io/library/debian:12`,
    );
    const runs = linesOf('ctr run');
    expect(runs).toHaveLength(1);
    expect(await machine.shell(runs[0]!)).toMatch(/ bin$/m);
    await daemon.stop();
  });

  test('Podman', async () => {
    await machine.shell(
      `podman load -i ${archive()}; podman tag ${imageName('busybox')} docker.io/library/debian`,
    );
    const runs = linesOf('podman --runtime');
    expect(runs).toHaveLength(1);
    expect(await machine.shell(runs[0]!)).toMatch(/ bin$/m);
  });

  test('the RuntimeClass is YAML', async () => {
    const [line] = linesOf('runsc install --print kubernetes');
    const manifest = await machine.shell(line!.replace(/ \|.*/, ''));
    expect(manifest).toBe(
      'apiVersion: node.k8s.io/v1\nkind: RuntimeClass\nmetadata:\n  name: "runsc"\nhandler: "runsc"',
    );
  });
});
