/* SPDX-License-Identifier: Apache-2.0 */
#include "control/server.h"

#include "base/buffer.h"
#include "base/cleanup.h"
#include "base/list.h"
#include "base/require.h"
#include "control/address.h"
#include "net/loop.h"

#include <errno.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>

#define ACCEPT_PAUSE_US CLOCK_SECOND_US
#define READ_SIZE 4096

struct control_server {
	struct net_loop *loop;
	const struct control_command *commands;
	void *argument;
	char *path;
	int descriptor;
	dev_t device; /* of the socket's file, so that we remove no other */
	ino_t inode;
	struct net_watch *watch;
	struct wheel_timer resume; /* accepts again after the system had no descriptors */
	struct list clients;
	size_t client_count;
};

struct client {
	struct list link;
	struct control_server *server;
	int descriptor;
	struct net_watch *watch;
	struct wheel_timer idle;
	struct buffer input;
	struct buffer output; /* while it holds anything nothing is read */
};

/* ---- answers ---- */

static const struct control_command *command_find(const struct control_server *server, const char *name)
{
	for (const struct control_command *command = server->commands; name && command->name; command++) {
		if (strcmp(command->name, name) == 0)
			return command;
	}
	return NULL;
}

static void reply_refuse(json_t *reply, const char *why)
{
	json_object_set_new(reply, "ok", json_false());
	if (!json_object_get(reply, "error"))
		json_object_set_new(reply, "error", json_string(why));
}

static void run_request(const struct control_server *server, const json_t *request, json_t *reply)
{
	const struct control_command *command =
		command_find(server, json_string_value(json_object_get(request, "command")));
	if (!command) {
		reply_refuse(reply, request ? "no such command" : "not a JSON object");
		return;
	}
	int status = command->handle(server->argument, request, reply);
	if (status < 0)
		reply_refuse(reply, strerror(-status));
	else
		json_object_set_new(reply, "ok", json_true());
}

static int write_reply(struct client *client, const json_t *reply)
{
	base_cleanup(free_pointer) char *text = json_dumps(reply, JSON_COMPACT);
	if (!text)
		return -ENOMEM;
	buffer_append_text(&client->output, text);
	return buffer_append_byte(&client->output, '\n');
}

static int answer_line(struct client *client, struct span line)
{
	json_t *reply = json_object();
	json_t *request = json_loadb(line.at, line.length, JSON_REJECT_DUPLICATES, NULL);
	if (!json_is_object(request)) {
		json_decref(request);
		request = NULL;
	}
	run_request(client->server, request, reply);
	int status = write_reply(client, reply);
	json_decref(request);
	json_decref(reply);
	if (status != -ENOBUFS)
		return status;
	buffer_clear(&client->output);
	return buffer_append_text(&client->output, "{\"ok\":false,\"error\":\"the answer is too long\"}\n");
}

/* ---- clients ---- */

static void client_close(struct client *client)
{
	struct control_server *server = client->server;
	list_remove(&client->link);
	server->client_count--;
	net_watch_free(client->watch);
	wheel_disarm(net_loop_wheel(server->loop), &client->idle);
	close(client->descriptor);
	buffer_done(&client->input);
	buffer_done(&client->output);
	free(client);
}

static void client_idle(struct wheel_timer *timer, int64_t now_us)
{
	(void)now_us;
	client_close(base_container(timer, struct client, idle));
}

static void client_rest(struct client *client)
{
	struct net_loop *loop = client->server->loop;
	wheel_arm(net_loop_wheel(loop), &client->idle, net_loop_now_us(loop) + CONTROL_IDLE_S * CLOCK_SECOND_US);
}

/* 0: all sent; 1: the rest must wait; negative: the client is gone. */
static int client_flush(struct client *client)
{
	while (client->output.length) {
		ssize_t sent =
			send(client->descriptor, client->output.at, client->output.length, MSG_NOSIGNAL | MSG_DONTWAIT);
		if (sent > 0)
			buffer_consume(&client->output, (size_t)sent);
		else if (errno != EINTR)
			return errno == EAGAIN ? 1 : -errno;
	}
	return 0;
}

/* Answers one line after the other, each only when the answer before it has gone. */
static int client_work(struct client *client)
{
	for (;;) {
		int status = client_flush(client);
		if (status != 0)
			return status;
		struct span input = buffer_span(&client->input);
		size_t end = span_find(input, '\n');
		if (end == input.length)
			return input.length > CONTROL_REQUEST_MAXIMUM ? -EMSGSIZE : 0;
		status = answer_line(client, span_first(input, end));
		if (status < 0)
			return status;
		buffer_consume(&client->input, end + 1);
	}
}

static int client_read(struct client *client)
{
	int status = buffer_reserve(&client->input, READ_SIZE);
	if (status < 0)
		return status;
	ssize_t got = recv(client->descriptor, client->input.at + client->input.length, READ_SIZE, MSG_DONTWAIT);
	if (got == 0)
		return -ECONNRESET;
	if (got < 0)
		return errno == EAGAIN || errno == EINTR ? 0 : -errno;
	client->input.length += (size_t)got;
	return 0;
}

static void client_ready(void *argument, int events)
{
	struct client *client = argument;
	int status = events & NET_READABLE && client->output.length == 0 ? client_read(client) : 0;
	if (status == 0)
		status = client_work(client);
	if (status >= 0)
		status = net_watch_set(client->watch, client->output.length ? NET_WRITABLE : NET_READABLE);
	if (status < 0) {
		client_close(client);
		return;
	}
	client_rest(client);
}

