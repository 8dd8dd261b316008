// The front of `exec`, as native/front is of other commands: what managers and probes call most needs no
// Node.
#pragma once

namespace launcher {

// `arguments`: the path of node, its script, and the command line. An `exec` without a terminal and without
// rare flags becomes the launcher at once; whatever else, and whatever looks wrong, becomes node, which does
// the same with all checks and says what is wrong. Returns only when neither could be executed.
int execFront(int count, char** arguments);

} // namespace launcher
