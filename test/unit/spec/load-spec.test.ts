// config.json: what is accepted, what is warned about, and the one line for everything else.

import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';

import { afterEach, beforeEach, describe, expect, it } from 'vitest';

import { everyField } from './every-field.ts';
import { defaultSpec, rootlessSpec } from '../../../runsc/spec/default-spec.ts';
import { loadSpec, parseSpec } from '../../../runsc/spec/load-spec.ts';

type Json = Record<string, unknown>;

/** The default configuration with values put at dotted paths; `undefined` removes one. */
function config(changes: Record<string, unknown>): Json {
  const spec = structuredClone(defaultSpec()) as unknown as Json;
  for (const [path, value] of Object.entries(changes)) {
    const names = path.split('.');
    let target = spec;
    for (const name of names.slice(0, -1)) target = (target[name] ??= {}) as Json;
    if (value === undefined) delete target[names.at(-1)!];
    else target[names.at(-1)!] = value;
  }
  return spec;
}

function warningsOf(value: unknown): string[] {
  const warnings: string[] = [];
  parseSpec(JSON.stringify(value), (message) => warnings.push(message));
  return warnings;
}

function errorOf(value: unknown): string {
  try {
    warningsOf(value);
  } catch (error) {
    return (error as Error).message;
  }
  return 'accepted';
}

describe('what is accepted', () => {
  it('takes the defaults without a warning', () => {
    expect(warningsOf(defaultSpec())).toEqual([]);
    expect(warningsOf(rootlessSpec(1000, 1000))).toEqual([]);
  });

  it('knows every field of the types', () => {
    expect(warningsOf(everyField)).toEqual([
      'config.json: process.apparmorProfile: not supported, ignored',
      'config.json: process.selinuxLabel: not supported, ignored',
      'config.json: linux.intelRdt: not supported, ignored',
      'config.json: linux.memoryPolicy: not supported, ignored',
      'config.json: linux.netDevices: not supported, ignored',
      ...['mount/mnt', 'user/user', 'cgroup/cgroup', 'time/time'].map((both) => {
        const [type, file] = both.split('/');
        return `config.json: linux.namespaces: ${type}: joining /proc/1/ns/${file} is not supported, the container gets its own`;
      }),
      'config.json: linux.mountLabel: not supported, ignored',
    ]);
  });

  it.each(['1.0.0', '1.0.2-dev', '1.2.1', '1.3.0+dev', '1.99.7'])('takes version %s', (ociVersion) => {
    expect(warningsOf(config({ ociVersion }))).toEqual([]);
  });

  it('takes null for an absent field, as runtimes written in Go do', () => {
    expect(
      warningsOf(config({ hooks: null, 'process.rlimits': null, 'linux.resources.memory': null })),
    ).toEqual([]);
  });

  it('keeps values as they were written', () => {
    const spec = parseSpec(JSON.stringify(everyField), () => undefined);
    expect(spec).toEqual(everyField);
  });
});

describe('what is warned about', () => {
  it('names unknown fields at any depth, and keeps them', () => {
    expect(
      warningsOf(config({ solaris: {}, 'process.color': 1, 'linux.resources.memory': { max: 1 } })),
    ).toEqual([
      'config.json: solaris: unknown field, ignored',
      'config.json: process.color: unknown field, ignored',
      'config.json: linux.resources.memory.max: unknown field, ignored',
    ]);
  });

  it('names unknown capabilities once', () => {
    const sets = { bounding: ['CAP_FOO', 'CAP_KILL'], effective: ['CAP_FOO'] };
    expect(warningsOf(config({ 'process.capabilities': sets }))).toEqual([
      'ignoring unknown or unavailable capabilities: [CAP_FOO]',
    ]);
  });

  it('runs a file without a version', () => {
    const text = JSON.stringify(config({ ociVersion: undefined }));
    expect(parseSpec(text, () => undefined).ociVersion).toBe('1.0.0');
    expect(warningsOf(config({ ociVersion: undefined }))).toEqual([
      'config.json: ociVersion: is missing, 1.0.0 is assumed',
    ]);
  });

  it('runs a relative mount destination, from the root', () => {
    const text = JSON.stringify(config({ mounts: [{ destination: 'data', type: 'tmpfs' }] }));
    expect(parseSpec(text, () => undefined).mounts).toEqual([{ destination: '/data', type: 'tmpfs' }]);
    expect(warningsOf(config({ mounts: [{ destination: 'data', type: 'tmpfs' }] }))).toEqual([
      'config.json: mounts[0].destination: "data" is not absolute',
    ]);
  });
});

