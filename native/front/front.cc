// The front: answers `state` and `kill` of a container that is as it should be, without starting Node, whose
// start takes ten times as long as either. Managers ask for both all the time. Whatever is not plain (a flag
// that is not known here, an error, another command) is left to Node, which gets the same command line.
// Usage: front NODE SCRIPT [ARGUMENT...]
#include <cctype>
#include <cerrno>
#include <climits>
#include <csignal>
#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <fcntl.h>
#include <poll.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

namespace {

constexpr size_t kStateLimit = 1 << 20;
constexpr int kReplyTimeoutMs = 5000, kEndTimeoutMs = 1000, kPollMs = 5;

// What the command line asks for. All pointers point into it.
struct Request {
  const char* root = nullptr;
  const char* command = nullptr;
  const char* id = nullptr;
  const char* signal = nullptr;
  bool all = false;
};

struct State {
  // state.json, and its three first fields, which the runtime always writes in front.
  char* text = nullptr;
  long pid = 0;
  unsigned long long startTicks = 0;
  char status[16] = "";
  int directory = -1;
};

bool isOneOf(const char* name, size_t length, const char* const* names) {
  for (; *names != nullptr; names++) {
    if (strlen(*names) == length && strncmp(*names, name, length) == 0)
      return true;
  }
  return false;
}

// The global flags that neither command cares for. --log is only written to by what fails.
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
  bool kill = strcmp(request->command, "kill") == 0;
  if (!kill && strcmp(request->command, "state") != 0)
    return false;
  for (; index < count; index++) {
    const char* argument = arguments[index];
    if (kill && (strcmp(argument, "--all") == 0 || strcmp(argument, "-a") == 0))
      request->all = true;
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

bool isId(const char* id) {
  if (strcmp(id, ".") == 0 || strcmp(id, "..") == 0 || strlen(id) > NAME_MAX || *id == 0)
    return false;
  for (; *id != 0; id++) {
    if (!isalnum((unsigned char)*id) && strchr("_+,-.", *id) == nullptr)
      return false;
  }
  return true;
}

// The bytes of a small file and a NUL; null when it can't be read.
char* readFile(int directory, const char* name, size_t limit) {
  int fd = openat(directory, name, O_RDONLY | O_CLOEXEC);
  if (fd < 0)
    return nullptr;
  char* text = (char*)malloc(limit);
  size_t length = 0;
  ssize_t got = 0;
  while (text != nullptr && length + 1 < limit && (got = read(fd, text + length, limit - 1 - length)) > 0)
    length += (size_t)got;
  close(fd);
  if (text == nullptr || got < 0 || length + 1 >= limit)
    return nullptr;
  text[length] = 0;
  return text;
}

// As host-process.ts: false for a pid that is gone, a zombie, or another process's by now.
bool isAlive(const State& state) {
  char path[64];
  snprintf(path, sizeof path, "/proc/%ld/stat", state.pid);
  char* stat = state.pid > 0 ? readFile(AT_FDCWD, path, 4096) : nullptr;
  char* cursor = stat == nullptr ? nullptr : strrchr(stat, ')');
  bool alive = cursor != nullptr && cursor[1] == ' ' && cursor[2] != 'Z' && cursor[2] != 'X';
  for (int field = 2; alive && field < 22; field++) {
    cursor = strchr(cursor + 1, ' ');
    alive = cursor != nullptr;
  }
  alive = alive && strtoull(cursor + 1, nullptr, 10) == state.startTicks;
  free(stat);
  return alive;
}

bool load(const Request& request, State* state) {
  char path[PATH_MAX];
  if (!isId(request.id) || snprintf(path, sizeof path, "%s/%s", request.root, request.id) >= (int)sizeof path)
    return false;
  state->directory = open(path, O_PATH | O_DIRECTORY | O_CLOEXEC);
  if (state->directory < 0)
    return false;
  state->text = readFile(state->directory, "state.json", kStateLimit);
  return state->text != nullptr &&
         sscanf(state->text, "{\"pid\":%ld,\"startTicks\":%llu,\"status\":\"%15[a-z]\",", &state->pid,
                &state->startTicks, state->status) == 3;
}

// The end of the JSON string that starts at `text`, after its closing quote; null for anything else.
const char* afterString(const char* text) {
  if (*text != '"')
    return nullptr;
  for (text++; *text != '"'; text++) {
    if (*text == '\\')
      text++;
    if (*text == 0)
      return nullptr;
  }
  return text + 1;
}

// The value of a top-level key, whose values before it are numbers, strings, or flat arrays and objects of
// strings; null when it isn't there. *end is where it ends.
const char* member(const char* text, const char* key, const char** end) {
  size_t length = strlen(key);
  for (const char* at = text + 1; *at == '"';) {
    const char* name = at;
    at = afterString(at);
    if (at == nullptr || *at != ':')
      return nullptr;
    bool wanted = (size_t)(at - name) == length + 2 && strncmp(name + 1, key, length) == 0;
    const char* value = ++at;
    for (int depth = 0; depth > 0 || (*at != ',' && *at != '}'); at++) {
      if (*at == 0)
        return nullptr;
      if (*at == '{' || *at == '[')
        depth++;
      if (*at == '}' || *at == ']')
        depth--;
      if (*at == '"') {
        at = afterString(at);
        if (at == nullptr)
          return nullptr;
        at--;
      }
    }
    *end = at;
    if (wanted)
      return value;
    if (*at == ',')
      at++;
  }
  return nullptr;
}

// Output that is written only when it is complete.
struct Output {
  char* bytes = nullptr;
  size_t length = 0;
  FILE* file = open_memstream(&bytes, &length);
};

bool printMember(const State& state, const char* key, FILE* out) {
  const char* end = nullptr;
  const char* value = member(state.text, key, &end);
  if (value == nullptr || *value != '"')
    return false;
  fprintf(out, "  \"%s\": %.*s,\n", key, (int)(end - value), value);
  return true;
}

// An object of strings, a pair on each line.
bool printAnnotations(const State& state, FILE* out) {
  const char* end = nullptr;
  const char* value = member(state.text, "annotations", &end);
  if (value == nullptr)
    return true;
  if (value[0] != '{')
    return false;
  if (value[1] == '}') {
    fputs("  \"annotations\": {},\n", out);
    return true;
  }
  fputs("  \"annotations\": {\n", out);
  for (const char* at = value + 1;;) {
    const char* colon = afterString(at);
    if (colon == nullptr || *colon != ':')
      return false;
    const char* next = afterString(colon + 1);
    if (next == nullptr || (*next != ',' && *next != '}'))
      return false;
    fprintf(out, "    %.*s: %.*s%s\n", (int)(colon - at), at, (int)(next - colon - 1), colon + 1,
            *next == ',' ? "," : "");
    if (*next == '}')
      break;
    at = next + 1;
  }
  fputs("  },\n", out);
  return true;
}

// The document of state.ts, formatState.
bool printState(const State& state) {
  bool stopped = !isAlive(state) || strcmp(state.status, "stopped") == 0;
  Output output;
  FILE* out = output.file;
  if (out == nullptr)
    return false;
  fputs("{\n", out);
  bool whole = printMember(state, "ociVersion", out) && printMember(state, "id", out);
  fprintf(out, "  \"pid\": %ld,\n  \"status\": \"%s\",\n", stopped ? 0 : state.pid,
          stopped ? "stopped" : state.status);
  whole = whole && printMember(state, "bundle", out) && printMember(state, "rootfs", out) &&
          printMember(state, "created", out) && printAnnotations(state, out);
  fputs("  \"owner\": \"\"\n}", out);
  fclose(out);
  for (size_t done = 0; whole && done < output.length;) {
    ssize_t written = write(STDOUT_FILENO, output.bytes + done, output.length - done);
    if (written < 0 && errno != EINTR)
      _exit(1);
    done += written > 0 ? (size_t)written : 0;
  }
  return whole;
}

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

// As kill.ts. False when Node has to say what is wrong: nothing has been signalled then.
bool sendSignal(const Request& request, const State& state) {
  int signal = signalNumber(request.signal);
  if (signal < 0 || !isAlive(state) || strcmp(state.status, "stopped") == 0)
    return false;
  struct sockaddr_un address;
  memset(&address, 0, sizeof address);
  address.sun_family = AF_UNIX;
  // By descriptor, since sun_path holds at most 107 bytes.
  snprintf(address.sun_path, sizeof address.sun_path, "/proc/self/fd/%d/control.sock", state.directory);
  int fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
  if (fd < 0 || connect(fd, (struct sockaddr*)&address, sizeof address) != 0)
    return false;
  char line[NAME_MAX + 96];
  int length =
      snprintf(line, sizeof line, "{\"op\":\"kill\",\"container\":\"%s\",\"signal\":%d,\"all\":%s}\n",
               request.id, signal, request.all ? "true" : "false");
  if (send(fd, line, (size_t)length, MSG_NOSIGNAL) != length)
    return false;
  char reply[4096];
  size_t got = 0;
  for (;;) {
    struct pollfd wait = {fd, POLLIN, 0};
    if (poll(&wait, 1, kReplyTimeoutMs) <= 0)
      return false;
    ssize_t n = recv(fd, reply + got, sizeof reply - 1 - got, 0);
    if (n <= 0)
      break;
    got += (size_t)n;
    reply[got] = 0;
    if (strchr(reply, '\n') != nullptr)
      return strncmp(reply, "{\"ok\":true", 10) == 0;
  }
  // The signal may have ended the container before the answer came.
  for (int waited = 0; waited <= kEndTimeoutMs; waited += kPollMs) {
    if (!isAlive(state))
      return true;
    usleep(kPollMs * 1000);
  }
  return false;
}

} // namespace

int main(int count, char** arguments) {
  if (count < 3)
    return 1;
  Request request;
  State state;
  if (parse(count - 3, arguments + 3, &request) && load(request, &state)) {
    bool done = strcmp(request.command, "state") == 0 ? printState(state) : sendSignal(request, state);
    if (done)
      return 0;
  }
  execvp(arguments[1], arguments + 1);
  dprintf(STDERR_FILENO, "runsc: exec %s: %s\n", arguments[1], strerror(errno));
  return 1;
}
