/** Maps a new program's stack and brings its initial content there with the same reply. */
import { addon } from '../../native/addon.ts';
import {
  MAP_ANONYMOUS,
  MAP_FIXED,
  MAP_NORESERVE,
  MAP_PRIVATE,
  MAP_STACK,
  PROT_EXEC,
  PROT_READ,
  PROT_WRITE,
  pageDown,
} from '../abi/mman.ts';
import type { AddressSpace } from '../mm/address-space.ts';
import { VM_GROWSDOWN, VM_MAYALL, VM_NORESERVE, Vma } from '../mm/vma.ts';
import { u8 } from '../../platform/arena.ts';
import { DONATED_FD, OP_MMAP, type PlatformThread } from '../../platform/platform.ts';
import type { InitialStack } from './initial-stack.ts';
import type { Layout } from './layout.ts';

const MFD_CLOEXEC = 1;

/** 0 or a negated errno. */
export function mapStack(
  mm: AddressSpace,
  thread: PlatformThread,
  area: Layout,
  content: InitialStack,
  executable: boolean,
): number {
  const prot = PROT_READ | PROT_WRITE | (executable ? PROT_EXEC : 0);
  const flags = VM_MAYALL | VM_GROWSDOWN | VM_NORESERVE;
  mm.put(new Vma(area.start, area.top, prot, flags, null, 0, '[stack]'));
  const host = MAP_PRIVATE | MAP_ANONYMOUS | MAP_FIXED | MAP_NORESERVE | MAP_STACK;
  thread.addOp(OP_MMAP, area.start, area.top - area.start, prot, host, -1, 0);
  const { bytes, sp } = content;
  const at = thread.dataTop + (-thread.dataTop & 7);
  if (at + bytes.length <= thread.dataEnd) {
    u8.set(bytes, at);
    if (thread.addCopyOut(sp, at, bytes.length)) {
      thread.dataTop = at + bytes.length;
      return 0;
    }
  }
  return mapContent(thread, area.top, content, prot);
}

/** Content too big for the slot: a memfd with it, mapped privately as the stack's upper end. */
function mapContent(thread: PlatformThread, top: number, content: InitialStack, prot: number): number {
  const { bytes, sp } = content;
  const start = pageDown(sp);
  const fd = addon.memfdCreate('stack', MFD_CLOEXEC);
  if (fd < 0) return fd;
  let r = addon.pwrite(fd, bytes, 0, bytes.length, sp - start);
  if (r >= 0) r = addon.ftruncate(fd, top - start);
  if (r >= 0) r = thread.space.donate(thread, fd);
  if (r >= 0) thread.addOp(OP_MMAP, start, top - start, prot, MAP_PRIVATE | MAP_FIXED, DONATED_FD, 0);
  addon.close(fd);
  return r < 0 ? r : 0;
}
