#ifndef SANDBOX_H
#define SANDBOX_H

/*
 * Give up what only the start needs, before there is a second thread. The kernel is opened after
 * it, so that a reboot can open it as well. 0 or -errno with one line logged.
 */
int sandbox_enter(void);

#endif
