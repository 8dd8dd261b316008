// dockerd in a machine, with its own containerd; the runtime is registered by `runsc install`, and is the one that
// containers and builds get by default.

import { spawnSync } from 'node:child_process';

import { Engine } from './engine.ts';
import { type Image, imageArchive, imageName } from './images.ts';
import { Machine, RUNTIME_PATH } from './machine.ts';
import { runsc } from '../support/sandbox.ts';

export const DOCKER_PACKAGES = ['docker.io', 'containerd', 'iptables', 'umoci', 'skopeo'];

/** The same runtime for containers that talk to daemons of the machine. */
export const SOCKETS_RUNTIME = 'runsc-sockets';

/** Docker's own: /usr/local/bin may have another client. */
const DOCKER = '/usr/bin/docker';

export function docker(): Engine {
  return new Engine(DOCKER, 'rm -f');
}

/** Leaves the engine with a network and nothing else: what it makes once and keeps is there already. */
export async function startDocker(engine: Engine, images: readonly [Image, ...Image[]]): Promise<void> {
  const archives = images.map(imageArchive);
  const machine = await Machine.make({ '/etc/docker/daemon.json': '{"default-runtime": "runsc"}' });
  engine.machine = machine;
  const place = machine.path('/etc/docker/daemon.json');
  const flags = ['--config_file', place, '--path', RUNTIME_PATH, '--cgroupdriver', 'cgroupfs'];
  for (const more of [[], ['--runtime', SOCKETS_RUNTIME, '--', '--host-uds', 'open']]) {
    const { status, stderr } = spawnSync(runsc, ['install', ...flags, ...more], { encoding: 'utf8' });
    if (status !== 0 || stderr !== '') throw new Error(`runsc install: ${stderr}`);
  }
  await machine.daemon(['dockerd'], `${DOCKER} version`);
  for (const archive of archives) await engine.succeed(`load -i ${archive}`, 600_000);
  await engine.succeed('network create net');
  await engine.succeed(`run --rm --network net ${imageName(images[0])} true`);
  // Names of network namespaces: Docker removes them every minute, but for the machine's own.
  machine.mark(/^file \/run\/docker\/netns\/|^mount .* \/run\/docker\/netns\/default$/);
}
