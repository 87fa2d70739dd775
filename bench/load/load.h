// The load program of the bench: one server at the destination, and the applications that use it.
//
// Every connection starts with a `struct request` from the application, and may carry further ones when one is answered.
// Both ends run on one machine, so that the protocol has the machine's byte order and a counter can be shared memory.
#ifndef LOAD_H
#define LOAD_H
#include <netinet/in.h>
#include <stddef.h>
#include <stdint.h>

#define REQUEST_MAGIC 0x74736c31u
#define CHUNK_BYTES (256 * 1024)
#define ANSWER_BYTES 1024
// HTTP servers write head and body one after the other: whoever sits between may send two small segments, and wait for
// the acknowledgement of the first.
#define HEAD_BYTES 256
#define HEAD_TO_BODY_US 100
#define ENDLESS UINT64_MAX

enum operation {
  SEND_BYTES = 1,    // the server sends `bytes` of the pattern, from place `seed`
  SEND_HASHED,       // the same, followed by the FNV-1a hash of them (8 bytes)
  TAKE_BYTES,        // the application sends `bytes`; the server throws them away and says how many (struct taken)
  TAKE_HASHED,       // the same; the server compares them with the pattern and hashes them
  ANSWER,            // the server sends ANSWER_BYTES; `bytes` of them first and the others later, or 0 for all at once
  ANSWER_AND_CLOSE,  // the same, and closes
  WHO_AM_I,          // the server sends the application's address as it sees it (struct in_addr)
};

struct request {
  uint32_t magic;
  uint32_t operation;
  uint64_t bytes;
  uint64_t seed;
};

struct taken {
  uint64_t bytes;
  uint64_t hash;
  uint64_t wrong;  // bytes that differ from the pattern
};

// The pattern: pseudo-random bytes that repeat after a prime number of bytes, so that a block lost, doubled or swapped
// with another flow's shows. A flow starts at the place `seed`, which differs from flow to flow.
void pattern_init(void);
const unsigned char *pattern_at(uint64_t seed, uint64_t offset);  // CHUNK_BYTES can be read from there
uint64_t hash_start(void);
uint64_t hash_add(uint64_t hash, const unsigned char *bytes, size_t length);
uint64_t count_wrong(uint64_t seed, uint64_t offset, const unsigned char *bytes, size_t length);

// Sockets and time.
struct sockaddr_in parse_address(const char *address, const char *port);
int connect_later(const struct sockaddr_in *address);  // does not block; -1 with errno
int connect_now(const struct sockaddr_in *address, int timeout_ms);
int read_fully(int fd, void *bytes, size_t length, int timeout_ms);  // 0, or an errno; ENODATA at the end of file
int send_request(int fd, enum operation operation, uint64_t bytes, uint64_t seed);
int pending_error(int fd);
uint64_t now_us(void);
_Noreturn void fail(const char *what);

// Shared counter of bytes that the server has taken: what an upload has really moved.
volatile uint64_t *shared_counter(const char *file);

// One program each; all but the server print one line of JSON.
int serve(char **arguments);      // ADDRESS PORT COUNTER_FILE
int bulk(char **arguments);       // ADDRESS PORT COUNTER_FILE down|up FLOWS SECONDS; SIGTERM ends it early
int keep_alive(char **arguments); // ADDRESS PORT SECONDS PAUSE_MS
int fresh(char **arguments);      // ADDRESS PORT SECONDS PAUSE_MS
int rate(char **arguments);       // ADDRESS PORT COUNT AT_ONCE TIMEOUT_S
int hold(char **arguments);       // ADDRESS PORT COUNT AT_ONCE TIMEOUT_S; then a JSON line per line on stdin
int stall(char **arguments);      // ADDRESS PORT COUNT BYTES; then the same
int verify(char **arguments);     // ADDRESS PORT BYTES
int first_byte(char **arguments); // ADDRESS PORT COMMAND...
#endif
