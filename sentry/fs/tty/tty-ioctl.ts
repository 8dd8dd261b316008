/** The terminal requests of ioctl_tty(2), for slaves, consoles and (through their slave) pty masters. */
import { CAP_SYS_ADMIN } from '../../abi/capability.ts';
import { EFAULT, EINVAL, EIO, ENOTTY, EPERM, ESRCH } from '../../abi/errno.ts';
import * as IO from '../../abi/ioctl.ts';
import * as T from '../../abi/termios.ts';
import { unimplemented } from '../../base/unimplemented.ts';
import type { Task } from '../../kernel/task.ts';
import { checkChange, controls, disassociate, setControlling } from './job-control.ts';
import { getAttributes, setAttributes } from './tty-attributes.ts';
import type { Tty } from './tty.ts';

/** `viaMaster`: asked through the pty's master, to which job control does not apply. */
export function ttyIoctl(
  tty: Tty,
  readable: boolean,
  viaMaster: boolean,
  cmd: number,
  arg: number,
  task: Task,
): number {
  switch (cmd) {
    case IO.TCGETS:
    case IO.TCGETS2:
    case IO.TCGETA:
      return getAttributes(tty, cmd, arg, task);
    case IO.TCSETS:
    case IO.TCSETSW:
    case IO.TCSETSF:
    case IO.TCSETS2:
    case IO.TCSETSW2:
    case IO.TCSETSF2:
    case IO.TCSETA:
    case IO.TCSETAW:
    case IO.TCSETAF:
      return setAttributes(tty, cmd, arg, task);
    case IO.TIOCGWINSZ:
      return getWinsize(tty, arg, task);
    case IO.TIOCSWINSZ:
      return setWinsize(tty, arg, task);
    case IO.TIOCGPGRP:
      return getForeground(tty, viaMaster, arg, task);
    case IO.TIOCSPGRP:
      return setForeground(tty, arg, task);
    case IO.TIOCGSID:
      if (!viaMaster && !controls(task, tty)) return -ENOTTY;
      return tty.session === null ? -ENOTTY : task.writeI32(arg, tty.session.sid);
    case IO.TIOCSCTTY:
      return setControlling(task, tty, arg === 1, readable);
    case IO.TIOCNOTTY:
      return renounce(tty, task);
    case IO.TCFLSH:
      return flush(tty, arg, task);
    case IO.TCXONC:
      return flowControl(tty, arg, task);
    case IO.TCSBRK:
    case IO.TCSBRKP:
    case IO.TIOCSBRK:
    case IO.TIOCCBRK:
      // No line to hold in a break state, and output has always left.
      return checkChange(task, tty);
    case IO.FIONREAD:
      return task.writeI32(arg, tty.line.inputCount());
    case IO.TIOCOUTQ:
      return task.writeI32(arg, tty.backend.pending());
    case IO.TIOCSTI:
      return simulateInput(tty, arg, task);
    case IO.TIOCEXCL:
      tty.exclusive = true;
      return 0;
    case IO.TIOCNXCL:
      tty.exclusive = false;
      return 0;
    case IO.TIOCGEXCL:
      return task.writeI32(arg, tty.exclusive ? 1 : 0);
    case IO.TIOCGETD:
      return task.writeI32(arg, T.N_TTY);
    case IO.TIOCSETD:
      return setDiscipline(tty, arg, task);
    case IO.TIOCGDEV:
      return task.writeU32(arg, tty.rdev);
    case IO.TIOCGSOFTCAR:
      return task.writeI32(arg, (tty.termios.cflag & T.CLOCAL) !== 0 ? 1 : 0);
    case IO.TIOCSSOFTCAR: {
      const on = task.readI32(arg);
      if (on === null) return -EFAULT;
      tty.setTermios((t) => {
        t.cflag = on !== 0 ? t.cflag | T.CLOCAL : t.cflag & ~T.CLOCAL;
      });
      return 0;
    }
    case IO.TIOCVHANGUP:
      if (!task.creds.hasCap(CAP_SYS_ADMIN)) return -EPERM;
      tty.hangup();
      return 0;
    case IO.TIOCCONS:
      return -EPERM;
    case IO.TIOCGLCKTRMIOS:
      return task.copyOutBytes(arg, new Uint8Array(T.TERMIOS_SIZE), 0, T.TERMIOS_SIZE);
    case IO.TIOCSLCKTRMIOS:
      if (!task.creds.hasCap(CAP_SYS_ADMIN)) return -EPERM;
      unimplemented('ioctl TIOCSLCKTRMIOS');
      return -EINVAL;
    case IO.TIOCMGET:
    case IO.TIOCMSET:
    case IO.TIOCMBIS:
    case IO.TIOCMBIC:
    case IO.TIOCGSERIAL:
      return -ENOTTY;
    default:
      return -ENOTTY;
  }
}

