// Many connections at once: each opens, sends one request and gets its answer; then it is closed (rate) or kept (hold).
#include <arpa/inet.h>
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/socket.h>
#include <unistd.h>

#include "load.h"

struct flow {
  int fd;
  enum { IDLE, CONNECTING, ANSWERING, DONE, LOST } state;
  size_t got;
  uint64_t started_us;
  uint32_t took_us;
};

struct round {
  struct flow *flows;
  int count, at_once;
  uint64_t timeout_us;
  enum operation operation;  // ANSWER_AND_CLOSE closes each; ANSWER keeps it, and uses it again in the next round
};

static int events_fd;

static void lose(struct flow *flow, int error) {
  static int shown;
  struct sockaddr_in own = {0};
  socklen_t length = sizeof own;
  if (flow->fd >= 0) getsockname(flow->fd, (struct sockaddr *)&own, &length);
  if (shown++ < 5) fprintf(stderr, "lost, from port %d: %s\n", ntohs(own.sin_port), strerror(error));
  if (flow->fd >= 0) close(flow->fd);
  flow->fd = -1;
  flow->state = LOST;
}

static void ask(struct flow *flow, enum operation operation) {
  int error = pending_error(flow->fd);
  if (error == 0) error = send_request(flow->fd, operation, 0, 0);
  if (error != 0) {
    lose(flow, error);
    return;
  }
  flow->state = ANSWERING;
  struct epoll_event event = {.events = EPOLLIN, .data.ptr = flow};
  epoll_ctl(events_fd, EPOLL_CTL_MOD, flow->fd, &event);
}

static void start(struct flow *flow, const struct sockaddr_in *address, enum operation operation) {
  flow->started_us = now_us();
  flow->got = 0;
  if (flow->fd >= 0) {
    ask(flow, operation);
    return;
  }
  flow->fd = connect_later(address);
  if (flow->fd < 0) {
    lose(flow, errno);
    return;
  }
  flow->state = CONNECTING;
  struct epoll_event event = {.events = EPOLLOUT, .data.ptr = flow};
  epoll_ctl(events_fd, EPOLL_CTL_ADD, flow->fd, &event);
}

static void take_answer(struct flow *flow, enum operation operation) {
  unsigned char answer[ANSWER_BYTES + 1];
  ssize_t count = recv(flow->fd, answer, sizeof answer, 0);
  if (count < 0) {
    if (errno != EAGAIN) lose(flow, errno);
    return;
  }
  flow->got += (size_t)count;
  int is_end = count == 0;
  int is_whole = flow->got == ANSWER_BYTES;
  if (flow->got > ANSWER_BYTES || (is_end && !(is_whole && operation == ANSWER_AND_CLOSE))) {
    lose(flow, ENODATA);
  } else if (operation == ANSWER_AND_CLOSE ? is_end : is_whole) {
    flow->took_us = (uint32_t)(now_us() - flow->started_us);
    flow->state = DONE;
    if (operation == ANSWER) return;
    close(flow->fd);
    flow->fd = -1;
  }
}

// Returns the microseconds that the round took. What is not done by the timeout is lost.
static uint64_t run_round(struct round *round, const struct sockaddr_in *address) {
  int next = 0, running = 0;
  uint64_t start_us = now_us(), deadline = start_us + round->timeout_us;
  for (int at = 0; at < round->count; at++) {
    if (round->flows[at].state != LOST) round->flows[at].state = IDLE;
  }
  while (now_us() < deadline) {
    while (running < round->at_once && next < round->count) {
      struct flow *flow = &round->flows[next++];
      if (flow->state == LOST) continue;
      start(flow, address, round->operation);
      running += flow->state != LOST;
    }
    if (running == 0 && next == round->count) break;
    struct epoll_event events[256];
    int count = epoll_wait(events_fd, events, 256, 20);
    for (int at = 0; at < count; at++) {
      struct flow *flow = events[at].data.ptr;
      if (flow->state == CONNECTING) ask(flow, round->operation);
      else if (flow->state == ANSWERING) take_answer(flow, round->operation);
      else if (flow->state == DONE) lose(flow, ECONNRESET);  // ended although nobody asked it to
      else continue;
      running -= flow->state == DONE || flow->state == LOST;
    }
  }
  for (int at = 0; at < round->count; at++) {
    if (round->flows[at].state != DONE && round->flows[at].state != LOST) lose(&round->flows[at], ETIMEDOUT);
  }
  return now_us() - start_us;
}

static struct round new_round(char **arguments, enum operation operation) {
  struct round round = {.count = atoi(arguments[2]), .at_once = atoi(arguments[3]), .operation = operation};
  round.timeout_us = (uint64_t)(atof(arguments[4]) * 1e6);
  round.flows = calloc((size_t)round.count, sizeof *round.flows);
  if (round.flows == NULL) fail("flows");
  for (int at = 0; at < round.count; at++) round.flows[at].fd = -1;
  events_fd = epoll_create1(EPOLL_CLOEXEC);
  return round;
}

static void print_round(const struct round *round, uint64_t took_us, int with_latencies) {
  int done = 0;
  for (int at = 0; at < round->count; at++) done += round->flows[at].state == DONE;
  printf("{\"done\":%d,\"lost\":%d,\"seconds\":%.6f", done, round->count - done, (double)took_us / 1e6);
  if (with_latencies) {
    int printed = 0;
    printf(",\"microseconds\":[");
    for (int at = 0; at < round->count; at++) {
      if (round->flows[at].state == DONE) printf("%s%u", printed++ > 0 ? "," : "", round->flows[at].took_us);
    }
    printf("]");
  }
  puts("}");
  fflush(stdout);
}

int rate(char **arguments) {
  struct sockaddr_in address = parse_address(arguments[0], arguments[1]);
  struct round round = new_round(arguments, ANSWER_AND_CLOSE);
  uint64_t took_us = run_round(&round, &address);
  print_round(&round, took_us, 1);
  return 0;
}

int hold(char **arguments) {
  struct sockaddr_in address = parse_address(arguments[0], arguments[1]);
  struct round round = new_round(arguments, ANSWER);
  char line[64];
  do {
    uint64_t took_us = run_round(&round, &address);
    print_round(&round, took_us, 0);
  } while (fgets(line, sizeof line, stdin) != NULL);
  return 0;
}
