// What a pod's manifest can ask for, beyond programs and networks, through the Container Runtime Interface.

import { afterAll, beforeAll, describe, expect, test } from 'vitest';

import { CRI_PACKAGES, Kubelet } from './kubelet.ts';
import { oracle, until } from './machine.ts';
import { missing } from './packages.ts';
import { MAKING_MS } from '../support/rootfs.ts';

describe.skipIf(missing(...CRI_PACKAGES))('CRI: what a manifest asks for', () => {
  let kubelet: Kubelet;

  beforeAll(async () => {
    kubelet = await Kubelet.start();
  }, MAKING_MS);
  afterAll(() => kubelet?.close());

  /** The lines that one container of a pod writes before it ends. */
  async function linesOf(
    script: string,
    config: Record<string, unknown>,
    sandbox: Record<string, unknown> = {},
  ): Promise<string[]> {
    const pod = await kubelet.run('asks', sandbox);
    await kubelet.ended(await pod.start(script, config));
    const lines = pod.log(0);
    await pod.remove();
    await kubelet.nothingLeft();
    return lines;
  }

  test('user, groups, directory, variables, mounts, read-only root, capabilities', async () => {
    const pod = await kubelet.run('config', { linux: { sysctls: { 'kernel.shm_rmid_forced': '1' } } });
    kubelet.machine.write('/run/pods/mounted/file', 'mounted\n');
    await pod.start(
      'id -u; id -g; pwd; echo $A; cat /data/file; touch /x || echo refused; grep CapEff /proc/self/status',
      {
        working_dir: '/tmp',
        envs: [{ key: 'A', value: 'b' }],
        mounts: [{ container_path: '/data', host_path: '/run/pods/mounted', readonly: true }],
        linux: {
          security_context: {
            run_as_user: { value: 5 },
            run_as_group: { value: 6 },
            readonly_rootfs: true,
            no_new_privs: true,
            capabilities: { drop_capabilities: ['ALL'] },
          },
        },
      },
    );
    await until('it has written', () => pod.log(0).length >= 7);
    expect(pod.log(0)).toEqual(['5', '6', '/tmp', 'b', 'mounted', 'refused', 'CapEff:\t0000000000000000']);
    await pod.remove();
    await kubelet.nothingLeft();
  });

  test('seccomp: the default profile, none, one of the node’s', async () => {
    const profile = {
      defaultAction: 'SCMP_ACT_ALLOW',
      syscalls: [{ names: ['mkdir', 'mkdirat'], action: 'SCMP_ACT_ERRNO', errnoRet: 95 }],
    };
    kubelet.machine.write('/run/pods/seccomp.json', JSON.stringify(profile));
    const script = 'grep Seccomp: /proc/self/status; mkdir /made 2>&1 && echo made';
    const lines = (seccomp: Record<string, unknown>): Promise<string[]> =>
      linesOf(script, { linux: { security_context: { seccomp } } });
    expect(await lines({ profile_type: 'RuntimeDefault' })).toEqual(['Seccomp:\t2', 'made']);
    expect(await lines({ profile_type: 'Unconfined' })).toEqual(['Seccomp:\t0', 'made']);
    const local = { profile_type: 'Localhost', localhost_ref: 'localhost//run/pods/seccomp.json' };
    expect(await lines(local)).toEqual([
      'Seccomp:\t2',
      "mkdir: can't create directory '/made': Operation not supported",
    ]);
  });

  // runc has to have all capabilities itself.
  test.skipIf(oracle)('a privileged container in a privileged pod', async () => {
    const security_context = { privileged: true };
    const script =
      'grep CapEff /proc/self/status; hostname other && hostname; test -e /dev/kmsg && echo device';
    const lines = await linesOf(script, { linux: { security_context } }, { linux: { security_context } });
    expect(lines[0]).toMatch(/^CapEff:\t0000(003f|01ff)f[ef]ffffff$/);
    expect(lines.slice(1)).toEqual(['other', 'device']);
  });

  test('the network of the node', async () => {
    const security_context = { namespace_options: { network: 'NODE', pid: 'CONTAINER' } };
    const asked = { linux: { security_context } };
    const lines = await linesOf('hostname; ip -o link | cut -d: -f2 | cut -d@ -f1', asked, {
      ...asked,
      hostname: '',
    });
    const there = await kubelet.machine.shell('hostname; ip -o link | cut -d: -f2 | cut -d@ -f1');
    expect(lines).toEqual(there.split('\n'));
  });

  test('a container that is added later looks at the processes of another', async () => {
    const pod = await kubelet.run('debug');
    const target = await pod.start('exec sleep 1234');
    const namespace_options = { pid: 'TARGET', target_id: target };
    const debug = await pod.start('sleep 1000', { linux: { security_context: { namespace_options } } });
    const comm = async (): Promise<string> => (await kubelet.exec(debug, 'cat /proc/1/comm')).stdout;
    await until('the program is there', async () => (await comm()) === 'sleep\n');
    expect((await kubelet.exec(debug, 'ps -o args | grep "[s]leep 1234"')).stdout).toBe('sleep 1234\n');
    await pod.remove();
    await kubelet.nothingLeft();
  });

  test('a device', async () => {
    const devices = [{ container_path: '/dev/other', host_path: '/dev/zero', permissions: 'rw' }];
    expect(await linesOf('head -c 3 /dev/other | wc -c', { devices })).toEqual(['3']);
  });

  test.each(['PRIVATE', 'HOST_TO_CONTAINER', 'BIDIRECTIONAL'])(
    'what the node mounts in a volume later, and unmounts: %s',
    async (propagation) => {
      const { machine } = kubelet;
      const volume = '/run/volume';
      await machine.shell(`mkdir ${volume}; mount -t tmpfs volume ${volume}; mount --make-shared ${volume}`);
      await machine.shell(`mkdir ${volume}/later`);
      const pod = await kubelet.run('propagation');
      const script = `until test -e /data/mounted; do sleep 0.05; done; cat /data/later/file || echo none; touch /data/seen
        while test -e /data/mounted; do sleep 0.05; done; ls -A /data/later | wc -l; echo end`;
      await pod.start(script, {
        mounts: [{ container_path: '/data', host_path: volume, propagation: `PROPAGATION_${propagation}` }],
      });
      await machine.shell(`mount -t tmpfs later ${volume}/later; echo here >${volume}/later/file`);
      await machine.shell(`touch ${volume}/mounted`);
      await until(
        'it has looked',
        async () => (await machine.run(['test', '-e', `${volume}/seen`])).status === 0,
      );
      await machine.shell(`umount ${volume}/later; rm ${volume}/mounted`);
      await until('it has looked again', () => pod.log(0).includes('end'));
      expect(pod.log(0)).toEqual([propagation === 'PRIVATE' ? 'none' : 'here', '0', 'end']);
      await pod.remove();
      await machine.shell(`umount ${volume}; rmdir ${volume}`);
      await kubelet.nothingLeft();
    },
  );

  test('masked and read-only paths', async () => {
    const security_context = { masked_paths: ['/etc/passwd', '/usr'], readonly_paths: ['/etc'] };
    const script = 'wc -c </etc/passwd; ls /usr | wc -l; touch /etc/x 2>/dev/null || echo refused';
    expect(await linesOf(script, { linux: { security_context } })).toEqual(['0', '0', 'refused']);
  });

  test('supplemental groups', async () => {
    const security_context = {
      run_as_user: { value: 5 },
      run_as_group: { value: 6 },
      supplemental_groups: [9, 8],
    };
    expect(await linesOf('grep Groups /proc/self/status', { linux: { security_context } })).toEqual([
      'Groups:\t6 8 9 ',
    ]);
  });

  test('a container that exceeds its memory, and why it ended', async () => {
    const pod = await kubelet.run('oom');
    const id = await pod.start('tail /dev/zero; sleep 5; exit 137', {
      linux: { resources: { memory_limit_in_bytes: 128 * 2 ** 20 } },
    });
    await kubelet.ended(id);
    expect(await kubelet.status(id)).toMatchObject({ exit_code: 137, reason: 'OOMKilled' });
    await pod.remove();
    await kubelet.nothingLeft();
  });

  test('a log that was rotated goes on in a new file', async () => {
    const pod = await kubelet.run('log');
    const id = await pod.start('echo before; read x; echo after; exec sleep 1000', { stdin: true });
    await until('it has begun', () => pod.log(0).length === 1);
    await kubelet.machine.shell(`mv ${pod.logFile(0)} ${pod.logFile(0)}.1`);
    await kubelet.cri.call('ReopenContainerLog', { container_id: id });
    void kubelet.cri.stream('Attach', { container_id: id, stdin: true }, [['', 'go\n']]).catch(() => '');
    await until('the new file has the rest', () => pod.log(0).join() === 'after');
    await pod.remove();
    await kubelet.nothingLeft();
  });

  test('a terminal that is attached to', async () => {
    const pod = await kubelet.run('tty');
    const id = await pod.start('tty; read x; echo got $x; exit 4', {
      stdin: true,
      stdin_once: true,
      tty: true,
    });
    const request = { container_id: id, stdin: true, tty: true };
    const result = await kubelet.cri.stream('Attach', request, [['', 'word\n']]);
    expect(result.stdout).toContain('got word\n');
    await kubelet.ended(id);
    expect(await kubelet.status(id)).toMatchObject({ exit_code: 4 });
    await pod.remove();
    await kubelet.nothingLeft();
  });
});
