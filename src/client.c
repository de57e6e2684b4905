/* The words that speak to a running guest through its control socket. */

#include "client.h"

#include "control.h"
#include "fd.h"
#include "log.h"
#include "runtime_dir.h"
#include "unix_socket.h"
#include "varlink.h"

#include <errno.h>
#include <inttypes.h>
#include <limits.h>
#include <poll.h>
#include <stdio.h>
#include <string.h>

#define MIB (1024LL * 1024)

static int connect_to(const struct client_request *request)
{
	char path[PATH_MAX];
	int length = snprintf(path, sizeof(path), "%s/%s.sock", request->dir->vmm, request->guest);
	int fd = -ENAMETOOLONG;

	if (strchr(request->guest, '/') || request->guest[0] == '\0') {
		log_error("\"%s\" is no guest's name", request->guest);
		return -EINVAL;
	}
	if (length > 0 && (size_t)length < sizeof(path))
		fd = unix_connect(path);
	if (fd == -ENOENT || fd == -ECONNREFUSED)
		log_error("no guest \"%s\" is running: nobody answers at %s", request->guest, path);
	else if (fd < 0)
		log_error("%s: %s", path, strerror(-fd));
	return fd;
}

static void explain(const struct client_request *request, const char *method, const json_t *reply)
{
	const char *error = json_string_value(json_object_get(reply, "error"));
	const char *state =
		json_string_value(json_object_get(json_object_get(reply, "parameters"), "state"));

	if (state)
		log_error("%s: not possible while it is %s", request->guest, state);
	else
		log_error("%s: %s: %s", request->guest, method, error ? error : "no sane answer");
}

/* The reply, to be released; NULL with one line logged. */
static json_t *call(const struct client_request *request, int fd, const char *method)
{
	char name[64];
	json_t *reply = NULL;
	int result;

	snprintf(name, sizeof(name), CONTROL_INTERFACE ".%s", method);
	result = varlink_call(fd, name, NULL, &reply);
	if (result == 0)
		return reply;
	if (result == -EREMOTEIO)
		explain(request, method, reply);
	else
		log_error("%s: the guest's process does not answer: %s", request->guest,
			strerror(-result));
	json_decref(reply);
	return NULL;
}

/* The guest's process closes its sockets when it ends. */
static void wait_for_end(int fd)
{
	struct pollfd poll_fd = { .fd = fd, .events = POLLIN };

	while (poll(&poll_fd, 1, -1) < 0 && errno == EINTR)
		;
}

static enum exit_status command(const struct client_request *request, const char *method, bool wait)
{
	AUTO_CLOSE int fd = connect_to(request);

	if (fd < 0)
		return EXIT_OPERATOR_ERROR;

	json_t *reply = call(request, fd, method);

	if (!reply)
		return EXIT_HOST_FAILURE;
	json_decref(reply);
	if (wait)
		wait_for_end(fd);
	return EXIT_POWERED_OFF;
}

enum exit_status client_stop(const struct client_request *request)
{
	return command(request, "Stop", request->wait);
}

enum exit_status client_kill(const struct client_request *request)
{
	return command(request, "Kill", true);
}

enum exit_status client_reset(const struct client_request *request)
{
	return command(request, "Reset", false);
}

enum exit_status client_pause(const struct client_request *request)
{
	return command(request, "Pause", false);
}

enum exit_status client_resume(const struct client_request *request)
{
	return command(request, "Resume", false);
}

static long long number(const json_t *object, const char *key)
{
	return (long long)json_integer_value(json_object_get(object, key));
}

static const char *text(const json_t *object, const char *key)
{
	const char *value = json_string_value(json_object_get(object, key));

	return value ? value : "?";
}

static void print_vcpus(const json_t *list)
{
	size_t i;
	const json_t *vcpu;

	json_array_foreach(list, i, vcpu)
	{
		const json_t *exits = json_object_get(vcpu, "exits");

		printf("vcpu%-4lld exits: %lld MMIO reads, %lld MMIO writes, %lld port accesses, "
		       "%lld by signals, %lld others\n",
			number(vcpu, "index"), number(exits, "mmio_read"),
			number(exits, "mmio_write"), number(exits, "pio"),
			number(exits, "interrupted"), number(exits, "other"));
	}
}

static void print_devices(const json_t *list)
{
	size_t i;
	const json_t *device;

	json_array_foreach(list, i, device)
		printf("%-8s at 0x%llx, interrupt %lld, status 0x%llx, features 0x%llx\n",
			text(device, "name"), (unsigned long long)number(device, "address"),
			number(device, "interrupt"), (unsigned long long)number(device, "status"),
			(unsigned long long)number(device, "features"));
}

static void print_nets(const json_t *list)
{
	size_t i;
	const json_t *net;

	json_array_foreach(list, i, net)
	{
		const json_t *port = json_object_get(net, "port");
		const json_t *wire = json_object_get(net, "wire");
		bool connected = json_is_true(json_object_get(net, "connected"));
		bool carrier = json_is_true(json_object_get(net, "carrier"));

		printf("net%-5zu %s%s%s, %s, %s, %s\n", i,
			text(net, json_is_string(wire) ? "wire" : "vhost_user"),
			json_is_string(port) ? "/" : "",
			json_is_string(port) ? text(net, "port") : "", text(net, "mac"),
			connected ? "connected" : "nobody there",
			carrier ? "carrier" : "no carrier");
	}
}

static void print_status(const json_t *status)
{
	const json_t *console = json_object_get(status, "console");
	long long seconds = number(status, "uptime_ms") / 1000;
	bool stopping = json_is_true(json_object_get(status, "stopping"));
	bool connected = json_is_true(json_object_get(console, "connected"));

	printf("%s: %s%s, process %lld, up %lld:%02lld:%02lld, %lld reboots\n",
		text(status, "name"), text(status, "state"), stopping ? ", to be powered off" : "",
		number(status, "pid"), seconds / 3600, seconds / 60 % 60, seconds % 60,
		number(status, "reboots"));
	printf("memory   %lld MiB\n", number(status, "memory") / MIB);
	printf("link     %s, %lld bytes of output, %lld lost, %lld bytes of input\n",
		connected ? "connected" : "muxd is not there", number(console, "output"),
		number(console, "lost"), number(console, "input"));
	print_nets(json_object_get(status, "nets"));
	print_devices(json_object_get(status, "devices"));
	print_vcpus(json_object_get(status, "vcpus"));
}

enum exit_status client_status(const struct client_request *request)
{
	AUTO_CLOSE int fd = connect_to(request);

	if (fd < 0)
		return EXIT_OPERATOR_ERROR;

	json_t *status = call(request, fd, "Status");

	if (!status)
		return EXIT_HOST_FAILURE;
	if (request->json) {
		json_dumpf(status, stdout, JSON_INDENT(2));
		putchar('\n');
	} else {
		print_status(status);
	}
	json_decref(status);
	return fflush(stdout) == 0 ? EXIT_POWERED_OFF : EXIT_HOST_FAILURE;
}
