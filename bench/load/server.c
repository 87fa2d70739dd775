#define _GNU_SOURCE
#include <errno.h>
#include <netinet/tcp.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <unistd.h>

#include "load.h"

struct connection {
  int fd;
  enum { READING_REQUEST, SENDING, SENDING_TAIL, TAKING } state;
  struct request request;
  size_t request_bytes;  // of the request that have arrived
  uint64_t done;         // bytes of the operation
  uint64_t head_bytes;   // of an answer in two parts
  uint64_t hash;
  uint64_t wrong;
  unsigned char tail[sizeof(struct taken)];  // what follows an operation
  size_t tail_length, tail_sent;
  int peer_ended;
  uint32_t watched;
  struct in_addr peer;
};

static unsigned char buffer[CHUNK_BYTES];
static volatile uint64_t *taken_total;
static int events_fd;

static void end_connection(struct connection *connection) {
  close(connection->fd);
  free(connection);
}

static void watch(struct connection *connection, uint32_t events) {
  if (connection->watched == events) return;
  connection->watched = events;
  struct epoll_event event = {.events = events, .data.ptr = connection};
  epoll_ctl(events_fd, EPOLL_CTL_MOD, connection->fd, &event);
}

static void follow_with(struct connection *connection, const void *bytes, size_t length) {
  memcpy(connection->tail, bytes, length);
  connection->tail_length = length;
  connection->tail_sent = 0;
  connection->state = SENDING_TAIL;
}

// Returns 0 when the request cannot be one.
static int begin_operation(struct connection *connection) {
  if (connection->request.magic != REQUEST_MAGIC) return 0;
  connection->request_bytes = 0;
  connection->done = connection->wrong = connection->head_bytes = 0;
  connection->hash = hash_start();
  switch (connection->request.operation) {
    case ANSWER:
    case ANSWER_AND_CLOSE:
      connection->head_bytes = connection->request.bytes < ANSWER_BYTES ? connection->request.bytes : 0;
      connection->request.bytes = ANSWER_BYTES;
      connection->state = SENDING;
      return 1;
    case SEND_BYTES:
    case SEND_HASHED:
      connection->state = SENDING;
      return 1;
    case TAKE_BYTES:
    case TAKE_HASHED:
      connection->state = TAKING;
      return 1;
    case WHO_AM_I:
      follow_with(connection, &connection->peer, sizeof connection->peer);
      return 1;
    default:
      return 0;
  }
}

static void end_sending(struct connection *connection) {
  if (connection->request.operation == SEND_HASHED) {
    follow_with(connection, &connection->hash, sizeof connection->hash);
  } else {
    connection->state = READING_REQUEST;
  }
}

static void end_taking(struct connection *connection) {
  struct taken taken = {connection->done, connection->hash, connection->wrong};
  follow_with(connection, &taken, sizeof taken);
}

// One step of reading; returns 0 when the connection is over.
static int read_some(struct connection *connection) {
  struct request *request = &connection->request;
  if (connection->state == READING_REQUEST) {
    ssize_t count = recv(connection->fd, (char *)request + connection->request_bytes,
                         sizeof *request - connection->request_bytes, 0);
    if (count == 0) return 0;
    if (count < 0) return errno == EAGAIN;
    connection->request_bytes += (size_t)count;
    return connection->request_bytes < sizeof *request || begin_operation(connection);
  }
  if (connection->state != TAKING) return 1;
  uint64_t left = request->bytes - connection->done;
  int is_checked = request->operation == TAKE_HASHED;
  // MSG_TRUNC: the kernel throws the bytes away without a copy.
  ssize_t count = recv(connection->fd, buffer, left < CHUNK_BYTES ? left : CHUNK_BYTES, is_checked ? 0 : MSG_TRUNC);
  if (count < 0) return errno == EAGAIN;
  if (count == 0) {
    connection->peer_ended = 1;
    end_taking(connection);
    return 1;
  }
  if (is_checked) {
    connection->hash = hash_add(connection->hash, buffer, (size_t)count);
    connection->wrong += count_wrong(request->seed, connection->done, buffer, (size_t)count);
  }
  connection->done += (uint64_t)count;
  *taken_total += (uint64_t)count;
  if (connection->done == request->bytes) end_taking(connection);
  return 1;
}

