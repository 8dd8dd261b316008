// `run` with its flags, in Docker and in Podman.

import { describe, expect, test } from 'vitest';

import { imageName } from './images.ts';
import { oracle, until } from './machine.ts';

import type { Engine } from './engine.ts';

const image = imageName('busybox');

export function describeRun(engine: Engine): void {
  /** `place` is removed at the end. */
  const run = async (flags: string, script: string, place?: string): Promise<string> => {
    const result = await engine.call(`run --rm ${flags} ${image} sh -c '${script}'`);
    if (place !== undefined) await engine.machine.shell(`rm -r ${place}`);
    await engine.nothingLeft();
    return result.stdout;
  };

  describe('run', () => {
    test('output, input, and exit code', async () => {
      const result = await engine.call(`run --rm -i ${image} sh -c 'cat; echo err >&2; exit 7'`, 'hello\n');
      expect(result).toEqual({ status: 7, stdout: 'hello\n', stderr: 'err\n' });
      await engine.nothingLeft();
    });

    test.each([
      ['/no/such', 127],
      ['no-such', 127],
      ['/etc/passwd', 126],
    ])('%s ends with %i', async (program, code) => {
      expect((await engine.call(`run --rm ${image} ${program}`)).status).toBe(code);
      await engine.nothingLeft();
    });

    test('-it: a terminal', async () => {
      const size = 'until stty size 2>/dev/null | grep 33; do sleep 0.05; done';
      const line = `run --rm -it ${image} sh -c 'tty; ${size}; read x; echo got $x; exit 3'`;
      const result = await engine.terminal(line, [['33 99\r', 'word\n']]);
      expect(result.stdout).toBe('/dev/pts/0\n33 99\nword\ngot word\n');
      expect(result.status).toBe(3);
      await engine.nothingLeft();
    });

    test('a user, a directory, variables, names, and a bind', async () => {
      await engine.machine.shell('mkdir -p /run/bind; echo outside >/run/bind/file');
      const flags =
        '--user 5:6 --group-add 9 --group-add 7 -w /tmp -e A=b --hostname box --add-host other:9.9.9.9 -v /run/bind:/data:ro';
      const script =
        'id -u; id -g; grep Groups /proc/self/status; pwd; echo $A; hostname; grep -c 9.9.9.9 /etc/hosts; cat /data/file; echo x 2>/dev/null >/data/file || echo refused';
      expect(await run(flags, script, '/run/bind')).toBe(
        '5\n6\nGroups:\t6 7 9 \n/tmp\nb\nbox\n1\noutside\nrefused\n',
      );
    });

    test('--init: a small init is the first process', async () => {
      const result = await engine.call(`run --rm --init ${image} sh -c 'readlink /proc/1/exe; exit 2'`);
      expect(result.stdout).toMatch(/init$|catatonit$/m);
      expect(result.status).toBe(2);
      await engine.nothingLeft();
    });

    test('--read-only, --tmpfs', async () => {
      const script =
        'touch /x 2>/dev/null || echo refused; touch /t/x; stat -c %a /t; df -k /t | tail -1; dd if=/dev/zero of=/t/x bs=1k count=2000 2>/dev/null || echo full';
      expect(await run('--read-only --tmpfs /t:size=1m,mode=700', script)).toMatch(
        /^refused\n700\ntmpfs +1024 .* \/t\nfull\n$/,
      );
    });

    test('--cap-drop, --cap-add, no-new-privileges', async () => {
      const flags = '--security-opt no-new-privileges --cap-drop ALL --cap-add CHOWN';
      const script = 'grep -E "CapBnd|CapEff|NoNewPrivs" /proc/self/status; chmod 0 /etc; chown 5 /etc';
      expect(await run(flags, script)).toBe(
        'CapEff:\t0000000000000001\nCapBnd:\t0000000000000001\nNoNewPrivs:\t1\n',
      );
    });

    // runc has to have all capabilities itself.
    test.skipIf(oracle)('--privileged: all that root of the machine may', async () => {
      const script =
        'grep CapEff /proc/self/status; hostname other; hostname; grep Seccomp: /proc/self/status';
      expect(await run('--privileged', script)).toMatch(
        /^CapEff:\t0000(003f|01ff)f[ef]ffffff\nother\nSeccomp:\t0\n$/,
      );
    });

    test('--security-opt seccomp: a filter of the user’s', async () => {
      const rule = { names: ['mkdir', 'mkdirat'], action: 'SCMP_ACT_ERRNO', errnoRet: 95 };
      const profile = { defaultAction: 'SCMP_ACT_ALLOW', syscalls: [rule] };
      engine.machine.write('/run/seccomp.json', JSON.stringify(profile));
      const script = 'mkdir /d 2>&1; grep Seccomp: /proc/self/status';
      expect(await run('--security-opt seccomp=/run/seccomp.json', script, '/run/seccomp.json')).toBe(
        "mkdir: can't create directory '/d': Operation not supported\nSeccomp:\t2\n",
      );
    });

    test('--ulimit, --shm-size, --sysctl', async () => {
      const flags =
        '--ulimit nofile=100:200 --ulimit core=0 --ulimit nproc=900 --shm-size 2m --sysctl net.core.somaxconn=77';
      const script =
        'ulimit -n; ulimit -Hn; ulimit -c; df -k /dev/shm | tail -1; cat /proc/sys/net/core/somaxconn';
      expect(await run(flags, script)).toMatch(/^100\n200\n0\n.* 2048 .*\/dev\/shm\n77\n$/);
    });

    test('--device: a device of the kernel’s under another name', async () => {
      const script = 'stat -c "%t %T" /dev/other; echo x >/dev/other; head -c 1 /dev/other | wc -c';
      expect(await run('--device /dev/zero:/dev/other', script)).toBe('1 5\n1\n');
    });

    test('--entrypoint', async () => {
      expect(await engine.succeed(`run --rm --entrypoint /bin/echo ${image} a b`)).toBe('a b');
      await engine.nothingLeft();
    });

    test('the namespaces of another container', async () => {
      const script = 'echo shared >/dev/shm/file; httpd -p 8000 -h /etc; exec sleep 4321';
      await engine.succeed(`run -d --name other --ipc shareable ${image} sh -c '${script}'`);
      const beside = (flags: string, line: string): Promise<string> =>
        engine.succeed(`run --rm ${flags} ${image} sh -c '${line}'`);
      const comm = async (): Promise<string> => await engine.succeed('exec other cat /proc/1/comm');
      await until('it has come to its last program', async () => (await comm()) === 'sleep');
      expect(await beside('--pid container:other', 'cat /proc/1/comm; ps -o args | grep "[s]leep 43"')).toBe(
        'sleep\nsleep 4321',
      );
      expect(await beside('--ipc container:other', 'cat /dev/shm/file')).toBe('shared');
      expect(
        await beside(
          '--network container:other',
          'wget -qO- 127.0.0.1:8000/hostname >/dev/null && echo served',
        ),
      ).toBe('served');
      await engine.remove('other');
      await engine.nothingLeft();
    });

    test('the namespaces of the machine', async () => {
      const inside = await run('--network host --uts host', 'hostname; ip -o link | cut -d: -f2 | sort');
      const outside = await engine.machine.shell('hostname; ip -o link | cut -d: -f2 | sort');
      expect(inside.replaceAll(/@.*/g, '').trim()).toBe(outside.replaceAll(/@.*/g, ''));
    });

    test('ten at once', async () => {
      const words = Array.from({ length: 10 }, (_, index) => `word-${index}`);
      const results = await Promise.all(words.map((word) => engine.call(`run --rm ${image} echo ${word}`)));
      expect(results.map((result) => result.stdout)).toEqual(words.map((word) => `${word}\n`));
      await engine.nothingLeft();
    });
  });
}
