// containerd in a machine, with the runtime registered as the README says.

import { spawnSync } from 'node:child_process';

import { type Image, imageArchive, imageName } from './images.ts';
import { RUNTIME_PATH, type Daemon, type Machine } from './machine.ts';
import { runsc } from '../support/sandbox.ts';

const CONFIG = '/etc/containerd/config.toml';

/** The network of pods, and images' names resolved to those that are there. */
const baseConfig = `version = 2
[plugins."io.containerd.grpc.v1.cri"]
  disable_apparmor = true
  restrict_oom_score_adj = true
  sandbox_image = "${imageName('pause')}"
  [plugins."io.containerd.grpc.v1.cri".cni]
    bin_dir = "/usr/lib/cni"
    conf_dir = "/etc/cni/net.d"
`;

export const POD_SUBNET = '10.199.0.0/16';

const network = {
  cniVersion: '0.4.0',
  name: 'pods',
  plugins: [
    {
      type: 'bridge',
      bridge: 'pods0',
      isGateway: true,
      ipMasq: true,
      hairpinMode: true,
      ipam: { type: 'host-local', ranges: [[{ subnet: POD_SUBNET }]], routes: [{ dst: '0.0.0.0/0' }] },
    },
    { type: 'portmap', capabilities: { portMappings: true } },
  ],
};

/** What `runsc install --print` says for a manager. */
export function registrationFor(manager: 'containerd' | 'podman'): string {
  const args = ['install', '--path', RUNTIME_PATH, '--print', manager];
  const { status, stdout, stderr } = spawnSync(runsc, args, { encoding: 'utf8' });
  if (status !== 0) throw new Error(stderr);
  return stdout;
}

export async function startContainerd(machine: Machine, images: readonly Image[]): Promise<Daemon> {
  machine.write(CONFIG, baseConfig + registrationFor('containerd'));
  machine.write('/etc/cni/net.d/10-pods.conflist', JSON.stringify(network));
  const daemon = await machine.daemon(['containerd'], 'ctr plugins ls id==cri | grep -q ok');
  for (const image of images) {
    for (const namespace of ['default', 'k8s.io']) {
      await machine.shell(`ctr -n ${namespace} image import ${imageArchive(image)}`, 600_000);
    }
  }
  return daemon;
}
