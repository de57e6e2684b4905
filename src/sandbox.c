/* What the process gives up before a guest's first instruction. */

#include "sandbox.h"

#include "log.h"

#include <cap-ng.h>
#include <errno.h>
#include <string.h>
#include <sys/prctl.h>

/*
 * How it works. A guest that breaks out of its machine finds a process without capabilities, that
 * cannot gain any by running a program. What stays is what is open: KVM's descriptors, guest
 * memory, sockets, and the files that user and group may open.
 */
int sandbox_enter(void)
{
	if (prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) < 0) {
		log_error("sandbox: no_new_privs: %s", strerror(errno));
		return -errno;
	}
	if (capng_have_capabilities(CAPNG_SELECT_CAPS) == CAPNG_NONE)
		return 0;
	capng_clear(CAPNG_SELECT_CAPS);
	if (capng_apply(CAPNG_SELECT_CAPS) < 0) {
		log_error("sandbox: capabilities cannot be dropped: %s", strerror(errno));
		return -EPERM;
	}
	return 0;
}
