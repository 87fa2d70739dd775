#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <sys/resource.h>

#include "load.h"

static const struct {
  const char *name;
  int arguments;
  int (*run)(char **arguments);
} programs[] = {
    {"serve", 3, serve}, {"bulk", 6, bulk}, {"keep-alive", 4, keep_alive}, {"fresh", 4, fresh},
    {"rate", 5, rate},   {"hold", 5, hold}, {"stall", 4, stall},           {"verify", 3, verify},
};

int main(int count, char **words) {
  signal(SIGPIPE, SIG_IGN);
  struct rlimit files;
  if (getrlimit(RLIMIT_NOFILE, &files) == 0) {
    files.rlim_cur = files.rlim_max;
    setrlimit(RLIMIT_NOFILE, &files);
  }
  setvbuf(stdout, NULL, _IOFBF, 1 << 16);
  pattern_init();
  for (size_t at = 0; at < sizeof programs / sizeof *programs; at++) {
    if (count == programs[at].arguments + 2 && strcmp(words[1], programs[at].name) == 0) {
      return programs[at].run(words + 2);
    }
  }
  if (count > 4 && strcmp(words[1], "first-byte") == 0) return first_byte(words + 2);
  fprintf(stderr, "usage: load serve|bulk|keep-alive|fresh|rate|hold|stall|verify|first-byte ARGUMENTS (load.h)\n");
  return 64;
}
