/** Waiting from outside for the end of any process of a container (`runsc wait --pid`). */
import { ESRCH } from '../../sentry/abi/errno.ts';
import { Waiter } from '../../sentry/base/wait-queue.ts';
import type { ControlReply } from '../sandbox/control-messages.ts';
import type { Container } from './container.ts';
import type { ControlConnection } from './control-connection.ts';

/** The exit status as a shell has it; `waitStatus` as wait4(2) encodes it. */
export function shellStatus(waitStatus: number): number {
  const signal = waitStatus & 0x7f;
  return signal === 0 ? (waitStatus >>> 8) & 0xff : 128 + signal;
}

/** Answers at once for a zombie, else when the process becomes one. `pid`: as its namespace numbers it. */
export function waitForProcess(
  container: Container,
  pid: number,
  connection: ControlConnection,
): ControlReply | null {
  const group = container.ns.pid.groups.get(pid);
  if (group === undefined || group.ns.cgroup !== container.ns.cgroup)
    return { ok: false, error: 'no such process', errno: ESRCH };
  if (group.zombie) return { ok: true, exitStatus: shellStatus(group.exitStatus) };
  const waiter = new Waiter(() => {
    waiter.remove();
    connection.send({ ok: true, exitStatus: shellStatus(group.exitStatus) });
  });
  group.exitQueue.add(waiter, -1);
  const { onClose } = connection;
  connection.onClose = () => {
    waiter.remove();
    onClose();
  };
  return null;
}
