// Pipes, sockets and standard streams.
#define _GNU_SOURCE
#include <fcntl.h>
#include <netinet/in.h>
#include <poll.h>
#include <pthread.h>
#include <sys/epoll.h>
#include <sys/ioctl.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

#include "rehearsal.h"

int served(int fd, short events, int milliseconds) {
  struct pollfd poller = {fd, events, 0};
  return poll(&poller, 1, milliseconds);
}

static void* echo(void* pair) {
  int fd = ((int*)pair)[1];
  for (ssize_t n; (n = read(fd, buffer + 8192, 4096)) > 0;)
    write(fd, buffer + 8192, (size_t)n);
  return NULL;
}

// Two ends that talk, one of them in a thread of its own.
static void converse(int ends[2]) {
  pthread_t thread;
  int set = epoll_create1(EPOLL_CLOEXEC);
  struct epoll_event event = {EPOLLIN, {0}};
  pthread_create(&thread, NULL, echo, ends);
  epoll_ctl(set, EPOLL_CTL_ADD, ends[0], &event);
  TIMES(300) {
    if (i % 2 == 0)
      send(ends[0], buffer, 512, MSG_NOSIGNAL);
    else
      write(ends[0], buffer, 512);
    if (i % 3 == 0)
      served(ends[0], POLLIN, 1000);
    else if (i % 3 == 1)
      epoll_wait(set, &event, 1, 1000);
    read(ends[0], buffer, 4096);
    recv(ends[0], buffer, 10, MSG_DONTWAIT);
  }
  shutdown(ends[0], SHUT_RDWR);
  pthread_join(thread, NULL);
  close(ends[0]);
  close(ends[1]);
  close(set);
}

void tcp(int ends[2]) {
  struct sockaddr_in place = {AF_INET, 0, {htonl(INADDR_LOOPBACK)}, {0}};
  socklen_t length = sizeof place;
  int listener = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0), on = 1;
  setsockopt(listener, SOL_SOCKET, SO_REUSEADDR, &on, sizeof on);
  bind(listener, (struct sockaddr*)&place, sizeof place);
  listen(listener, 16);
  getsockname(listener, (struct sockaddr*)&place, &length);
  ends[0] = socket(AF_INET, SOCK_STREAM, 0);
  setsockopt(ends[0], IPPROTO_TCP, 1, &on, sizeof on);
  connect(ends[0], (struct sockaddr*)&place, sizeof place);
  ends[1] = accept4(listener, NULL, NULL, SOCK_CLOEXEC);
  close(listener);
}

void talk(void) {
  int ends[2];
  socketpair(AF_UNIX, SOCK_STREAM, 0, ends);
  converse(ends);
  TIMES(10) {
    tcp(ends);
    if (i == 9)
      converse(ends);
    close(ends[0]);
    close(ends[1]);
  }
  int udp = socket(AF_INET, SOCK_DGRAM, 0);
  struct sockaddr_in place = {AF_INET, 0, {htonl(INADDR_LOOPBACK)}, {0}};
  socklen_t length = sizeof place;
  bind(udp, (struct sockaddr*)&place, sizeof place);
  getsockname(udp, (struct sockaddr*)&place, &length);
  TIMES(100) {
    sendto(udp, buffer, 64, 0, (struct sockaddr*)&place, length);
    recvfrom(udp, buffer, 64, 0, NULL, NULL);
  }
  close(udp);
  pipe2(ends, O_CLOEXEC);
  TIMES(500) {
    write(ends[1], buffer, 100);
    read(ends[0], buffer, 100);
  }
  // A pipe that fills up, and one that is emptied piece by piece.
  TIMES(200) {
    write(ends[1], buffer, 3 * PAGE);
    while (served(ends[0], POLLIN, 0))
      read(ends[0], buffer, i % 2 == 0 ? PAGE : 16 * PAGE);
  }
  close(ends[0]);
  close(ends[1]);
}

static void* type_slowly(void* unused) {
  struct timespec moment = {0, 1000000};
  TIMES(20) {
    nanosleep(&moment, NULL);
    write(STDERR_FILENO, "slowly\n", 7);
  }
  return unused;
}

// As by a shell and by what looks for a terminal.
void standard_streams(void) {
  struct stat st;
  TIMES(30) {
    for (int fd = 0; fd < 3; fd++) {
      fstat(fd, &st);
      ioctl(fd, TCGETS, buffer);
      lseek(fd, 0, SEEK_CUR);
      fcntl(fd, F_GETFL);
    }
    write(STDERR_FILENO, "rehearsal\n", 10);
    read(STDIN_FILENO, buffer, 128);
  }
  pthread_t thread;
  pthread_create(&thread, NULL, type_slowly, NULL);
  for (ssize_t n, got = 0; got < 20 * 7 && (n = read(STDIN_FILENO, buffer, 128)) > 0;)
    got += n;
  pthread_join(thread, NULL);
}
