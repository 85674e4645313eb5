/*
 * Preloaded into a process, shifts what it sees of the wall clock by the nanoseconds that stand in a file, and has it gain on
 * the machine's from a moment of the monotonic clock on. All that may change at any time. The monotonic clock is left alone.
 */
#define _GNU_SOURCE
#include <dlfcn.h>
#include <fcntl.h>
#include <stdint.h>
#include <stdlib.h>
#include <sys/mman.h>
#include <sys/time.h>
#include <time.h>
#include <unistd.h>

struct setting {
  int64_t shift;
  /* Nanoseconds gained in each second since `since`, nanoseconds of the monotonic clock. */
  int64_t gain;
  int64_t since;
};

static const volatile struct setting *setting;
static int (*real_clock_gettime)(clockid_t, struct timespec *);

__attribute__((constructor)) static void open_setting(void) {
  real_clock_gettime = (int (*)(clockid_t, struct timespec *))dlsym(RTLD_NEXT, "clock_gettime");
  const char *path = getenv("WALL_CLOCK_SHIFT");
  if (path == NULL) return;
  int file = open(path, O_RDONLY | O_CLOEXEC);
  if (file < 0) abort();
  void *mapped = mmap(NULL, sizeof(struct setting), PROT_READ, MAP_SHARED, file, 0);
  if (mapped == MAP_FAILED) abort();
  close(file);
  setting = mapped;
}

static int64_t nanoseconds_of(const struct timespec *moment) {
  return (int64_t)moment->tv_sec * 1000000000 + moment->tv_nsec;
}

static int64_t ahead(void) {
  int64_t gain = setting->gain;
  if (gain == 0) return setting->shift;
  struct timespec monotonic;
  if (real_clock_gettime(CLOCK_MONOTONIC, &monotonic) != 0) abort();
  double seconds = (double)(nanoseconds_of(&monotonic) - setting->since) / 1e9;
  return setting->shift + (int64_t)(seconds * (double)gain);
}

int clock_gettime(clockid_t clock, struct timespec *now) {
  if (real_clock_gettime == NULL) open_setting();
  int result = real_clock_gettime(clock, now);
  if (result != 0 || setting == NULL || (clock != CLOCK_REALTIME && clock != CLOCK_REALTIME_COARSE)) return result;
  int64_t nanoseconds = nanoseconds_of(now) + ahead();
  now->tv_sec = nanoseconds / 1000000000;
  now->tv_nsec = nanoseconds % 1000000000;
  return 0;
}

int gettimeofday(struct timeval *restrict now, void *restrict zone) {
  (void)zone;
  struct timespec exact;
  if (clock_gettime(CLOCK_REALTIME, &exact) != 0) return -1;
  now->tv_sec = exact.tv_sec;
  now->tv_usec = exact.tv_nsec / 1000;
  return 0;
}

time_t time(time_t *copy) {
  struct timespec exact;
  if (clock_gettime(CLOCK_REALTIME, &exact) != 0) return -1;
  if (copy != NULL) *copy = exact.tv_sec;
  return exact.tv_sec;
}
