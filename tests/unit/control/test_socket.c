/* SPDX-License-Identifier: Apache-2.0 */
/* Both ends of the control socket: the server on a loop of its own, clients in the test's thread. */
#include "base/clock.h"
#include "base/require.h"
#include "control/client.h"
#include "control/server.h"
#include "net/loop.h"
#include "unit/cmocka_all.h"

#include <errno.h>
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <unistd.h>

#define TIMEOUT_MS 20000

struct house {
	char folder[64];
	char path[96];
	char node[16];
	struct clock clock;
	struct net_loop *loop;
	struct control_server *server;
	pthread_t thread;
	bool running;
};

static int handle_status(void *argument, const json_t *request, json_t *reply)
{
	(void)request;
	json_object_set_new(reply, "node", json_string(argument));
	return 0;
}

static int handle_refuse(void *argument, const json_t *request, json_t *reply)
{
	(void)argument;
	const char *why = json_string_value(json_object_get(request, "why"));
	if (why)
		json_object_set_new(reply, "error", json_string(why));
	return -ENOENT;
}

static int handle_large(void *argument, const json_t *request, json_t *reply)
{
	(void)argument;
	size_t size = (size_t)json_integer_value(json_object_get(request, "size"));
	char *text = malloc(size + 1);
	memset(text, 'x', size);
	text[size] = '\0';
	json_object_set_new(reply, "text", json_string(text));
	free(text);
	return 0;
}

static const struct control_command commands[] = {
	{ "status", handle_status },
	{ "refuse", handle_refuse },
	{ "large", handle_large },
	{ NULL, NULL },
};

static int server_open(struct house *h, struct control_server **ret_server)
{
	struct control_server_options options = { h->loop, h->path, commands, h->node };
	return control_server_open(&options, ret_server);
}

static void *run_loop(void *argument)
{
	net_loop_run(argument);
	return NULL;
}

static int set_up(void **state)
{
	struct house *h = calloc(1, sizeof(*h));
	snprintf(h->folder, sizeof(h->folder), "/tmp/fedge-control-XXXXXX");
	if (!mkdtemp(h->folder))
		return -1;
	snprintf(h->path, sizeof(h->path), "%s/socket", h->folder);
	h->clock = clock_system();
	strcpy(h->node, "a.example");
	*state = h;
	return net_loop_new(&h->clock, &h->loop);
}

static void start(struct house *h)
{
	assert_int_equal(server_open(h, &h->server), 0);
	assert_int_equal(pthread_create(&h->thread, NULL, run_loop, h->loop), 0);
	h->running = true;
}

static int tear_down(void **state)
{
	struct house *h = *state;
	if (h->running) {
		net_loop_stop(h->loop);
		pthread_join(h->thread, NULL);
	}
	control_server_close(h->server);
	net_loop_free(h->loop);
	unlink(h->path);
	int status = rmdir(h->folder);
	free(h);
	return status;
}

static int dial(const struct house *h)
{
	struct sockaddr_un address = { .sun_family = AF_UNIX };
	snprintf(address.sun_path, sizeof(address.sun_path), "%s", h->path);
	int descriptor = socket(AF_UNIX, SOCK_STREAM, 0);
	assert_true(descriptor >= 0);
	assert_int_equal(connect(descriptor, (struct sockaddr *)&address, sizeof(address)), 0);
	return descriptor;
}

/* What the server says to bytes, until so many lines have come or it hangs up. */
static void talk(int descriptor, const char *bytes, size_t lines, char *ret_text, size_t capacity)
{
	size_t length = 0, seen = 0;
	assert_int_equal(send(descriptor, bytes, strlen(bytes), MSG_NOSIGNAL), (ssize_t)strlen(bytes));
	while (seen < lines && length + 1 < capacity) {
		ssize_t got = recv(descriptor, ret_text + length, 1, 0);
		if (got <= 0)
			break;
		seen += ret_text[length++] == '\n';
	}
	ret_text[length] = '\0';
}

