#ifndef COMPILER_H
#define COMPILER_H

/* Arguments chosen by a guest or another peer: -fanalyzer follows where they go. */
#if defined(__GNUC__) && !defined(__clang__) && __GNUC__ >= 12
#define FROM_GUEST __attribute__((tainted_args))
#else
#define FROM_GUEST
#endif

/* Whether the compiler's run-time checks are built in, which need more of the system than we do. */
#if defined(__SANITIZE_ADDRESS__) || defined(__SANITIZE_THREAD__)
#define SANITIZED 1
#elif defined(__has_feature)
#define SANITIZED \
	(__has_feature(address_sanitizer) || __has_feature(thread_sanitizer) || \
		__has_feature(memory_sanitizer))
#else
#define SANITIZED 0
#endif

/*
 * Compiled for several generations of processors, the best one chosen when the program starts. For
 * static functions: compilers differ in what others see. Not with sanitizers, which do not work yet
 * at that time.
 */
#if defined(__x86_64__) && !SANITIZED
#define VECTOR_CLONES __attribute__((target_clones("avx512f", "avx2", "default")))
#else
#define VECTOR_CLONES
#endif

/* Have a cache line brought here, for itself alone; a processor that cannot does nothing. */
#if defined(__x86_64__)
#define PREFETCH_TO_WRITE(address) \
	__asm__ volatile("prefetchw %0" : : "m"(*(const unsigned char *)(address)))
#else
#define PREFETCH_TO_WRITE(address) __builtin_prefetch(address, 1)
#endif

#define LIKELY(condition) __builtin_expect(!!(condition), 1)
#define UNLIKELY(condition) __builtin_expect(!!(condition), 0)

#define PRINTF_LIKE(text, first) __attribute__((format(printf, text, first)))
#define ARRAY_SIZE(array) (sizeof(array) / sizeof((array)[0]))
#define CONTAINER_OF(pointer, type, member) \
	((type *)(void *)((char *)(pointer)-offsetof(type, member)))

#endif
