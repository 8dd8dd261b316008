// Reads just as much of the command line as the usual calls have. Nothing is done here: the result is a
// launch plan, or the decision to leave it to node.
#include "exec_front.h"

#include <climits>
#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <fcntl.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

#include "descriptors.h"
#include "failure.h"
#include "scan.h"
#include "text.h"

namespace launcher {
namespace {

// Longer command lines go through node, which has no limit.
constexpr size_t kMaxLine = 256 << 10;
constexpr size_t kMaxDocument = 4 << 20;

struct Arguments {
  char** next;
  char** end;
  const char* root = nullptr;
  const char* log = nullptr;
  const char* logFormat = "text";
  const char* process = nullptr;
  const char* pidFile = nullptr;
  const char* cwd = nullptr;
  const char* user = nullptr;
  const char* id = nullptr;
  bool detach = false;
  bool ignorePaused = false;
  Text env;
  // The program's arguments as far as they are plain, each with its NUL, for whoever reads `ps`.
  Text shown;
};

// The flag at args.next: its name without dashes, and its value if it has one (`=`). False for an operand.
bool splitFlag(const char* argument, char* name, size_t size, const char** value) {
  if (argument[0] != '-' || argument[1] == 0)
    return false;
  const char* start = argument + (argument[1] == '-' ? 2 : 1);
  const char* equals = strchr(start, '=');
  size_t length = equals == nullptr ? strlen(start) : (size_t)(equals - start);
  if (length == 0 || length >= size)
    return false;
  memcpy(name, start, length);
  name[length] = 0;
  *value = equals == nullptr ? nullptr : equals + 1;
  return true;
}

bool is(const char* name, const char* longName, const char* shortName = "") {
  return strcmp(name, longName) == 0 || strcmp(name, shortName) == 0;
}

// The value of a flag: after `=`, or the next argument.
bool take(Arguments* args, const char** value) {
  if (*value != nullptr)
    return true;
  if (args->next == args->end)
    return false;
  *value = *args->next++;
  return true;
}

bool globalFlag(Arguments* args, const char* name, const char* value) {
  // Booleans with a value are left to node.
  if (is(name, "debug") || is(name, "systemd-cgroup"))
    return value == nullptr;
  if (!take(args, &value))
    return false;
  if (is(name, "root"))
    args->root = value;
  else if (is(name, "log"))
    args->log = value;
  else if (is(name, "log-format") && (strcmp(value, "json") == 0 || strcmp(value, "text") == 0))
    args->logFormat = value;
  else
    return (is(name, "network") && (strcmp(value, "host") == 0 || strcmp(value, "none") == 0)) ||
           (is(name, "platform") && strcmp(value, "systrap") == 0);
  return value[0] != 0;
}

bool execFlag(Arguments* args, const char* name, const char* value) {
  bool detach = is(name, "detach", "d");
  if (detach || is(name, "ignore-paused")) {
    (detach ? args->detach : args->ignorePaused) = true;
    return value == nullptr;
  }
  if (!take(args, &value) || value[0] == 0)
    return false;
  if (is(name, "process", "p"))
    args->process = value;
  else if (is(name, "pid-file"))
    args->pidFile = value;
  else if (is(name, "cwd"))
    args->cwd = value;
  else if (is(name, "user", "u"))
    args->user = value;
  else if (is(name, "env", "e") && strchr(value, '=') != nullptr && value[0] != '=')
    args->env.add(args->env.empty() ? "" : ",").addString(value);
  else
    return false;
  return true;
}

bool parse(Arguments* args) {
  char name[32];
  const char* value;
  while (args->next != args->end && splitFlag(*args->next, name, sizeof name, &value)) {
    args->next++;
    if (!globalFlag(args, name, value))
      return false;
  }
  if (args->next == args->end || strcmp(*args->next++, "exec") != 0)
    return false;
  while (args->next != args->end && splitFlag(*args->next, name, sizeof name, &value)) {
    args->next++;
    if (!execFlag(args, name, value))
      return false;
  }
  if (args->next == args->end)
    return false;
  args->id = *args->next++;
  return true;
}

// As container-id.ts.
bool isId(const char* id) {
  if (id[0] == 0 || strcmp(id, ".") == 0 || strcmp(id, "..") == 0)
    return false;
  for (; *id != 0; id++) {
    bool letter = (*id >= 'a' && *id <= 'z') || (*id >= 'A' && *id <= 'Z') || (*id >= '0' && *id <= '9');
    if (!letter && strchr("_+,-.", *id) == nullptr)
      return false;
  }
  return true;
}

// "UID[:GID]" as members of an object.
bool addUser(const char* user, Text* out) {
  const char* names[] = {",\"uid\":", ",\"gid\":"};
  for (const char* name : names) {
    size_t digits = strspn(user, "0123456789");
    if (digits == 0 || digits > 9 || (digits > 1 && user[0] == '0'))
      return false;
    out->add(name).add(user, digits);
    user += digits;
    if (*user == 0)
      return true;
    if (*user++ != ':')
      return false;
  }
  return false;
}

// What the flags change in the container's own process, as JSON (ExecOverrides, runsc/spec/exec-process.ts).
bool addOverrides(const Arguments& args, Text* out) {
  if (args.next == args.end || (args.cwd != nullptr && args.cwd[0] != '/'))
    return false;
  out->add("{\"terminal\":false,\"env\":[").add(args.env.c_str()).add("],\"args\":[");
  for (char** argument = args.next; argument != args.end; argument++)
    out->add(argument == args.next ? "" : ",").addString(*argument);
  out->add("]");
  if (args.cwd != nullptr)
    out->add(",\"cwd\":").addString(args.cwd);
  if (args.user != nullptr && !addUser(args.user, out))
    return false;
  out->add("}");
  return true;
}

// Null when it can't be read, is empty, or has a NUL byte in it.
char* readDocument(const char* path) {
  int fd = open(path, O_RDONLY | O_CLOEXEC | O_NONBLOCK);
  struct stat status;
  bool small = fd >= 0 && fstat(fd, &status) == 0 && S_ISREG(status.st_mode) && status.st_size > 0 &&
               (size_t)status.st_size <= kMaxDocument;
  char* text = small ? (char*)malloc((size_t)status.st_size + 1) : nullptr;
  ssize_t length = text == nullptr ? -1 : read(fd, text, (size_t)status.st_size);
  closeQuietly(&fd);
  if (length <= 0 || length != status.st_size || memchr(text, 0, (size_t)length) != nullptr)
    return nullptr;
  text[length] = 0;
  return text;
}

// The same process still, and no zombie: host-process.ts.
bool isAlive(long pid, const char* startTicks) {
  char path[64], text[1024];
  snprintf(path, sizeof path, "/proc/%ld/stat", pid);
  if (readFileAt(AT_FDCWD, path, text, sizeof text) <= 0)
    return false;
  char* cursor = strrchr(text, ')');
  if (cursor == nullptr || cursor[1] != ' ' || cursor[2] == 'Z' || cursor[2] == 'X')
    return false;
  for (int field = 2; cursor != nullptr && field < 22; field++)
    cursor = strchr(cursor + 1, ' ');
  size_t length = strlen(startTicks);
  return cursor != nullptr && strncmp(cursor + 1, startTicks, length) == 0 && cursor[1 + length] == ' ';
}

// The network namespace of the container's stand-in, when it isn't this process's.
bool addNetwork(long pid, Text* plan) {
  char path[64], theirs[64], own[64];
  snprintf(path, sizeof path, "/proc/%ld/ns/net", pid);
  ssize_t length = readlink(path, theirs, sizeof theirs);
  if (length <= 0 || length == (ssize_t)sizeof theirs)
    return false;
  bool same =
      readlink("/proc/self/ns/net", own, sizeof own) == length && memcmp(own, theirs, (size_t)length) == 0;
  if (!same)
    plan->record("netns.path", path);
  return true;
}

constexpr size_t kMaxShown = 2048;

bool addShown(const char* argument, void* shown) {
  Text* text = (Text*)shown;
  if (text->length() + strlen(argument) + 1 > kMaxShown)
    return false;
  text->add(argument, strlen(argument) + 1);
  return true;
}

bool addCgroup(const char* directory, void* plan) {
  ((Text*)plan)->record("cgroup.dir", directory);
  return true;
}

// What state.json says of the container. False for one that node has to look at.
bool addContainer(const Arguments& args, Text* plan, char* bundle, size_t size) {
  char path[PATH_MAX], pid[24], startTicks[24], status[16];
  const char* slash = args.root[strlen(args.root) - 1] == '/' ? "" : "/";
  if (snprintf(path, sizeof path, "%s%s%s/state.json", args.root, slash, args.id) >= (int)sizeof path)
    return false;
  char* state = readDocument(path);
  if (state == nullptr || !scanValue(state, "pid", pid, sizeof pid) ||
      !scanValue(state, "startTicks", startTicks, sizeof startTicks) ||
      !scanValue(state, "status", status, sizeof status) || !scanValue(state, "bundle", bundle, size))
    return false;
  bool usable = strcmp(status, "running") == 0 || strcmp(status, "created") == 0;
  long number = strtol(pid, nullptr, 10);
  if (!usable || number <= 0 || !isAlive(number, startTicks) ||
      !scanStrings(state, "cgroups", addCgroup, plan))
    return false;
  path[strlen(path) - strlen("/state.json")] = 0;
  plan->record("state.dir", path);
  free(state);
  return addNetwork(number, plan);
}

// The whole launch plan (runsc/sandbox/launch-keys.ts). False for what is left to node.
bool makePlan(Arguments* args, Text* plan) {
  char bundle[PATH_MAX], config[PATH_MAX + 16];
  Text overrides;
  if (geteuid() != 0 || !parse(args) || !isId(args->id))
    return false;
  if (args->root == nullptr && getenv("XDG_RUNTIME_DIR") != nullptr)
    return false;
  if (args->root == nullptr)
    args->root = "/run/runsc";
  plan->record("mode", "exec").record("error.prefix", "exec failed: ").record("container.id", args->id);
  plan->record("log.format", args->logFormat).record("detach", args->detach ? "1" : "0");
  plan->record("exec.ignore-paused", args->ignorePaused ? "1" : "0");
  if (args->log != nullptr)
    plan->record("log.path", args->log);
  if (args->pidFile != nullptr)
    plan->record("pid.file", args->pidFile);
  if (!addContainer(*args, plan, bundle, sizeof bundle))
    return false;
  if (args->process == nullptr) {
    if (!addOverrides(*args, &overrides) || overrides.length() > kMaxLine)
      return false;
    plan->record("exec.overrides", overrides.c_str());
    snprintf(config, sizeof config, "%s/config.json", bundle);
  }
  char* document = readDocument(args->process == nullptr ? config : args->process);
  if (document == nullptr)
    return false;
  plan->record("exec.process", document);
  if (args->process != nullptr)
    scanStrings(document, "args", addShown, &args->shown);
  for (char** argument = args->next; args->process == nullptr && argument != args->end; argument++)
    addShown(*argument, &args->shown);
  free(document);
  return true;
}

} // namespace

int execFront(int count, char** arguments) {
  Arguments args;
  args.next = arguments + 3;
  args.end = arguments + count;
  Text plan;
  bool usual = makePlan(&args, &plan);
  for (int index = 0; usual && index < count; index++)
    plan.record("fallback", arguments[index]);
  int fd = usual && plan.complete() && args.env.complete() ? memfd_create("runsc-plan", 0) : -1;
  if (fd >= 0 && writeAll(fd, plan.c_str(), plan.length())) {
    char number[16];
    snprintf(number, sizeof number, "%d", fd);
    char* launcher[64] = {(char*)"runsc", number, (char*)args.id};
    const char* shown = args.shown.c_str();
    size_t place = 3;
    for (size_t at = 0; at < args.shown.length() && place < 63; at += strlen(shown + at) + 1)
      launcher[place++] = (char*)shown + at;
    execv("/proc/self/exe", launcher);
  }
  if (fd >= 0)
    close(fd);
  execvp(arguments[0], arguments);
  failErrno("exec %s", arguments[0]);
  dprintf(STDERR_FILENO, "runsc: %s\n", failureText());
  return 1;
}

} // namespace launcher
