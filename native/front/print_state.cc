// `state`.
#include "front.h"

#include <cerrno>
#include <cstdio>
#include <cstring>
#include <unistd.h>

namespace front {
namespace {

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

} // namespace

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

} // namespace front
