// Users without privileges: an ordinary one, root of a user namespace with one id, and root of one with a range of
// ids, which is what an engine of an ordinary user gives its runtime.

import { execFileSync, spawn } from 'node:child_process';
import { chmodSync, mkdtempSync, readdirSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';

import { rootlessSpec } from '../../runsc/spec/default-spec.ts';
import { mapHolds } from '../../runsc/sandbox/user-namespace.ts';
import { MAKING_MS, rootfs } from '../support/rootfs.ts';
import { canRun, leftoversOf, runsc } from '../support/sandbox.ts';

const USER = 54321;
const SUBORDINATE = 300_000;
const DROP = ['--reuid', String(USER), '--regid', String(USER), '--clear-groups', '--inh-caps=-all'];

type Kind = 'ordinary' | 'one id' | 'range';

let count = 0;

function newId(): string {
  return `runsc-test-${process.pid}-rootless-${count++}`;
}

interface Ran {
  readonly status: number | null;
  readonly stdout: string;
  readonly stderr: string;
}

test('lines of uid_map hold their ids', () => {
  expect(mapHolds('         0          0 4294967295\n', 65534)).toBe(true);
  expect(mapHolds('0 1000 1\n', 0)).toBe(true);
  expect(mapHolds('0 1000 1\n', 1)).toBe(false);
  expect(mapHolds('0 1000 1\n1 100000 65536\n', 65536)).toBe(true);
  expect(mapHolds('', 0)).toBe(false);
});

describe.skipIf(!canRun)('without privileges', { timeout: 600_000 }, () => {
  let directory: string;
  let bundle: string;
  beforeAll(() => {
    directory = mkdtempSync(join(tmpdir(), 'runsc-rootless-'));
    bundle = join(directory, 'bundle');
    execFileSync('mkdir', ['-p', bundle, join(directory, 'run')]);
    execFileSync('cp', ['-a', rootfs('busybox'), join(bundle, 'rootfs')]);
    execFileSync('chown', ['-hR', `${USER}:${USER}`, directory]);
    chmodSync(directory, 0o755);
  }, MAKING_MS);
  afterAll(() => rmSync(directory, { recursive: true, force: true }));

  /** `namespace`: whether config.json asks for a user namespace of the container's own. */
  function configure(script: string, namespace: boolean): void {
    const spec = rootlessSpec(USER, USER);
    const { uidMappings, gidMappings, namespaces, ...linux } = spec.linux!;
    const mapped = namespace ? { uidMappings, gidMappings } : {};
    const types = namespaces!.filter(({ type }) => namespace || type !== 'user');
    const config = {
      ...spec,
      process: { ...spec.process, terminal: false, args: ['sh', '-c', script] },
      root: { path: 'rootfs', readonly: false },
      linux: { ...linux, ...mapped, namespaces: types },
    };
    writeFileSync(join(bundle, 'config.json'), JSON.stringify(config));
  }

  async function as(kind: Kind, program: string, ...args: string[]): Promise<Ran> {
    const script = 'echo ready; read go; exec "$@"';
    const words: string[] = ['setpriv', ...DROP];
    if (kind === 'one id') words.push('unshare', '-Urm');
    if (kind === 'range') words.push('unshare', '-Um', 'sh', '-c', script, 'sh');
    if (kind === 'range') words.push('setpriv', '--reuid', '0', '--regid', '0', '--clear-groups');
    words.push(program, ...args);
    const child = spawn(words[0]!, words.slice(1), {
      cwd: bundle,
      env: { PATH: process.env['PATH'], HOME: directory, XDG_RUNTIME_DIR: join(directory, 'run') },
    });
    let stdout = '';
    let stderr = '';
    let told = kind !== 'range';
    child.stdout.setEncoding('utf8').on('data', (text: string) => {
      stdout += text;
      if (told || !stdout.startsWith('ready\n')) return;
      told = true;
      stdout = '';
      // As newuidmap(1) does for users that have subordinate ids.
      for (const file of ['uid_map', 'gid_map']) {
        writeFileSync(`/proc/${child.pid}/${file}`, `0 ${USER} 1\n1 ${SUBORDINATE} 65536\n`);
      }
      child.stdin.end('go\n');
    });
    child.stderr.setEncoding('utf8').on('data', (text: string) => (stderr += text));
    if (told) child.stdin.end();
    const status = await new Promise<number | null>((done) => {
      child.on('close', done);
    });
    return { status, stdout, stderr };
  }

  test.each<[Kind, boolean]>([
    ['ordinary', true],
    ['one id', false],
    ['range', false],
  ])('run: %s', async (kind, namespace) => {
    configure('id; hostname; echo x > /made; stat -c "%u %g" /made; rm /made; exit 7', namespace);
    const theirs = await as(kind, 'runc', '--root', join(directory, 'run/theirs'), 'run', 'c');
    const ours = await as(kind, runsc, 'run', newId());
    expect(theirs).toMatchObject({ status: 7, stderr: '' });
    expect(ours.stdout.replace(' groups=0(root)', '')).toBe(theirs.stdout.replace(' groups=0(root)', ''));
    expect({ ...ours, stdout: '' }).toEqual({ status: 7, stdout: '', stderr: '' });
    // $XDG_RUNTIME_DIR holds the state, and nothing stays in it.
    expect(readdirSync(join(directory, 'run/runsc'))).toEqual([]);
  });

  test('the maps are what the container sees', async () => {
    configure('cat /proc/self/uid_map /proc/self/gid_map', true);
    const theirs = await as('ordinary', 'runc', '--root', join(directory, 'run/theirs'), 'run', 'c');
    expect(await as('ordinary', runsc, 'run', newId())).toEqual(theirs);
  });

  test.each<Kind>(['ordinary', 'one id', 'range'])('do: %s', async (kind) => {
    const ran = await as(
      kind,
      runsc,
      'do',
      '--',
      'sh',
      '-c',
      'id -u; echo x > /tmp/in-the-sandbox; cat /tmp/in-the-sandbox',
    );
    expect(ran).toEqual({ status: 0, stdout: '0\nx\n', stderr: '' });
  });

  test.each<Kind>(['ordinary', 'one id', 'range'])(
    'the commands on a detached container: %s',
    async (kind) => {
      configure('trap "exit 3" TERM; sleep 1000 & wait', kind === 'ordinary');
      const id = newId();
      const pidFile = join(directory, 'run/pid');
      // In one user namespace, as an engine would have it.
      const script = `set -e
      runsc=${runsc}
      $runsc create --pid-file ${pidFile} ${id} >/dev/null 2>&1
      $runsc start ${id}
      until $runsc ps -f json ${id} | grep -q ,; do sleep 0.1; done
      test "$($runsc ps -f json ${id} | cut -d, -f1)" = "[$(cat ${pidFile})"
      $runsc pause ${id}
      $runsc state ${id} | grep status
      $runsc resume ${id}
      $runsc events --stats ${id} | cut -c1-16
      $runsc exec ${id} id -u
      $runsc exec --detach --pid-file ${pidFile}.exec ${id} sleep 100 >/dev/null 2>&1
      $runsc ps -f json ${id} | tr , '\\n' | wc -l
      $runsc kill ${id} TERM
      $runsc delete --force ${id}`;
      const ran = await as(kind, 'sh', '-c', script);
      expect(ran).toEqual({
        status: 0,
        stdout: '  "status": "paused",\n{"type":"stats",\n0\n3\n',
        stderr: '',
      });
      expect(await leftoversOf(id, join(directory, 'run/runsc'))).toEqual([]);
    },
  );

  test('cgroups that must be there are told of', async () => {
    configure('exit 0', true);
    const { status, stderr } = await as('ordinary', runsc, '--rootless=false', 'run', newId());
    expect(status).toBe(1);
    expect(stderr).toMatch(/mkdir \/sys\/fs\/cgroup.*permission denied/);
  });
});