static const struct {
	const char *name;
	const char *request;
	const char *reply;
} cases[] = {
	{ "a command", "{\"command\":\"status\"}\n", "{\"node\":\"a.example\",\"ok\":true}\n" },
	{ "unknown", "{\"command\":\"stats\"}\n", "{\"ok\":false,\"error\":\"no such command\"}\n" },
	{ "no command", "{}\n", "{\"ok\":false,\"error\":\"no such command\"}\n" },
	{ "a command that is no text", "{\"command\":7}\n", "{\"ok\":false,\"error\":\"no such command\"}\n" },
	{ "no JSON", "status\n", "{\"ok\":false,\"error\":\"not a JSON object\"}\n" },
	{ "no object", "[1]\n", "{\"ok\":false,\"error\":\"not a JSON object\"}\n" },
	{ "an empty line", "\n", "{\"ok\":false,\"error\":\"not a JSON object\"}\n" },
	{ "refused by number", "{\"command\":\"refuse\"}\n",
		"{\"ok\":false,\"error\":\"No such file or directory\"}\n" },
	{ "refused in words", "{\"command\":\"refuse\",\"why\":\"because\"}\n",
		"{\"error\":\"because\",\"ok\":false}\n" },
	{ "two at once", "{\"command\":\"status\"}\n{}\n",
		"{\"node\":\"a.example\",\"ok\":true}\n{\"ok\":false,\"error\":\"no such command\"}\n" },
};

static void each_line_gets_its_answer(void **state)
{
	struct house *h = *state;
	start(h);
	for (size_t i = 0; i < BASE_COUNT(cases); i++) {
		char reply[1024];
		size_t lines = 0;
		for (const char *c = cases[i].reply; *c; c++)
			lines += *c == '\n';
		int descriptor = dial(h);
		talk(descriptor, cases[i].request, lines, reply, sizeof(reply));
		if (strcmp(reply, cases[i].reply) != 0)
			fail_msg("%s: %s", cases[i].name, reply);
		close(descriptor);
	}
}

static void the_client_asks_and_waits(void **state)
{
	struct house *h = *state;
	json_t *request = json_pack("{s:s}", "command", "status"), *reply = NULL;
	assert_int_equal(control_ask(h->path, request, TIMEOUT_MS, &reply), -ENOENT);
	start(h);
	assert_int_equal(control_ask(h->path, request, TIMEOUT_MS, &reply), 0);
	assert_string_equal(json_string_value(json_object_get(reply, "node")), "a.example");
	json_decref(reply);
	json_decref(request);
	request = json_pack("{s:s,s:i}", "command", "large", "size", 3 << 20);
	assert_int_equal(control_ask(h->path, request, TIMEOUT_MS, &reply), 0);
	assert_int_equal(json_string_length(json_object_get(reply, "text")), 3 << 20);
	json_decref(reply);
	json_decref(request);
	request = json_pack("{s:s,s:i}", "command", "large", "size", 17 << 20);
	assert_int_equal(control_ask(h->path, request, TIMEOUT_MS, &reply), 0);
	assert_string_equal(json_string_value(json_object_get(reply, "error")), "the answer is too long");
	json_decref(reply);
	json_decref(request);
}

static void a_silent_node_is_given_up(void **state)
{
	struct house *h = *state;
	json_t *request = json_pack("{s:s}", "command", "status"), *reply = NULL;
	/* The loop does not turn: the kernel takes the connection, nobody answers. */
	assert_int_equal(server_open(h, &h->server), 0);
	assert_int_equal(control_ask(h->path, request, 50, &reply), -ETIMEDOUT);
	json_decref(request);
}

static void only_the_owner_may_connect(void **state)
{
	struct house *h = *state;
	struct stat status;
	mode_t before = umask(0);
	int result = server_open(h, &h->server);
	umask(before);
	assert_int_equal(result, 0);
	assert_int_equal(stat(h->path, &status), 0);
	assert_int_equal(status.st_mode & 0777, 0600);
}

static void a_dead_nodes_socket_is_replaced(void **state)
{
	struct house *h = *state;
	struct sockaddr_un address = { .sun_family = AF_UNIX };
	snprintf(address.sun_path, sizeof(address.sun_path), "%s", h->path);
	int dead = socket(AF_UNIX, SOCK_STREAM, 0);
	assert_int_equal(bind(dead, (struct sockaddr *)&address, sizeof(address)), 0);
	close(dead);
	assert_int_equal(access(h->path, F_OK), 0);
	start(h);
	close(dial(h));
}

static void a_live_node_is_left_alone(void **state)
{
	struct house *h = *state;
	struct control_server *second = NULL;
	start(h);
	assert_int_equal(server_open(h, &second), -EADDRINUSE);
	assert_null(second);
	close(dial(h));
}

