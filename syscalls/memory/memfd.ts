/** memfd_create(2). */
import { EFAULT, EINVAL, ENAMETOOLONG, ENOSYS } from '../../sentry/abi/errno.ts';
import {
  MAP_HUGE_MASK,
  MAP_HUGE_SHIFT,
  MFD_ALLOW_SEALING,
  MFD_CLOEXEC,
  MFD_EXEC,
  MFD_HUGETLB,
  MFD_NOEXEC_SEAL,
} from '../../sentry/abi/mman.ts';
import { unimplemented } from '../../sentry/base/unimplemented.ts';
import { createMemfd } from '../../sentry/fs/tmpfs/memfd.ts';
import type { Task } from '../../sentry/kernel/task.ts';

const KNOWN = MFD_CLOEXEC | MFD_ALLOW_SEALING | MFD_HUGETLB | MFD_NOEXEC_SEAL | MFD_EXEC;
/** NAME_MAX without "memfd:". */
const MAX_NAME = 249;

export function sys_memfd_create(t: Task): number {
  let flags = t.argU32(1);
  const huge = (flags & MFD_HUGETLB) !== 0;
  const known = huge ? KNOWN | (MAP_HUGE_MASK << MAP_HUGE_SHIFT) : KNOWN;
  if ((flags & ~known) !== 0) return -EINVAL;
  if ((flags & (MFD_EXEC | MFD_NOEXEC_SEAL)) === (MFD_EXEC | MFD_NOEXEC_SEAL)) return -EINVAL;
  // vm.memfd_noexec is 0: executable unless asked otherwise; MFD_NOEXEC_SEAL implies sealing.
  if ((flags & MFD_NOEXEC_SEAL) !== 0) flags |= MFD_ALLOW_SEALING;
  const name = t.copyInString(t.arg(0), MAX_NAME + 1);
  if (name === -ENAMETOOLONG) return -EINVAL;
  if (typeof name === 'number') return -EFAULT;
  if (huge) {
    // As on a kernel without hugetlbfs.
    unimplemented('memfd_create MFD_HUGETLB');
    return -ENOSYS;
  }
  const file = createMemfd(t, name, flags);
  if (typeof file === 'number') return file;
  const fd = t.files.alloc(file, 0, (flags & MFD_CLOEXEC) !== 0);
  if (fd < 0) {
    file.incRef();
    file.decRef();
  }
  return fd;
}
