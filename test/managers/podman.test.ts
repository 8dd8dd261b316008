// Podman: the commands that people type, through conmon.

import { afterAll, beforeAll, describe, expect, test } from 'vitest';

import { registrationFor } from './containerd.ts';
import { imageArchive, imageName } from './images.ts';
import { Machine, type Output, until } from './machine.ts';
import { missing } from './packages.ts';
import { PODMAN_CONFIG } from './podman.ts';
import { MAKING_MS } from '../support/rootfs.ts';

const image = imageName('busybox');

describe.skipIf(missing('podman', 'conmon', 'catatonit', 'containernetworking-plugins', 'umoci', 'skopeo'))(
  'podman',
  () => {
    let machine: Machine;

    beforeAll(async () => {
      const archives = [imageArchive('busybox'), imageArchive('pause')];
      const registration = registrationFor('podman');
      machine = await Machine.make({
        '/etc/containers/containers.conf': PODMAN_CONFIG,
        '/etc/containers/containers.conf.d/50-runsc.conf': registration,
      });
      for (const archive of archives) await machine.shell(`podman load -i ${archive}`);
      // The first container makes the bridge, and directories that stay.
      await machine.shell(
        `podman run --rm ${image} true; podman pod create --infra-image ${imageName('pause')} p`,
      );
      await machine.shell('podman pod start p; podman pod rm -f p');
      // A mount of its own storage, exit codes of what was never started, the cgroup of a pod.
      machine.mark(/\/storage\/overlay$|\/libpod\/exits\/|libpod_parent\/[0-9a-f]{64}$/);
    }, MAKING_MS);
    afterAll(() => machine?.close());

    const podman = (line: string, input = ''): Promise<Output> =>
      machine.run(['sh', '-c', `podman ${line}`], input);
    const status = (name: string): Promise<string> =>
      machine.shell(`podman inspect --format '{{.State.Status}}' ${name}`);
    async function nothingLeft(): Promise<void> {
      expect(await machine.leftovers()).toEqual([]);
    }

    test('run: output, input, and exit code', async () => {
      const result = await podman(`run --rm -i ${image} sh -c 'cat; echo err >&2; exit 7'`, 'hello\n');
      expect(result).toEqual({ status: 7, stdout: 'hello\n', stderr: 'err\n' });
      await nothingLeft();
    });

    test.each([
      ['/no/such', 127],
      ['no-such', 127],
      ['/etc/passwd', 126],
    ])('run of %s ends with %i', async (program, code) => {
      expect((await podman(`run --rm ${image} ${program}`)).status).toBe(code);
      await nothingLeft();
    });

    test('run -it: a terminal', async () => {
      const line = `podman run --rm -it ${image} sh -c 'tty; stty size; read x; echo got $x; exit 3'`;
      const result = await machine.terminal(`stty rows 33 cols 99; ${line}`, [['/dev/pts/0', 'word\n']]);
      expect(result.stdout).toMatch(/^\/dev\/pts\/0\n33 99\nword\ngot word\n$/);
      expect(result.status).toBe(3);
      await nothingLeft();
    });

    test('run with a user, a directory, variables, a name, limits, and a volume', async () => {
      await machine.shell('mkdir -p /run/volume; echo outside >/run/volume/file');
      const flags = '--user 5:6 --workdir /tmp -e A=b --hostname box --pids-limit 50 -v /run/volume:/data:ro';
      const script =
        'id -u; id -g; pwd; echo $A; hostname; cat /data/file; echo x >/data/file || echo refused';
      const result = await podman(`run --rm ${flags} ${image} sh -c '${script}' 2>/dev/null`);
      expect(result.stdout).toBe('5\n6\n/tmp\nb\nbox\noutside\nrefused\n');
      await machine.shell('rm -r /run/volume');
      await nothingLeft();
    });

    test('run --init: a small init reaps orphans', async () => {
      const script = '(sleep 0.01 & exec true) ; cat /proc/1/comm; readlink /proc/1/exe';
      const result = await podman(`run --rm --init ${image} sh -c '${script}'`);
      expect(result.stdout).toMatch(/catatonit|\/dev\/init|podman-init/);
      expect(result.status).toBe(0);
      await nothingLeft();
    });

    test('init: created, then started', async () => {
      await machine.shell(`podman create --name made ${image} sh -c 'echo ran; exit 4'`);
      await machine.shell('podman init made');
      expect(await status('made')).toBe('initialized');
      expect(await podman('start -a made')).toMatchObject({ status: 4, stdout: 'ran\n' });
      await machine.shell('podman rm made');
      await nothingLeft();
    });

    test('an initialized container can be removed', async () => {
      await machine.shell(`podman create --name made ${image} true; podman init made; podman rm -f made`);
      await nothingLeft();
    });

    describe('of a running container', () => {
      beforeAll(async () => {
        await machine.shell(`podman run -d --name c ${image} sleep 1000`);
      });
      afterAll(async () => {
        await machine.shell('podman rm -f -t 0 c');
        await nothingLeft();
      });

      test('exec: output, input, and exit code', async () => {
        const result = await podman(`exec -i c sh -c 'cat; pwd; exit 9'`, 'in\n');
        expect(result).toEqual({ status: 9, stdout: 'in\n/\n', stderr: '' });
      });

      test('exec -it: a terminal of its own', async () => {
        const line = `podman exec -it c sh -c 'tty; read x; echo got $x; exit 4'`;
        const result = await machine.terminal(line, [['/dev/pts', 'word\n']]);
        expect(result.stdout).toMatch(/^\/dev\/pts\/\d+\nword\ngot word\n$/);
        expect(result.status).toBe(4);
      });

      test.each([
        ['/no/such', 127],
        ['/etc/passwd', 126],
      ])('exec of %s ends with %i', async (program, code) => {
        expect((await podman(`exec c ${program}`)).status).toBe(code);
      });

      test('exec -d', async () => {
        await machine.shell('podman exec -d c sh -c "echo there >/tmp/file; sleep 1000"');
        await until('it has run', async () => (await podman('exec c cat /tmp/file')).stdout === 'there\n');
      });

      test('top', async () => {
        expect(await machine.shell('podman top c -o args')).toContain('sleep 1000');
      });

      test('stats', async () => {
        const [stats] = JSON.parse(await machine.shell('podman stats --no-stream --format json c')) as [
          { pids: string; mem_usage: string },
        ];
        expect(Number(stats.pids)).toBeGreaterThan(0);
        expect(stats.mem_usage).not.toMatch(/^0B/);
      });

      test('pause and unpause', async () => {
        await machine.shell('podman pause c');
        expect(await status('c')).toBe('paused');
        expect((await podman('exec c true')).status).not.toBe(0);
        await machine.shell('podman unpause c');
        expect(await machine.shell('podman exec c echo alive')).toBe('alive');
      });

      test('update', async () => {
        await machine.shell('podman update --memory 64m --cpus 0.5 c');
        const pid = await machine.shell(`podman inspect --format '{{.State.Pid}}' c`);
        const path = await machine.shell(
          `sed -n 's/^[0-9]*:memory:\\|^0:://p' /proc/${pid}/cgroup | head -1`,
        );
        const limit = `cat /sys/fs/cgroup/memory${path}/memory.limit_in_bytes || cat /sys/fs/cgroup${path}/memory.max`;
        expect(await machine.shell(limit)).toBe('67108864');
      });

      test('cp, both ways', async () => {
        await machine.shell(
          'echo here >/run/sent; podman cp /run/sent c:/tmp/sent; podman cp c:/tmp/sent /run/back',
        );
        expect(
          await machine.shell('podman exec c cat /tmp/sent; cat /run/back; rm /run/sent /run/back'),
        ).toBe('here\nhere');
      });

      test('restart gives a new process with the old files', async () => {
        await machine.shell('podman exec c touch /kept; podman restart -t 0 c');
        expect(await machine.shell('podman exec c ls /kept')).toBe('/kept');
      });

      test('stop and start', async () => {
        await machine.shell('podman stop -t 0 c');
        expect(await machine.shell(`podman inspect --format '{{.State.Status}} {{.State.ExitCode}}' c`)).toBe(
          'exited 137',
        );
        await machine.shell('podman start c');
        expect(await machine.shell('podman exec c echo alive')).toBe('alive');
      });
    });

    test('kill reaches a handler, and the log has what it wrote', async () => {
      const script = 'trap "echo usr1; exit 6" USR1; echo ready; while :; do sleep 0.05; done';
      await machine.shell(`podman run -d --name k ${image} sh -c '${script}'`);
      await until('it is ready', async () => (await podman('logs k')).stdout === 'ready\n');
      await machine.shell('podman kill -s USR1 k');
      expect(await machine.shell('podman wait k')).toBe('6');
      expect((await podman('logs k')).stdout).toBe('ready\nusr1\n');
      await machine.shell('podman rm k');
      await nothingLeft();
    });

    test('a published port', async () => {
      await machine.shell(`podman run -d --name web -p 8080:80 ${image} httpd -f -h /etc`);
      await until('it answers', async () => {
        return (
          await machine.run(['busybox', 'wget', '-qO-', 'http://127.0.0.1:8080/passwd'])
        ).stdout.includes('root:');
      });
      await machine.shell('podman rm -f -t 0 web');
      await nothingLeft();
    });

    test('a pod: two containers with one network', async () => {
      await machine.shell(`podman pod create --infra-image ${imageName('pause')} --name pod`);
      await machine.shell(`podman run -d --pod pod --name server ${image} httpd -f -p 8000 -h /etc`);
      const client = `run --rm --pod pod ${image} wget -qO- http://127.0.0.1:8000/passwd`;
      await until('it answers', async () => (await podman(client)).stdout.includes('root:'));
      expect(await machine.shell(`podman pod inspect --format '{{.NumContainers}}' pod`)).toBe('2');
      await machine.shell('podman pod stop -t 0 pod; podman pod start pod');
      await until('it answers again', async () => (await podman(client)).stdout.includes('root:'));
      await machine.shell('podman pod rm -f -t 0 pod');
      await nothingLeft();
    });

    test('ten at once', async () => {
      const words = Array.from({ length: 10 }, (_, index) => `word-${index}`);
      const results = await Promise.all(words.map((word) => podman(`run --rm ${image} echo ${word}`)));
      expect(results.map((result) => result.stdout)).toEqual(words.map((word) => `${word}\n`));
      await nothingLeft();
    });
  },
);
