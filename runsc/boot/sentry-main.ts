/** The Sentry's entry point and composition root: picks platform, filesystems, devices and table, and runs the kernel. */
import { readFileSync } from 'node:fs';
import { setFlagsFromString } from 'node:v8';
import { addon } from '../../native/addon.ts';
import { GoferClient } from '../../gofer/client/client.ts';
import { SystrapPlatform } from '../../platform/systrap/systrap.ts';
import { onFirstUnimplemented, unimplementedCounts } from '../../sentry/base/unimplemented.ts';
import { HostFds } from '../../sentry/fs/gofer/host-fds.ts';
import { Kernel } from '../../sentry/kernel/kernel.ts';
import { handlers } from '../../syscalls/table/index.ts';
import { BOOT_FD_VARIABLE, type BootDocument } from '../sandbox/boot-document.ts';
import { serveControl } from './control-server.ts';
import { createInit, startInit } from './init-process.ts';
import { type Devices, makeKernelFilesystems, registerDevices } from './kernel-filesystems.ts';
import { openLog } from './log.ts';
import { buildMounts } from './mount-tree.ts';
import { reportEnd, reportStarted } from './report.ts';
import { seccompPolicy } from './seccomp.ts';
import { StartError } from './start-error.ts';
import { connectStdio } from './stdio.ts';
import { installTracer } from './tracer.ts';

/**
 * V8 optimises a function after so many bytes of bytecode run (132 KiB by default, made for pages that load once and
 * idle). A kernel's handlers are hot from the first second: with less, stat and pread are at full speed after a few
 * thousand calls; with much less, the compiler takes the CPU from the guest.
 */
const INTERRUPT_BUDGET = 20_000;
const STUB_OOM_SCORE = '500';

main();

function main(): void {
  setFlagsFromString(`--interrupt-budget=${INTERRUPT_BUDGET}`);
  const boot = readBoot();
  try {
    start(boot);
  } catch (error) {
    fail(boot, error);
  }
}

function start(boot: BootDocument): void {
  const log = openLog(boot);
  askForJail(boot.fds.ready);
  // The stubs inherit it: should memory run out on the host, a guest is to die before the kernel.
  writeText(boot.fds.oomScore, STUB_OOM_SCORE);
  const platform = new SystrapPlatform({ stubFd: boot.fds.stub, patching: true });
  writeText(boot.fds.oomScore, '0');
  const kernel = new Kernel({
    platform,
    host: addon,
    handlers,
    machine: process.arch === 'x64' ? 'x86_64' : 'aarch64',
    hostname: boot.hostname,
    domainname: boot.domainname,
    cpuCount: boot.cpuCount,
    memoryLimitBytes: boot.memoryLimitBytes,
    hostMemoryBytes: boot.hostMemoryBytes,
    pidsLimit: boot.pidsLimit,
  });
  onFirstUnimplemented((what) => {
    log.debug(`unimplemented: ${what}`);
  });
  awaitJail(boot.fds.ready);
  const spec = boot.spec.process;
  if (spec === undefined) throw new StartError('config.json: process: is missing');

  const client = new GoferClient(boot.fds.gofer, () => process.exit(1));
  const devices = registerDevices(kernel, boot);
  const mounts = buildMounts({
    boot,
    client,
    fds: new HostFds(hostFdLimit()),
    make: makeKernelFilesystems(kernel, boot, devices),
    warn: (message) => {
      log.warn(message);
    },
  });
  const init = createInit(kernel, mounts, spec);
  connectStdio(kernel, init, boot, devices.console);
  installTracer(kernel, boot);
  const seccomp = boot.spec.linux?.seccomp;
  if (seccomp !== undefined) init.seccomp = seccompPolicy(seccomp);
  kernel.onInitExit = (status) => {
    for (const [what, count] of unimplementedCounts()) log.debug(`asked for ${count} times: ${what}`);
    finish(boot, devices, status);
  };
  startInit(init, spec);
  reportStarted(boot.fds.exit);
  serveControl(kernel, boot.fds.control, devices);
  platform.startLoop(() => turn(kernel, boot));
}

/** Runs guests until Node's own loop has something to do. */
function turn(kernel: Kernel, boot: BootDocument): boolean {
  try {
    while (!kernel.ended) if (kernel.step(Infinity)) break;
  } catch (error) {
    fail(boot, error);
  }
  return !kernel.ended;
}

/** Init is gone: what the console still has to say, then the last word, after which the launcher ends the sandbox. */
function finish(boot: BootDocument, devices: Devices, status: number): void {
  const rest = devices.consoleBackend?.takeOutput() ?? new Uint8Array(0);
  // Blocking, as the guest's own write would have been.
  for (let at = 0, n = 1; at < rest.length && n > 0; at += n) {
    n = addon.write(boot.fds.console!, rest, at, rest.length - at);
  }
  reportEnd(boot.fds.exit, status);
  process.exit(0);
}

function fail(boot: BootDocument, error: unknown): never {
  const exitCode = error instanceof StartError ? error.exitCode : 128;
  const message =
    error instanceof StartError
      ? error.message
      : `internal error: ${(error as Error).stack ?? String(error)}`;
  const line = Buffer.from(`${JSON.stringify({ error: message, exitCode })}\n`);
  addon.write(boot.fds.exit, line, 0, line.length);
  process.exit(exitCode);
}

function writeText(fd: number, text: string): void {
  const bytes = Buffer.from(text);
  addon.write(fd, bytes, 0, bytes.length);
}

function readBoot(): BootDocument {
  const fd = Number(process.env[BOOT_FD_VARIABLE]);
  const boot = JSON.parse(readFileSync(fd, 'utf8')) as BootDocument;
  addon.close(fd);
  return boot;
}

/** The hand-over of boot-document.ts, in two halves so that the platform starts meanwhile. */
function askForJail(ready: number): void {
  addon.write(ready, new Uint8Array(1), 0, 1);
}

function awaitJail(ready: number): void {
  const byte = new Uint8Array(1);
  if (addon.read(ready, byte, 0, 1) !== 1) throw new StartError('the jail could not be made');
  addon.close(ready);
}

/** Half of what the process may open: the rest is for spaces, memory files and stdio. */
function hostFdLimit(): number {
  return Math.floor(Math.min(addon.openFileLimit(), 65536) / 2);
}
