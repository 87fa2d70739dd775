#define _GNU_SOURCE
#include <arpa/inet.h>
#include <errno.h>
#include <fcntl.h>
#include <netinet/tcp.h>
#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/mman.h>
#include <sys/socket.h>
#include <time.h>
#include <unistd.h>

#include "load.h"

_Noreturn void fail(const char *what) {
  perror(what);
  exit(1);
}

uint64_t now_us(void) {
  struct timespec time;
  clock_gettime(CLOCK_MONOTONIC, &time);
  return (uint64_t)time.tv_sec * 1000000u + (uint64_t)time.tv_nsec / 1000u;
}

struct sockaddr_in parse_address(const char *address, const char *port) {
  struct sockaddr_in parsed = {.sin_family = AF_INET, .sin_port = htons((uint16_t)atoi(port))};
  if (inet_pton(AF_INET, address, &parsed.sin_addr) != 1) {
    errno = EINVAL;
    fail(address);
  }
  return parsed;
}

int connect_later(const struct sockaddr_in *address) {
  int fd = socket(AF_INET, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
  if (fd < 0) return -1;
  int on = 1;
  setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &on, sizeof on);
  if (connect(fd, (const struct sockaddr *)address, sizeof *address) == 0 || errno == EINPROGRESS) return fd;
  int reason = errno;
  close(fd);
  errno = reason;
  return -1;
}

int pending_error(int fd) {
  int error = 0;
  socklen_t length = sizeof error;
  return getsockopt(fd, SOL_SOCKET, SO_ERROR, &error, &length) == 0 ? error : errno;
}

int connect_now(const struct sockaddr_in *address, int timeout_ms) {
  int fd = connect_later(address);
  if (fd < 0) return -1;
  struct pollfd ready = {.fd = fd, .events = POLLOUT};
  int error = poll(&ready, 1, timeout_ms) == 1 ? pending_error(fd) : ETIMEDOUT;
  if (error == 0) return fd;
  close(fd);
  errno = error;
  return -1;
}

int read_fully(int fd, void *bytes, size_t length, int timeout_ms) {
  uint64_t deadline = now_us() + (uint64_t)timeout_ms * 1000u;
  for (size_t got = 0; got < length;) {
    ssize_t count = recv(fd, (char *)bytes + got, length - got, 0);
    if (count > 0) {
      got += (size_t)count;
      continue;
    }
    if (count == 0) return ENODATA;
    if (errno != EAGAIN && errno != EINTR) return errno;
    uint64_t now = now_us();
    if (now >= deadline) return ETIMEDOUT;
    struct pollfd ready = {.fd = fd, .events = POLLIN};
    poll(&ready, 1, (int)((deadline - now) / 1000u) + 1);
  }
  return 0;
}

int send_request(int fd, enum operation operation, uint64_t bytes, uint64_t seed) {
  struct request request = {REQUEST_MAGIC, operation, bytes, seed};
  // Small enough for the buffer of a socket that is not full.
  return send(fd, &request, sizeof request, MSG_NOSIGNAL) == sizeof request ? 0 : (errno != 0 ? errno : EIO);
}

volatile uint64_t *shared_counter(const char *file) {
  int fd = open(file, O_RDWR | O_CREAT | O_CLOEXEC, 0644);
  if (fd < 0 || ftruncate(fd, 4096) != 0) fail(file);
  void *page = mmap(NULL, 4096, PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0);
  if (page == MAP_FAILED) fail(file);
  close(fd);
  return page;
}
