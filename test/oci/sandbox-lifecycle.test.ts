// A container's life as its caller sees it: exit status, signals, files, errors, limits.

import { spawnSync } from 'node:child_process';
import { closeSync, existsSync, mkdirSync, openSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';

import { canRun, Fixture, leftovers, nothingLeft, until } from './sandbox-fixture.ts';
import { deleteContainer } from '../../runsc/container/delete.ts';
import { killContainer } from '../../runsc/container/kill.ts';
import { listStates, loadState } from '../../runsc/container/state.ts';

import type { RuntimeOptions } from '../../runsc/container/container.ts';

describe.skipIf(!canRun)('lifecycle', () => {
  let fixture: Fixture;
  let options: RuntimeOptions;
  beforeAll(async () => {
    fixture = await Fixture.make();
    options = { root: fixture.root } as RuntimeOptions;
  });
  afterAll(() => fixture.remove());

  test.each([
    [['exit', '0'], 0],
    [['exit', '255'], 255],
    [['signal', '15'], 143],
    [['signal', '9'], 137],
  ])('%j ends with status %i', async (args, status) => {
    const id = fixture.newId();
    const run = fixture.run(id, fixture.bundle(id, args));
    expect(await run.ended).toBe(status);
    expect(run.output).toEqual({ stdout: '', stderr: '' });
  });

  test('a start that fails reports its sentence', async () => {
    const id = fixture.newId();
    const log = join(fixture.directory, 'log.json');
    const args = ['fail', 'exec: "no such": executable file not found in $PATH', '127'];
    const run = fixture.run(id, fixture.bundle(id, args), { log });
    expect(await run.ended).toBe(1);
    const message = `runsc run failed: unable to start container process: ${args[1]!}`;
    expect(run.output.stderr).toBe(`${message}\n`);
    expect(JSON.parse(readFileSync(log, 'utf8'))).toMatchObject({ level: 'error', msg: message });
    expect(leftovers(fixture, id)).toEqual([]);
  });

  test('a Sentry that crashes is reported', async () => {
    const id = fixture.newId();
    const run = fixture.run(id, fixture.bundle(id, ['crash']), { logFormat: 'text' });
    expect(await run.ended).toBe(1);
    expect(run.output.stderr).toMatch(
      /^time="[^"]+" level=error msg="runsc run failed: the sentry ended unexpectedly: exited with status 5"\n$/,
    );
    expect(leftovers(fixture, id)).toEqual([]);
  });

  test('stdin and stdout are the caller’s own', async () => {
    const id = fixture.newId();
    const run = fixture.run(id, fixture.bundle(id, ['echo']));
    run.child.stdin!.end('through and back');
    expect(await run.ended).toBe(0);
    expect(run.output.stdout).toBe('through and back');
  });

  test('--preserve-fds hands descriptors on, and refuses those that are not there', async () => {
    const id = fixture.newId();
    const path = join(fixture.directory, 'preserved');
    const fd = openSync(path, 'w');
    const run = fixture.run(id, fixture.bundle(id, ['preserved']), { preserveFds: 1 }, [fd]);
    closeSync(fd);
    expect(await run.ended).toBe(0);
    expect(readFileSync(path, 'utf8')).toBe('preserved 32\n');
    const without = fixture.run(id, fixture.bundle(id, ['preserved']), { preserveFds: 1 });
    expect(await without.ended).toBe(1);
    expect(without.output.stderr).toContain('unable to stat preserved-fd 0 (of 1)');
  });

  test('signals of the command reach the container; state, list and a second run see it', async () => {
    const id = fixture.newId();
    const bundle = fixture.bundle(id, ['sleep'], { annotations: { 'org.example.key': 'value' } });
    const pidFile = join(fixture.directory, 'pid');
    const run = fixture.run(id, bundle, { pidFile });
    await until(
      'output',
      () => run.output.stdout,
      (text) => text.includes('ready'),
    );
    const pid = await until(
      'pid file',
      () => (existsSync(pidFile) ? Number(readFileSync(pidFile, 'utf8')) : 0),
      Boolean,
    );
    expect(pid).toBe(run.child.pid);
    expect(loadState(options, id)).toMatchObject({
      ociVersion: '1.0.2',
      id,
      pid,
      status: 'running',
      bundle,
      rootfs: join(bundle, 'rootfs'),
      annotations: { 'org.example.key': 'value' },
    });
    expect(listStates(options)).toContainEqual(expect.objectContaining({ id, pid, owner: 'root' }));

    const second = fixture.run(id, bundle);
    expect(await second.ended).toBe(1);
    expect(second.output.stderr).toContain('runsc run failed: container with given ID already exists');
    expect(loadState(options, id).status).toBe('running');

    run.child.kill('SIGUSR1');
    await until(
      'signal',
      () => run.output.stdout,
      (text) => text.includes('"signal":10'),
    );
    await killContainer(options, id, 10, true);
    await until(
      'signal',
      () => run.output.stdout,
      (text) => text.includes('"signal":10,"all":true'),
    );
    await expect(deleteContainer(options, id, false)).rejects.toThrow(
      `cannot delete container ${id} that is not stopped: running`,
    );
    await killContainer(options, id, 15, false);
    expect(await run.ended).toBe(143);
    expect(leftovers(fixture, id)).toEqual([]);
    expect(() => loadState(options, id)).toThrow('container does not exist');
  });

  test('--detach returns when the container runs; it stays until it is deleted', async () => {
    const id = fixture.newId();
    const pidFile = join(fixture.directory, 'detached-pid');
    const bundle = fixture.bundle(id, ['sleep']);
    const output = openSync(join(fixture.directory, 'detached-output'), 'w');
    const result = spawnSync(process.execPath, fixture.command(bundle, id, { detach: true, pidFile }), {
      stdio: ['ignore', output, output],
    });
    closeSync(output);
    expect(result.status).toBe(0);
    const pid = Number(readFileSync(pidFile, 'utf8'));
    expect(loadState(options, id)).toMatchObject({ pid, status: 'running' });
    await killContainer(options, id, 15, false);
    await until(
      'end',
      () => loadState(options, id).status,
      (status) => status === 'stopped',
    );
    expect(loadState(options, id).pid).toBe(0);
    await expect(killContainer(options, id, 15, false)).rejects.toThrow('container not running');
    await deleteContainer(options, id, false);
    expect(leftovers(fixture, id)).toEqual([]);
  });

  test('a detached start that fails leaves nothing', () => {
    const id = fixture.newId();
    const bundle = fixture.bundle(id, ['fail', 'no such program', '126']);
    const result = spawnSync(process.execPath, fixture.command(bundle, id, { detach: true }), {
      encoding: 'utf8',
    });
    expect(result.status).toBe(1);
    expect(result.stderr).toContain('runsc run failed: unable to start container process: no such program');
    expect(leftovers(fixture, id)).toEqual([]);
  });

  test('delete --force ends a running container', async () => {
    const id = fixture.newId();
    const run = fixture.run(id, fixture.bundle(id, ['sleep']));
    await until(
      'output',
      () => run.output.stdout,
      (text) => text.includes('ready'),
    );
    await deleteContainer(options, id, true);
    expect(await run.ended).toBe(137);
    await nothingLeft(fixture, id);
    await deleteContainer(options, id, true);
    await expect(deleteContainer(options, id, false)).rejects.toThrow('container does not exist');
  });

  test.each([
    [{ bundle: '/nonexistent' }, /no such file or directory/],
    [
      { pidFile: '/nonexistent/pid' },
      /runsc run failed: open \/nonexistent\/\.pid: no such file or directory/,
    ],
    [{ log: '/nonexistent/log' }, /open \/nonexistent\/log: no such file or directory/],
    [{ id: 'a/b' }, /invalid container ID format/],
    [{ id: '' }, /container id cannot be empty/],
    [{ id: '..' }, /invalid container ID format/],
    [{ consoleSocket: '/x' }, /cannot use console socket if runsc will not detach or allocate tty/],
  ])('%j is refused in one line', async (request, message) => {
    const id = fixture.newId();
    const run = fixture.run(id, fixture.bundle(id, ['sleep']), request);
    expect(await run.ended).not.toBe(0);
    expect(run.output.stderr.trim()).toMatch(message);
    expect(run.output.stderr.trim().split('\n')).toHaveLength(1);
    expect(await nothingLeft(fixture, id)).toEqual([]);
  });

  test('a bind whose source is missing is refused', async () => {
    const id = fixture.newId();
    const mounts = [{ destination: '/x', type: 'bind', source: '/nonexistent', options: ['bind'] }];
    const run = fixture.run(id, fixture.bundle(id, ['exit', '0'], { mounts }));
    expect(await run.ended).toBe(1);
    expect(run.output.stderr.trim()).toBe(
      'error mounting "/nonexistent" to rootfs at "/x": stat /nonexistent: no such file or directory',
    );
  });

  test('a state directory that is not ours is left alone', async () => {
    const id = fixture.newId();
    mkdirSync(join(fixture.root, id), { recursive: true });
    writeFileSync(join(fixture.root, id, 'theirs'), '');
    const run = fixture.run(id, fixture.bundle(id, ['exit', '0']));
    expect(await run.ended).toBe(1);
    expect(existsSync(join(fixture.root, id, 'theirs'))).toBe(true);
  });
});