describe('types and ranges', () => {
  it.each<[Record<string, unknown>, string]>([
    [{ 'process.args': [1] }, 'process.args[0]: must be string'],
    [{ 'process.args': 'sh' }, 'process.args: must be array'],
    [{ 'process.args': ['sh', null] }, 'process.args[1]: must be string'],
    [{ 'process.terminal': 'yes' }, 'process.terminal: must be boolean'],
    [{ 'process.user': { uid: -1 } }, 'process.user.uid: must be at least 0'],
    [{ 'process.user': { uid: 4294967296 } }, 'process.user.uid: must be at most 4294967295'],
    [{ 'process.user': { uid: 1.5 } }, 'process.user.uid: must be integer'],
    [{ 'process.rlimits': [{ type: 'RLIMIT_AS', hard: 1 }] }, 'process.rlimits[0].soft: is required'],
    [{ root: {} }, 'root.path: is required'],
    [{ mounts: [{ type: 'tmpfs' }] }, 'mounts[0].destination: is required'],
    [{ annotations: { 'a.b/c': 1 } }, 'annotations["a.b/c"]: must be string'],
    [{ linux: [] }, 'linux: must be object'],
    [{ 'linux.resources': { memory: { limit: '1G' } } }, 'linux.resources.memory.limit: must be integer'],
    [{ 'process.oomScoreAdj': 3e9 }, 'process.oomScoreAdj: must be at most 2147483647'],
  ])('%j', (changes, message) => {
    expect(errorOf(config(changes))).toBe(`config.json: ${message}`);
  });

  it.each<[unknown, string]>([
    [[], 'must be an object'],
    ['text', 'must be an object'],
    [{}, 'process: must be set'],
  ])('the whole file: %j', (value, message) => {
    expect(errorOf(value)).toBe(`config.json: ${message}`);
  });

  it('reports a wrong type rather than an unknown field', () => {
    expect(errorOf(config({ unknown: 1, 'process.cwd': 1 }))).toBe(
      'config.json: process.cwd: must be string',
    );
  });

  it('says where the JSON ends to be JSON, on one line', () => {
    expect(() => parseSpec('{\n  "a": 1,\n}', () => undefined)).toThrow(
      /^config\.json: .*not valid JSON: [^\n]+$/,
    );
    expect(() => parseSpec('', () => undefined)).toThrow(/^config\.json: not valid JSON: Unexpected end/);
  });
});

const namespaces = ['pid', 'network', 'ipc', 'uts', 'mount'].map((type) => ({ type }));
const without = (type: string): unknown => namespaces.filter((namespace) => namespace.type !== type);
const rlimit = { type: 'RLIMIT_NOFILE', hard: 10, soft: 10 };
const seccomp = { defaultAction: 'SCMP_ACT_ALLOW' };

