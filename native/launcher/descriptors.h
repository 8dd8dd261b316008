// Descriptor helpers. The launcher keeps its own descriptors at high numbers, so that the fixed numbers of
// runsc/sandbox/boot-document.ts are free to be filled in its children.
#pragma once

#include <cstddef>
#include <sys/types.h>

namespace launcher {

// The fixed numbers: the same constants as in boot-document.ts.
constexpr int kBootFd = 10;
constexpr int kReadyFd = 11;
constexpr int kGoferFd = 12;
constexpr int kStdinFd = 13;
constexpr int kStdoutFd = 14;
constexpr int kStderrFd = 15;
constexpr int kConsoleFd = 16;
constexpr int kControlFd = 17;
constexpr int kExitFd = 18;
constexpr int kLogFd = 19;
constexpr int kDebugLogFd = 20;
constexpr int kStubFd = 21;
constexpr int kOomFd = 22;
constexpr int kBrokerFd = 23;
constexpr int kJoinedFd = 24;
// Gone before Node's first instruction: native/image.
constexpr int kImageFd = 29;
constexpr int kProgramFd = 30;
constexpr int kPreservedFd = 32;

constexpr int kMaxPreserved = 256;
// Own descriptors start here.
constexpr int kHighFd = kPreservedFd + kMaxPreserved;

// Moves a descriptor to kHighFd or above with close-on-exec; closes the low one. Passes -1 through.
int moveHigh(int fd);
// Like moveHigh, but leaves the original open: for descriptors that belong to the caller.
int copyHigh(int fd);

// Writes everything, through EINTR. False with errno set.
bool writeAll(int fd, const void* bytes, size_t size);
// Writes a short text to a file that exists (a /proc or cgroup file). False with errno set.
bool writeFileAt(int directory, const char* path, const char* text);
bool writeFile(const char* path, const char* text);
// Reads up to size-1 bytes and terminates them; the length, or -1.
ssize_t readFileAt(int directory, const char* path, char* out, size_t size);

// A sealed, close-on-exec memfd with these bytes, at offset 0; -1 with errno.
int memoryFile(const char* name, const void* bytes, size_t size);

// The descriptor itself when everybody may execute the file, else a memfd with its contents: a program
// without privilege executes it by descriptor. -1 with errno.
int executableFile(int fd);

// Close-on-exec for every descriptor from `first` up.
void closeOnExecFrom(int first);
void closeQuietly(int* fd);

// mkdir -p. False with errno set.
bool makeDirectories(const char* path, mode_t mode);

} // namespace launcher
