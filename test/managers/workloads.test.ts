// Servers and installations of real distributions, in Docker.

import { afterAll, beforeAll, describe, expect, test } from 'vitest';

import { docker as dockerEngine, DOCKER_PACKAGES, startDocker } from './docker.ts';
import { debianMirror, imageName } from './images.ts';
import { until, type Machine, type Output } from './machine.ts';
import { missing } from './packages.ts';
import { MAKING_MS } from '../support/rootfs.ts';

const services = imageName('services');

describe.skipIf(missing(...DOCKER_PACKAGES, 'debootstrap'))('workloads', () => {
  const engine = dockerEngine();
  let machine: Machine;

  beforeAll(async () => {
    await startDocker(engine, ['services']);
    machine = engine.machine;
  }, MAKING_MS);
  afterAll(() => engine.close());

  const docker = (line: string): Promise<Output> => engine.call(line);
  const succeed = (line: string): Promise<string> => engine.succeed(line);
  const nothingLeft = (): Promise<void> => engine.nothingLeft();

  test('nginx behind a published port', async () => {
    await succeed(`run -d --name web -p 8080:80 ${services} nginx -g 'daemon off;'`);
    const get = ['curl', '-sS', '--max-time', '60', 'http://127.0.0.1:8080/'];
    await until('it answers', async () => (await machine.run(get)).stdout.includes('Welcome to nginx!'));
    const many = 'for i in $(seq 200); do echo url=http://127.0.0.1:8080/; echo output=/dev/null; done';
    const codes = await machine.shell(`(${many}) | curl -sS -Z --parallel-max 20 -w '%{http_code}\\n' -K -`);
    expect(codes.split('\n')).toEqual(Array<string>(200).fill('200'));
    await succeed('exec web nginx -s quit');
    expect(await succeed('wait web')).toBe('0');
    await succeed('rm web');
    await nothingLeft();
  });

  test('postgres keeps its data in a volume', async () => {
    await succeed('volume create data');
    const bin = '/usr/lib/postgresql/15/bin';
    const start = [
      'chown postgres /data',
      `runuser -u postgres -- sh -c "test -f /data/PG_VERSION || ${bin}/initdb -D /data -A trust >/dev/null"`,
      `exec setpriv --reuid postgres --regid postgres --clear-groups ${bin}/postgres -D /data -k /tmp`,
    ].join(' && ');
    const run = `run -d --name pg -v data:/data --shm-size 128m ${services} sh -c '${start}'`;
    const sql = (text: string): Promise<Output> =>
      docker(`exec pg runuser -u postgres -- psql -h /tmp -qtAc "${text}"`);
    await succeed(run);
    await until('it answers', async () => (await sql('select 1')).stdout === '1\n');
    const fill =
      'create table t as select i, md5(i::text) m from generate_series(1, 20000) i; create index on t (m)';
    expect(await sql(fill)).toMatchObject({ status: 0, stderr: '' });
    await succeed('stop -t 30 pg');
    await succeed('rm pg');
    await succeed(run);
    await until('it answers again', async () => (await sql('select count(*) from t')).stdout === '20000\n');
    expect((await sql("select i from t where m = md5('4242')")).stdout).toBe('4242\n');
    await succeed('rm -f pg');
    await succeed('volume rm data');
    await nothingLeft();
  }, 600_000);

  test('redis, from another container', async () => {
    await succeed(
      `run -d --name redis --network net ${services} redis-server --bind 0.0.0.0 --protected-mode no`,
    );
    const cli = (line: string): Promise<Output> =>
      docker(`run --rm --network net ${services} redis-cli -h redis ${line}`);
    await until('it answers', async () => (await cli('ping')).stdout === 'PONG\n');
    expect((await cli('set a b')).stdout).toBe('OK\n');
    expect((await cli('get a')).stdout).toBe('b\n');
    const bench = await docker('exec redis redis-benchmark -q -n 20000 -c 20 -t set,get');
    expect(bench.stdout).toMatch(/SET: .*requests per second[^]*GET: .*requests per second/);
    await succeed('rm -f redis');
    await nothingLeft();
  });

  test('apt-get installs from a mirror in another container', async () => {
    const serve = `run -d --name mirror --network net -v ${debianMirror()}:/var/www/html/debian:ro ${services}`;
    await succeed(`${serve} nginx -g 'daemon off;'`);
    const script = [
      'echo "deb [trusted=yes] http://mirror/debian ./" >/etc/apt/sources.list',
      'apt-get -q update',
      'apt-get -q -y install hello',
      'hello',
      'dpkg -s hello | grep Status',
      'apt-get -q -y purge hello',
      '! test -e /usr/bin/hello',
    ].join(' && ');
    const result = await docker(`run --rm --network net ${services} sh -c '${script}'`);
    expect(result.stdout, result.stderr).toContain('Hello, world!\nStatus: install ok installed\n');
    expect(result.status).toBe(0);
    await succeed('rm -f mirror');
    await nothingLeft();
  }, 600_000);
});
