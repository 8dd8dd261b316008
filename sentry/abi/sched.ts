/** Scheduling policies (sched(7)) and the priorities of sched_setattr(2), ioprio_set(2). */
export const SCHED_OTHER = 0;
export const SCHED_FIFO = 1;
export const SCHED_RR = 2;
export const SCHED_BATCH = 3;
export const SCHED_IDLE = 5;
export const SCHED_DEADLINE = 6;
export const SCHED_EXT = 7;
export const SCHED_RESET_ON_FORK = 0x40000000;

export const SCHED_FLAG_RESET_ON_FORK = 0x01;
export const SCHED_FLAG_ALL = 0x7f;
export const SCHED_ATTR_SIZE_VER0 = 48;
export const SCHED_ATTR_SIZE = 56;

export const IOPRIO_CLASS_SHIFT = 13;
export const IOPRIO_CLASS_NONE = 0;
export const IOPRIO_CLASS_RT = 1;
export const IOPRIO_CLASS_BE = 2;
export const IOPRIO_CLASS_IDLE = 3;
export const IOPRIO_WHO_PROCESS = 1;
export const IOPRIO_WHO_PGRP = 2;
export const IOPRIO_WHO_USER = 3;
