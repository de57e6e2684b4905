#ifndef WORKER_H
#define WORKER_H

/*
 * The worker of a wire: muxd re-executed ("/proc/self/exe"), with two words that nobody types:
 *
 *	{ "muxd: wire NAME", WORKER_WORD, NULL }
 *
 * and its end of the control sockets (wire_control.h) as descriptor WORKER_CONTROL_FD. Errors are
 * lines on stderr; everything else is said over the socket. Other descriptors that came along are
 * closed. Signals mean nothing to it but SIGKILL: it ends when the main process does.
 */
#define WORKER_WORD "-worker-of-a-wire"
#define WORKER_CONTROL_FD 3

/*
 * Serve one wire until the control socket closes; returns the process's exit status: 0 then, 1
 * after one line logged. The first message has to be WIRE_SETUP; WIRE_READY answers it, once the
 * process has given up all rights to open anything.
 */
int worker_main(int control_fd);

#endif
