#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "load.h"

#define TIMEOUT_MS 10000
#define MAX_SAMPLES 100000

static uint32_t latencies_us[MAX_SAMPLES];

static int print_latencies(size_t count, int lost) {
  printf("{\"lost\":%d,\"microseconds\":[", lost);
  for (size_t at = 0; at < count; at++) printf("%s%u", at > 0 ? "," : "", latencies_us[at]);
  puts("]}");
  return 0;
}

static int one_answer(int fd, enum operation operation) {
  unsigned char answer[ANSWER_BYTES];
  int error = send_request(fd, operation, HEAD_BYTES, 0);
  return error != 0 ? error : read_fully(fd, answer, sizeof answer, TIMEOUT_MS);
}

// One connection; a request at a time, and a pause after each answer.
int keep_alive(char **arguments) {
  struct sockaddr_in address = parse_address(arguments[0], arguments[1]);
  uint64_t end = now_us() + (uint64_t)(atof(arguments[2]) * 1e6);
  useconds_t pause_us = (useconds_t)(atof(arguments[3]) * 1000);
  int fd = connect_now(&address, TIMEOUT_MS);
  if (fd < 0) fail("connect");
  if (one_answer(fd, ANSWER) != 0) fail("first request");  // the cost of the new connection is measured elsewhere
  size_t count = 0;
  int error = 0;
  while (error == 0 && count < MAX_SAMPLES) {
    usleep(pause_us);
    uint64_t start = now_us();
    if (start >= end) break;
    error = one_answer(fd, ANSWER);
    if (error == 0) latencies_us[count++] = (uint32_t)(now_us() - start);
  }
  if (error != 0) fprintf(stderr, "keep-alive: %s\n", strerror(error));
  return print_latencies(count, error != 0);
}

// A new connection for every request, one after the other; from connect to the last byte of the answer.
int fresh(char **arguments) {
  struct sockaddr_in address = parse_address(arguments[0], arguments[1]);
  uint64_t end = now_us() + (uint64_t)(atof(arguments[2]) * 1e6);
  useconds_t pause_us = (useconds_t)(atof(arguments[3]) * 1000);
  size_t count = 0;
  int lost = 0;
  while (count < MAX_SAMPLES) {
    uint64_t start = now_us();
    if (start >= end) break;
    int fd = connect_now(&address, TIMEOUT_MS);
    int error = fd < 0 ? errno : one_answer(fd, ANSWER_AND_CLOSE);
    if (error == 0) latencies_us[count++] = (uint32_t)(now_us() - start);
    else fprintf(stderr, "new connection: %s\n", strerror(error));
    lost += error != 0;
    if (fd >= 0) close(fd);
    usleep(pause_us);
  }
  return print_latencies(count, lost);
}
