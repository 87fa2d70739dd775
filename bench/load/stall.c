#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "load.h"

// Downloads that nobody reads. A line on stdin lets all of them be read to the end, one after the other, and checked.
int stall(char **arguments) {
  struct sockaddr_in address = parse_address(arguments[0], arguments[1]);
  int count = atoi(arguments[2]), opened = 0;
  uint64_t bytes = strtoull(arguments[3], NULL, 10);
  int *fds = calloc((size_t)count, sizeof *fds);
  for (int at = 0; at < count; at++) {
    fds[at] = connect_now(&address, 5000);
    if (fds[at] < 0 || send_request(fds[at], SEND_BYTES, bytes, (uint64_t)at + 1) != 0) {
      fprintf(stderr, "stalled reader %d: %s\n", at, strerror(errno));
      continue;
    }
    opened++;
  }
  printf("{\"done\":%d,\"lost\":%d}\n", opened, count - opened);
  fflush(stdout);

  char line[64];
  if (fgets(line, sizeof line, stdin) == NULL) return 0;
  static unsigned char buffer[CHUNK_BYTES];
  int whole = 0;
  for (int at = 0; at < count; at++) {
    uint64_t wrong = 0, got = 0;
    int error = fds[at] < 0 ? ENOTCONN : 0;
    while (error == 0 && got < bytes) {
      size_t length = bytes - got < CHUNK_BYTES ? (size_t)(bytes - got) : CHUNK_BYTES;
      error = read_fully(fds[at], buffer, length, 10000);
      if (error == 0) wrong += count_wrong((uint64_t)at + 1, got, buffer, length);
      got += length;
    }
    whole += error == 0 && wrong == 0;
  }
  printf("{\"done\":%d,\"lost\":%d}\n", whole, count - whole);
  return 0;
}
