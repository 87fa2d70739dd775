#include <arpa/inet.h>
#include <errno.h>
#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/socket.h>
#include <unistd.h>

#include "load.h"

#define TIMEOUT_MS 60000
#define SEED 4711

static unsigned char buffer[CHUNK_BYTES];

static int open_flow(const struct sockaddr_in *address) {
  int fd = connect_now(address, TIMEOUT_MS);
  if (fd < 0) fail("connect");
  return fd;
}

static int is_at_end(int fd) {
  unsigned char more;
  return read_fully(fd, &more, 1, TIMEOUT_MS) == ENODATA;
}

// Our half is closed before the first byte arrives: the other half must go on. 1 when all is exact.
static int check_download(const struct sockaddr_in *address, uint64_t bytes, uint64_t *hash) {
  int fd = open_flow(address);
  if (send_request(fd, SEND_HASHED, bytes, SEED) != 0 || shutdown(fd, SHUT_WR) != 0) fail("download");
  uint64_t wrong = 0;
  *hash = hash_start();
  for (uint64_t got = 0; got < bytes;) {
    size_t length = bytes - got < CHUNK_BYTES ? (size_t)(bytes - got) : CHUNK_BYTES;
    int error = read_fully(fd, buffer, length, TIMEOUT_MS);
    if (error != 0) {
      errno = error;
      fail("download");
    }
    wrong += count_wrong(SEED, got, buffer, length);
    *hash = hash_add(*hash, buffer, length);
    got += length;
  }
  uint64_t hash_of_server = 0;
  int is_exact = read_fully(fd, &hash_of_server, sizeof hash_of_server, TIMEOUT_MS) == 0 &&
                 hash_of_server == *hash && wrong == 0 && is_at_end(fd);
  close(fd);
  return is_exact;
}

// 1 when the server has taken all bytes, unchanged, and still answers after our end of file.
static int check_upload(const struct sockaddr_in *address, uint64_t bytes, uint64_t *hash) {
  int fd = open_flow(address);
  // One byte more than will come: the end of file ends the upload, not the count.
  if (send_request(fd, TAKE_HASHED, bytes + 1, SEED) != 0) fail("upload");
  *hash = hash_start();
  for (uint64_t sent = 0; sent < bytes;) {
    size_t length = bytes - sent < CHUNK_BYTES ? (size_t)(bytes - sent) : CHUNK_BYTES;
    const unsigned char *place = pattern_at(SEED, sent);
    ssize_t count = send(fd, place, length, MSG_NOSIGNAL);
    if (count > 0) {
      *hash = hash_add(*hash, place, (size_t)count);
      sent += (uint64_t)count;
      continue;
    }
    struct pollfd ready = {.fd = fd, .events = POLLOUT};
    if (errno != EAGAIN || poll(&ready, 1, TIMEOUT_MS) != 1) fail("upload");
  }
  if (shutdown(fd, SHUT_WR) != 0) fail("upload");
  struct taken taken = {0};
  int is_exact = read_fully(fd, &taken, sizeof taken, TIMEOUT_MS) == 0 && taken.bytes == bytes &&
                 taken.wrong == 0 && taken.hash == *hash && is_at_end(fd);
  close(fd);
  return is_exact;
}

int verify(char **arguments) {
  struct sockaddr_in address = parse_address(arguments[0], arguments[1]);
  uint64_t bytes = strtoull(arguments[2], NULL, 10), hash_down, hash_up;
  int is_down_exact = check_download(&address, bytes, &hash_down);
  int is_up_exact = check_upload(&address, bytes, &hash_up);

  struct in_addr self = {0};
  int fd = open_flow(&address);
  if (send_request(fd, WHO_AM_I, 0, 0) != 0 || read_fully(fd, &self, sizeof self, TIMEOUT_MS) != 0) fail("who am I");
  close(fd);
  char text[INET_ADDRSTRLEN];
  inet_ntop(AF_INET, &self, text, sizeof text);
  printf("{\"down\":%s,\"up\":%s,\"hashDown\":\"%016llx\",\"hashUp\":\"%016llx\",\"seenAs\":\"%s\"}\n",
         is_down_exact ? "true" : "false", is_up_exact ? "true" : "false", (unsigned long long)hash_down,
         (unsigned long long)hash_up, text);
  return 0;
}
