// config.json's `process`, property by property, against runc.

import { afterAll, beforeAll, describe, expect, test } from 'vitest';

import { MAKING_MS } from '../support/rootfs.ts';
import { canRun, runsc } from '../support/sandbox.ts';
import { ConfigFixture } from './config-fixture.ts';

const SETS = 'grep -E "^(Cap|NoNewPrivs)" /proc/self/status';

describe.skipIf(!canRun)('config.json: process', { timeout: 600_000 }, () => {
  let fixture: ConfigFixture;
  beforeAll(() => {
    fixture = new ConfigFixture();
  }, MAKING_MS);
  afterAll(() => fixture.remove());

  test.each([
    ['none', {}],
    ['bounding alone', { bounding: ['CAP_CHOWN', 'CAP_KILL'] }],
    [
      'permitted above effective',
      { bounding: ['CAP_CHOWN', 'CAP_KILL'], permitted: ['CAP_CHOWN', 'CAP_KILL'], effective: ['CAP_KILL'] },
    ],
    [
      'inheritable',
      {
        bounding: ['CAP_CHOWN'],
        permitted: ['CAP_CHOWN'],
        inheritable: ['CAP_CHOWN'],
        effective: ['CAP_CHOWN'],
      },
    ],
    [
      'ambient without inheritable',
      { bounding: ['CAP_CHOWN'], permitted: ['CAP_CHOWN'], effective: ['CAP_CHOWN'], ambient: ['CAP_CHOWN'] },
    ],
    [
      'all five',
      {
        bounding: ['CAP_CHOWN', 'CAP_NET_RAW', 'CAP_SETUID'],
        permitted: ['CAP_CHOWN', 'CAP_NET_RAW'],
        effective: ['CAP_NET_RAW'],
        inheritable: ['CAP_CHOWN', 'CAP_NET_RAW'],
        ambient: ['CAP_CHOWN', 'CAP_NET_RAW'],
      },
    ],
  ])('capabilities: %s', async (_name, capabilities) => {
    for (const uid of [0, 1000]) {
      const { stdout } = await fixture.same({
        script: SETS,
        process: { capabilities, user: { uid, gid: uid } },
      });
      expect(stdout).toContain('CapBnd');
    }
  });

  test('without capabilities and without noNewPrivileges', async () => {
    const { stdout } = await fixture.same({
      script: SETS,
      process: { capabilities: { bounding: [] }, noNewPrivileges: false },
    });
    expect(stdout).toMatch(/NoNewPrivs:\s0/);
  });

  test('noNewPrivileges keeps set-user-ID programs from their effect', async () => {
    const script = `cp /bin/busybox /tmp/id; chmod 4755 /tmp/id; cd /tmp; ${SETS.replace('Cap|', '')}; exec /bin/busybox setuidgid 2>&1; :`;
    await fixture.same({ script, process: { noNewPrivileges: true } });
  });

  test('rlimits', async () => {
    const types = ['AS', 'CORE', 'CPU', 'DATA', 'FSIZE', 'LOCKS', 'MEMLOCK', 'MSGQUEUE', 'NICE', 'NOFILE'];
    types.push('NPROC', 'RSS', 'RTPRIO', 'RTTIME', 'SIGPENDING', 'STACK');
    // What the machine's own limit already is can't be raised.
    const hard: Record<string, number> = { CORE: 0, NICE: 0, RTPRIO: 0, MEMLOCK: 65536, MSGQUEUE: 65536 };
    hard['NOFILE'] = 1000;
    const rlimits = types.map((type) => {
      const most = hard[type] ?? (type === 'SIGPENDING' || type === 'NPROC' ? 1000 : 8 * 2 ** 30);
      return { type: `RLIMIT_${type}`, hard: most, soft: Math.floor(most / 2) };
    });
    const script = 'cat /proc/self/limits; ulimit -n; ulimit -Hn';
    const { stdout } = await fixture.same({ script, process: { rlimits } });
    expect(stdout).toMatch(/Max stack size\s+4294967296\s+8589934592\s+bytes/);
  });

  test('user: ids, groups, umask', async () => {
    const script =
      'id -u; id -g; grep -E "^(Uid|Gid|Groups)" /proc/self/status; umask; touch /tmp/x; stat -c %a:%u:%g /tmp/x';
    await fixture.same({ script, process: { user: { uid: 0, gid: 0 } } });
    await fixture.same({ script, process: { user: { uid: 1000, gid: 2000, additionalGids: [7, 5, 6] } } });
    await fixture.same({ script, process: { user: { uid: 1000, gid: 2000, umask: 0o77 } } });
    await fixture.same({ script, process: { user: { uid: 65534, gid: 65534, umask: 0 } } });
  });

  test.each([{ uid: 2 ** 32 - 1 }, { gid: 2 ** 31 }, { additionalGids: [2 ** 31] }])(
    'ids that there cannot be: %j',
    async (user) => {
      const process = { user: { uid: 0, gid: 0, ...user } };
      for (const program of ['runc', runsc]) {
        const { status, stdout, stderr } = await fixture.run(program, { script: 'id', process });
        expect([status, stdout]).toEqual([1, '']);
        expect(stderr).toContain('uids and gids must be in range 0-2147483647');
      }
    },
  );

  test('environment: HOME from passwd, the last of two, no PATH', async () => {
    const script = 'env | sort | grep -v -E "^(SHLVL|PWD|OLDPWD|_)="';
    const path = 'PATH=/bin';
    await fixture.same({ script, process: { env: [path] } });
    await fixture.same({ script, process: { env: [path, 'A=1', 'A=2', 'B=', 'C=x=y'] } });
    await fixture.same({ script, process: { env: [path, 'HOME=/tmp'] } });
    await fixture.same({ script, process: { env: [path], user: { uid: 65534, gid: 65534 } } });
    await fixture.same({ script, process: { env: [path], user: { uid: 4321, gid: 4321 } } });
    await fixture.same({ script, process: { args: ['/bin/sh', '-c', 'echo "$PATH"; echo $HOME'], env: [] } });
  });

  test('cwd is made when it is missing', async () => {
    await fixture.same({ script: 'pwd; ls -ld .', process: { cwd: '/tmp/deep/er' } });
    await fixture.same({ script: 'pwd', process: { cwd: '/usr/bin' } });
    await fixture.same({ script: 'pwd', process: { cwd: '/proc/sys' } });
    const { status } = await fixture.ours({ script: 'pwd', process: { cwd: '/bin/busybox' } });
    expect(status).toBe(1);
  });

  test('oomScoreAdj', async () => {
    for (const oomScoreAdj of [0, 500, 1000]) {
      await fixture.same({ script: 'cat /proc/self/oom_score_adj', process: { oomScoreAdj } });
    }
    // It can be lowered inside even where the host does not let us.
    const lowered = await fixture.ours({
      script: 'cat /proc/self/oom_score_adj',
      process: { oomScoreAdj: -998 },
    });
    expect(lowered).toEqual({ status: 0, stdout: '-998\n', stderr: '' });
  });

  test('scheduler and ioPriority are what the process is told', async () => {
    const { stdout } = await fixture.ours({
      script: '/probe scheduling',
      process: {
        scheduler: { policy: 'SCHED_BATCH', nice: 5 },
        ioPriority: { class: 'IOPRIO_CLASS_BE', priority: 6 },
      },
    });
    expect(stdout).toBe('policy 3 priority 0 nice 5 io 2:6\n');
  });

  test('labels are ignored with a warning', async () => {
    const { status, stdout, stderr } = await fixture.ours({
      script: 'echo ran',
      process: { apparmorProfile: 'docker-default', selinuxLabel: 'system_u:system_r:container_t:s0' },
      linux: { mountLabel: 'system_u:object_r:container_file_t:s0' },
    });
    expect({ status, stdout }).toEqual({ status: 0, stdout: 'ran\n' });
    for (const field of ['process.apparmorProfile', 'process.selinuxLabel', 'linux.mountLabel']) {
      expect(stderr).toContain(`level=warning msg="config.json: ${field}: not supported, ignored"`);
    }
  });
});
