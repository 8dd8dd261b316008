/** ioctl's third argument, by request. */
import * as io from '../abi/ioctl.ts';
import type { Call } from './arguments.ts';
import type { Special } from './special.ts';
import { Bytes } from './structs.ts';
import { showFlags } from './tables.ts';

/** Neither structure nor number. */
const NONE: ReadonlySet<number> = new Set([io.FIOCLEX, io.FIONCLEX, io.TIOCEXCL, io.TIOCNXCL, io.TIOCNOTTY]);
/** Pointers to an int that the call reads, and that it writes. */
const INT_IN: ReadonlySet<number> = new Set([
  io.TIOCSPGRP,
  io.TIOCSPTLCK,
  io.FIONBIO,
  io.FIOASYNC,
  io.TIOCPKT,
]);
const INT_OUT: ReadonlySet<number> = new Set([
  io.TIOCGPGRP,
  io.TIOCGPTN,
  io.TIOCGPTLCK,
  io.TIOCGSID,
  io.FIONREAD,
  io.TIOCOUTQ,
]);
const TERMIOS_IN: ReadonlySet<number> = new Set([io.TCSETS, io.TCSETSW, io.TCSETSF]);
const BAUD_MASK = 0o10017;
const OUTPUT_DELAYS = 'NL0|CR0|TAB0|BS0|VT0|FF0';

export const ioctl: Special = (call, i, done) => {
  if (i !== 2) return null;
  const request = call.task.argU32(1);
  if (NONE.has(request)) return '';
  if (INT_IN.has(request)) return done && call.texts[2] !== undefined ? call.texts[2] : pointedInt(call);
  if (TERMIOS_IN.has(request)) return termios(call);
  if (request === io.TIOCSWINSZ) return winsize(call);
  if (!done) return null;
  if (INT_OUT.has(request)) return pointedInt(call);
  if (request === io.TIOCGWINSZ) return winsize(call);
  return request === io.TCGETS ? termios(call) : null;
};

function pointedInt(call: Call): string | null {
  const bytes = call.read(call.task.arg(2), 4);
  return bytes === null ? null : `[${new Bytes(bytes).i32(0)}]`;
}

function winsize(call: Call): string | null {
  const bytes = call.read(call.task.arg(2), 8);
  if (bytes === null) return null;
  const b = new Bytes(bytes);
  return `{ws_row=${b.u16(0)}, ws_col=${b.u16(2)}, ws_xpixel=${b.u16(4)}, ws_ypixel=${b.u16(6)}}`;
}

function termios(call: Call): string | null {
  const bytes = call.read(call.task.arg(2), 36);
  if (bytes === null) return null;
  const b = new Bytes(bytes);
  const control = b.u32(8);
  const output = showFlags('c_oflag', b.u32(4));
  return (
    `{c_iflag=${showFlags('c_iflag', b.u32(0))}, ` +
    `c_oflag=${OUTPUT_DELAYS}${output === '0' ? '' : `|${output}`}, ` +
    `c_cflag=${showFlags('baud', control & BAUD_MASK)}|${showFlags('c_cflag', control & ~BAUD_MASK)}, ` +
    `c_lflag=${showFlags('c_lflag', b.u32(12))}, ...}`
  );
}
