/*
 * Guests without kernels on one processor, plugged into any vhost-user back-ends, for benchmarks of
 * what is between them. Prints numbers for wires.py.
 */

#include "compiler.h"
#include "monotonic.h"
#include "wire_guest.h"

#include <errno.h>
#include <getopt.h>
#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define GUESTS_MOST 64
#define TURNS_BETWEEN_CLOCKS 32
#define RING_MOST 1024
#define LARGE_FRAME 65226
#define WARM_UP_NS 100000000ULL
#define NOTHING_NS 5000000000ULL /* a wire that carries nothing for so long carries nothing */

struct bench {
	struct wire_traffic traffic;
	bool both; /* ways */
	bool round_trip;
	bool ring; /* each sends to the next */
	bool stopped; /* the last guest takes nothing */
	bool idle; /* guests do nothing until standard input ends */
	unsigned guest_count;
	unsigned active; /* of them */
	uint64_t length_ns;
	const char *path[2];
	struct wire_guest guest[GUESTS_MOST];
};

static void fail(const char *what, int error)
{
	fprintf(stderr, "wire_frontend: %s: %s\n", what, strerror(-error));
	exit(1);
}

/* One way: even ones send to their neighbours; in a ring: each sends to the next. */
static bool sends(const struct bench *bench, unsigned number)
{
	return number < bench->active && (bench->both || bench->ring || number % 2 == 0);
}

static unsigned peer_of(const struct bench *bench, unsigned number)
{
	return bench->ring ? (number + 1) % bench->active : number ^ 1;
}

static bool takes(const struct bench *bench, unsigned number)
{
	return number < bench->active && !(bench->stopped && number == bench->active - 1);
}

static bool anything(const struct bench *bench)
{
	for (unsigned i = 0; i < bench->active; i++) {
		const struct wire_guest *guest = &bench->guest[i];

		if ((takes(bench, i) && wire_queue_waits(&guest->receive)) ||
			(sends(bench, i) && wire_queue_waits(&guest->transmit)))
			return true;
	}
	return false;
}

/* Until something is received or may be sent. */
static void sleep_for_interrupts(struct bench *bench)
{
	struct pollfd fds[2 * GUESTS_MOST];
	unsigned count = 0;
	bool idle = true;

	for (unsigned i = 0; i < bench->active; i++) {
		struct wire_guest *guest = &bench->guest[i];

		fds[count++] = (struct pollfd){ .fd = guest->receive.call_fd, .events = POLLIN };
		fds[count++] = (struct pollfd){ .fd = guest->transmit.call_fd, .events = POLLIN };
		idle = wire_queue_arm(&guest->receive, 0) && idle;
		if (sends(bench, i) && !bench->round_trip)
			idle = wire_queue_arm(&guest->transmit, guest->traffic.under_way / 2) &&
				idle;
	}
	if (!idle || anything(bench))
		return;
	if (poll(fds, count, (int)(NOTHING_NS / 1000000)) == 0)
		return; /* the deadline is looked at by who called */
	for (unsigned i = 0; i < count; i++) {
		struct wire_guest *guest = &bench->guest[i / 2];

		if (fds[i].revents)
			wire_queue_interrupted(i % 2 ? &guest->transmit : &guest->receive);
	}
}

static unsigned turn(struct bench *bench)
{
	unsigned count = 0;

	for (unsigned i = 0; i < bench->active; i++) {
		if (sends(bench, i))
			count += wire_guest_send_again(&bench->guest[i]);
		if (takes(bench, i))
			count += wire_guest_receive(&bench->guest[i]);
	}
	return count;
}

/* By all; of a ring, by all but the last. */
static uint64_t bytes_received(const struct bench *bench)
{
	uint64_t count = 0;

	for (unsigned i = 0; i + bench->ring < bench->active; i++)
		count += bench->guest[i].receive.bytes;
	return count;
}

/* Nanoseconds it took; for the given time, or until a little was received. */
static uint64_t move(struct bench *bench, uint64_t length_ns)
{
	uint64_t begin = monotonic_ns();
	uint64_t now = begin;

	while (now - begin < length_ns) {
		unsigned count = 0;

		for (unsigned i = 0; i < TURNS_BETWEEN_CLOCKS; i++)
			count += turn(bench);
		if (!count && bench->traffic.sleeps)
			sleep_for_interrupts(bench);
		now = monotonic_ns();
	}
	return now - begin;
}

