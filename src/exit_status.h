#ifndef EXIT_STATUS_H
#define EXIT_STATUS_H

/* How vmm ends, a promise to supervisors. */
enum exit_status {
	EXIT_POWERED_OFF = 0,
	EXIT_HOST_FAILURE = 1,
	EXIT_OPERATOR_ERROR = 2,
	EXIT_CRASHED = 3,
	EXIT_REBOOT = 102,
};

#endif
