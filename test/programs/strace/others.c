// Calls on memory, sockets, polling, terminals and SysV IPC.
#include "calls.h"
#include <arpa/inet.h>
#include <fcntl.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <poll.h>
#include <sys/epoll.h>
#include <sys/eventfd.h>
#include <sys/inotify.h>
#include <sys/ioctl.h>
#include <sys/ipc.h>
#include <sys/mman.h>
#include <sys/msg.h>
#include <sys/select.h>
#include <sys/sem.h>
#include <sys/shm.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <sys/wait.h>
#include <termios.h>
#include <time.h>

static void memory(void) {
  char* p = (char*)call(SYS_mmap, 0, 8192L, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0L);
  call(SYS_mmap, p, 4096L, PROT_NONE, MAP_SHARED | MAP_FIXED | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0L);
  call(SYS_mmap, 0, 4096L, PROT_READ, MAP_PRIVATE, 99, 4096L);
  call(SYS_mmap, 0, 0L, PROT_READ, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0L);
  call(SYS_mprotect, p, 4096L, PROT_READ | PROT_EXEC);
  call(SYS_mremap, p, 4096L, 8192L, 0);
  call(SYS_mremap, p + 4096, 4096L, 4096L, MREMAP_MAYMOVE | MREMAP_FIXED, p);
  call(SYS_msync, p, 4096L, MS_SYNC | MS_INVALIDATE);
  call(SYS_madvise, p, 4096L, MADV_DONTNEED);
  call(SYS_madvise, p, 4096L, 999);
  call(SYS_mlock, p, 4096L);
  call(SYS_munlock, p, 4096L);
  call(SYS_mlock2, p, 4096L, 1);
  call(SYS_munlockall);
  call(SYS_munmap, p, 8192L);
  call(SYS_munmap, p + 1, 8192L);
  call(SYS_membarrier, 16, 0);
}

