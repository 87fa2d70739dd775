#include "load.h"

#include <string.h>

#define PERIOD_BYTES 1048583  // a prime

static unsigned char pattern[PERIOD_BYTES + CHUNK_BYTES];

void pattern_init(void) {
  uint64_t state = 0x9e3779b97f4a7c15u;
  for (size_t at = 0; at < PERIOD_BYTES; at++) {  // xorshift64
    state ^= state << 13;
    state ^= state >> 7;
    state ^= state << 17;
    pattern[at] = (unsigned char)(state >> 32);
  }
  memcpy(pattern + PERIOD_BYTES, pattern, CHUNK_BYTES);
}

const unsigned char *pattern_at(uint64_t seed, uint64_t offset) {
  return pattern + (seed * 7919 + offset) % PERIOD_BYTES;
}

uint64_t hash_start(void) { return 0xcbf29ce484222325u; }

uint64_t hash_add(uint64_t hash, const unsigned char *bytes, size_t length) {  // FNV-1a
  for (size_t at = 0; at < length; at++) hash = (hash ^ bytes[at]) * 0x100000001b3u;
  return hash;
}

uint64_t count_wrong(uint64_t seed, uint64_t offset, const unsigned char *bytes, size_t length) {
  const unsigned char *expected = pattern_at(seed, offset);
  if (memcmp(expected, bytes, length) == 0) return 0;
  uint64_t wrong = 0;
  for (size_t at = 0; at < length; at++) wrong += expected[at] != bytes[at];
  return wrong;
}
