#ifndef PERSON_H
#define PERSON_H

#include <stdbool.h>
#include <stddef.h>
#include <sys/types.h>

/* Who is at the other end of a unix socket, as the kernel knows it from when it was connected. */
struct person {
	pid_t pid; /* 0: not known here */
	uid_t uid;
	char user[33]; /* the name that the password file has for it, or the number; printable */
};

uid_t person_uid_at(int fd); /* -1: not known */

/* Reads the password file only: nothing here waits for a network. */
void person_at(int fd, struct person *person);

/* "root (pid 4711)" */
#define PERSON_TEXT_MAX 64
void person_text(const struct person *person, char text[static PERSON_TEXT_MAX]);

/* Root, or the user this process runs as. */
bool person_is_ours(uid_t uid);

#endif
