/* Calls of the C library on the files of one folder, of which chosen ones fail; for LD_PRELOAD.

   FAULTS_FOLDER  the folder, absolute and without links; calls on other files pass.
   FAULTS_LOG     a file outside it: each call is noted as "call<TAB>path in the folder".
   FAULT          "call pattern first count error": of the calls on paths that match the pattern (as
                  fnmatch has it), `count` fail from number `first` on, counted from 0; -1: all from
                  there on. `error` is an errno. 0: half of what was asked for is read or written.
                  A close that fails has closed the file, as Linux does. */

#define _GNU_SOURCE
#include <dirent.h>
#include <dlfcn.h>
#include <errno.h>
#include <fcntl.h>
#include <fnmatch.h>
#include <limits.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/types.h>
#include <sys/uio.h>
#include <unistd.h>

static char folder[PATH_MAX], wanted[32], pattern[PATH_MAX];
static size_t folder_length;
static long first, count, error_number;
static int log_file = -1, has_fault;
static long calls;

__attribute__((constructor)) static void begin(void) {
    const char *text = getenv("FAULTS_FOLDER");
    if (!text) return;
    snprintf(folder, sizeof folder, "%s/", text);
    folder_length = strlen(folder);
    if ((text = getenv("FAULTS_LOG")))
        log_file = (int)syscall(SYS_openat, AT_FDCWD, text,
                                O_WRONLY | O_CREAT | O_APPEND | O_CLOEXEC, 0600);
    if ((text = getenv("FAULT")))
        has_fault = sscanf(text, "%31s %4095s %ld %ld %ld", wanted, pattern, &first, &count,
                           &error_number) == 5;
}

/* The path of a descriptor. */
static int path_of(int fd, char *path) {
    char link[40];
    snprintf(link, sizeof link, "/proc/self/fd/%d", fd);
    long length = syscall(SYS_readlinkat, AT_FDCWD, link, path, PATH_MAX - 1);
    if (length < 0) return 0;
    path[length] = 0;
    return 1;
}

/* A name below a directory, made absolute; links are left as they are. */
static int absolute(int directory, const char *name, char *path) {
    char at[PATH_MAX], both[2 * PATH_MAX];
    if (!name) return 0;
    if (name[0] == '/') {
        snprintf(both, sizeof both, "%s", name);
    } else {
        if (directory == AT_FDCWD ? syscall(SYS_getcwd, at, sizeof at) < 0
                                  : !path_of(directory, at))
            return 0;
        snprintf(both, sizeof both, "%s/%s", at, name);
    }
    /* Without "//", "/./" and "/x/../". */
    size_t end = 0;
    for (char *save = NULL, *part = strtok_r(both, "/", &save); part;
         part = strtok_r(NULL, "/", &save)) {
        if (!strcmp(part, ".")) continue;
        if (!strcmp(part, "..")) {
            while (end && path[--end] != '/') {}
            continue;
        }
        size_t length = strlen(part);
        if (end + length + 2 > PATH_MAX) return 0;
        path[end++] = '/';
        memcpy(path + end, part, length);
        end += length;
    }
    path[end] = 0;
    return 1;
}

/* -1: this call goes through; else the errno with which it fails, 0 for half of it. */
static long fault(const char *call, const char *path) {
    if (!folder_length) return -1;
    const char *name = path + folder_length;
    if (strncmp(path, folder, folder_length)) {
        if (strncmp(path, folder, folder_length - 1) || path[folder_length - 1]) return -1;
        name = ".";
    }
    int saved = errno;
    if (log_file >= 0) {
        char line[PATH_MAX + 40];
        int length = snprintf(line, sizeof line, "%s\t%s\n", call, name);
        syscall(SYS_write, log_file, line, length);
    }
    errno = saved;
    if (!has_fault || strcmp(call, wanted) || fnmatch(pattern, name, 0)) return -1;
    long number = __atomic_fetch_add(&calls, 1, __ATOMIC_SEQ_CST);
    return number >= first && (count < 0 || number < first + count) ? error_number : -1;
}

static long fault_of(const char *call, int fd) {
    char path[PATH_MAX];
    int saved = errno;
    long found = folder_length && path_of(fd, path) ? fault(call, path) : -1;
    errno = saved;
    return found;
}

static long fault_at(const char *call, int directory, const char *name) {
    char path[PATH_MAX];
    int saved = errno;
    long found = folder_length && absolute(directory, name, path) ? fault(call, path) : -1;
    errno = saved;
    return found;
}

