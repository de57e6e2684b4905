#ifndef KVM_H
#define KVM_H

/*
 * The host's KVM: opened, and checked for what every guest here needs. A descriptor or -errno with
 * one line logged; -EINVAL: the operator can mend it.
 */
int kvm_open(void);

/* A new, empty virtual machine. A descriptor or -errno with one line logged. */
int kvm_create_vm(int kvm_fd, const char *guest);

/* What the machine answers to KVM_CHECK_EXTENSION: 0 when the capability is missing. */
int kvm_capability(int fd, long capability);

/* ioctl() that returns -errno, and begins again when a signal came. */
int kvm_ioctl(int fd, unsigned long request, const void *argument);

#endif