static void measure_throughput(struct bench *bench)
{
	uint64_t frame = bench->traffic.length + bench->guest[0].header_size;
	uint64_t before, bytes, elapsed_ns;
	double frames;

	for (unsigned i = 0; i < bench->active; i++) {
		if (sends(bench, i))
			wire_guest_send_first(&bench->guest[i], bench->traffic.under_way);
	}
	move(bench, WARM_UP_NS);
	before = bytes_received(bench);
	elapsed_ns = move(bench, bench->length_ns);
	bytes = bytes_received(bench) - before;
	frames = (double)bytes / (double)frame * 1e9 / (double)elapsed_ns;
	printf("%.0f %.0f\n", frames, frames * 8 * bench->traffic.length);
}

static void await_frame(struct bench *bench, const struct wire_guest *guest)
{
	uint64_t begin = monotonic_ns();

	for (uint64_t turns = 0; !wire_queue_waits(&guest->receive); turns++) {
		if (bench->traffic.sleeps)
			sleep_for_interrupts(bench);
		if (turns % 1024 == 1023 && monotonic_ns() - begin > NOTHING_NS)
			fail("nothing comes", -ETIMEDOUT);
	}
}

/* Who receives answers first and tidies up then, as a driver does. */
static void go_there_and_back(struct bench *bench)
{
	for (unsigned i = 0; i < 2; i++) {
		wire_guest_send_first(&bench->guest[i], 1);
		wire_guest_receive(&bench->guest[i]);
		wire_guest_reap(&bench->guest[1 - i]);
		await_frame(bench, &bench->guest[1 - i]);
	}
}

static int compare(const void *one, const void *other)
{
	const uint32_t a = *(const uint32_t *)one, b = *(const uint32_t *)other;

	return (a > b) - (a < b);
}

static void measure_round_trip(struct bench *bench)
{
	enum {
		MOST = 1 << 20
	};
	uint32_t *taken_ns = calloc(MOST, sizeof(*taken_ns));
	uint64_t begin = monotonic_ns();
	uint64_t last = begin;
	size_t count = 0;

	if (!taken_ns)
		fail("memory", -ENOMEM);
	while (last - begin < WARM_UP_NS) {
		go_there_and_back(bench);
		last = monotonic_ns();
	}
	begin = last;
	while (count < MOST && last - begin < bench->length_ns) {
		uint64_t now;

		go_there_and_back(bench);
		now = monotonic_ns();
		taken_ns[count++] = (uint32_t)(now - last);
		last = now;
	}
	qsort(taken_ns, count, sizeof(*taken_ns), compare);
	printf("%u %u\n", taken_ns[count / 2], taken_ns[count * 99 / 100]);
	free(taken_ns);
}

/* Also where this process goes before all others. */
static void let_others_run(void)
{
	poll(NULL, 0, 1);
}

/* Until everybody's frames arrive: the back-end runs, and a switch has learned who is where. */
static void await_all(struct bench *bench)
{
	uint64_t begin = monotonic_ns();

	for (unsigned i = 0; i < bench->active; i++) {
		struct wire_guest *to = &bench->guest[peer_of(bench, i)];
		uint64_t sent_ns = 0;

		wire_guest_receive(to); /* others' frames, before their receivers were known */
		do {
			uint64_t now = monotonic_ns();

			if (now - sent_ns > 50000000) {
				wire_guest_reap(&bench->guest[i]);
				wire_guest_send_first(&bench->guest[i], 1);
				sent_ns = now;
			}
			if (now - begin > NOTHING_NS)
				fail("no frame arrives", -ETIMEDOUT);
			let_others_run();
		} while (!wire_guest_receive(to));
	}
}

/* What is late of the frames that were only a trial. */
static void settle(struct bench *bench)
{
	uint64_t begin = monotonic_ns();

	while (monotonic_ns() - begin < WARM_UP_NS) {
		for (unsigned i = 0; i < bench->guest_count; i++) {
			wire_guest_receive(&bench->guest[i]);
			wire_guest_reap(&bench->guest[i]);
		}
		let_others_run();
	}
}

static void stay_idle(void)
{
	printf("idle\n");
	fflush(stdout);
	while (getchar() != EOF)
		;
}

