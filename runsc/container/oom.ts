// Out-of-memory events of a cgroup, as the host's kernel announces them.

import { closeSync, openSync, read, watch, writeSync, type FSWatcher } from 'node:fs';

import { addon } from '../../native/addon.ts';
import { parseKeyed } from './stats.ts';

import type { CgroupFiles } from './cgroup-files.ts';

export interface OomWatch {
  close(): void;
}

const NOTHING: OomWatch = { close: () => undefined };

/** Calls `onOom` each time a process in the cgroup is killed, or has to wait, for want of memory. */
export function watchOom(files: CgroupFiles, onOom: () => void): OomWatch {
  if (files.unified) return watchV2(files, onOom);
  return watchV1(files, onOom);
}

/** cgroup-v2.rst: memory.events is "modified" for inotify whenever a counter in it changes. */
function watchV2(files: CgroupFiles, onOom: () => void): OomWatch {
  const path = files.find('memory.events');
  if (path === undefined) return NOTHING;
  const kills = (): number => Number(parseKeyed(files.read('memory.events'))['oom_kill'] ?? 0);
  let seen = kills();
  let watcher: FSWatcher;
  try {
    watcher = watch(path, () => {
      const now = kills();
      if (now > seen) onOom();
      seen = now;
    });
  } catch {
    return NOTHING;
  }
  watcher.on('error', () => watcher.close());
  return watcher;
}

/** cgroup-v1/memory.rst, "OOM Control": an eventfd that cgroup.event_control ties to memory.oom_control. */
function watchV1(files: CgroupFiles, onOom: () => void): OomWatch {
  const controlPath = files.find('memory.oom_control');
  const registerPath = controlPath?.replace(/memory\.oom_control$/, 'cgroup.event_control');
  if (controlPath === undefined || registerPath === undefined) return NOTHING;
  const event = addon.eventfd();
  if (event < 0) return NOTHING;
  const control = openSync(controlPath, 'r');
  const register = openSync(registerPath, 'w');
  writeSync(register, `${event} ${control}`);
  closeSync(register);
  let closed = false;
  const counter = Buffer.alloc(8);
  const wait = (): void => {
    read(event, counter, 0, 8, null, (error) => {
      // The cgroup's removal is an event too.
      if (closed || error !== null || files.read('memory.oom_control') === undefined) return;
      onOom();
      wait();
    });
  };
  wait();
  return {
    close: () => {
      closed = true;
      closeSync(control);
      // The read in the thread pool comes back, so that nothing holds the process.
      writeSync(event, Buffer.from([1, 0, 0, 0, 0, 0, 0, 0]));
    },
  };
}