/* The mode of the socket's file keeps others out; this holds even where somebody changed it. */
static bool is_owner(int descriptor)
{
	struct ucred peer;
	socklen_t length = sizeof(peer);
	if (getsockopt(descriptor, SOL_SOCKET, SO_PEERCRED, &peer, &length) < 0)
		return false;
	return peer.uid == geteuid() || peer.uid == 0;
}

static int client_new(struct control_server *server, int descriptor)
{
	struct client *client = calloc(1, sizeof(*client));
	if (!client)
		return -ENOMEM;
	client->server = server;
	client->descriptor = descriptor;
	buffer_init(&client->input, CONTROL_REQUEST_MAXIMUM + 2 * READ_SIZE);
	buffer_init(&client->output, CONTROL_REPLY_MAXIMUM);
	wheel_timer_init(&client->idle, client_idle);
	int status = net_watch_new(server->loop, descriptor, NET_READABLE, client_ready, client, &client->watch);
	if (status < 0) {
		free(client);
		return status;
	}
	list_append(&server->clients, &client->link);
	server->client_count++;
	client_rest(client);
	return 0;
}

/* ---- accepting ---- */

static void server_resume(struct wheel_timer *timer, int64_t now_us)
{
	struct control_server *server = base_container(timer, struct control_server, resume);
	(void)now_us;
	net_watch_set(server->watch, NET_READABLE);
}

/* Out of descriptors: the client stays in the queue, and asking again at once would spin. */
static void server_pause(struct control_server *server)
{
	net_watch_set(server->watch, 0);
	wheel_arm(net_loop_wheel(server->loop), &server->resume, net_loop_now_us(server->loop) + ACCEPT_PAUSE_US);
}

static void server_ready(void *argument, int events)
{
	struct control_server *server = argument;
	(void)events;
	for (int i = 0; i < CONTROL_CLIENT_MAXIMUM; i++) {
		int descriptor = accept4(server->descriptor, NULL, NULL, SOCK_CLOEXEC | SOCK_NONBLOCK);
		if (descriptor < 0) {
			if (errno != EAGAIN && errno != EINTR && errno != ECONNABORTED)
				server_pause(server);
			return;
		}
		if (!is_owner(descriptor) || server->client_count == CONTROL_CLIENT_MAXIMUM ||
			client_new(server, descriptor) < 0)
			close(descriptor);
	}
}

/* ---- the socket's file ---- */

/* 0 where the name is free now. */
static int path_clear(const char *path, const struct sockaddr_un *address)
{
	struct stat status;
	if (lstat(path, &status) < 0)
		return errno == ENOENT ? 0 : -errno;
	if (!S_ISSOCK(status.st_mode))
		return -EEXIST;
	base_cleanup(close_descriptor) int probe = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
	if (probe < 0)
		return -errno;
	if (connect(probe, (const struct sockaddr *)address, sizeof(*address)) == 0 || errno == EAGAIN)
		return -EADDRINUSE;
	if (errno != ECONNREFUSED && errno != ENOENT)
		return -errno;
	return unlink(path) < 0 && errno != ENOENT ? -errno : 0;
}

static int socket_bind(int descriptor, const char *path, const struct sockaddr_un *address)
{
	/* Linux gives the file the mode of the unbound socket, so it is never open to others, whatever
	 * the umask; umask() itself would belong to all threads. */
	if (fchmod(descriptor, S_IRUSR | S_IWUSR) < 0)
		return -errno;
	if (bind(descriptor, (const struct sockaddr *)address, sizeof(*address)) < 0)
		return -errno;
	if (listen(descriptor, CONTROL_CLIENT_MAXIMUM) < 0) {
		int status = -errno;
		unlink(path);
		return status;
	}
	return 0;
}

static int server_bind(struct control_server *server, const struct sockaddr_un *address)
{
	struct stat status;
	int result = path_clear(server->path, address);
	if (result < 0)
		return result;
	server->descriptor = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
	if (server->descriptor < 0)
		return -errno;
	result = socket_bind(server->descriptor, server->path, address);
	if (result < 0)
		return result;
	if (lstat(server->path, &status) == 0) {
		server->device = status.st_dev;
		server->inode = status.st_ino;
	}
	return 0;
}

static void remove_own_file(const struct control_server *server)
{
	struct stat status;
	if (server->inode && lstat(server->path, &status) == 0 && status.st_dev == server->device &&
		status.st_ino == server->inode)
		unlink(server->path);
}

int control_server_open(const struct control_server_options *options, struct control_server **ret_server)
{
	struct sockaddr_un address;
	int status = control_address(options->path, &address);
	if (status < 0)
		return status;
	struct control_server *server = calloc(1, sizeof(*server));
	if (!server)
		return -ENOMEM;
	server->loop = options->loop;
	server->commands = options->commands;
	server->argument = options->argument;
	server->descriptor = -1;
	list_init(&server->clients);
	wheel_timer_init(&server->resume, server_resume);
	server->path = strdup(options->path);
	status = server->path ? server_bind(server, &address) : -ENOMEM;
	if (status == 0)
		status = net_watch_new(
			server->loop, server->descriptor, NET_READABLE, server_ready, server, &server->watch);
	if (status < 0)
		control_server_close(server);
	else
		*ret_server = server;
	return status;
}

void control_server_close(struct control_server *server)
{
	if (!server)
		return;
	list_each_safe (link, following, &server->clients)
		client_close(base_container(link, struct client, link));
	net_watch_free(server->watch);
	wheel_disarm(net_loop_wheel(server->loop), &server->resume);
	if (server->descriptor >= 0)
		close(server->descriptor);
	if (server->path)
		remove_own_file(server);
	free(server->path);
	free(server);
}