#define REAL(name) \
    static __typeof__(name) *real; \
    if (!real) real = (__typeof__(name) *)dlsym(RTLD_NEXT, #name)

#define FAIL_IF(expression) \
    do { \
        long found_ = (expression); \
        if (found_ >= 0) { \
            errno = (int)(found_ ? found_ : EIO); \
            return -1; \
        } \
    } while (0)

/* Reads and writes: half of it, or none. */
#define SOME(name, call, fd, size) \
    do { \
        long found_ = fault_of(call, fd); \
        if (found_ > 0) { \
            errno = (int)found_; \
            return -1; \
        } \
        if (!found_ && (size) > 1) (size) /= 2; \
    } while (0)

ssize_t read(int fd, void *data, size_t size) {
    REAL(read);
    SOME(read, "read", fd, size);
    return real(fd, data, size);
}

ssize_t write(int fd, const void *data, size_t size) {
    REAL(write);
    SOME(write, "write", fd, size);
    return real(fd, data, size);
}

ssize_t pread(int fd, void *data, size_t size, off_t at) {
    REAL(pread);
    SOME(pread, "read", fd, size);
    return real(fd, data, size, at);
}

ssize_t pwrite(int fd, const void *data, size_t size, off_t at) {
    REAL(pwrite);
    SOME(pwrite, "write", fd, size);
    return real(fd, data, size, at);
}

ssize_t writev(int fd, const struct iovec *parts, int n) {
    REAL(writev);
    FAIL_IF(fault_of("write", fd));
    return real(fd, parts, n);
}

int fsync(int fd) {
    REAL(fsync);
    FAIL_IF(fault_of("fsync", fd));
    return real(fd);
}

int fdatasync(int fd) {
    REAL(fdatasync);
    FAIL_IF(fault_of("fsync", fd));
    return real(fd);
}

int ftruncate(int fd, off_t size) {
    REAL(ftruncate);
    FAIL_IF(fault_of("ftruncate", fd));
    return real(fd, size);
}

int flock(int fd, int how) {
    REAL(flock);
    FAIL_IF(fault_of("flock", fd));
    return real(fd, how);
}

int close(int fd) {
    REAL(close);
    long found = fault_of("close", fd);
    int done = real(fd);
    if (found < 0) return done;
    errno = (int)(found ? found : EIO);
    return -1;
}

int rename(const char *from, const char *to) {
    REAL(rename);
    FAIL_IF(fault_at("rename", AT_FDCWD, to));
    return real(from, to);
}

int renameat(int from_at, const char *from, int to_at, const char *to) {
    REAL(renameat);
    FAIL_IF(fault_at("rename", to_at, to));
    return real(from_at, from, to_at, to);
}

int link(const char *from, const char *to) {
    REAL(link);
    FAIL_IF(fault_at("link", AT_FDCWD, to));
    return real(from, to);
}

int unlink(const char *path) {
    REAL(unlink);
    FAIL_IF(fault_at("unlink", AT_FDCWD, path));
    return real(path);
}

int unlinkat(int directory, const char *path, int flags) {
    REAL(unlinkat);
    FAIL_IF(fault_at("unlink", directory, path));
    return real(directory, path, flags);
}

int mkdir(const char *path, mode_t mode) {
    REAL(mkdir);
    FAIL_IF(fault_at("mkdir", AT_FDCWD, path));
    return real(path, mode);
}

int fchmod(int fd, mode_t mode) {
    REAL(fchmod);
    FAIL_IF(fault_of("chmod", fd));
    return real(fd, mode);
}

DIR *opendir(const char *path) {
    REAL(opendir);
    long found = fault_at("opendir", AT_FDCWD, path);
    if (found < 0) return real(path);
    errno = (int)(found ? found : EIO);
    return NULL;
}

#define MODE \
    mode_t mode = 0; \
    if (flags & (O_CREAT | __O_TMPFILE)) { \
        va_list list; \
        va_start(list, flags); \
        mode = (mode_t)va_arg(list, int); \
        va_end(list); \
    }

#ifndef __O_TMPFILE
#define __O_TMPFILE 0
#endif

int open(const char *path, int flags, ...) {
    REAL(open);
    MODE
    FAIL_IF(fault_at("open", AT_FDCWD, path));
    return real(path, flags, mode);
}

int openat(int directory, const char *path, int flags, ...) {
    REAL(openat);
    MODE
    FAIL_IF(fault_at("open", directory, path));
    return real(directory, path, flags, mode);
}

int stat(const char *restrict path, struct stat *restrict found) {
    REAL(stat);
    FAIL_IF(fault_at("stat", AT_FDCWD, path));
    return real(path, found);
}

int lstat(const char *restrict path, struct stat *restrict found) {
    REAL(lstat);
    FAIL_IF(fault_at("stat", AT_FDCWD, path));
    return real(path, found);
}

int fstat(int fd, struct stat *found) {
    REAL(fstat);
    FAIL_IF(fault_of("fstat", fd));
    return real(fd, found);
}

int fstatat(int directory, const char *restrict path, struct stat *restrict found, int flags) {
    REAL(fstatat);
    FAIL_IF(fault_at("stat", directory, path));
    return real(directory, path, found, flags);
}

#ifdef __GLIBC__ /* which has each of these under a second name */

ssize_t pread64(int fd, void *data, size_t size, off64_t at) {
    REAL(pread64);
    SOME(pread64, "read", fd, size);
    return real(fd, data, size, at);
}

ssize_t pwrite64(int fd, const void *data, size_t size, off64_t at) {
    REAL(pwrite64);
    SOME(pwrite64, "write", fd, size);
    return real(fd, data, size, at);
}

int ftruncate64(int fd, off64_t size) {
    REAL(ftruncate64);
    FAIL_IF(fault_of("ftruncate", fd));
    return real(fd, size);
}

int open64(const char *path, int flags, ...) {
    REAL(open64);
    MODE
    FAIL_IF(fault_at("open", AT_FDCWD, path));
    return real(path, flags, mode);
}

int openat64(int directory, const char *path, int flags, ...) {
    REAL(openat64);
    MODE
    FAIL_IF(fault_at("open", directory, path));
    return real(directory, path, flags, mode);
}

int stat64(const char *restrict path, struct stat64 *restrict found) {
    REAL(stat64);
    FAIL_IF(fault_at("stat", AT_FDCWD, path));
    return real(path, found);
}

int lstat64(const char *restrict path, struct stat64 *restrict found) {
    REAL(lstat64);
    FAIL_IF(fault_at("stat", AT_FDCWD, path));
    return real(path, found);
}

int fstat64(int fd, struct stat64 *found) {
    REAL(fstat64);
    FAIL_IF(fault_of("fstat", fd));
    return real(fd, found);
}

int fstatat64(int directory, const char *restrict path, struct stat64 *restrict found, int flags) {
    REAL(fstatat64);
    FAIL_IF(fault_at("stat", directory, path));
    return real(directory, path, found, flags);
}
#endif