describe('rules', () => {
  it.each<[Record<string, unknown>, string]>([
    [{ ociVersion: '2.0.0' }, 'ociVersion: must be a 1.x version, not "2.0.0"'],
    [{ process: undefined }, 'process: must be set'],
    [{ 'process.args': [] }, 'process.args: must not be empty'],
    [{ 'process.args': ['a\0b'] }, 'process.args[0]: must not contain a NUL byte'],
    [{ 'process.cwd': '' }, 'process.cwd: must not be empty'],
    [{ 'process.cwd': undefined }, 'process.cwd: must not be empty'],
    [{ 'process.cwd': 'tmp' }, 'process.cwd: must be an absolute path, not "tmp"'],
    [{ 'process.env': ['A=1', 'FOO'] }, 'process.env[1]: must be NAME=value, not "FOO"'],
    [{ 'process.env': ['=1'] }, 'process.env[0]: must be NAME=value, not "=1"'],
    [{ 'process.oomScoreAdj': 1001 }, 'process.oomScoreAdj: must be from -1000 to 1000, not 1001'],
    [
      { 'process.rlimits': [{ ...rlimit, type: 'RLIMIT_FOO' }] },
      'process.rlimits[0].type: unknown resource limit "RLIMIT_FOO"',
    ],
    [{ 'process.rlimits': [rlimit, rlimit] }, 'process.rlimits[1].type: RLIMIT_NOFILE is listed twice'],
    [
      { 'process.rlimits': [{ ...rlimit, soft: 11 }] },
      'process.rlimits[0].soft: must not be above hard (11 > 10)',
    ],
    [
      { 'process.scheduler': { policy: 'SCHED_FOO' } },
      'process.scheduler.policy: unknown policy "SCHED_FOO"',
    ],
    [
      { 'process.scheduler': { policy: 'SCHED_FIFO' } },
      'process.scheduler.priority: must be from 1 to 99, not 0',
    ],
    [
      { 'process.ioPriority': { class: 'IOPRIO_CLASS_BE', priority: 8 } },
      'process.ioPriority.priority: must be from 0 to 7, not 8',
    ],
    [{ root: undefined }, 'root: must be set'],
    [{ 'root.path': '' }, 'root.path: must not be empty'],
    [
      { 'linux.namespaces': without('uts') },
      'hostname: unable to set hostname without a private UTS namespace',
    ],
    [{ hostname: 'a'.repeat(65) }, 'hostname: must be at most 64 bytes long'],
    [{ mounts: [{ destination: '' }] }, 'mounts[0].destination: must not be empty'],
    [{ 'hooks.prestart': [{ path: 'rel' }] }, 'hooks.prestart[0].path: must be an absolute path, not "rel"'],
    [
      { 'hooks.poststop': [{ path: '/a', timeout: 0 }] },
      'hooks.poststop[0].timeout: must be above zero, not 0',
    ],
    [
      { 'linux.namespaces': [...namespaces, { type: 'foo' }] },
      'linux.namespaces[5].type: namespace "foo" does not exist',
    ],
    [
      { 'linux.namespaces': [...namespaces, { type: 'pid' }] },
      'linux.namespaces[5].type: duplicated namespace "pid"',
    ],
    [
      { 'linux.namespaces': [{ type: 'uts', path: 'x' }] },
      'linux.namespaces[0].path: must be an absolute path, not "x"',
    ],
    [
      { 'linux.namespaces': without('mount') },
      'linux.maskedPaths: unable to restrict sys entries without a private MNT namespace',
    ],
    [
      { 'linux.namespaces': [...namespaces, { type: 'user' }] },
      'linux.uidMappings: must not be empty with a new user namespace',
    ],
    [
      { 'linux.gidMappings': [{ containerID: 0, hostID: 0, size: 1 }] },
      'linux.gidMappings: needs a user namespace in linux.namespaces',
    ],
    [{ 'linux.timeOffsets': { realtime: {} } }, 'linux.timeOffsets: unknown clock "realtime"'],
    [
      { 'linux.timeOffsets': { boottime: {} } },
      'linux.timeOffsets.boottime: needs a time namespace in linux.namespaces',
    ],
    [{ 'linux.devices': [{ type: 'x', path: '/dev/x' }] }, 'linux.devices[0].type: invalid device type "x"'],
    [{ 'linux.rootfsPropagation': 'foo' }, 'linux.rootfsPropagation: "foo" is not supported'],
    [{ 'linux.seccomp': { defaultAction: 'FOO' } }, 'linux.seccomp.defaultAction: unknown value "FOO"'],
    [
      { 'linux.seccomp': { ...seccomp, syscalls: [{ names: [], action: 'SCMP_ACT_KILL' }] } },
      'linux.seccomp.syscalls[0].names: must not be empty',
    ],
    [
      { 'linux.resources.devices': [{ allow: true, access: 'rx' }] },
      'linux.resources.devices[0].access: must be letters of rwm, not "rx"',
    ],
    [
      { 'linux.resources.memory': { limit: -2 } },
      'linux.resources.memory.limit: must be a number of bytes, or -1 for no limit',
    ],
    [
      { 'linux.resources.memory': { limit: 2000, swap: 1000 } },
      'linux.resources.memory.swap: must not be below limit: it counts memory and swap',
    ],
    [
      { 'linux.resources.cpu': { cpus: 'all' } },
      'linux.resources.cpu.cpus: must be a list such as 0-2,7, not "all"',
    ],
    [
      { 'linux.resources.unified': { '../x': '1' } },
      'linux.resources.unified: "../x" is not the name of a cgroup file',
    ],
    [{ 'linux.personality': { domain: 'BSD' } }, 'linux.personality.domain: unknown domain "BSD"'],
  ])('%j', (changes, message) => {
    expect(errorOf(config(changes))).toBe(`config.json: ${message}`);
  });
});

