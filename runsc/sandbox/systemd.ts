// Asks systemd for units over D-Bus: org.freedesktop.systemd1(5). Loaded only with --systemd-cgroup.

import { lstatSync } from 'node:fs';

import dbus from '@particle/dbus-next';

import type { SystemdUnit, UnitProperty } from './systemd-unit.ts';

const DESTINATION = 'org.freedesktop.systemd1';
const PATH = '/org/freedesktop/systemd1';
const INTERFACE = 'org.freedesktop.systemd1.Manager';
const JOB_TIMEOUT_MS = 30_000;

/** sd_booted(3). */
export function systemdRuns(): boolean {
  try {
    return lstatSync('/run/systemd/system').isDirectory();
  } catch {
    return false;
  }
}

/** Makes the unit, and returns when its processes are in its cgroup. */
export async function startUnit(
  { name }: SystemdUnit,
  properties: readonly UnitProperty[],
  user: boolean,
): Promise<void> {
  const variants = properties.map(([key, signature, value]) => [key, new dbus.Variant(signature, value)]);
  const result = await withBus(user, (bus) =>
    runJob(bus, name, 'create', 'StartTransientUnit', 'ssa(sv)a(sa(sv))', [name, 'replace', variants, []]),
  );
  if (result !== 'done') throw new Error(`error creating systemd unit \`${name}\`: got \`${result}\``);
}

/**
 * Ends the unit, and what is left of it if it has failed. Its result is the job's, or undefined for a unit that is gone
 * already: a scope goes with its last process.
 */
export async function stopUnit(name: string, user: boolean): Promise<string | undefined> {
  return await withBus(user, async (bus) => {
    const result = await runJob(bus, name, 'remove', 'StopUnit', 'ss', [name, 'replace']).catch(
      (error: unknown) => {
        if (error instanceof dbus.DBusError) return undefined;
        throw error;
      },
    );
    await call(bus, 'ResetFailedUnit', 's', [name]).catch(() => undefined);
    return result;
  });
}

/** Asks for a job and waits for its end: its result. */
async function runJob(
  bus: dbus.MessageBus,
  name: string,
  purpose: string,
  member: string,
  signature: string,
  body: unknown[],
): Promise<string> {
  await call(bus, 'Subscribe', '', []);
  await bus.call(
    new dbus.Message({
      destination: 'org.freedesktop.DBus',
      path: '/org/freedesktop/DBus',
      interface: 'org.freedesktop.DBus',
      member: 'AddMatch',
      signature: 's',
      body: [`type='signal',interface='${INTERFACE}',member='JobRemoved'`],
    }),
  );
  // The job may be over before its name is here.
  const jobs = new Map<string, string>();
  let notice = (): void => undefined;
  bus.on('message', (message: dbus.Message) => {
    if (message.member !== 'JobRemoved') return;
    const [, job, , result] = message.body as [number, string, string, string];
    jobs.set(job, result);
    notice();
  });
  const job = String(await call(bus, member, signature, body));
  return await new Promise<string>((resolve, reject) => {
    const timer = setTimeout(
      () => reject(new Error(`Timed out while waiting for systemd to ${purpose} ${name}`)),
      JOB_TIMEOUT_MS,
    );
    notice = () => {
      const known = jobs.get(job);
      if (known === undefined) return;
      clearTimeout(timer);
      resolve(known);
    };
    notice();
  });
}

/** Limits of a unit that runs. */
export async function setUnitProperties(
  name: string,
  properties: readonly UnitProperty[],
  user: boolean,
): Promise<void> {
  const variants = properties.map(([key, signature, value]) => [key, new dbus.Variant(signature, value)]);
  await withBus(user, (bus) => call(bus, 'SetUnitProperties', 'sba(sv)', [name, true, variants]));
}

async function call(
  bus: dbus.MessageBus,
  member: string,
  signature: string,
  body: unknown[],
): Promise<unknown> {
  const reply = await bus.call(
    new dbus.Message({ destination: DESTINATION, path: PATH, interface: INTERFACE, member, signature, body }),
  );
  return (reply?.body as unknown[] | undefined)?.[0];
}

/** The system's manager, or for an ordinary user his own. */
async function withBus<T>(user: boolean, act: (bus: dbus.MessageBus) => Promise<T>): Promise<T> {
  const runtimeDir = process.env['XDG_RUNTIME_DIR'];
  const own = process.env['DBUS_SESSION_BUS_ADDRESS'] ?? `unix:path=${runtimeDir ?? ''}/bus`;
  const bus = user ? dbus.sessionBus({ busAddress: own }) : dbus.systemBus();
  const failed = new Promise<never>((_, reject) => {
    bus.on('error', (error: Error) => reject(new Error(`failed to connect to dbus: ${error.message}`)));
  });
  // It may fail when everything is done already.
  failed.catch(() => undefined);
  try {
    return await Promise.race([act(bus), failed]);
  } finally {
    bus.disconnect();
  }
}
