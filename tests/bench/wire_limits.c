/*
 * What this machine could do at best: bytes copied by one processor, a cache line handed to another
 * and back. Prints bits a second, or nanoseconds.
 */

#include "monotonic.h"

#include <pthread.h>
#include <sched.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define LENGTH_NS 200000000ULL
#define ROUNDS 1000000

/* Two processors look at it in turns. */
struct ball {
	uint64_t at __attribute__((aligned(64)));
	unsigned processor;
};

static void use_processor(unsigned processor)
{
	cpu_set_t set;

	CPU_ZERO(&set);
	CPU_SET(processor, &set);
	sched_setaffinity(0, sizeof(set), &set);
}

static void *play(void *argument)
{
	struct ball *ball = argument;

	use_processor(ball->processor);
	for (uint64_t i = 1; i < 2 * ROUNDS; i += 2) {
		while (__atomic_load_n(&ball->at, __ATOMIC_ACQUIRE) != i)
			;
		__atomic_store_n(&ball->at, i + 1, __ATOMIC_RELEASE);
	}
	return NULL;
}

static int measure_line(char **words)
{
	static struct ball ball;
	pthread_t other;
	uint64_t begin;

	ball.processor = (unsigned)strtoul(words[1], NULL, 10);
	use_processor(ball.processor); /* where the other begins */
	if (pthread_create(&other, NULL, play, &ball))
		return 1;
	use_processor((unsigned)strtoul(words[0], NULL, 10));
	begin = monotonic_ns();
	for (uint64_t i = 0; i < 2 * ROUNDS; i += 2) {
		__atomic_store_n(&ball.at, i + 1, __ATOMIC_RELEASE);
		while (__atomic_load_n(&ball.at, __ATOMIC_ACQUIRE) != i + 2)
			;
	}
	printf("%.1f\n", (double)(monotonic_ns() - begin) / ROUNDS);
	pthread_join(other, NULL);
	return 0;
}

/* Blocks of one set are copied to another, set after set. */
static int measure_copy(char **words)
{
	size_t block = strtoul(words[0], NULL, 10);
	size_t from_size = strtoul(words[1], NULL, 10);
	size_t to_size = strtoul(words[2], NULL, 10);
	char *from = calloc(1, from_size);
	char *to = calloc(1, to_size);
	size_t from_at = 0, to_at = 0;
	uint64_t copied = 0, begin, now;

	if (!from || !to || !block || block > from_size || block > to_size)
		return 1;
	memset(from, 1, from_size);
	memset(to, 2, to_size);
	begin = now = monotonic_ns();
	while (now - begin < LENGTH_NS) {
		for (unsigned i = 0; i < 16; i++) {
			memcpy(to + to_at, from + from_at, block);
			from_at = from_at + 2 * block <= from_size ? from_at + block : 0;
			to_at = to_at + 2 * block <= to_size ? to_at + block : 0;
			copied += block;
		}
		now = monotonic_ns();
	}
	printf("%.0f\n", (double)copied * 8e9 / (double)(now - begin));
	free(from);
	free(to);
	return 0;
}

int main(int count, char **words)
{
	if (count == 4 && !strcmp(words[1], "line"))
		return measure_line(words + 2);
	if (count == 5 && !strcmp(words[1], "copy"))
		return measure_copy(words + 2);
	fprintf(stderr,
		"usage: wire_limits line PROCESSOR PROCESSOR\n"
		"       wire_limits copy BLOCK FROM-SIZE TO-SIZE\n");
	return 2;
}
