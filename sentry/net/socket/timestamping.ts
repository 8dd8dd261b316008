/** SO_TIMESTAMPING (Documentation/networking/timestamping.rst): its flags, and how they are set. */
import { EINVAL, EOPNOTSUPP } from '../../abi/errno.ts';

export const TX_SOFTWARE = 1 << 1;
export const RX_SOFTWARE = 1 << 3;
export const SOFTWARE = 1 << 4;
export const OPT_ID = 1 << 7;
export const TX_SCHED = 1 << 8;
export const TX_ACK = 1 << 9;
export const OPT_TSONLY = 1 << 11;
const OPT_STATS = 1 << 12;
const BIND_PHC = 1 << 15;
export const OPT_ID_TCP = 1 << 16;
/** Up to SOF_TIMESTAMPING_TX_COMPLETION. */
const KNOWN = (1 << 19) - 1;

/** What one message can ask for by itself: SOF_TIMESTAMPING_TX_RECORD_MASK. */
export const TX_FLAGS = TX_SOFTWARE | TX_SCHED | TX_ACK | (1 << 0) | (1 << 18);

/** Which time it is: SCM_TSTAMP_SND, SCM_TSTAMP_SCHED, SCM_TSTAMP_ACK. */
export const SENT = 0;
export const SCHEDULED = 1;
export const ACKNOWLEDGED = 2;

/** `idAllowed`: a stream has to be connected before bytes can be counted. 0 or a negated errno. */
export function checkTimestamping(flags: number, before: number, idAllowed: boolean): number {
  if ((flags & ~KNOWN) !== 0) return -EINVAL;
  if ((flags & OPT_ID_TCP) !== 0 && (flags & OPT_ID) === 0) return -EINVAL;
  if ((flags & OPT_ID) !== 0 && (before & OPT_ID) === 0 && !idAllowed) return -EINVAL;
  if ((flags & OPT_STATS) !== 0 && (flags & OPT_TSONLY) === 0) return -EINVAL;
  // Clocks of network cards: lo has none.
  return (flags & BIND_PHC) !== 0 ? -EOPNOTSUPP : 0;
}