static void sockets(void) {
  char buffer[100];
  int pair[2], one = 1, value;
  socklen_t length = sizeof(struct sockaddr_un);
  struct sockaddr_un un = {AF_UNIX, "socket"}, peer;
  call(SYS_socketpair, AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, pair);
  call(SYS_sendto, pair[0], "hello", 5, MSG_NOSIGNAL, 0, 0);
  call(SYS_recvfrom, pair[1], buffer, 100, MSG_PEEK, 0, 0);
  struct iovec v[2] = {{"ab", 2}, {"cde", 3}}, r = {buffer, 100};
  struct msghdr m = {.msg_iov = v, .msg_iovlen = 2}, in = {.msg_iov = &r, .msg_iovlen = 1};
  call(SYS_sendmsg, pair[0], &m, MSG_DONTWAIT);
  call(SYS_recvmsg, pair[1], &in, MSG_CMSG_CLOEXEC);
  char control[64] = {0};
  m.msg_control = control;
  m.msg_controllen = CMSG_SPACE(8);
  struct cmsghdr* c = CMSG_FIRSTHDR(&m);
  *c = (struct cmsghdr){CMSG_LEN(8), SOL_SOCKET, SCM_RIGHTS};
  memcpy(CMSG_DATA(c), pair, 8);
  call(SYS_sendmsg, pair[0], &m, 0);
  in.msg_control = control;
  in.msg_controllen = sizeof control;
  call(SYS_recvmsg, pair[1], &in, 0);
  call(SYS_recvmsg, pair[1], &in, MSG_DONTWAIT);
  struct mmsghdr mm[2] = {{{.msg_iov = v, .msg_iovlen = 1}}, {{.msg_iov = v + 1, .msg_iovlen = 1}}};
  call(SYS_sendmmsg, pair[0], mm, 2, MSG_NOSIGNAL);
  struct mmsghdr rr[1] = {{{.msg_iov = &r, .msg_iovlen = 1}}};
  call(SYS_recvmmsg, pair[1], rr, 1, MSG_DONTWAIT, 0);
  call(SYS_shutdown, pair[0], SHUT_WR);
  int s = call(SYS_socket, AF_UNIX, SOCK_STREAM | SOCK_NONBLOCK, 0);
  call(SYS_bind, s, &un, sizeof un);
  call(SYS_listen, s, 5);
  int t = call(SYS_socket, AF_UNIX, SOCK_STREAM, 0);
  call(SYS_connect, t, &un, sizeof un);
  call(SYS_getsockname, s, &peer, &length);
  call(SYS_getpeername, t, &peer, (length = 110, &length));
  call(SYS_accept4, s, &peer, (length = 110, &length), SOCK_CLOEXEC);
  call(SYS_accept, s, 0, 0);
  int u = call(SYS_socket, AF_INET, SOCK_DGRAM, IPPROTO_UDP);
  struct sockaddr_in in4 = {AF_INET, htons(9999), {htonl(INADDR_LOOPBACK)}}, from;
  struct sockaddr_in6 in6 = {AF_INET6, htons(80), 0, IN6ADDR_LOOPBACK_INIT, 0};
  call(SYS_bind, u, &in4, sizeof in4);
  call(SYS_sendto, u, "to myself", 9, 0, &in4, sizeof in4);
  call(SYS_recvfrom, u, buffer, 100, 0, &from, (length = sizeof from, &length));
  call(SYS_setsockopt, u, SOL_SOCKET, SO_REUSEADDR, &one, 4);
  call(SYS_setsockopt, u, SOL_SOCKET, SO_RCVTIMEO, (long[]){1, 5}, 16);
  call(SYS_setsockopt, u, SOL_SOCKET, SO_LINGER, (int[]){1, 5}, 8);
  call(SYS_getsockopt, u, SOL_SOCKET, SO_TYPE, &value, (length = 4, &length));
  call(SYS_getsockopt, u, SOL_SOCKET, SO_ERROR, &value, (length = 4, &length));
  int tcp = call(SYS_socket, AF_INET6, SOCK_STREAM | SOCK_CLOEXEC, IPPROTO_IP);
  call(SYS_setsockopt, tcp, IPPROTO_TCP, TCP_NODELAY, &one, 4);
  call(SYS_setsockopt, tcp, IPPROTO_IPV6, IPV6_V6ONLY, &one, 4);
  call(SYS_connect, tcp, &in6, sizeof in6);
  call(SYS_socket, 99, SOCK_STREAM, 0);
  call(SYS_socket, AF_NETLINK, SOCK_RAW | SOCK_CLOEXEC, 0);
  call(SYS_bind, 99, 8, 16);
  call(SYS_close_range, 3, ~0u, 0);
}

