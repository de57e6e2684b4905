/* Preloaded into vmm: a KVM without read-only memory slots and without coalesced writes. */

#define _GNU_SOURCE // NOLINT: the C library's own
#include <dlfcn.h>
#include <stdarg.h>

#include <linux/kvm.h>

int ioctl(int fd, unsigned long request, ...)
{
	static int (*real)(int fd, unsigned long request, unsigned long argument);
	unsigned long argument;
	va_list list;

	va_start(list, request);
	argument = va_arg(list, unsigned long);
	va_end(list);
	if (!real)
		*(void **)&real = dlsym(RTLD_NEXT, "ioctl");
	if (request == KVM_CHECK_EXTENSION &&
		(argument == KVM_CAP_READONLY_MEM || argument == KVM_CAP_COALESCED_MMIO))
		return 0;
	return real(fd, request, argument);
}