// One step of writing; returns 0 when the connection is over.
static int write_some(struct connection *connection) {
  struct request *request = &connection->request;
  if (connection->state == SENDING) {
    uint64_t left = request->bytes - connection->done;
    const unsigned char *bytes = pattern_at(request->seed, connection->done);
    size_t length = left < CHUNK_BYTES ? (size_t)left : CHUNK_BYTES;
    if (connection->head_bytes > 0) {
      if (connection->done == 0) length = connection->head_bytes;
      else usleep(HEAD_TO_BODY_US);
    }
    ssize_t count = send(connection->fd, bytes, length, MSG_NOSIGNAL);
    if (count < 0) return errno == EAGAIN;
    if (request->operation == SEND_HASHED) connection->hash = hash_add(connection->hash, bytes, (size_t)count);
    connection->done += (uint64_t)count;
    if (connection->done < request->bytes) return 1;
    if (request->operation == ANSWER_AND_CLOSE) return 0;
    end_sending(connection);
  }
  if (connection->state == SENDING_TAIL) {
    ssize_t count = send(connection->fd, connection->tail + connection->tail_sent,
                         connection->tail_length - connection->tail_sent, MSG_NOSIGNAL);
    if (count < 0) return errno == EAGAIN;
    connection->tail_sent += (size_t)count;
    if (connection->tail_sent == connection->tail_length) {
      connection->state = READING_REQUEST;
      if (connection->peer_ended) return 0;
    }
  }
  return 1;
}

static void serve_connection(struct connection *connection, uint32_t events) {
  int is_alive = (events & EPOLLERR) == 0;
  if (is_alive && (events & (EPOLLIN | EPOLLHUP)) != 0) is_alive = read_some(connection);
  int is_sending = connection->state == SENDING || connection->state == SENDING_TAIL;
  if (is_alive && is_sending) is_alive = write_some(connection);
  if (!is_alive) {
    end_connection(connection);
    return;
  }
  is_sending = connection->state == SENDING || connection->state == SENDING_TAIL;
  watch(connection, is_sending ? EPOLLOUT : EPOLLIN);
}

static void accept_all(int listener) {
  for (;;) {
    struct sockaddr_in peer;
    socklen_t length = sizeof peer;
    int fd = accept4(listener, (struct sockaddr *)&peer, &length, SOCK_NONBLOCK | SOCK_CLOEXEC);
    if (fd < 0) return;
    int on = 1;
    setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &on, sizeof on);
    struct connection *connection = calloc(1, sizeof *connection);
    if (connection == NULL) fail("connection");
    connection->fd = fd;
    connection->peer = peer.sin_addr;
    connection->watched = EPOLLIN;
    struct epoll_event event = {.events = EPOLLIN, .data.ptr = connection};
    epoll_ctl(events_fd, EPOLL_CTL_ADD, fd, &event);
  }
}

int serve(char **arguments) {
  struct sockaddr_in address = parse_address(arguments[0], arguments[1]);
  prctl(PR_SET_TIMERSLACK, 1000);
  taken_total = shared_counter(arguments[2]);
  int listener = socket(AF_INET, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
  int on = 1;
  setsockopt(listener, SOL_SOCKET, SO_REUSEADDR, &on, sizeof on);
  if (bind(listener, (struct sockaddr *)&address, sizeof address) != 0 || listen(listener, 4096) != 0) fail("listen");
  events_fd = epoll_create1(EPOLL_CLOEXEC);
  struct epoll_event event = {.events = EPOLLIN, .data.ptr = NULL};
  epoll_ctl(events_fd, EPOLL_CTL_ADD, listener, &event);
  puts("ready");
  fflush(stdout);
  for (;;) {
    struct epoll_event events[256];
    int count = epoll_wait(events_fd, events, 256, -1);
    for (int at = 0; at < count; at++) {
      if (events[at].data.ptr == NULL) accept_all(listener);
      else serve_connection(events[at].data.ptr, events[at].events);
    }
  }
}
