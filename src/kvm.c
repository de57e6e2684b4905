/* The host's KVM device: opening it, and what to do about it when that fails. */

#include "kvm.h"

#include "compiler.h"
#include "fd.h"
#include "log.h"

#include <errno.h>
#include <fcntl.h>
#include <stddef.h>
#include <string.h>
#include <sys/ioctl.h>

#include <linux/kvm.h>

#define KVM_DEVICE "/dev/kvm"

/* Without these no guest runs here. */
static const struct {
	long capability;
	const char *name;
} needed[] = {
	{ KVM_CAP_USER_MEMORY, "user memory" },
	{ KVM_CAP_IRQFD, "irqfd" },
	{ KVM_CAP_IOEVENTFD, "ioeventfd" },
	{ KVM_CAP_IMMEDIATE_EXIT, "immediate exit" },
};

int kvm_ioctl(int fd, unsigned long request, const void *argument)
{
	int result;

	do {
		result = ioctl(fd, request, argument);
	} while (result < 0 && errno == EINTR);
	return result < 0 ? -errno : result;
}

int kvm_capability(int fd, long capability)
{
	int result = ioctl(fd, KVM_CHECK_EXTENSION, capability);

	return result < 0 ? 0 : result;
}

static int explain_open(int error)
{
	switch (error) {
	case ENOENT:
	case ENODEV:
	case ENXIO:
		log_error(KVM_DEVICE ": %s: enable virtualisation in the firmware (or nested "
				     "virtualisation on the outer host) and load the kvm module",
			strerror(error));
		return -EINVAL;
	case EACCES:
	case EPERM:
		log_error(KVM_DEVICE
			": %s: join the device's group (usermod -aG kvm USER, then log "
			"in again) or run as root",
			strerror(error));
		return -EINVAL;
	default:
		log_error(KVM_DEVICE ": %s", strerror(error));
		return -error;
	}
}

static int check(int fd)
{
	int version = ioctl(fd, KVM_GET_API_VERSION, 0);

	if (version < 0) {
		log_error(KVM_DEVICE " is not KVM's device: %s", strerror(errno));
		return -EINVAL;
	}
	if (version != KVM_API_VERSION) {
		log_error(KVM_DEVICE " speaks version %d, version %d is needed: use a newer kernel",
			version, KVM_API_VERSION);
		return -EINVAL;
	}
	for (size_t i = 0; i < ARRAY_SIZE(needed); i++) {
		if (kvm_capability(fd, needed[i].capability))
			continue;
		log_error(KVM_DEVICE " lacks %s: use a newer kernel", needed[i].name);
		return -EINVAL;
	}
	return 0;
}

int kvm_open(void)
{
	AUTO_CLOSE int fd = open(KVM_DEVICE, O_RDWR | O_CLOEXEC);

	if (fd < 0)
		return explain_open(errno);

	int result = check(fd);

	return result < 0 ? result : take_fd(&fd);
}

int kvm_create_vm(int kvm_fd, const char *guest)
{
	int fd = kvm_ioctl(kvm_fd, KVM_CREATE_VM, NULL);

	if (fd < 0)
		log_error("%s: KVM makes no virtual machine: %s", guest, strerror(-fd));
	return fd;
}
