/* Who is at the other end of a unix socket. */

#include "person.h"

#include <pwd.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#define PASSWORD_FILE "/etc/passwd"
#define ENTRY_MAX 4096

static bool is_printable(const char *text)
{
	for (; *text; text++) {
		if (*text <= ' ' || *text >= 0x7f)
			return false;
	}
	return true;
}

/* Not getpwuid(): it may ask a network, and muxd's loop must not wait. */
static void find_name(struct person *person)
{
	FILE *file = fopen(PASSWORD_FILE, "re");
	struct passwd entry = { 0 }, *found;
	char buffer[ENTRY_MAX];

	snprintf(person->user, sizeof(person->user), "%u", (unsigned)person->uid);
	while (file && !fgetpwent_r(file, &entry, buffer, sizeof(buffer), &found)) {
		if (entry.pw_uid != person->uid || !*entry.pw_name ||
			!is_printable(entry.pw_name) ||
			strlen(entry.pw_name) >= sizeof(person->user))
			continue;
		snprintf(person->user, sizeof(person->user), "%s", entry.pw_name);
		break;
	}
	if (file)
		fclose(file);
}

static struct ucred credentials_at(int fd)
{
	struct ucred credentials;
	socklen_t size = sizeof(credentials);

	if (getsockopt(fd, SOL_SOCKET, SO_PEERCRED, &credentials, &size))
		return (struct ucred){ .uid = (uid_t)-1 };
	return credentials;
}

uid_t person_uid_at(int fd)
{
	return credentials_at(fd).uid;
}

void person_at(int fd, struct person *person)
{
	struct ucred credentials = credentials_at(fd);

	*person = (struct person){ .pid = credentials.pid, .uid = credentials.uid };
	find_name(person);
}

void person_text(const struct person *person, char text[static PERSON_TEXT_MAX])
{
	if (person->pid)
		snprintf(text, PERSON_TEXT_MAX, "%s (pid %d)", person->user, (int)person->pid);
	else
		snprintf(text, PERSON_TEXT_MAX, "%s", person->user);
}

bool person_is_ours(uid_t uid)
{
	return uid == 0 || uid == geteuid();
}