function getWinsize(tty: Tty, arg: number, task: Task): number {
  const out = new Uint16Array([tty.rows, tty.cols, tty.xpixel, tty.ypixel]);
  return task.copyOutBytes(arg, new Uint8Array(out.buffer), 0, 8);
}

function setWinsize(tty: Tty, arg: number, task: Task): number {
  const bytes = new Uint8Array(8);
  const r = task.copyInTo(arg, bytes, 0, 8);
  if (r < 0) return r;
  const size = new Uint16Array(bytes.buffer);
  tty.setWinsize(size[0]!, size[1]!, size[2]!, size[3]!);
  return 0;
}

function getForeground(tty: Tty, viaMaster: boolean, arg: number, task: Task): number {
  if (!viaMaster && !controls(task, tty)) return -ENOTTY;
  // A foreground group that is gone still has its number.
  return task.writeI32(arg, tty.foreground?.pgid ?? 0);
}

function setForeground(tty: Tty, arg: number, task: Task): number {
  const r = checkChange(task, tty);
  if (r < 0) return r;
  if (!controls(task, tty) || tty.session !== task.group.session) return -ENOTTY;
  const pgid = task.readI32(arg);
  if (pgid === null) return -EFAULT;
  if (pgid < 0) return -EINVAL;
  const group = task.pidns.processGroups.get(pgid);
  // A process that leads no group is known, but stands for none.
  if (group === undefined) return task.pidns.pids.has(pgid) ? -EPERM : -ESRCH;
  if (group.session !== task.group.session) return -EPERM;
  tty.foreground = group;
  return 0;
}

/** TIOCNOTTY: a leader takes it from the whole session, anyone else from itself. */
function renounce(tty: Tty, task: Task): number {
  if (!controls(task, tty)) return -ENOTTY;
  if (task.group.isSessionLeader) disassociate(tty, task.group.session, false);
  else tty.renounced.add(task.group);
  return 0;
}

function flush(tty: Tty, arg: number, task: Task): number {
  const r = checkChange(task, tty);
  if (r < 0) return r;
  if (arg !== T.TCIFLUSH && arg !== T.TCOFLUSH && arg !== T.TCIOFLUSH) return -EINVAL;
  if (arg !== T.TCOFLUSH) {
    tty.line.flushInput();
    tty.backend.packetEvent(T.TIOCPKT_FLUSHREAD);
  }
  if (arg !== T.TCIFLUSH) {
    // Echo that has not been sent yet is not output: it stays.
    tty.backend.flushOutput();
  }
  return 0;
}

const oneByte = new Uint8Array(1);

function flowControl(tty: Tty, arg: number, task: Task): number {
  const r = checkChange(task, tty);
  if (r < 0) return r;
  switch (arg) {
    case T.TCOOFF:
    case T.TCOON:
      tty.line.suspend(arg === T.TCOOFF);
      return 0;
    case T.TCIOFF:
    case T.TCION: {
      const c = tty.termios.cc[arg === T.TCIOFF ? T.VSTOP : T.VSTART]!;
      if (c !== 0) {
        oneByte[0] = c;
        tty.backend.write(oneByte, 0, 1);
      }
      return 0;
    }
    default:
      return -EINVAL;
  }
}

/** TIOCSTI, as with the sysctl dev.tty.legacy_tiocsti at 0: only for CAP_SYS_ADMIN. */
function simulateInput(tty: Tty, arg: number, task: Task): number {
  if (!task.creds.hasCap(CAP_SYS_ADMIN)) return -EIO;
  const r = task.copyInTo(arg, oneByte, 0, 1);
  if (r < 0) return r;
  tty.receive(oneByte, 0, 1);
  return 0;
}

function setDiscipline(tty: Tty, arg: number, task: Task): number {
  const r = checkChange(task, tty);
  if (r < 0) return r;
  const discipline = task.readI32(arg);
  if (discipline === null) return -EFAULT;
  if (discipline !== T.N_TTY) unimplemented(`line discipline ${discipline}`);
  return discipline === T.N_TTY ? 0 : -EINVAL;
}
