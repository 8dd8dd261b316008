/** Linux's asynchronous file I/O (io_submit(2)), which databases and fio use. */
import { ADDR, HEX, LONG, UINT, structIn } from '../table/args.ts';
import { call, type Call } from '../table/row.ts';
import { sys_io_cancel, sys_io_destroy, sys_io_setup } from './setup.ts';
import { sys_io_submit } from './submit.ts';
import { sys_io_getevents, sys_io_pgetevents } from './wait.ts';

const TIMESPEC = structIn('timespec', 16);
const AT_ONCE = 'done before it returns; files only: no pipes and sockets, no IOCB_CMD_POLL';

export const aioCalls = {
  io_setup: call(sys_io_setup, [UINT, ADDR]),
  io_destroy: call(sys_io_destroy, [HEX]),
  io_submit: call(sys_io_submit, [HEX, LONG, ADDR], 'partial', AT_ONCE),
  io_cancel: call(sys_io_cancel, [HEX, ADDR, ADDR]),
  io_getevents: call(sys_io_getevents, [HEX, LONG, LONG, ADDR, TIMESPEC]),
  io_pgetevents: call(sys_io_pgetevents, [HEX, LONG, LONG, ADDR, TIMESPEC, ADDR]),
} satisfies Record<string, Call>;
