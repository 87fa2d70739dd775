// An emulated link between two network namespaces, for kernels without netem.
//
//   linkemu NAMESPACE_A NAMESPACE_B MBIT_AB MBIT_BA ONE_WAY_MS BUFFER_AB BUFFER_BA LOSS_PERCENT MTU
//
// Two TUN devices called lk0, one in each namespace; IP packets read from one are written to the other. For each
// direction: random loss, then a drop-tail queue of BUFFER bytes served at the rate (which counts IP bytes), then a
// constant delay. Prints "ready" when the devices exist; on SIGTERM its counters, as one line of JSON.
#define _GNU_SOURCE
#include <fcntl.h>
#include <linux/if.h>
#include <linux/if_tun.h>
#include <poll.h>
#include <pthread.h>
#include <sched.h>
#include <signal.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/prctl.h>
#include <time.h>
#include <unistd.h>

#define TICK_NS 200000  // how long the emulator sleeps while packets wait for their time
#define MAX_SLOTS 262144
#define BATCH 16
#define LATE_NS 1000000

struct packet {
  uint64_t due_ns;
  uint32_t length;
};

struct direction {
  int from, to;
  double ns_per_byte;
  uint64_t delay_ns, buffer_bytes;
  double loss;  // a share, 0 to 1
  unsigned seed;
  size_t slot_bytes;
  unsigned slots, head, tail;  // a ring; head and tail only grow, slots is a power of two
  char *bytes;
  struct packet *packets;
  uint64_t free_at_ns;  // when the transmitter has sent all it has
  uint64_t received, sent, dropped, lost, failed, late;
};

static struct direction directions[2];

static uint64_t now_ns(void) {
  struct timespec time;
  clock_gettime(CLOCK_MONOTONIC, &time);
  return (uint64_t)time.tv_sec * 1000000000u + (uint64_t)time.tv_nsec;
}

static _Noreturn void fail(const char *what) {
  perror(what);
  exit(1);
}

static int open_tun(const char *namespace) {
  char path[256];
  snprintf(path, sizeof path, "/run/netns/%s", namespace);
  int ours = open("/proc/self/ns/net", O_RDONLY), theirs = open(path, O_RDONLY);
  if (ours < 0 || theirs < 0 || setns(theirs, CLONE_NEWNET) != 0) fail(path);
  struct ifreq request = {.ifr_flags = IFF_TUN | IFF_NO_PI};
  strcpy(request.ifr_name, "lk0");
  int tun = open("/dev/net/tun", O_RDWR | O_NONBLOCK);
  if (tun < 0 || ioctl(tun, TUNSETIFF, &request) != 0) fail("/dev/net/tun");
  if (setns(ours, CLONE_NEWNET) != 0) fail("setns");
  close(ours);
  close(theirs);
  return tun;
}

static char *slot(struct direction *link, unsigned index) {
  return link->bytes + (size_t)(index & (link->slots - 1)) * link->slot_bytes;
}

static struct packet *packet(struct direction *link, unsigned index) {
  return &link->packets[index & (link->slots - 1)];
}

// Hands over what is due, at most a batch.
static int deliver(struct direction *link) {
  int count = 0;
  uint64_t now = now_ns();
  while (count < BATCH && link->head != link->tail && packet(link, link->head)->due_ns <= now) {
    struct packet *next = packet(link, link->head);
    if (write(link->to, slot(link, link->head), next->length) < 0) link->failed++;
    if (now - next->due_ns > LATE_NS) link->late++;
    link->sent++;
    link->head++;
    count++;
  }
  return count;
}

// Takes what has arrived into the queue, at most two batches.
static int take(struct direction *link) {
  int count = 0;
  for (; count < 2 * BATCH; count++) {
    ssize_t length = read(link->from, slot(link, link->tail), link->slot_bytes);
    if (length <= 0) break;
    link->received++;
    if (link->loss > 0 && rand_r(&link->seed) < link->loss * RAND_MAX) {
      link->lost++;
      continue;
    }
    uint64_t now = now_ns();
    uint64_t begins = link->free_at_ns > now ? link->free_at_ns : now;
    double backlog = (double)(begins - now) / link->ns_per_byte;
    if (backlog + (double)length > (double)link->buffer_bytes || link->tail - link->head >= link->slots - 1) {
      link->dropped++;
      continue;
    }
    link->free_at_ns = begins + (uint64_t)((double)length * link->ns_per_byte);
    *packet(link, link->tail) = (struct packet){link->free_at_ns + link->delay_ns, (uint32_t)length};
    link->tail++;
  }
  return count;
}

