/** uname(2), sethostname(2), setdomainname(2). */
import { CAP_SYS_ADMIN } from '../../sentry/abi/capability.ts';
import { EFAULT, EINVAL, EPERM } from '../../sentry/abi/errno.ts';
import { KERNEL_RELEASE, KERNEL_VERSION } from '../../sentry/kernel/version.ts';
import type { Task } from '../../sentry/kernel/task.ts';

const FIELD = 65;
const MAX_NAME = 64;
const PER_LINUX32 = 0x0008;
const PER_MASK = 0x00ff;
const UNAME26 = 0x0020000;

export function sys_uname(t: Task): number {
  const { kernel } = t;
  const { uts } = t.group.ns;
  const buffer = Buffer.alloc(FIELD * 6);
  const linux32 = (t.personality & PER_MASK) === PER_LINUX32;
  const machine = kernel.options.machine;
  const fields = [
    'Linux',
    uts.hostname,
    (t.personality & UNAME26) !== 0 ? `2.6.${60 + Number(KERNEL_RELEASE.split('.')[1])}` : KERNEL_RELEASE,
    KERNEL_VERSION,
    linux32 ? (machine === 'x86_64' ? 'i686' : 'armv8l') : machine,
    uts.domainname,
  ];
  fields.forEach((field, i) => buffer.latin1Write(field.slice(0, FIELD - 1), i * FIELD));
  return t.copyOutBytes(t.arg(0), buffer, 0, buffer.length);
}

export function sys_sethostname(t: Task): number {
  const name = readName(t);
  if (typeof name === 'number') return name;
  t.group.ns.uts.hostname = name;
  return 0;
}

export function sys_setdomainname(t: Task): number {
  const name = readName(t);
  if (typeof name === 'number') return name;
  t.group.ns.uts.domainname = name;
  return 0;
}

function readName(t: Task): string | number {
  const len = t.argI32(1);
  if (!t.creds.hasCap(CAP_SYS_ADMIN)) return -EPERM;
  if (len < 0 || len > MAX_NAME) return -EINVAL;
  const bytes = t.copyInBytes(t.arg(0), len);
  if (typeof bytes === 'number') return -EFAULT;
  const text = Buffer.from(bytes).latin1Slice();
  const end = text.indexOf('\0');
  return end < 0 ? text : text.slice(0, end);
}
