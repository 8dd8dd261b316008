/** TCGETS, TCSETS and their older and newer forms: attributes to and from the guest. */
import * as IO from '../../abi/ioctl.ts';
import * as T from '../../abi/termios.ts';
import type { Task } from '../../kernel/task.ts';
import { checkChange } from './job-control.ts';
import type { Tty } from './tty.ts';

export function getAttributes(tty: Tty, cmd: number, arg: number, task: Task): number {
  const { termios } = tty;
  const bytes =
    cmd === IO.TCGETA
      ? termios.encodeOld()
      : termios.encode(cmd === IO.TCGETS2 ? T.TERMIOS2_SIZE : T.TERMIOS_SIZE);
  return task.copyOutBytes(arg, bytes, 0, bytes.length);
}

/** The W forms wait for output, which has always left; the F forms also drop unread input. */
export function setAttributes(tty: Tty, cmd: number, arg: number, task: Task): number {
  const r = checkChange(task, tty);
  if (r < 0) return r;
  const old = cmd === IO.TCSETA || cmd === IO.TCSETAW || cmd === IO.TCSETAF;
  const newer = cmd === IO.TCSETS2 || cmd === IO.TCSETSW2 || cmd === IO.TCSETSF2;
  const size = old ? T.TERMIO_SIZE : newer ? T.TERMIOS2_SIZE : T.TERMIOS_SIZE;
  const bytes = task.copyInBytes(arg, size);
  if (typeof bytes === 'number') return bytes;
  if (cmd === IO.TCSETSF || cmd === IO.TCSETSF2 || cmd === IO.TCSETAF) tty.line.flushInput();
  tty.setTermios((next) => {
    if (old) next.decodeOld(bytes);
    else next.decode(bytes);
  });
  return 0;
}
