// Files: trees are gone through, read, imported from, changed.
#define _GNU_SOURCE
#include <dirent.h>
#include <fcntl.h>
#include <stdio.h>
#include <sys/file.h>
#include <sys/ioctl.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <sys/uio.h>
#include <unistd.h>

#include "rehearsal.h"

// find(1): descriptors of directories, and what is in them, with attributes or without.
void walk(int parent, const char* name, int look) {
  int fd = openat(parent, name, O_RDONLY | O_NOCTTY | O_NONBLOCK | O_NOFOLLOW | O_CLOEXEC | O_DIRECTORY);
  struct stat st;
  fstat(fd, &st);
  int copy = fcntl(fd, F_DUPFD_CLOEXEC, 3);
  fcntl(copy, F_GETFD);
  DIR* directory = fdopendir(fd);
  for (struct dirent* entry; directory != NULL && (entry = readdir(directory)) != NULL;) {
    if (entry->d_name[0] == '.')
      continue;
    if (look)
      fstatat(copy, entry->d_name, &st, AT_SYMLINK_NOFOLLOW);
    if (entry->d_type == DT_DIR)
      walk(copy, entry->d_name, look);
    else if (look && entry->d_type == DT_LNK)
      readlinkat(copy, entry->d_name, buffer, BUFFER_SIZE);
  }
  if (directory != NULL)
    closedir(directory);
  close(copy);
}

// grep -r: each regular file to its end.
void search(int parent, const char* name) {
  int fd = openat(parent, name, O_RDONLY | O_NOCTTY | O_NONBLOCK | O_NOFOLLOW | O_CLOEXEC | O_DIRECTORY);
  struct stat st;
  DIR* directory = fdopendir(fd);
  for (struct dirent* entry; directory != NULL && (entry = readdir(directory)) != NULL;) {
    if (entry->d_name[0] == '.')
      continue;
    if (entry->d_type == DT_DIR) {
      search(fd, entry->d_name);
      continue;
    }
    if (entry->d_type != DT_REG)
      continue;
    int file = openat(fd, entry->d_name, O_RDONLY | O_NOCTTY | O_NOFOLLOW);
    fstat(file, &st);
    posix_fadvise(file, 0, 0, POSIX_FADV_SEQUENTIAL);
    while (read(file, buffer, st.st_size > BUFFER_SIZE ? BUFFER_SIZE : 32 << 10) > 0)
      ;
    lseek(file, 0, SEEK_CUR);
    lseek(file, 0, SEEK_HOLE);
    lseek(file, st.st_size, SEEK_DATA);
    close(file);
  }
  if (directory != NULL)
    closedir(directory);
}

// An interpreter that looks for modules and reads them, and a loader of libraries.
void import(const char* directory) {
  char path[256];
  struct stat st;
  TIMES(300) {
    snprintf(path, sizeof path, "%s/none-%d.so", directory, i);
    stat(path, &st);
    open(path, O_RDONLY | O_CLOEXEC);
    access(path, R_OK);
    snprintf(path, sizeof path, "%s/d%d/f%d", directory, i % 150, i % 6);
    stat(path, &st);
    int fd = open(path, O_RDONLY | O_CLOEXEC);
    fstat(fd, &st);
    ioctl(fd, TIOCGWINSZ, buffer);
    lseek(fd, 0, SEEK_CUR);
    struct statx stx;
    statx(fd, "", AT_EMPTY_PATH, STATX_BASIC_STATS, &stx);
    read(fd, buffer, (size_t)st.st_size + 1);
    read(fd, buffer, 1);
    pread(fd, buffer, 64, 0);
    if (i % 4 == 0) {
      char* map = mmap(NULL, 4 * PAGE, PROT_READ, MAP_PRIVATE | MAP_DENYWRITE, fd, 0);
      mmap(map + PAGE, PAGE, PROT_READ | PROT_EXEC, MAP_PRIVATE | MAP_FIXED, fd, 0);
      mprotect(map + PAGE, PAGE, PROT_READ);
      mmap(map + 2 * PAGE, PAGE, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_FIXED | MAP_ANONYMOUS, -1, 0);
      munmap(map, 4 * PAGE);
    }
    close(fd);
  }
  TIMES(100) {
    readlink("/bin/link", buffer, BUFFER_SIZE);
    open("/etc/passwd", O_RDONLY | O_CLOEXEC);
    stat("/bin/link", &st);
    stat("/hosts", &st);
    lstat("/bin/link", &st);
    getcwd(buffer, BUFFER_SIZE);
  }
  closefrom(3);
}

// A version control system, a compiler, an archiver: files are made, written, renamed, linked, removed.
void change(const char* directory) {
  char path[256], other[256];
  struct stat st;
  mkdir(directory, 0755);
  TIMES(200) {
    snprintf(path, sizeof path, "%s/o%d", directory, i % 16);
    if (i < 16)
      mkdir(path, 0777);
    snprintf(path, sizeof path, "%s/o%d/tmp_%d", directory, i % 16, i);
    int fd = open(path, O_RDWR | O_CREAT | O_EXCL | O_CLOEXEC, 0444);
    fcntl(fd, F_GETFL);
    write(fd, buffer, 120);
    struct iovec parts[2] = {{buffer, 30}, {buffer, 50}};
    writev(fd, parts, 2);
    pwrite(fd, buffer, 10, 200);
    lseek(fd, 0, SEEK_SET);
    read(fd, buffer, 300);
    fstat(fd, &st);
    fchmod(fd, 0644);
    if (i % 8 == 0) {
      ftruncate(fd, 3 * PAGE);
      char* map = mmap(NULL, 3 * PAGE, PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0);
      if (map != MAP_FAILED)
        map[PAGE] = 1;
      munmap(map, 3 * PAGE);
      flock(fd, LOCK_EX);
      fsync(fd);
    }
    close(fd);
    snprintf(other, sizeof other, "%s/o%d/file_%d", directory, i % 16, i);
    if (i % 2 == 0)
      rename(path, other);
    else
      link(path, other);
    unlink(path);
    chmod(other, 0644);
    utimensat(AT_FDCWD, other, NULL, 0);
    lstat(other, &st);
    fd = open(other, O_WRONLY | O_TRUNC | O_APPEND);
    write(fd, buffer, 6000);
    close(fd);
    symlink("target", path);
    unlink(path);
    if (i % 3 == 0)
      unlink(other);
  }
  walk(AT_FDCWD, directory, 1);
  search(AT_FDCWD, directory);
}
