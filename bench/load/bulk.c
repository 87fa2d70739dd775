#define _GNU_SOURCE
#include <errno.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/socket.h>
#include <unistd.h>

#include "load.h"

#define SAMPLE_US 50000u
#define MAX_SAMPLES 20000

struct flow {
  int fd;
  uint64_t seed, sent;
  enum { CONNECTING, MOVING, FAILED } state;
};

static volatile sig_atomic_t is_asked_to_end;
static unsigned char buffer[CHUNK_BYTES];

static void ask_to_end(int signal_number) {
  (void)signal_number;
  is_asked_to_end = 1;
}

static void give_up(struct flow *flow, int error) {
  fprintf(stderr, "flow %llu: %s\n", (unsigned long long)flow->seed, strerror(error));
  flow->state = FAILED;
  close(flow->fd);
}

static void begin(struct flow *flow, int is_up, int events_fd) {
  int error = pending_error(flow->fd);
  if (error == 0) error = send_request(flow->fd, is_up ? TAKE_BYTES : SEND_BYTES, ENDLESS, flow->seed);
  if (error != 0) {
    give_up(flow, error);
    return;
  }
  flow->state = MOVING;
  struct epoll_event event = {.events = is_up ? EPOLLOUT : EPOLLIN, .data.ptr = flow};
  epoll_ctl(events_fd, EPOLL_CTL_MOD, flow->fd, &event);
}

// Returns what arrived.
static uint64_t move(struct flow *flow, int is_up) {
  ssize_t count = is_up ? send(flow->fd, pattern_at(flow->seed, flow->sent), CHUNK_BYTES, MSG_NOSIGNAL)
                        : recv(flow->fd, buffer, CHUNK_BYTES, MSG_TRUNC);
  if (count > 0) {
    flow->sent += (uint64_t)count;
    return (uint64_t)count;
  }
  if (count == 0) give_up(flow, ENODATA);
  else if (errno != EAGAIN && errno != EINTR) give_up(flow, errno);
  return 0;
}

int bulk(char **arguments) {
  struct sockaddr_in address = parse_address(arguments[0], arguments[1]);
  volatile uint64_t *taken_total = shared_counter(arguments[2]);
  int is_up = strcmp(arguments[3], "up") == 0;
  int flow_count = atoi(arguments[4]);
  uint64_t duration_us = (uint64_t)(atof(arguments[5]) * 1e6);
  struct sigaction action = {.sa_handler = ask_to_end};
  sigaction(SIGTERM, &action, NULL);

  static uint64_t times[MAX_SAMPLES], totals[MAX_SAMPLES];
  size_t samples = 0;
  struct flow *flows = calloc((size_t)flow_count, sizeof *flows);
  int events_fd = epoll_create1(EPOLL_CLOEXEC);
  uint64_t start = now_us(), next_sample = start, received = 0, taken_before = *taken_total;
  for (int at = 0; at < flow_count; at++) {
    flows[at] = (struct flow){.fd = connect_later(&address), .seed = (uint64_t)at + 1};
    if (flows[at].fd < 0) fail("connect");
    struct epoll_event event = {.events = EPOLLOUT, .data.ptr = &flows[at]};
    epoll_ctl(events_fd, EPOLL_CTL_ADD, flows[at].fd, &event);
  }
  while (!is_asked_to_end) {
    uint64_t now = now_us();
    if (now >= next_sample && samples < MAX_SAMPLES) {
      times[samples] = now - start;
      totals[samples++] = is_up ? *taken_total - taken_before : received;
      next_sample += SAMPLE_US;
    }
    if (now - start >= duration_us) break;
    struct epoll_event events[64];
    int count = epoll_wait(events_fd, events, 64, 10);
    for (int at = 0; at < count; at++) {
      struct flow *flow = events[at].data.ptr;
      if (flow->state == CONNECTING) begin(flow, is_up, events_fd);
      else if (flow->state == MOVING) received += move(flow, is_up);
    }
  }
  int failed = 0;
  for (int at = 0; at < flow_count; at++) failed += flows[at].state != MOVING;
  printf("{\"failed\":%d,\"microseconds\":[", failed);
  for (size_t at = 0; at < samples; at++) printf("%s%llu", at > 0 ? "," : "", (unsigned long long)times[at]);
  printf("],\"bytes\":[");
  for (size_t at = 0; at < samples; at++) printf("%s%llu", at > 0 ? "," : "", (unsigned long long)totals[at]);
  puts("]}");
  return 0;
}
