// Starts a program that makes the destination reachable, and waits for the first byte of an answer through it.
#include <errno.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <sys/wait.h>
#include <unistd.h>

#include "load.h"

#define ATTEMPT_MS 1
#define ANSWER_TIMEOUT_MS 10000
#define DEADLINE_US 20000000u
#define END_TIMEOUT_MS 5000

static pid_t start_program(char **command) {
  pid_t pid = fork();
  if (pid < 0) fail("fork");
  if (pid > 0) return pid;
  signal(SIGPIPE, SIG_DFL);
  dup2(STDERR_FILENO, STDOUT_FILENO);  // standard output is for the result
  execvp(command[0], command);
  perror(command[0]);
  _exit(127);
}

static int end_program(pid_t pid) {
  kill(pid, SIGTERM);
  for (int waited_ms = 0; waited_ms < END_TIMEOUT_MS; waited_ms++) {
    if (waitpid(pid, NULL, WNOHANG) == pid) return 0;
    usleep(1000);
  }
  kill(pid, SIGKILL);
  waitpid(pid, NULL, 0);
  return -1;
}

// An application cannot know when it may begin: one attempt a millisecond, each on a connection of its own, because a packet
// that was sent too early would be sent again after a second only.
int first_byte(char **arguments) {
  struct sockaddr_in address = parse_address(arguments[0], arguments[1]);
  uint64_t start_us = now_us();
  pid_t pid = start_program(arguments + 2);
  uint64_t took_us = 0;
  while (took_us == 0 && now_us() - start_us < DEADLINE_US) {
    char byte;
    int fd = connect_now(&address, ATTEMPT_MS);
    if (fd >= 0 && send_request(fd, ANSWER_AND_CLOSE, 0, 0) == 0 &&
        read_fully(fd, &byte, sizeof byte, ANSWER_TIMEOUT_MS) == 0) {
      took_us = now_us() - start_us;
    } else if (errno == ECONNREFUSED) {
      usleep(ATTEMPT_MS * 1000);
    }
    if (fd >= 0) close(fd);
    if (took_us == 0 && waitpid(pid, NULL, WNOHANG) == pid) {
      fprintf(stderr, "first-byte: the program ended before an answer came\n");
      return 1;
    }
  }
  if (end_program(pid) != 0) fprintf(stderr, "first-byte: the program does not end\n");
  if (took_us == 0) {
    fprintf(stderr, "first-byte: no answer\n");
    return 1;
  }
  printf("{\"microseconds\":%llu}\n", (unsigned long long)took_us);
  return 0;
}
