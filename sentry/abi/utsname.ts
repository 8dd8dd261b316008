/** What uname(2), /proc/version and /proc/sys/kernel say of the kernel. */

export const UTS_SYSNAME = 'Linux';
/** A release that programs take as recent. */
export const UTS_RELEASE = '6.18.0';
export const UTS_VERSION = '#1 SMP PREEMPT_DYNAMIC Sat Nov 1 00:00:00 UTC 2026';
