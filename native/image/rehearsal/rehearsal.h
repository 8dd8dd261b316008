// What the parts of the rehearsal's guest share.
#pragma once

#define PAGE 4096
#define BUFFER_SIZE (64 << 10)
// With another buffer in turn: to V8, addresses in the one are small integers, those in the other are not.
#define TIMES(n) for (int i = 0; i < (n); buffer = ++i % 2 == 0 ? low_buffer : high_buffer)
#define COUNT(array) (sizeof(array) / sizeof *(array))
#define DYNAMIC "/bin/rehearsal-dynamic"

extern char low_buffer[BUFFER_SIZE];
extern char* high_buffer;
extern char* volatile buffer;

// files.c
void walk(int parent, const char* name, int look);
void search(int parent, const char* name);
void import(const char* directory);
void change(const char* directory);

// calls.c
void memory(void);
void small_calls(void);
void ask_proc(void);
void each_path(void);

// kinds.c
void each_kind(char* self);
void show(void);

// talk.c
int served(int fd, short events, int milliseconds);
void tcp(int ends[2]);
void talk(void);
void standard_streams(void);

// processes.c
void spawn(char* self);
void wait_by_signals(void);
void processes(char* self);
