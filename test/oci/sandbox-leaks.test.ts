// Whatever dies, whenever it dies: no process, mount, cgroup, directory or socket stays behind.

import { afterAll, beforeAll, describe, expect, test } from 'vitest';

import { canRun, Fixture, leftovers, nothingLeft, processesOf, type Role, until } from './sandbox-fixture.ts';

describe.skipIf(!canRun)('leaks', () => {
  let fixture: Fixture;
  beforeAll(async () => {
    fixture = await Fixture.make();
  });
  afterAll(() => fixture.remove());

  test('nothing is left after an ordinary end, already when the command returns', async () => {
    const id = fixture.newId();
    const run = fixture.run(id, fixture.bundle(id, ['exit', '0']));
    expect(await run.ended).toBe(0);
    expect(leftovers(fixture, id)).toEqual([]);
  });

  test('nothing is left of a container with a cgroup path of its own', async () => {
    const id = fixture.newId();
    const run = fixture.run(id, fixture.bundle(id, ['exit', '4'], { linux: { cgroupsPath: `/${id}` } }));
    expect(await run.ended).toBe(4);
    expect(leftovers(fixture, id)).toEqual([]);
  });

  const whileRunning: [Role, number, RegExp][] = [
    ['launcher', 137, /^$/],
    ['sentry', 137, /"runsc run failed: the sentry ended unexpectedly: killed by signal 9"/],
    ['gofer', 137, /"runsc run failed: the gofer ended unexpectedly: killed by signal 9"/],
  ];
  test.each(whileRunning)('SIGKILL of the %s of a running container', async (role, status, error) => {
    const id = fixture.newId();
    const run = fixture.run(id, fixture.bundle(id, ['sleep']));
    await until(
      'output',
      () => run.output.stdout,
      (text) => text.includes('ready'),
    );
    kill(id, role);
    expect(await run.ended).toBe(status);
    expect(run.output.stderr).toMatch(error);
    expect(await nothingLeft(fixture, id)).toEqual([]);
  });

  test('SIGKILL of the janitor: the container goes on, and cleans up itself', async () => {
    const id = fixture.newId();
    const run = fixture.run(id, fixture.bundle(id, ['sleep']));
    await until(
      'output',
      () => run.output.stdout,
      (text) => text.includes('ready'),
    );
    kill(id, 'janitor');
    run.child.kill('SIGTERM');
    expect(await run.ended).toBe(143);
    expect(leftovers(fixture, id)).toEqual([]);
  });

  test.each(['launcher', 'sentry', 'gofer', 'janitor', 'pivoter'] as const)(
    'SIGKILL of the %s before the Sentry is ready',
    async (role) => {
      const id = fixture.newId();
      const run = fixture.run(id, fixture.bundle(id, ['never-ready']));
      await until(
        'processes',
        () => processesOf(id).map((process) => process.role),
        (roles) => {
          return (
            roles.includes('sentry') &&
            roles.includes('gofer') &&
            roles.includes('pivoter') &&
            !roles.includes('mover')
          );
        },
      );
      kill(id, role);
      if (role === 'janitor') kill(id, 'sentry');
      expect(await run.ended).not.toBe(0);
      expect(await nothingLeft(fixture, id)).toEqual([]);
    },
  );

  test('SIGKILL of any process at any moment of the start', { timeout: 900_000 }, async () => {
    const lasting: readonly Role[] = ['launcher', 'janitor', 'gofer', 'sentry'];
    const killed = new Set<Role>();
    for (let round = 0; round < 40; round++) {
      const id = fixture.newId();
      const run = fixture.run(id, fixture.bundle(id, ['sleep']));
      let ended = false;
      void run.ended.then(() => (ended = true));
      // Even rounds: from the command's own start on. Odd ones: from when one of those that stay is there.
      const wanted = round % 2 === 0 ? null : lasting[(round >> 1) % lasting.length]!;
      if (wanted !== null) {
        await until(
          wanted,
          () => processesOf(id).map(({ role }) => role),
          (roles) => ended || roles.includes(wanted),
        );
      }
      if (round > 8) await new Promise((done) => setTimeout(done, (round - 8) * 2));
      const processes = processesOf(id);
      const any = processes[(round * 7) % Math.max(processes.length, 1)];
      const victim = wanted === null ? any : processes.find(({ role }) => role === wanted);
      if (victim !== undefined) {
        killed.add(victim.role);
        killIfThere(victim.pid);
      }
      // A container that survives (its janitor or its mover was late) ends in the ordinary way.
      const timer = setTimeout(() => run.child.kill('SIGTERM'), 500);
      await run.ended;
      clearTimeout(timer);
      expect(await nothingLeft(fixture, id), `round ${round}, ${victim?.role}`).toEqual([]);
    }
    expect([...killed]).toEqual(expect.arrayContaining([...lasting]));
  });
});

/** Some of them live for milliseconds. */
function killIfThere(pid: number): void {
  try {
    process.kill(pid, 'SIGKILL');
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code !== 'ESRCH') throw error;
  }
}

function kill(id: string, role: Role): void {
  const victim = processesOf(id).find((process) => process.role === role);
  if (victim === undefined) throw new Error(`${id} has no ${role}`);
  process.kill(victim.pid, 'SIGKILL');
}
