/** sendfile(2) and copy_file_range(2): from file to file without the guest. */
import {
  EAGAIN,
  EBADF,
  EFAULT,
  EINVAL,
  EISDIR,
  EOVERFLOW,
  ESPIPE,
  ETXTBSY,
  EXDEV,
} from '../../sentry/abi/errno.ts';
import { O_APPEND, SEEK_CUR, SEEK_SET } from '../../sentry/abi/fcntl.ts';
import { S_IFBLK, S_IFDIR, S_IFMT, S_IFREG } from '../../sentry/abi/stat.ts';
import { BLOCKED } from '../../sentry/base/result.ts';
import { PipeFile } from '../../sentry/fs/pipe/pipe-file.ts';
import type { Task } from '../../sentry/kernel/task.ts';
import type { FileDescription } from '../../sentry/vfs/file-description.ts';
import { MAX_FILE_SIZE } from '../../sentry/vfs/regular-file.ts';
import { clampCount } from './read-write.ts';
import { CHUNK, chunkBuffer, waitToWrite } from './transfer.ts';

export function sys_sendfile(t: Task): number {
  const input = t.fileNoPath(1);
  const out = t.fileNoPath(0);
  const offAddr = t.arg(2);
  const count = clampCount(t.arg(3));
  if (input === null || !input.readable || out === null || !out.writable) return -EBADF;
  const type = fileType(input);
  let start = position(input);
  if (offAddr !== 0) {
    const given = t.readI64(offAddr);
    if (given === null) return -EFAULT;
    if (!input.positioned) return -ESPIPE;
    start = given;
  } else if (
    count !== 0 &&
    type !== S_IFREG &&
    type !== S_IFBLK &&
    input.queue !== null &&
    !input.positioned
  ) {
    return -EINVAL;
  }
  if (start < 0) return -EINVAL;
  if ((out.flags & O_APPEND) !== 0) return -EINVAL;
  // What has no offsets can't be read from, not even nothing.
  if (count === 0) return input.seek(0, SEEK_CUR) === -ESPIPE ? -EINVAL : 0;
  if (type === S_IFDIR || !input.splicesOut || !out.splicesIn) return -EINVAL;
  const sent = sendLoop(t, out, input, start, count);
  if (sent === BLOCKED || sent < 0) return sent;
  if (offAddr === 0) {
    if (position(input) === start) input.seek(start + sent, SEEK_SET);
    return sent;
  }
  return t.writeI64(offAddr, start + sent) < 0 ? -EFAULT : sent;
}

/** Waits for room in `out` where it may; the count so far survives re-runs in blockState. */
function sendLoop(
  t: Task,
  out: FileDescription,
  input: FileDescription,
  start: number,
  count: number,
): number {
  const buffer = chunkBuffer();
  let done = typeof t.blockState === 'number' ? t.blockState : 0;
  while (done < count) {
    const want = Math.min(count - done, out.queue === null ? CHUNK : CHUNK / 8);
    let got = input.pread(buffer, 0, want, start + done, t);
    if (got === -ESPIPE) got = input.read(buffer, 0, want, t);
    if (got <= 0) return done > 0 ? done : got;
    for (let at = 0; at < got;) {
      const n = out.write(buffer, at, got - at, t);
      // A pipe is filled once, as by splice(2).
      if (n === -EAGAIN && done > 0 && out instanceof PipeFile) return done;
      if (n === -EAGAIN) return waitToWrite(t, out, done, false);
      if (n <= 0) return done > 0 ? done : n;
      at += n;
      done += n;
    }
  }
  return done;
}

export function sys_copy_file_range(t: Task): number {
  const input = t.fileNoPath(0);
  const out = t.fileNoPath(2);
  const inAddr = t.arg(1);
  const outAddr = t.arg(3);
  let count = clampCount(t.arg(4));
  if (input === null || out === null) return -EBADF;
  if (t.argU32(5) !== 0) return -EINVAL;
  let from = position(input);
  let to = position(out);
  if (inAddr !== 0) {
    const given = t.readI64(inAddr);
    if (given === null) return -EFAULT;
    from = given;
  }
  if (outAddr !== 0) {
    const given = t.readI64(outAddr);
    if (given === null) return -EFAULT;
    to = given;
  }
  if (fileType(input) === S_IFDIR || fileType(out) === S_IFDIR) return -EISDIR;
  if (fileType(input) !== S_IFREG || fileType(out) !== S_IFREG) return -EINVAL;
  if (!input.readable || !out.writable || (out.flags & O_APPEND) !== 0) return -EBADF;
  // Between filesystems the caller has to copy, as on Linux.
  if (input.inode!.fs !== out.inode!.fs) return -EXDEV;
  if (from < 0 || to < 0) return -EINVAL;
  if (out.inode!.writers < 0) return -ETXTBSY;
  if (from + count > MAX_FILE_SIZE || to + count > MAX_FILE_SIZE) return -EOVERFLOW;
  count = Math.max(0, Math.min(count, input.inode!.size() - from));
  if (input.inode === out.inode && from < to + count && to < from + count) return -EINVAL;
  const done = copyRange(t, input, from, out, to, count);
  if (done <= 0) return done;
  if (inAddr === 0) input.seek(from + done, SEEK_SET);
  else if (t.writeI64(inAddr, from + done) < 0) return -EFAULT;
  if (outAddr === 0) out.seek(to + done, SEEK_SET);
  else if (t.writeI64(outAddr, to + done) < 0) return -EFAULT;
  return done;
}

function copyRange(
  t: Task,
  input: FileDescription,
  from: number,
  out: FileDescription,
  to: number,
  count: number,
): number {
  const buffer = chunkBuffer();
  let done = 0;
  while (done < count) {
    const got = input.pread(buffer, 0, Math.min(count - done, CHUNK), from + done, t);
    if (got <= 0) return done > 0 ? done : got;
    const n = out.pwrite(buffer, 0, got, to + done, t);
    if (n <= 0) return done > 0 ? done : n;
    done += n;
    if (n < got) break;
  }
  return done;
}

/** The file's own offset, which for a standard stream is the host's; 0 where there is none. */
function position(file: FileDescription): number {
  const at = file.seek(0, SEEK_CUR);
  return at < 0 ? 0 : at;
}

function fileType(file: FileDescription): number {
  return file.inode === null ? 0 : file.inode.mode & S_IFMT;
}