static void connect_all(struct bench *bench)
{
	for (unsigned i = 0; i < bench->guest_count; i++) {
		int error = wire_guest_create(&bench->guest[i],
			bench->path[bench->path[1] ? i % 2 : 0], i, peer_of(bench, i),
			&bench->traffic);

		if (error)
			fail("not connected", error);
	}
}

static void usage(void)
{
	fprintf(stderr,
		"usage: wire_frontend [OPTION ...] SOCKET [SOCKET]\n"
		"  -l LENGTH     of a frame, without the header (64)\n"
		"  -T            TCP segments of 64 KiB that nobody has to cut\n"
		"  -m            receive buffers may not be joined\n"
		"  -t            payloads are written and read by the guests\n"
		"  -s            guests sleep when they have nothing to do\n"
		"  -b            both ways\n"
		"  -r            round trips instead of throughput: median, 99th percentile\n"
		"  -q COUNT      entries of each ring, a power of two (256)\n"
		"  -u COUNT      frames of a guest under way (all of the ring)\n"
		"  -g COUNT      guests, by turns at both sockets (2)\n"
		"  -a COUNT      of them with traffic (2)\n"
		"  -R            each sends to the next; the last one's are not counted\n"
		"  -S            the same, and the last takes nothing\n"
		"  -i            nothing at all, until standard input ends\n"
		"  -d MS         how long it is measured (200)\n");
	exit(2);
}

static unsigned number(const char *text, unsigned most)
{
	unsigned long value = strtoul(text, NULL, 10);

	if (value < 1 || value > most)
		usage();
	return (unsigned)value;
}

/* An option without a value; false if it is none. */
static bool set_flag(struct bench *bench, int option)
{
	const struct {
		bool *flag;
		int option;
		bool value;
	} flags[] = {
		{ &bench->traffic.large, 'T', true },
		{ &bench->traffic.mergeable, 'm', false },
		{ &bench->traffic.touches, 't', true },
		{ &bench->traffic.sleeps, 's', true },
		{ &bench->both, 'b', true },
		{ &bench->round_trip, 'r', true },
		{ &bench->ring, 'R', true },
		{ &bench->ring, 'S', true },
		{ &bench->stopped, 'S', true },
		{ &bench->idle, 'i', true },
	};
	bool found = false;

	for (size_t i = 0; i < ARRAY_SIZE(flags); i++) {
		if (flags[i].option == option) {
			*flags[i].flag = flags[i].value;
			found = true;
		}
	}
	return found;
}

static void set_number(struct bench *bench, int option, const char *text)
{
	switch (option) {
	case 'l':
		bench->traffic.length = number(text, 1518);
		break;
	case 'q':
		bench->traffic.ring_size = (uint16_t)number(text, RING_MOST);
		break;
	case 'u':
		bench->traffic.under_way = (uint16_t)number(text, RING_MOST);
		break;
	case 'g':
		bench->guest_count = number(text, GUESTS_MOST);
		break;
	case 'a':
		bench->active = number(text, GUESTS_MOST);
		break;
	case 'd':
		bench->length_ns = number(text, 60000) * 1000000ULL;
		break;
	default:
		usage();
	}
}

static void parse(struct bench *bench, int count, char **words)
{
	struct wire_traffic *traffic = &bench->traffic;
	int option;

	while ((option = getopt(count, words, "l:Tmtsbrq:u:g:a:RSid:")) >= 0) {
		if (!set_flag(bench, option))
			set_number(bench, option, optarg);
	}
	if (traffic->large)
		traffic->length = LARGE_FRAME;
	if (!traffic->under_way)
		traffic->under_way = traffic->ring_size;
	if (optind == count || count - optind > 2 || bench->active > bench->guest_count ||
		traffic->under_way > traffic->ring_size)
		usage();
	bench->path[0] = words[optind];
	bench->path[1] = words[optind + 1]; /* or NULL, which ends them */
}

int main(int count, char **words)
{
	static struct bench bench = {
		.traffic = { .length = 64, .mergeable = true, .ring_size = 256 },
		.guest_count = 2,
		.active = 2,
		.length_ns = 200000000,
	};

	parse(&bench, count, words);
	connect_all(&bench);
	await_all(&bench);
	settle(&bench);
	if (bench.idle)
		stay_idle();
	else if (bench.round_trip)
		measure_round_trip(&bench);
	else
		measure_throughput(&bench);
	for (unsigned i = 0; i < bench.guest_count; i++)
		wire_guest_destroy(&bench.guest[i]);
	return 0;
}
