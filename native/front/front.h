// The front's commands, and what they know of a container: its state.json and the process named there.
#ifndef RUNSC_FRONT_FRONT_H
#define RUNSC_FRONT_FRONT_H

namespace front {

// What the command line asks for. All pointers point into it.
struct Request {
  const char* root = nullptr;
  const char* command = nullptr;
  const char* id = nullptr;
  const char* signal = nullptr;
  bool all = false;
  bool force = false;
};

struct State {
  // state.json, and its three first fields, which the runtime always writes in front.
  char* text = nullptr;
  long pid = 0;
  unsigned long long startTicks = 0;
  char status[16] = "";
  // The state directory.
  int directory = -1;
};

// False when there is no such container, or its state is not as the runtime writes it.
bool load(const Request& request, State* state);
// As host-process.ts: false for a pid that is gone, a zombie, or another process's by now.
bool isAlive(const State& state);

// The end of the JSON string that starts at `text`, after its closing quote; null for anything else.
const char* afterString(const char* text);
// The value of a top-level key, whose values before it are numbers, strings, arrays and objects; null when it
// isn't there. *end is where it ends.
const char* member(const char* text, const char* key, const char** end);

// A connection to a socket in the state directory, or -1.
int connectTo(const State& state, const char* name);
// One line of an answer, without its end, as a string that the caller frees; null when none comes in time. -1
// waits for as long as it takes.
char* readLine(int fd, int timeoutMs);

// The commands. False when Node has to do it: nothing has been done then that Node's doing it again would not
// bear.
bool printState(const State& state);
bool sendSignal(const Request& request, const State& state);
bool startContainer(const State& state);
bool deleteContainer(const Request& request, const State& state);

// Executes NODE SCRIPT [ARGUMENT...]. Returns an exit status when that fails.
int becomeNode(char** arguments);

} // namespace front

#endif
