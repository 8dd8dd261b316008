// state.json and the process that it names.
#include "front.h"

#include <cctype>
#include <climits>
#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <fcntl.h>
#include <unistd.h>

namespace front {
namespace {

constexpr size_t kStateLimit = 1 << 20;

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

} // namespace

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

} // namespace front
