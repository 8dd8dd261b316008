/** arch_prctl(2), x86_64 only. */
import {
  ARCH_CET_STATUS,
  ARCH_GET_CPUID,
  ARCH_GET_FS,
  ARCH_GET_GS,
  ARCH_GET_XCOMP_PERM,
  ARCH_GET_XCOMP_SUPP,
  ARCH_MAP_VDSO_X32,
  ARCH_REQ_XCOMP_PERM,
  ARCH_SET_CPUID,
  ARCH_SET_FS,
  ARCH_SET_GS,
} from '../../sentry/abi/prctl.ts';
import { EINVAL, ENODEV, ENOTSUP, EPERM } from '../../sentry/abi/errno.ts';
import { unimplemented } from '../../sentry/base/unimplemented.ts';
import type { Task } from '../../sentry/kernel/task.ts';
import { OP_SET_FS } from '../../platform/platform.ts';

export function sys_arch_prctl(t: Task): number {
  const code = t.argI32(0);
  const addr = t.arg(1);
  switch (code) {
    case ARCH_SET_FS:
      if (addr >= t.kernel.platform.maxAddress) return -EPERM;
      t.thread.addOp(OP_SET_FS, addr, 0, 0, 0, 0, 0);
      t.fsBase = addr;
      return 0;
    case ARCH_GET_FS:
      return t.writeU64(addr, t.fsBase);
    case ARCH_SET_GS:
      // The platform needs GS for its own; nothing current sets it.
      unimplemented('arch_prctl ARCH_SET_GS');
      return -EPERM;
    case ARCH_GET_GS:
      return t.writeU64(addr, 0);
    case ARCH_GET_CPUID:
      return 1;
    case ARCH_SET_CPUID:
      return -ENODEV;
    case ARCH_GET_XCOMP_SUPP:
    case ARCH_GET_XCOMP_PERM:
      // x87, SSE, AVX: what a process may use without asking.
      return t.writeU64(addr, 7);
    case ARCH_REQ_XCOMP_PERM:
      unimplemented('arch_prctl ARCH_REQ_XCOMP_PERM');
      return addr >= 64 ? -EINVAL : -ENOTSUP;
    default:
      // Shadow stacks (glibc asks for the status at start) are not there: as on a kernel without them.
      if (code < ARCH_CET_STATUS && code !== ARCH_MAP_VDSO_X32)
        unimplemented(`arch_prctl 0x${code.toString(16)}`);
      return -EINVAL;
  }
}
