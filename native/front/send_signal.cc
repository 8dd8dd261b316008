// `kill`.
#include "front.h"

#include <cctype>
#include <climits>
#include <csignal>
#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <strings.h>
#include <sys/socket.h>
#include <unistd.h>

namespace front {
namespace {

constexpr int kReplyTimeoutMs = 5000, kEndTimeoutMs = 1000, kPollMs = 5;

// Numbers and the names that managers use; -1 for others.
int signalNumber(const char* text) {
  if (text == nullptr)
    return SIGTERM;
  char* end = nullptr;
  long number = strtol(text, &end, 10);
  if (isdigit((unsigned char)*text) && *end == 0)
    return number <= 64 ? (int)number : -1;
  if (strncasecmp(text, "SIG", 3) == 0)
    text += 3;
  const char* const names[] = {"HUP",  "INT",  "QUIT", "KILL", "TERM", "USR1",
                               "USR2", "STOP", "CONT", "PIPE", "WINCH"};
  const int numbers[] = {SIGHUP,  SIGINT,  SIGQUIT, SIGKILL, SIGTERM, SIGUSR1,
                         SIGUSR2, SIGSTOP, SIGCONT, SIGPIPE, SIGWINCH};
  for (size_t index = 0; index < sizeof numbers / sizeof *numbers; index++) {
    if (strcasecmp(text, names[index]) == 0)
      return numbers[index];
  }
  return -1;
}

} // namespace

// As kill.ts. False when Node has to say what is wrong: nothing has been signalled then.
bool sendSignal(const Request& request, const State& state) {
  int signal = signalNumber(request.signal);
  if (signal < 0 || !isAlive(state) || strcmp(state.status, "stopped") == 0)
    return false;
  int fd = connectTo(state, "control.sock");
  if (fd < 0)
    return false;
  char line[NAME_MAX + 96];
  int length =
      snprintf(line, sizeof line, "{\"op\":\"kill\",\"container\":\"%s\",\"signal\":%d,\"all\":%s}\n",
               request.id, signal, request.all ? "true" : "false");
  if (send(fd, line, (size_t)length, MSG_NOSIGNAL) != length)
    return false;
  char* reply = readLine(fd, kReplyTimeoutMs);
  if (reply != nullptr)
    return strncmp(reply, "{\"ok\":true", 10) == 0;
  // The signal may have ended the container before the answer came.
  for (int waited = 0; waited <= kEndTimeoutMs; waited += kPollMs) {
    if (!isAlive(state))
      return true;
    usleep(kPollMs * 1000);
  }
  return false;
}

} // namespace front
