// The front: does what managers ask for all the time, for a container that is as it should be, without
// starting Node, whose start takes ten times as long: `state`, `kill`, `start` and `delete`. Whatever is not
// plain (a flag that is not known here, an error, a hook, another command) is left to Node, which gets the
// same command line. Usage: front NODE SCRIPT [ARGUMENT...]
#include "front.h"

#include <cerrno>
#include <cstdio>
#include <cstring>
#include <unistd.h>

namespace front {
namespace {

bool isOneOf(const char* name, size_t length, const char* const* names) {
  for (; *names != nullptr; names++) {
    if (strlen(*names) == length && strncmp(*names, name, length) == 0)
      return true;
  }
  return false;
}

// The global flags that none of these commands cares for. --log is only written to by what fails.
const char* const kValueFlags[] = {"log",      "log-format",    "debug-log", "debug-log-format",
                                   "platform", "network",       "overlay2",  "criu",
                                   "rootless", "strace-format", "net-log",   nullptr};
const char* const kBareFlags[] = {"debug", "systemd-cgroup", "strace", nullptr};

// False for everything that isn't known well.
bool parse(int count, char** arguments, Request* request) {
  int index = 0;
  for (; index < count && arguments[index][0] == '-'; index++) {
    const char* name = arguments[index] + (arguments[index][1] == '-' ? 2 : 1);
    const char* equals = strchr(name, '=');
    size_t length = equals == nullptr ? strlen(name) : (size_t)(equals - name);
    if (equals == nullptr && isOneOf(name, length, kBareFlags))
      continue;
    bool root = length == 4 && strncmp(name, "root", 4) == 0;
    if (!root && !isOneOf(name, length, kValueFlags))
      return false;
    const char* value = equals == nullptr ? arguments[++index] : equals + 1;
    if (index >= count || *value == 0)
      return false;
    if (root)
      request->root = value;
  }
  if (index >= count)
    return false;
  request->command = arguments[index++];
  const char* const commands[] = {"state", "kill", "start", "delete", nullptr};
  if (!isOneOf(request->command, strlen(request->command), commands))
    return false;
  bool kill = strcmp(request->command, "kill") == 0, remove = strcmp(request->command, "delete") == 0;
  for (; index < count; index++) {
    const char* argument = arguments[index];
    if (kill && (strcmp(argument, "--all") == 0 || strcmp(argument, "-a") == 0))
      request->all = true;
    else if (remove && (strcmp(argument, "--force") == 0 || strcmp(argument, "-f") == 0))
      request->force = true;
    else if (argument[0] == '-')
      return false;
    else if (request->id == nullptr)
      request->id = argument;
    else if (kill && request->signal == nullptr)
      request->signal = argument;
    else
      return false;
  }
  if (request->root == nullptr && geteuid() == 0)
    request->root = "/run/runsc";
  return request->root != nullptr && request->id != nullptr;
}

bool act(const Request& request, const State& state) {
  switch (request.command[0]) {
  case 'k':
    return sendSignal(request, state);
  case 'd':
    return deleteContainer(request, state);
  default:
    return strcmp(request.command, "state") == 0 ? printState(state) : startContainer(state);
  }
}

} // namespace
} // namespace front

int main(int count, char** arguments) {
  if (count < 3)
    return 1;
  front::Request request;
  front::State state;
  if (front::parse(count - 3, arguments + 3, &request) && front::load(request, &state) &&
      front::act(request, state))
    return 0;
  return front::becomeNode(arguments + 1);
}