static void *run(void *argument) {
  struct direction *link = argument;
  // A link does not wait for a busy CPU. Without the privilege it runs as an ordinary process.
  struct sched_param priority = {.sched_priority = 1};
  sched_setscheduler(0, SCHED_FIFO | SCHED_RESET_ON_FORK, &priority);
  prctl(PR_SET_TIMERSLACK, 1000);
  for (;;) {
    int delivered = deliver(link);
    int taken = take(link);
    if (delivered == BATCH || taken == 2 * BATCH) continue;
    if (link->head == link->tail) {
      struct pollfd arrival = {.fd = link->from, .events = POLLIN};
      poll(&arrival, 1, -1);
    } else if (packet(link, link->head)->due_ns > now_ns()) {
      struct timespec tick = {0, TICK_NS};
      nanosleep(&tick, NULL);
    }
  }
  return NULL;
}

static void print_and_exit(int signal_number) {
  (void)signal_number;
  printf("{");
  for (int at = 0; at < 2; at++) {
    struct direction *link = &directions[at];
    printf("%s\"%s\":{\"received\":%lu,\"sent\":%lu,\"dropped\":%lu,\"lost\":%lu,\"failed\":%lu,\"late\":%lu}",
           at > 0 ? "," : "", at > 0 ? "ba" : "ab", link->received, link->sent, link->dropped, link->lost, link->failed,
           link->late);
  }
  puts("}");
  fflush(stdout);
  _exit(0);
}

static void prepare(struct direction *link, double mbit, double delay_ms, uint64_t buffer_bytes, double loss_percent,
                    size_t mtu) {
  link->ns_per_byte = 8000.0 / mbit;
  link->delay_ns = (uint64_t)(delay_ms * 1e6);
  link->buffer_bytes = buffer_bytes;
  link->loss = loss_percent / 100;
  link->slot_bytes = mtu + 36;
  // Room for a full buffer and a full pipe of small packets.
  double bytes = (double)buffer_bytes + mbit * delay_ms * 125;
  link->slots = 1024;
  while (link->slots < MAX_SLOTS && link->slots < 2 * bytes / 40) link->slots *= 2;
  if (mtu > 1500 && link->slots > 16384) link->slots = 16384;
  link->bytes = malloc(link->slots * link->slot_bytes);
  link->packets = malloc(link->slots * sizeof *link->packets);
  if (link->bytes == NULL || link->packets == NULL) fail("memory");
}

int main(int count, char **words) {
  if (count != 10) {
    fprintf(stderr, "usage: linkemu NS_A NS_B MBIT_AB MBIT_BA ONE_WAY_MS BUFFER_AB BUFFER_BA LOSS_PERCENT MTU\n");
    return 64;
  }
  int a = open_tun(words[1]), b = open_tun(words[2]);
  for (int at = 0; at < 2; at++) {
    struct direction *link = &directions[at];
    link->from = at == 0 ? a : b;
    link->to = at == 0 ? b : a;
    link->seed = 20261122u + (unsigned)at;  // the same losses in every run
    prepare(link, atof(words[3 + at]), atof(words[5]), strtoull(words[6 + at], NULL, 10), atof(words[8]),
            (size_t)atoi(words[9]));
  }
  prctl(PR_SET_PDEATHSIG, SIGKILL);  // a bench that is killed leaves no link behind
  signal(SIGTERM, print_and_exit);
  signal(SIGINT, print_and_exit);
  puts("ready");
  fflush(stdout);
  pthread_t other;
  if (pthread_create(&other, NULL, run, &directions[0]) != 0) fail("thread");
  run(&directions[1]);
}
