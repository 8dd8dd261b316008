// A configuration that sets every field of the types, so that types and schema can be held against each other.

import type { Spec } from '../../../runsc/spec/spec.ts';

type Every<T> = T extends readonly (infer E)[]
  ? readonly Every<E>[]
  : T extends object
    ? { [K in keyof T]-?: Every<T[K]> }
    : T;

const hook = { path: '/bin/true', args: ['true'], env: ['A=b'], timeout: 5 };
const mapping = { containerID: 0, hostID: 100000, size: 65536 };
const throttle = { major: 8, minor: 0, rate: 600 };
const capabilities = ['CAP_KILL'];

export const everyField: Every<Spec> = {
  ociVersion: '1.3.0',
  process: {
    terminal: true,
    consoleSize: { height: 25, width: 80 },
    user: { uid: 1, gid: 1, umask: 18, additionalGids: [5, 6], username: 'nobody' },
    args: ['sh'],
    commandLine: 'sh',
    env: ['PATH=/bin', 'EMPTY='],
    cwd: '/',
    capabilities: {
      bounding: capabilities,
      effective: capabilities,
      inheritable: capabilities,
      permitted: capabilities,
      ambient: capabilities,
    },
    rlimits: [{ type: 'RLIMIT_CORE', hard: 18446744073709551615, soft: 0 }],
    noNewPrivileges: true,
    apparmorProfile: 'profile',
    oomScoreAdj: -500,
    scheduler: {
      policy: 'SCHED_DEADLINE',
      nice: 0,
      priority: 0,
      flags: ['SCHED_FLAG_RESET_ON_FORK'],
      runtime: 1,
      deadline: 2,
      period: 3,
    },
    selinuxLabel: 'label',
    ioPriority: { class: 'IOPRIO_CLASS_BE', priority: 4 },
    execCPUAffinity: { initial: '0', final: '0-1' },
  },
  root: { path: 'rootfs', readonly: true },
  hostname: 'name',
  domainname: 'domain',
  mounts: [
    {
      destination: '/data',
      type: 'bind',
      source: '/srv',
      options: ['rbind'],
      uidMappings: [mapping],
      gidMappings: [mapping],
    },
  ],
  hooks: {
    prestart: [hook],
    createRuntime: [hook],
    createContainer: [hook],
    startContainer: [hook],
    poststart: [hook],
    poststop: [hook],
  },
  annotations: { 'org.example.key': 'value' },
  linux: {
    uidMappings: [mapping],
    gidMappings: [mapping],
    timeOffsets: { monotonic: { secs: -5, nanosecs: 1 } },
    sysctl: { 'net.core.somaxconn': '256' },
    resources: {
      devices: [{ allow: false, type: 'c', major: 1, minor: 3, access: 'rwm' }],
      memory: {
        limit: 1 << 20,
        reservation: 1 << 20,
        swap: -1,
        kernel: -1,
        kernelTCP: -1,
        swappiness: 60,
        disableOOMKiller: false,
        useHierarchy: true,
        checkBeforeUpdate: true,
      },
      cpu: {
        shares: 1024,
        quota: -1,
        burst: 0,
        period: 100000,
        realtimeRuntime: 0,
        realtimePeriod: 0,
        cpus: '0-1,3',
        mems: '0',
        idle: 0,
      },
      pids: { limit: 100 },
      blockIO: {
        weight: 10,
        leafWeight: 10,
        weightDevice: [{ major: 8, minor: 0, weight: 10, leafWeight: 10 }],
        throttleReadBpsDevice: [throttle],
        throttleWriteBpsDevice: [throttle],
        throttleReadIOPSDevice: [throttle],
        throttleWriteIOPSDevice: [throttle],
      },
      hugepageLimits: [{ pageSize: '2MB', limit: 0 }],
      network: { classID: 1, priorities: [{ name: 'eth0', priority: 1 }] },
      rdma: { mlx5_1: { hcaHandles: 1, hcaObjects: 1 } },
      unified: { 'memory.high': '1000000' },
    },
    cgroupsPath: '/a/b',
    namespaces: [
      { type: 'pid', path: '/proc/1/ns/pid' },
      { type: 'network', path: '/proc/1/ns/net' },
      { type: 'mount', path: '/proc/1/ns/mnt' },
      { type: 'ipc', path: '/proc/1/ns/ipc' },
      { type: 'uts', path: '/proc/1/ns/uts' },
      { type: 'user', path: '/proc/1/ns/user' },
      { type: 'cgroup', path: '/proc/1/ns/cgroup' },
      { type: 'time', path: '/proc/1/ns/time' },
    ],
    devices: [{ type: 'c', path: '/dev/fuse', major: 10, minor: 229, fileMode: 438, uid: 0, gid: 0 }],
    netDevices: { eth0: { name: 'net0' } },
    seccomp: {
      defaultAction: 'SCMP_ACT_ALLOW',
      defaultErrnoRet: 1,
      architectures: ['SCMP_ARCH_X86_64'],
      flags: ['SECCOMP_FILTER_FLAG_LOG'],
      listenerPath: '/run/listener',
      listenerMetadata: 'text',
      syscalls: [
        {
          names: ['getcwd'],
          action: 'SCMP_ACT_ERRNO',
          errnoRet: 1,
          args: [{ index: 5, value: 1, valueTwo: 2, op: 'SCMP_CMP_MASKED_EQ' }],
        },
      ],
    },
    rootfsPropagation: 'rslave',
    maskedPaths: ['/proc/kcore'],
    readonlyPaths: ['/proc/sys'],
    mountLabel: 'label',
    intelRdt: {
      closID: 'a',
      schemata: ['L3:0=f'],
      l3CacheSchema: 'L3:0=f',
      memBwSchema: 'MB:0=20',
      enableCMT: true,
      enableMBM: true,
      enableMonitoring: true,
    },
    memoryPolicy: { mode: 'MPOL_BIND', nodes: '0', flags: ['MPOL_F_STATIC_NODES'] },
    personality: { domain: 'LINUX', flags: [] },
  },
};
