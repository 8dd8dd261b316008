/**
 * Serves the containers of a rehearsal (runsc/sandbox/rehearsal.ts), one kernel after the other, before the Sentry's image
 * is written. They leave nothing behind but what V8 has learned, and the objects of keep-shapes.ts, whose
 * descriptors are closed and whose kernels are gone.
 */
import { SystrapPlatform } from '../../platform/systrap/systrap.ts';
import { POLLIN } from '../../sentry/abi/poll.ts';
import { forgetOpenFileLimit } from '../../platform/systrap/sockets.ts';
import { SIGKILL } from '../../sentry/abi/signal.ts';
import { forgetUnimplemented } from '../../sentry/base/unimplemented.ts';
import { forgetInternalMount } from '../../sentry/fs/tmpfs/memfd.ts';
import { forgetRandomBytes } from '../../sentry/loader/layout.ts';
import { Timer } from '../../sentry/time/timers.ts';
import { forgetUnused } from '../../sentry/vfs/dcache.ts';
import { cachedWalks, forgetWalks } from '../../sentry/vfs/path-cache.ts';
import type { RehearsalDocument, RehearsalRound } from '../sandbox/boot-document.ts';
import { BootContext } from './boot-context.ts';
import { Containers } from './containers.ts';
import { closeDescriptorsBut, openDescriptors } from './image.ts';
import { keepShapes } from './keep-shapes.ts';
import { makeKernel } from './make-kernel.ts';
import { connectNetwork } from './network.ts';
import { openLog } from './log.ts';

/** When init ends, others are on their way out still. */
const LAST_WAYS_NS = 100e6;

/** `then`: from Node's loop, when all is over; false when a guest did not get to its end. */
export function rehearse({ rounds }: RehearsalDocument, then: (complete: boolean) => void): void {
  const before = openDescriptors();
  let complete = true;
  const play = (index: number): void => {
    const round = rounds[index];
    if (round === undefined) {
      forgetInternalMount();
      forgetOpenFileLimit();
      forgetRandomBytes();
      forgetUnimplemented();
      forgetWalks();
      forgetUnused();
      closeDescriptorsBut(before);
      then(complete);
    } else {
      playRound(round, (played) => {
        complete &&= played;
        play(index + 1);
      });
    }
  };
  play(0);
}

function playRound({ sentry: boot, shown }: RehearsalRound, then: (played: boolean) => void): void {
  const platform = new SystrapPlatform({ stubFd: boot.fds.stub, patching: true, addresses: true });
  const kernel = makeKernel(platform, boot);
  connectNetwork(kernel, platform, boot);
  const containers = new Containers(kernel, openLog(boot), () => platform.newZone());
  const root = containers.create(boot);
  let played = false;
  let over = false;
  root.onEnd = () => {
    const later = new Timer(() => {
      over = true;
    });
    kernel.timers.arm(later, kernel.clock.monotonicNs() + LAST_WAYS_NS);
  };
  platform.watch(shown, (mask) => {
    if ((mask & POLLIN) === 0) return;
    platform.unwatch(shown);
    played = true;
    keepShapes(kernel);
    keepShapes(containers);
    keepShapes(cachedWalks());
    // Otherwise there for a moment only.
    keepShapes(new BootContext(root.mounts.rootPath()));
    root.kill(SIGKILL, true);
  });
  root.start();
  platform.startLoop(() => {
    while (!over && !kernel.step(Infinity));
    if (!over) return true;
    // Not from within the loop that ends.
    setImmediate(() => {
      containers.close();
      platform.dispose();
      then(played);
    });
    return false;
  });
}
