// What this runtime supports of the OCI runtime specification, in the form of its features.md. Every entry is what
// config.json's rules and the kernel inside do: what is accepted and ignored is not listed.

import { MOUNT_OPTIONS } from '../boot/mount-options.ts';
import { CAPABILITIES, SECCOMP_ACTIONS, SECCOMP_OPERATORS, SPEC_VERSION } from '../spec/names.ts';

export const FEATURES = {
  ociVersionMin: '1.0.0',
  ociVersionMax: SPEC_VERSION,
  hooks: ['prestart', 'createRuntime', 'createContainer', 'startContainer', 'poststart', 'poststop'],
  mountOptions: [...MOUNT_OPTIONS].sort(),
  linux: {
    namespaces: ['cgroup', 'ipc', 'mount', 'network', 'pid', 'time', 'user', 'uts'],
    capabilities: CAPABILITIES,
    cgroup: { v1: true, v2: true, systemd: true, systemdUser: true, rdma: true },
    seccomp: {
      enabled: true,
      // A guest's calls can't be handed to a listener on the host.
      actions: [...SECCOMP_ACTIONS].filter((action) => action !== 'SCMP_ACT_NOTIFY').sort(),
      operators: [...SECCOMP_OPERATORS].sort(),
      archs: [process.arch === 'arm64' ? 'SCMP_ARCH_AARCH64' : 'SCMP_ARCH_X86_64'],
      knownFlags: ['SECCOMP_FILTER_FLAG_LOG', 'SECCOMP_FILTER_FLAG_SPEC_ALLOW', 'SECCOMP_FILTER_FLAG_TSYNC'],
      supportedFlags: [],
    },
    apparmor: { enabled: false },
    selinux: { enabled: false },
    intelRdt: { enabled: false },
    mountExtensions: { idmap: { enabled: true } },
    netDevices: { enabled: false },
  },
  potentiallyUnsafeConfigAnnotations: [],
};
