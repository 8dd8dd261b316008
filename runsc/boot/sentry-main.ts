/** The Sentry's entry point and composition root: picks platform, filesystems, devices and table, and runs the kernel. */
import { addon } from '../../native/addon.ts';
import { PlatformError, SystrapPlatform } from '../../platform/systrap/systrap.ts';
import { onFirstUnimplemented, unimplementedCounts } from '../../sentry/base/unimplemented.ts';
import type { Kernel } from '../../sentry/kernel/kernel.ts';
import { Timer } from '../../sentry/time/timers.ts';
import type { BootDocument } from '../sandbox/boot-document.ts';
import { Containers } from './containers.ts';
import { serveControl } from './control-server.ts';
import { rehearsalDocument, startFromImage } from './image.ts';
import { openLog } from './log.ts';
import { makeKernel } from './make-kernel.ts';
import { connectNetwork } from './network.ts';
import { readBoot } from './read-boot.ts';
import { rehearse } from './rehearsal.ts';
import { reportFailure } from './report.ts';
import { StartError } from './start-error.ts';
import { installTracer } from './tracer.ts';

/**
 * V8 optimises a function after so many bytes of bytecode run, in V8's own versions 66 or 132 KiB. With less, single calls
 * reach full speed sooner, but what runs for half a second (a find, a git commit) pays for a compiler that takes the CPU
 * from the guest and half of whose work is thrown away: at 20,000 it took more time than the handlers did.
 */
const INTERRUPT_BUDGET = 65_536;

/** Nobody waits for a rehearsal, so that all is optimized in it which might be worth it. */
const REHEARSAL_BUDGET = 16_384;

/** What the start took is given back once it is over; not for containers that are over by then too. */
const SHRINK_AFTER_NS = 250e6;

main();

function main(): void {
  const rehearsal = rehearsalDocument();
  if (rehearsal === null) {
    serve('');
    return;
  }
  addon.setEngineFlags(`--interrupt-budget=${REHEARSAL_BUDGET}`);
  rehearse(rehearsal, (complete) => serve(complete ? ', after a rehearsal' : ''));
}

/** `before`: what the log is to say of this process's past. */
function serve(before: string): void {
  addon.setEngineFlags(`--interrupt-budget=${INTERRUPT_BUDGET}`);
  const fromImage = startFromImage();
  const boot = readBoot<BootDocument>();
  try {
    start(boot, fromImage, before);
  } catch (error) {
    fail(boot, error);
  }
}

function start(boot: BootDocument, fromImage: boolean, before: string): void {
  const log = openLog(boot);
  log.debug(fromImage ? `started from an image${before}` : 'started by Node');
  askForJail(boot.fds.ready);
  awaitByte(boot.fds.joined, 'the cgroups could not be joined');
  const platform = killableFirst(boot, boot.stubOomScore, () => startPlatform(boot));
  const kernel = makeKernel(platform, boot);
  onFirstUnimplemented((what) => {
    log.debug(`unimplemented: ${what}`);
  });
  awaitByte(boot.fds.ready, 'the jail could not be made');
  connectNetwork(kernel, platform, boot);
  const containers = new Containers(kernel, log, (oomScore) =>
    killableFirst(boot, oomScore, () => platform.newZone()),
  );
  const root = containers.create(boot);
  installTracer(kernel, boot);
  root.onEnd = () => {
    for (const [what, count] of unimplementedCounts()) log.debug(`asked for ${count} times: ${what}`);
    addon.exit(0);
  };
  // An image holds nothing that could be given back.
  if (!fromImage)
    kernel.timers.arm(new Timer(() => addon.shrinkHeap()), kernel.clock.monotonicNs() + SHRINK_AFTER_NS);
  if (boot.startNow) root.start();
  else root.announce();
  serveControl(platform, boot.fds.control, containers);
  platform.startLoop(() => {
    turn(kernel, boot);
    return true;
  });
}

function startPlatform(boot: BootDocument): SystrapPlatform {
  try {
    return new SystrapPlatform({ stubFd: boot.fds.stub, patching: true, addresses: !boot.netPolicy });
  } catch (error) {
    throw error instanceof PlatformError ? new StartError(error.message) : error;
  }
}

/** Stubs inherit it: should memory run out on the host, a guest is to die before the kernel. */
function killableFirst<T>({ fds, spec }: BootDocument, oomScore: number, make: () => T): T {
  writeText(fds.oomScore, String(oomScore));
  const made = make();
  // Below zero only where the launcher had the privilege to give it.
  const own = Math.min(0, spec.process?.oomScoreAdj ?? 0);
  if (!writeText(fds.oomScore, String(own))) writeText(fds.oomScore, '0');
  return made;
}

/** Runs guests until Node's own loop has something to do. */
function turn(kernel: Kernel, boot: BootDocument): void {
  try {
    while (!kernel.step(Infinity));
  } catch (error) {
    fail(boot, error);
  }
}

function fail(boot: BootDocument, error: unknown): never {
  const exitCode = error instanceof StartError ? error.exitCode : 128;
  const message =
    error instanceof StartError
      ? error.message
      : `internal error: ${(error as Error).stack ?? String(error)}`;
  reportFailure(boot.fds.exit, message, exitCode);
  addon.exit(exitCode);
}

function writeText(fd: number, text: string): boolean {
  const bytes = Buffer.from(text);
  return addon.write(fd, bytes, 0, bytes.length) === bytes.length;
}

/** The hand-over of boot-document.ts, in two halves so that the platform starts meanwhile. */
function askForJail(ready: number): void {
  addon.write(ready, new Uint8Array(1), 0, 1);
}

function awaitByte(fd: number, otherwise: string): void {
  const byte = new Uint8Array(1);
  if (addon.read(fd, byte, 0, 1) !== 1) throw new StartError(otherwise);
  addon.close(fd);
}
