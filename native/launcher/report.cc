// Error reports in the forms that runc's callers parse: JSON lines with level, msg, time, or logfmt text.
#include "report.h"

#include <cstdio>
#include <cstring>
#include <ctime>
#include <fcntl.h>
#include <unistd.h>

#include "descriptors.h"
#include "failure.h"

namespace launcher {
namespace {

int g_log = -1;

void record(const Plan& plan, const char* level, const char* text) {
  // A record fits into one page: readers of the log expect whole ones.
  char quoted[3968], when[32], line[4096];
  quoteJson(text, quoted, sizeof quoted);
  time_t now = time(nullptr);
  struct tm utc;
  gmtime_r(&now, &utc);
  strftime(when, sizeof when, "%Y-%m-%dT%H:%M:%SZ", &utc);
  bool json = strcmp(plan.text("log.format"), "json") == 0;
  int length = json ? snprintf(line, sizeof line, "{\"level\":\"%s\",\"msg\":\"%s\",\"time\":\"%s\"}\n",
                               level, quoted, when)
                    : snprintf(line, sizeof line, "time=\"%s\" level=%s msg=\"%s\"\n", when, level, quoted);
  if (length > 0)
    writeAll(g_log >= 0 ? g_log : STDERR_FILENO, line,
             (size_t)length < sizeof line ? (size_t)length : sizeof line - 1);
}

} // namespace

// Control characters are \u00XX. Logfmt's quoting (Go's %q) agrees on what occurs here.
void quoteJson(const char* text, char* out, size_t size) {
  size_t length = 0;
  for (; *text != 0 && length + 8 < size; text++) {
    unsigned char byte = (unsigned char)*text;
    if (byte == '"' || byte == '\\') {
      out[length++] = '\\';
      out[length++] = (char)byte;
    } else if (byte < 0x20) {
      length += (size_t)snprintf(out + length, size - length, byte == '\n' ? "\\n" : "\\u%04x", byte);
    } else {
      out[length++] = (char)byte;
    }
  }
  out[length] = 0;
}

bool openLog(const Plan& plan) {
  const char* path = plan.get("log.path");
  if (path == nullptr)
    return true;
  g_log = moveHigh(open(path, O_WRONLY | O_CREAT | O_APPEND | O_CLOEXEC, 0644));
  return g_log >= 0 || failErrno("open %s", path);
}

int logDescriptor() {
  return g_log;
}

void logWarning(const Plan& plan, const char* text) {
  record(plan, "warning", text);
}

void reportError(const Plan& plan, const char* text) {
  char message[2304];
  snprintf(message, sizeof message, "%s%s", plan.text("error.prefix"), text);
  record(plan, "error", message);
  // As runc: with a log elsewhere, people get the bare sentence.
  if (g_log >= 0)
    dprintf(STDERR_FILENO, "%s\n", message);
}

} // namespace launcher
