/* Generated from the syscall table by syscalls/table/marshal.ts: do not edit. */
#ifndef RUNSC_MARSHAL_TABLE_H
#define RUNSC_MARSHAL_TABLE_H

#include <stdint.h>

enum { MARSHAL_STRING = 1, MARSHAL_BYTES, MARSHAL_STRUCT, MARSHAL_IOVEC, MARSHAL_IOVEC_GATHER };

struct marshal_step {
  uint8_t kind;
  uint8_t arg;
  uint8_t len_arg;
  uint8_t pad;
  uint32_t size;
};

struct marshal_row {
  uint32_t count;
  struct marshal_step steps[4];
};

#if defined(__x86_64__)
#define MARSHAL_ROWS 442
static const struct marshal_row marshal_table[MARSHAL_ROWS] = {
    [1] = {1, {{MARSHAL_BYTES, 1, 2, 0, 1}}}, /* write */
    [7] = {1, {{MARSHAL_BYTES, 0, 1, 0, 8}}}, /* poll */
    [13] = {1, {{MARSHAL_STRUCT, 1, 0, 0, 32}}}, /* rt_sigaction */
    [14] = {1, {{MARSHAL_STRUCT, 1, 0, 0, 8}}}, /* rt_sigprocmask */
    [18] = {1, {{MARSHAL_BYTES, 1, 2, 0, 1}}}, /* pwrite64 */
    [19] = {1, {{MARSHAL_IOVEC, 1, 2, 0, 0}}}, /* readv */
    [20] = {1, {{MARSHAL_IOVEC_GATHER, 1, 2, 0, 0}}}, /* writev */
    [23] = {1, {{MARSHAL_STRUCT, 4, 0, 0, 16}}}, /* select */
    [40] = {1, {{MARSHAL_STRUCT, 2, 0, 0, 8}}}, /* sendfile */
    [76] = {1, {{MARSHAL_STRING, 0, 0, 0, 0}}}, /* truncate */
    [128] = {2, {{MARSHAL_STRUCT, 0, 0, 0, 8}, {MARSHAL_STRUCT, 2, 0, 0, 16}}}, /* rt_sigtimedwait */
    [129] = {1, {{MARSHAL_STRUCT, 2, 0, 0, 128}}}, /* rt_sigqueueinfo */
    [130] = {1, {{MARSHAL_STRUCT, 0, 0, 0, 8}}}, /* rt_sigsuspend */
    [131] = {1, {{MARSHAL_STRUCT, 0, 0, 0, 24}}}, /* sigaltstack */
    [233] = {1, {{MARSHAL_STRUCT, 3, 0, 0, 12}}}, /* epoll_ctl */
    [270] = {2, {{MARSHAL_STRUCT, 4, 0, 0, 16}, {MARSHAL_STRUCT, 5, 0, 0, 16}}}, /* pselect6 */
    [271] = {3, {{MARSHAL_BYTES, 0, 1, 0, 8}, {MARSHAL_STRUCT, 2, 0, 0, 16}, {MARSHAL_STRUCT, 3, 0, 0, 8}}}, /* ppoll */
    [275] = {2, {{MARSHAL_STRUCT, 1, 0, 0, 8}, {MARSHAL_STRUCT, 3, 0, 0, 8}}}, /* splice */
    [278] = {1, {{MARSHAL_IOVEC_GATHER, 1, 2, 0, 0}}}, /* vmsplice */
    [279] = {1, {{MARSHAL_BYTES, 2, 1, 0, 8}}}, /* move_pages */
    [281] = {1, {{MARSHAL_STRUCT, 4, 0, 0, 8}}}, /* epoll_pwait */
    [282] = {1, {{MARSHAL_STRUCT, 1, 0, 0, 8}}}, /* signalfd */
    [289] = {1, {{MARSHAL_STRUCT, 1, 0, 0, 8}}}, /* signalfd4 */
    [295] = {1, {{MARSHAL_IOVEC, 1, 2, 0, 0}}}, /* preadv */
    [296] = {1, {{MARSHAL_IOVEC_GATHER, 1, 2, 0, 0}}}, /* pwritev */
    [297] = {1, {{MARSHAL_STRUCT, 3, 0, 0, 128}}}, /* rt_tgsigqueueinfo */
    [310] = {2, {{MARSHAL_IOVEC, 1, 2, 0, 0}, {MARSHAL_IOVEC, 3, 4, 0, 0}}}, /* process_vm_readv */
    [311] = {2, {{MARSHAL_IOVEC_GATHER, 1, 2, 0, 0}, {MARSHAL_IOVEC, 3, 4, 0, 0}}}, /* process_vm_writev */
    [319] = {1, {{MARSHAL_STRING, 0, 0, 0, 0}}}, /* memfd_create */
    [326] = {2, {{MARSHAL_STRUCT, 1, 0, 0, 8}, {MARSHAL_STRUCT, 3, 0, 0, 8}}}, /* copy_file_range */
    [327] = {1, {{MARSHAL_IOVEC, 1, 2, 0, 0}}}, /* preadv2 */
    [328] = {1, {{MARSHAL_IOVEC_GATHER, 1, 2, 0, 0}}}, /* pwritev2 */
    [424] = {1, {{MARSHAL_STRUCT, 2, 0, 0, 128}}}, /* pidfd_send_signal */
    [440] = {1, {{MARSHAL_IOVEC, 1, 2, 0, 0}}}, /* process_madvise */
    [441] = {2, {{MARSHAL_STRUCT, 3, 0, 0, 16}, {MARSHAL_STRUCT, 4, 0, 0, 8}}}, /* epoll_pwait2 */
};
#else
#define MARSHAL_ROWS 442
static const struct marshal_row marshal_table[MARSHAL_ROWS] = {
    [21] = {1, {{MARSHAL_STRUCT, 3, 0, 0, 12}}}, /* epoll_ctl */
    [22] = {1, {{MARSHAL_STRUCT, 4, 0, 0, 8}}}, /* epoll_pwait */
    [45] = {1, {{MARSHAL_STRING, 0, 0, 0, 0}}}, /* truncate */
    [64] = {1, {{MARSHAL_BYTES, 1, 2, 0, 1}}}, /* write */
    [65] = {1, {{MARSHAL_IOVEC, 1, 2, 0, 0}}}, /* readv */
    [66] = {1, {{MARSHAL_IOVEC_GATHER, 1, 2, 0, 0}}}, /* writev */
    [68] = {1, {{MARSHAL_BYTES, 1, 2, 0, 1}}}, /* pwrite64 */
    [69] = {1, {{MARSHAL_IOVEC, 1, 2, 0, 0}}}, /* preadv */
    [70] = {1, {{MARSHAL_IOVEC_GATHER, 1, 2, 0, 0}}}, /* pwritev */
    [71] = {1, {{MARSHAL_STRUCT, 2, 0, 0, 8}}}, /* sendfile */
    [72] = {2, {{MARSHAL_STRUCT, 4, 0, 0, 16}, {MARSHAL_STRUCT, 5, 0, 0, 16}}}, /* pselect6 */
    [73] = {3, {{MARSHAL_BYTES, 0, 1, 0, 8}, {MARSHAL_STRUCT, 2, 0, 0, 16}, {MARSHAL_STRUCT, 3, 0, 0, 8}}}, /* ppoll */
    [74] = {1, {{MARSHAL_STRUCT, 1, 0, 0, 8}}}, /* signalfd4 */
    [75] = {1, {{MARSHAL_IOVEC_GATHER, 1, 2, 0, 0}}}, /* vmsplice */
    [76] = {2, {{MARSHAL_STRUCT, 1, 0, 0, 8}, {MARSHAL_STRUCT, 3, 0, 0, 8}}}, /* splice */
    [132] = {1, {{MARSHAL_STRUCT, 0, 0, 0, 24}}}, /* sigaltstack */
    [133] = {1, {{MARSHAL_STRUCT, 0, 0, 0, 8}}}, /* rt_sigsuspend */
    [134] = {1, {{MARSHAL_STRUCT, 1, 0, 0, 32}}}, /* rt_sigaction */
    [135] = {1, {{MARSHAL_STRUCT, 1, 0, 0, 8}}}, /* rt_sigprocmask */
    [137] = {2, {{MARSHAL_STRUCT, 0, 0, 0, 8}, {MARSHAL_STRUCT, 2, 0, 0, 16}}}, /* rt_sigtimedwait */
    [138] = {1, {{MARSHAL_STRUCT, 2, 0, 0, 128}}}, /* rt_sigqueueinfo */
    [239] = {1, {{MARSHAL_BYTES, 2, 1, 0, 8}}}, /* move_pages */
    [240] = {1, {{MARSHAL_STRUCT, 3, 0, 0, 128}}}, /* rt_tgsigqueueinfo */
    [270] = {2, {{MARSHAL_IOVEC, 1, 2, 0, 0}, {MARSHAL_IOVEC, 3, 4, 0, 0}}}, /* process_vm_readv */
    [271] = {2, {{MARSHAL_IOVEC_GATHER, 1, 2, 0, 0}, {MARSHAL_IOVEC, 3, 4, 0, 0}}}, /* process_vm_writev */
    [279] = {1, {{MARSHAL_STRING, 0, 0, 0, 0}}}, /* memfd_create */
    [285] = {2, {{MARSHAL_STRUCT, 1, 0, 0, 8}, {MARSHAL_STRUCT, 3, 0, 0, 8}}}, /* copy_file_range */
    [286] = {1, {{MARSHAL_IOVEC, 1, 2, 0, 0}}}, /* preadv2 */
    [287] = {1, {{MARSHAL_IOVEC_GATHER, 1, 2, 0, 0}}}, /* pwritev2 */
    [424] = {1, {{MARSHAL_STRUCT, 2, 0, 0, 128}}}, /* pidfd_send_signal */
    [440] = {1, {{MARSHAL_IOVEC, 1, 2, 0, 0}}}, /* process_madvise */
    [441] = {2, {{MARSHAL_STRUCT, 3, 0, 0, 16}, {MARSHAL_STRUCT, 4, 0, 0, 8}}}, /* epoll_pwait2 */
};
#endif

#endif
