/** /proc/PID/{mounts,mountinfo,mountstats}: the mount table as one task sees it (proc_pid_mountinfo(5)). */
import {
  MS_DIRSYNC,
  MS_LAZYTIME,
  MS_NOATIME,
  MS_NODEV,
  MS_NODIRATIME,
  MS_NOEXEC,
  MS_NOSUID,
  MS_NOSYMFOLLOW,
  MS_RDONLY,
  MS_STRICTATIME,
  MS_SYNCHRONOUS,
} from '../../abi/mount.ts';
import { major, minor } from '../../abi/stat.ts';
import type { Task } from '../../kernel/task.ts';
import type { MountNamespace } from '../../vfs/mount-namespace.ts';
import { pathFrom } from '../../vfs/path-name.ts';
import { Path } from '../../vfs/path.ts';
import type { Mount } from '../../vfs/path.ts';

interface Seen {
  readonly mount: Mount;
  readonly at: string;
}

/** The mounts that the task can reach from its root, in the order of the table. */
function* seen(task: Task): Generator<Seen> {
  const { fs } = task;
  for (const mount of (fs.mountNs as MountNamespace).mounts()) {
    const at = pathFrom(new Path(mount, mount.root), fs.root);
    if (at !== null) yield { mount, at };
  }
}

export function mountinfoText(task: Task): string {
  let text = '';
  for (const { mount, at } of seen(task)) {
    const { fs } = mount;
    const propagation =
      (mount.peerGroup === 0 ? '' : ` shared:${mount.peerGroup}`) +
      (mount.master === 0 ? '' : ` master:${mount.master}`) +
      (mount.unbindable ? ' unbindable' : '');
    text +=
      `${mount.id} ${mount.parent?.id ?? 1} ${major(fs.dev)}:${minor(fs.dev)} ` +
      `${escape(rootWithin(mount))} ${escape(at)} ${mountOptions(mount)}${propagation} - ` +
      `${fs.type} ${escape(mount.source)} ${superOptions(mount)}\n`;
  }
  return text;
}

export function mountsText(task: Task): string {
  let text = '';
  for (const { mount, at } of seen(task)) {
    const own = fsOptions(mount);
    const options = mountOptions(mount) + (own === '' ? '' : `,${own}`);
    text += `${escape(mount.source)} ${escape(at)} ${mount.fs.type} ${options} 0 0\n`;
  }
  return text;
}

export function mountstatsText(task: Task): string {
  let text = '';
  for (const { mount, at } of seen(task)) {
    text += `device ${escape(mount.source)} mounted on ${escape(at)} with fstype ${mount.fs.type}\n`;
  }
  return text;
}

function mountOptions(mount: Mount): string {
  const { flags } = mount;
  let text = (flags & MS_RDONLY) !== 0 || mount.fs.readonly === true ? 'ro' : 'rw';
  if ((flags & MS_NOSUID) !== 0) text += ',nosuid';
  if ((flags & MS_NODEV) !== 0) text += ',nodev';
  if ((flags & MS_NOEXEC) !== 0) text += ',noexec';
  if ((flags & MS_NOATIME) !== 0) text += ',noatime';
  if ((flags & MS_NODIRATIME) !== 0) text += ',nodiratime';
  if ((flags & (MS_NOATIME | MS_STRICTATIME)) === 0) text += ',relatime';
  if ((flags & MS_NOSYMFOLLOW) !== 0) text += ',nosymfollow';
  return text;
}

function fsOptions(mount: Mount): string {
  return mount.fs.showOptions?.() ?? mount.options;
}

function superOptions(mount: Mount): string {
  const own = fsOptions(mount);
  const flags = mount.fs.superFlags ?? 0;
  let text = mount.fs.readonly === true || (flags & MS_RDONLY) !== 0 ? 'ro' : 'rw';
  if ((flags & MS_SYNCHRONOUS) !== 0) text += ',sync';
  if ((flags & MS_DIRSYNC) !== 0) text += ',dirsync';
  if ((flags & MS_LAZYTIME) !== 0) text += ',lazytime';
  return text + (own === '' ? '' : `,${own}`);
}

/** Path of the mount's root inside its filesystem: "/" but for binds. */
function rootWithin(mount: Mount): string {
  let text = '';
  for (let d = mount.root; d.parent !== null; d = d.parent) text = `/${d.name}${text}`;
  return text === '' ? '/' : text + (mount.root.deleted ? '//deleted' : '');
}

/** Blank, tab, newline, backslash and # as octal. */
function escape(text: string): string {
  return text.replace(/[ \t\n\\#]/g, (c) => `\\${c.charCodeAt(0).toString(8).padStart(3, '0')}`);
}
