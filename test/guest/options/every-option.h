// Every option of every level on a kind of socket, asked for and set in many lengths and values: one line an
// option, with all that came of it. Options that nothing of the kind knows have no line, nor those that came
// after Linux 6.1.
#ifndef EVERY_OPTION_H
#define EVERY_OPTION_H

#include "../check.h"
#include <arpa/inet.h>
#include <sys/socket.h>

static char every_line[1000];
static size_t every_at;

__attribute__((format(printf, 1, 2))) static void every_add(const char* format, ...) {
  va_list list;
  va_start(list, format);
  every_at += vsnprintf(every_line + every_at, sizeof every_line - every_at, format, list);
  va_end(list);
  if (every_at >= sizeof every_line)
    every_at = sizeof every_line - 1;
}

static void every_result(long got) {
  if (got == -1)
    every_add("%s ", strerrorname_np(errno));
  else
    every_add("%ld ", got);
}

// Values that are never the same twice, or the host's own: cookies, the CPU, clocks, TCP_INFO and its kind.
static int every_varies(int level, int name) {
  if (level == SOL_SOCKET)
    return name == 49 || name == 57 || name == 71 || name == 17 || name == 77 || name == 59;
  if (level == 0)
    return name == 52;
  return level == 6 && (name == 11 || name == 13 || name == 24 || name == 35 || name == 10);
}

// What differs, and why. The list is to become shorter.
static int every_differs(int level, int name) {
  static const int known[][2] = {
      // IP_ROUTER_ALERT, IP_NODEFRAG, ICMP_FILTER and ICMPV6_FILTER (which Linux clears when it can't read
      // one).
      {0, 5},
      {0, 22},
      {255, 1},
      {58, 1},
      // UDP_ENCAP: there is no IPsec.
      {17, 100},
      // IPv6: extension headers are never sent; IPV6_ADDRFORM, IPV6_HDRINCL, IPV6_PATHMTU, and what
      // RFC 2292 had for all of them.
      {41, 54},
      {41, 55},
      {41, 59},
      {41, 1},
      {41, 6},
      {41, 36},
      {41, 61},
      // Packet sockets: nothing is sent through rings, no fanout, no headers of virtual machines.
      {263, 13},
      {263, 15},
      {263, 18},
      {263, 21},
      {263, 22},
      {263, 24},
      // Those of netfilter, and of receiving by mapping pages.
      {41, 63},
      {41, 64},
      {41, 65},
      {41, 68},
      {41, 69},
      {6, 35},
  };
  for (unsigned i = 0; i < sizeof known / sizeof *known; i++) {
    if (known[i][0] == level && known[i][1] == name)
      return 1;
  }
  return 0;
}

static void every_get(int fd, int level, int name) {
  static const int lengths[] = {-1, 0, 1, 2, 3, 4, 5, 8, 12, 16, 64};
  unsigned char value[64];
  every_add("get ");
  socklen_t length = 0;
  for (unsigned i = 0; i < sizeof lengths / sizeof *lengths; i++) {
    memset(value, 0xee, sizeof value);
    length = lengths[i];
    int r = getsockopt(fd, level, name, value, &length);
    every_result(r == 0 ? (long)length : r);
  }
  if (length > 64 || every_varies(level, name))
    return;
  every_add("= ");
  for (unsigned i = 0; i < length; i++)
    every_add("%02x", value[i]);
  every_add(" ");
}

static void every_set(int fd, int level, int name) {
  static const int ints[] = {-2147483647 - 1, -2, -1, 0, 1, 2, 3, 7, 255, 256, 65535, 65536, 2147483647};
  static const int lengths[] = {0, 1, 2, 3, 5, 8, 12, 16, 20, 24, 40, 64, 136};
  static unsigned char zeros[256];
  every_add("set ");
  for (unsigned i = 0; i < sizeof ints / sizeof *ints; i++) {
    every_result(setsockopt(fd, level, name, &ints[i], sizeof ints[i]));
  }
  every_add("lengths ");
  for (unsigned i = 0; i < sizeof lengths / sizeof *lengths; i++) {
    every_result(setsockopt(fd, level, name, zeros, lengths[i]));
  }
  unsigned char one[8] = {1};
  every_add("ones ");
  every_result(setsockopt(fd, level, name, one, 1));
  every_result(setsockopt(fd, level, name, one, 8));
  // What is wrong first, the address or the rest, is not compared for options that can't be set at all.
  int value;
  socklen_t length = sizeof value;
  if (getsockopt(fd, level, name, &value, &length) == -1 || setsockopt(fd, level, name, one, 4) == -1)
    return;
  every_add("from nowhere ");
  every_result(setsockopt(fd, level, name, (void*)8, 4));
  every_result(setsockopt(fd, level, name, NULL, 0));
  every_result(setsockopt(fd, level, name, NULL, 4));
  every_result(setsockopt(fd, level, name, one, -1));
}

static int every_unknown(int fd, int level, int name) {
  int value = 1;
  socklen_t length = sizeof value;
  if (getsockopt(fd, level, name, &value, &length) == 0)
    return 0;
  int error = errno;
  if (error != ENOPROTOOPT && error != EOPNOTSUPP)
    return 0;
  return setsockopt(fd, level, name, &value, sizeof value) == -1 && errno == error;
}

static void every_option(const char* kind, int (*make)(void)) {
  static const int levels[][2] = {{SOL_SOCKET, 79}, {0, 53},   {6, 38},   {17, 110}, {41, 79},
                                  {58, 3},          {136, 12}, {255, 10}, {263, 30}, {270, 15},
                                  {279, 5},         {282, 5},  {284, 5},  {999, 2}};
  for (unsigned l = 0; l < sizeof levels / sizeof *levels; l++) {
    int level = levels[l][0];
    for (int name = 0; name < levels[l][1]; name++) {
      if (every_differs(level, name))
        continue;
      int fd = must(make());
      if (!every_unknown(fd, level, name)) {
        close(fd);
        fd = must(make());
        every_at = 0;
        every_add("%s level %d option %d: ", kind, level, name);
        every_get(fd, level, name);
        every_set(fd, level, name);
        // What it says in the end.
        unsigned char value[64];
        memset(value, 0xee, sizeof value);
        socklen_t length = sizeof value;
        int r = getsockopt(fd, level, name, value, &length);
        every_add("then ");
        every_result(r);
        for (unsigned i = 0; r == 0 && i < length && i < 16 && !every_varies(level, name); i++) {
          every_add("%02x", value[i]);
        }
        say("ok %s\n", every_line);
      }
      close(fd);
    }
  }
}

#endif
