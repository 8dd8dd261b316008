/** The gofer's entry point: loads everything, lets itself be jailed, then serves the Sentry until that is gone. */
import { addon } from '../../native/addon.ts';
import { lockDown } from '../../gofer/server/seccomp.ts';
import { openSession, serve, type TreeSource } from '../../gofer/server/server.ts';
import type { Session } from '../../gofer/server/session.ts';
import {
  GOFER_MEMORY_PATH,
  GOFER_OVERLAY_PATH,
  goferTreePath,
  type GoferBootDocument,
} from '../sandbox/boot-document.ts';
import { closeDescriptorsBut, openDescriptors, rehearsalDocument, startFromImage } from './image.ts';
import { keepShapes } from './keep-shapes.ts';
import { readBoot } from './read-boot.ts';

main();

function main(): void {
  rehearse();
  startFromImage();
  const boot = readBoot<GoferBootDocument>();
  process.umask(0);
  waitForJail(boot.fds.ready);
  const session = open(boot, '');
  lockDown(boot.hostSockets);
  serve(boot.fds.gofer, session);
  addon.exit(0);
}

/** Serves what rehearsal.ts plays, where that is asked for. */
function rehearse(): void {
  const rehearsal = rehearsalDocument();
  if (rehearsal === null) return;
  const before = openDescriptors();
  for (const { gofer } of rehearsal.rounds) {
    const session = open(gofer, rehearsal.directory);
    serve(gofer.fds.gofer, session);
    keepShapes(session);
  }
  closeDescriptorsBut(before);
}

/** `jail`: what the gofer's own paths begin with. */
function open(boot: GoferBootDocument, jail: string): Session {
  const stores = boot.overlayDirectory ? [GOFER_MEMORY_PATH, GOFER_OVERLAY_PATH] : [GOFER_MEMORY_PATH];
  return openSession(
    sources(boot, jail),
    directoryLimit(),
    stores.map((path) => jail + path),
    boot.hostSockets,
  );
}

/** The hand-over of boot-document.ts: from its end on, paths name only what is to be served. */
function waitForJail(ready: number): void {
  const byte = new Uint8Array(1);
  addon.write(ready, byte, 0, 1);
  if (addon.read(ready, byte, 0, 1) !== 1) addon.exit(1);
  addon.close(ready);
}

function sources(boot: GoferBootDocument, jail: string): TreeSource[] {
  const all = [{ index: 0, readonly: boot.root.readonly, slave: false }, ...boot.mounts];
  return all.map(({ index, readonly, slave }) => {
    const path = jail + goferTreePath(index);
    const slash = path.lastIndexOf('/');
    return { index, container: path.slice(0, slash) || '/', name: path.slice(slash + 1), readonly, slave };
  });
}

/** Directories kept open: half of what the process may open, the rest for listings and donations. */
function directoryLimit(): number {
  return Math.floor(Math.min(addon.openFileLimit(), 65536) / 2);
}