static void other_files_are_left_alone(void **state)
{
	struct house *h = *state;
	FILE *file = fopen(h->path, "w");
	assert_non_null(file);
	fclose(file);
	assert_int_equal(server_open(h, &h->server), -EEXIST);
	assert_int_equal(access(h->path, F_OK), 0);
}

static void a_path_may_be_too_long(void **state)
{
	struct house *h = *state;
	char path[200];
	memset(path, 'a', sizeof(path) - 1);
	path[sizeof(path) - 1] = '\0';
	struct control_server_options options = { h->loop, path, commands, NULL };
	assert_int_equal(control_server_open(&options, &h->server), -ENAMETOOLONG);
	options.path = "/nowhere/at/all";
	assert_int_equal(control_server_open(&options, &h->server), -ENOENT);
}

static void the_file_goes_with_its_server_and_no_other(void **state)
{
	struct house *h = *state;
	assert_int_equal(server_open(h, &h->server), 0);
	control_server_close(h->server);
	assert_int_equal(access(h->path, F_OK), -1);
	assert_int_equal(server_open(h, &h->server), 0);
	assert_int_equal(unlink(h->path), 0);
	FILE *file = fopen(h->path, "w");
	fclose(file);
	control_server_close(h->server);
	h->server = NULL;
	assert_int_equal(access(h->path, F_OK), 0);
}

static void a_slow_client_holds_up_nobody(void **state)
{
	struct house *h = *state;
	char reply[256];
	start(h);
	/* Asks for megabytes, many times, and reads none of them. */
	int slow = dial(h);
	for (int i = 0; i < 20; i++) {
		static const char large[] = "{\"command\":\"large\",\"size\":8000000}\n";
		assert_true(send(slow, large, strlen(large), MSG_NOSIGNAL) > 0);
	}
	int quick = dial(h);
	talk(quick, "{\"command\":\"status\"}\n", 1, reply, sizeof(reply));
	assert_string_equal(reply, "{\"node\":\"a.example\",\"ok\":true}\n");
	close(quick);
	close(slow);
}

static void an_endless_request_ends_the_connection(void **state)
{
	struct house *h = *state;
	char piece[4096], byte;
	start(h);
	int descriptor = dial(h);
	memset(piece, 'x', sizeof(piece));
	size_t sent = 0;
	while (sent < 8 * CONTROL_REQUEST_MAXIMUM && send(descriptor, piece, sizeof(piece), MSG_NOSIGNAL) > 0)
		sent += sizeof(piece);
	ssize_t got = recv(descriptor, &byte, 1, 0);
	assert_true(got <= 0);
	close(descriptor);
	close(dial(h));
}

static void clients_are_bounded(void **state)
{
	struct house *h = *state;
	int descriptors[CONTROL_CLIENT_MAXIMUM + 8];
	char reply[256];
	start(h);
	for (size_t i = 0; i < BASE_COUNT(descriptors); i++)
		descriptors[i] = dial(h);
	size_t served = 0;
	for (size_t i = 0; i < BASE_COUNT(descriptors); i++) {
		static const char request[] = "{\"command\":\"status\"}\n";
		bool sent = send(descriptors[i], request, strlen(request), MSG_NOSIGNAL) > 0;
		served += sent && recv(descriptors[i], reply, sizeof(reply), 0) > 0;
	}
	assert_int_equal(served, CONTROL_CLIENT_MAXIMUM);
	for (size_t i = 0; i < BASE_COUNT(descriptors); i++)
		close(descriptors[i]);
}

#define CASE(function) cmocka_unit_test_setup_teardown(function, set_up, tear_down)

int main(void)
{
	const struct CMUnitTest tests[] = {
		CASE(each_line_gets_its_answer),
		CASE(the_client_asks_and_waits),
		CASE(a_silent_node_is_given_up),
		CASE(only_the_owner_may_connect),
		CASE(a_dead_nodes_socket_is_replaced),
		CASE(a_live_node_is_left_alone),
		CASE(other_files_are_left_alone),
		CASE(a_path_may_be_too_long),
		CASE(the_file_goes_with_its_server_and_no_other),
		CASE(a_slow_client_holds_up_nobody),
		CASE(an_endless_request_ends_the_connection),
		CASE(clients_are_bounded),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
