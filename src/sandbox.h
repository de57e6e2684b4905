#ifndef SANDBOX_H
#define SANDBOX_H

/*
 * Give up what only the start needs; once everything is opened, before there is a second thread.
 * 0 or -errno with one line logged.
 */
int sandbox_enter(void);

#endif