describe('sysctls', () => {
  it.each([
    ['kernel.shmmax', 'accepted'],
    ['fs.mqueue.queues_max', 'accepted'],
    ['net.ipv4.ip_forward', 'accepted'],
    ['net/ipv4/conf/eth0.1/forwarding', 'accepted'],
    ['kernel.domainname', 'accepted'],
    ['kernel.hostname', 'is not allowed as it conflicts with the field "hostname"'],
    ['kernel.foo', 'is not in a separate kernel namespace'],
    ['vm.overcommit_memory', 'is not in a separate kernel namespace'],
    ['user.max_user_namespaces', 'is not allowed without a private user namespace'],
  ])('%s: %s', (name, outcome) => {
    const expected = outcome === 'accepted' ? outcome : `config.json: linux.sysctl["${name}"]: ${outcome}`;
    expect(errorOf(config({ 'linux.sysctl': { [name]: '1' } }))).toBe(expected);
  });

  it('needs the namespace that holds it', () => {
    const changes = { 'linux.namespaces': without('network'), 'linux.sysctl': { 'net.core.somaxconn': '1' } };
    expect(errorOf(config(changes))).toMatch(/is not allowed without a private network namespace$/);
  });
});

describe('bundles', () => {
  let bundle: string;
  const load = (): unknown => loadSpec(bundle, () => undefined);

  beforeEach(() => {
    bundle = mkdtempSync(join(tmpdir(), 'runsc-test-'));
  });

  afterEach(() => {
    rmSync(bundle, { recursive: true });
  });

  it('says which directory is missing', () => {
    expect(() => loadSpec(join(bundle, 'nope'), () => undefined)).toThrow(
      `chdir ${bundle}/nope: no such file or directory`,
    );
  });

  it('says that config.json is missing', () => {
    expect(load).toThrow('JSON specification file config.json not found');
  });

  it('says why config.json cannot be read', () => {
    mkdirSync(join(bundle, 'config.json'));
    expect(load).toThrow(/^config\.json: cannot be read: /);
  });

  it('says that the rootfs is missing or no directory', () => {
    writeFileSync(join(bundle, 'config.json'), JSON.stringify(defaultSpec()));
    expect(load).toThrow(
      `config.json: root.path: invalid rootfs: stat ${bundle}/rootfs: no such file or directory`,
    );
    writeFileSync(join(bundle, 'rootfs'), '');
    expect(load).toThrow(/^config\.json: root\.path: invalid rootfs: .* is not a directory$/);
  });

  it('loads a bundle that is in order', () => {
    writeFileSync(join(bundle, 'config.json'), JSON.stringify(defaultSpec()));
    mkdirSync(join(bundle, 'rootfs'));
    expect(load()).toEqual(defaultSpec());
  });
});