static void polling(void) {
  int ends[2], none[2];
  pipe(ends);
  pipe(none);
  write(ends[1], "x", 1);
  struct pollfd p[2] = {{ends[0], POLLIN | POLLPRI}, {ends[1], POLLOUT}};
  call(SYS_poll, p, 2, 10);
  p[0].fd = none[0];
  call(SYS_poll, p, 1, 0);
  call(SYS_ppoll, p, 2, &(struct timespec){1, 2}, (uint64_t[]){4}, 8);
  call(SYS_poll, 0, 0, 1);
  fd_set in = {0}, out = {0};
  FD_SET(ends[0], &in);
  FD_SET(none[0], &in);
  FD_SET(ends[1], &out);
  call(SYS_select, 20, &in, &out, 0, &(struct timeval){1, 0});
  FD_ZERO(&in);
  FD_SET(none[0], &in);
  call(SYS_select, 20, &in, 0, 0, &(struct timeval){0, 100});
  call(SYS_pselect6, 20, &in, 0, 0, &(struct timespec){0, 100}, 0);
  int e = call(SYS_epoll_create1, EPOLL_CLOEXEC);
  call(SYS_epoll_create, 5);
  struct epoll_event event = {EPOLLIN | EPOLLET, {.u64 = 7}}, ready[4];
  call(SYS_epoll_ctl, e, EPOLL_CTL_ADD, ends[0], &event);
  call(SYS_epoll_ctl, e, EPOLL_CTL_ADD, ends[0], &event);
  call(SYS_epoll_ctl, e, EPOLL_CTL_MOD, ends[0], &event);
  call(SYS_epoll_wait, e, ready, 4, 10);
  call(SYS_epoll_pwait, e, ready, 4, 1, 0, 8);
  call(SYS_epoll_pwait2, e, ready, 4, &(struct timespec){0, 1000}, 0, 8);
  call(SYS_epoll_ctl, e, EPOLL_CTL_DEL, ends[0], 0);
  call(SYS_eventfd2, 5, EFD_SEMAPHORE | EFD_NONBLOCK);
  int i = call(SYS_inotify_init1, IN_NONBLOCK | IN_CLOEXEC);
  int w = call(SYS_inotify_add_watch, i, ".", IN_CREATE | IN_DELETE | IN_ONLYDIR);
  call(SYS_inotify_add_watch, i, "none", IN_ALL_EVENTS);
  call(SYS_inotify_rm_watch, i, w);
  call(SYS_close_range, 3, ~0u, 0);
}

static void terminals(void) {
  struct termios t;
  struct winsize size = {24, 80};
  int value = 0, m = open("/dev/ptmx", O_RDWR | O_NOCTTY);
  call(SYS_ioctl, m, TIOCSPTLCK, &value);
  call(SYS_ioctl, m, TIOCGPTN, &value);
  call(SYS_ioctl, m, TIOCSWINSZ, &size);
  call(SYS_ioctl, m, TIOCGWINSZ, &size);
  call(SYS_ioctl, m, TCGETS, &t);
  call(SYS_ioctl, m, TCSETS, &t);
  call(SYS_ioctl, m, FIONREAD, &value);
  call(SYS_ioctl, m, FIONBIO, (int[]){1});
  call(SYS_ioctl, m, FIOCLEX);
  call(SYS_ioctl, m, 0x1234, 5);
  call(SYS_ioctl, 0, TCGETS, &t);
  call(SYS_ioctl, 99, TIOCGPGRP, &value);
  call(SYS_close, m);
}

static void ipc(void) {
  int s = call(SYS_shmget, IPC_PRIVATE, 4096L, IPC_CREAT | 0600);
  void* p = (void*)call(SYS_shmat, s, 0, SHM_RDONLY);
  call(SYS_shmdt, p);
  call(SYS_shmctl, s, IPC_RMID, 0);
  call(SYS_shmget, 0x1234, 1L, 0);
  int e = call(SYS_semget, IPC_PRIVATE, 2, IPC_CREAT | IPC_EXCL | 0666);
  struct sembuf ops[2] = {{0, 1, SEM_UNDO}, {1, -1, IPC_NOWAIT}};
  call(SYS_semop, e, ops, 2);
  call(SYS_semtimedop, e, ops, 1, &(struct timespec){0, 5});
  call(SYS_semctl, e, 0, SETVAL, 5);
  call(SYS_semctl, e, 0, GETVAL, 0);
  call(SYS_semctl, e, 0, IPC_RMID, 0);
  int q = call(SYS_msgget, IPC_PRIVATE, IPC_CREAT | 0600);
  struct {
    long type;
    char text[10];
  } message = {5, "hello"};
  call(SYS_msgsnd, q, &message, 5, IPC_NOWAIT);
  call(SYS_msgrcv, q, &message, 5, 0, MSG_NOERROR);
  call(SYS_msgctl, q, IPC_RMID, 0);
}

int main(void) {
  begin();
  memory();
  sockets();
  polling();
  terminals();
  ipc();
  return 0;
}
