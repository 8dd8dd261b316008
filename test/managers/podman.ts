// Podman in a machine without systemd, called by root or by an ordinary user.

import { registrationFor } from './containerd.ts';
import { Engine } from './engine.ts';
import { imageArchive, imageName } from './images.ts';
import { Machine } from './machine.ts';

export const PODMAN_PACKAGES = [
  'podman',
  'conmon',
  'catatonit',
  'containernetworking-plugins',
  'umoci',
  'skopeo',
];
export const ROOTLESS_PACKAGES = [...PODMAN_PACKAGES, 'uidmap', 'slirp4netns', 'fuse-overlayfs'];

/** What it needs besides the runtime. A machine's root may lack CAP_SYS_RESOURCE: then limits can only be lowered. */
export const PODMAN_CONFIG = `[containers]
default_ulimits = ["nofile=1024:1024", "nproc=4096:4096"]
apparmor_profile = "unconfined"
[engine]
cgroup_manager = "cgroupfs"
events_logger = "file"
runtime = "runsc"
`;

const USER = 'somebody';
const UID = 1234;
const HOME = `/var/lib/${USER}`;
const RUN = `/run/user/${UID}`;
const AS_USER = '/usr/local/bin/user-podman';

const asUser = `#!/bin/sh
cd ${HOME}
exec setpriv --reuid ${UID} --regid ${UID} --clear-groups --inh-caps=-all \\
  env HOME=${HOME} USER=${USER} XDG_RUNTIME_DIR=${RUN} podman "$@"
`;

/** Everybody may use FUSE and tun devices, as udev has it. */
const addUser = `
useradd -M -b /var/lib -u ${UID} ${USER}
chown -R ${USER}: ${HOME}
echo ${USER}:200000:65536 | tee /etc/subuid >/etc/subgid
mkdir -p ${RUN} /run/devices
chown ${USER}: ${RUN}
for device in fuse:10:229 net/tun:10:200; do
  IFS=: read -r path major minor <<.
$device
.
  node=/run/devices/$(basename $path)
  mknod -m 666 $node c $major $minor
  mount --bind $node /dev/$path
done
chmod 755 ${AS_USER}
`;

export function podman(): Engine {
  return new Engine('podman', 'rm -f -t 0');
}

export function userPodman(): Engine {
  return new Engine(AS_USER, 'rm -f -t 0');
}

const storageConfig = (overlay: string): string => `[storage]
driver = "overlay"
runroot = "${RUN}/containers"
graphroot = "${HOME}/.local/share/containers/storage"
[storage.options.overlay]
${overlay}
`;

async function makeMachine(engine: Engine, files: Readonly<Record<string, string>> = {}): Promise<Machine> {
  engine.machine = await Machine.make({
    '/etc/containers/containers.conf': PODMAN_CONFIG,
    '/etc/containers/containers.conf.d/50-runsc.conf': registrationFor('podman'),
    ...files,
  });
  return engine.machine;
}

export async function startPodman(engine: Engine): Promise<void> {
  const archives = [imageArchive('busybox'), imageArchive('pause')];
  const machine = await makeMachine(engine);
  for (const archive of archives) await engine.succeed(`load -i ${archive}`, 600_000);
  // The first container makes the bridge, and directories that stay.
  await engine.succeed(`run --rm ${imageName('busybox')} true`);
  await engine.succeed(`pod create --infra-image ${imageName('pause')} p`);
  await engine.succeed('pod start p');
  await engine.succeed('pod rm -f p');
  // A mount of its own storage, exit codes of what was never started, the cgroup of a pod.
  machine.mark(/\/storage\/overlay$|\/libpod\/exits\/|libpod_parent\/[0-9a-f]{64}$/);
}

/** `overlay` is what storage.conf says of overlays. */
export async function startUserPodman(engine: Engine, overlay = ''): Promise<void> {
  const archives = [imageArchive('busybox'), imageArchive('pause')];
  const machine = await makeMachine(engine, {
    [AS_USER]: asUser,
    [`${HOME}/.config/containers/storage.conf`]: storageConfig(overlay),
  });
  await machine.shell(addUser);
  // The archives are root's own.
  for (const archive of archives) await engine.succeed(`load <${archive}`, 600_000);
  await engine.succeed(`run --rm ${imageName('busybox')} true`);
  // Its pause process and what it keeps of containers' names and networks.
  machine.mark(/\/storage\/overlay$|\/libpod\/tmp\/|\/rootless-(cni|netns)|\/containers\/cni/);
}
