/* SPDX-License-Identifier: Apache-2.0 */
#ifndef FEDGE_TESTS_CHECK_DNS_SERVER_H
#define FEDGE_TESTS_CHECK_DNS_SERVER_H
/* A DNS server on UDP with a table of records, in a thread of its own. It signs nothing and knows nothing else. */
#include "base/require.h"
#include "base/span.h"

#include <arpa/inet.h>
#include <netinet/in.h>
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/socket.h>
#include <unistd.h>

struct dns_line {
	const char *name; /* without the root dot */
	unsigned type; /* 1: A, 33: SRV */
	const char *data; /* "192.0.2.1", "priority weight port target" */
};

struct dns_server {
	const struct dns_line *lines; /* the last one has no name */
	int socket;
	char address[64]; /* IP@PORT */
	pthread_t thread;
	_Atomic unsigned asked;
};

static inline size_t dns_put_name(unsigned char *at, const char *name)
{
	size_t used = 0;
	for (struct span rest = span_of(name), label; rest.at && rest.length;) {
		label = span_cut(&rest, '.');
		at[used++] = (unsigned char)label.length;
		memcpy(at + used, label.at, label.length);
		used += label.length;
	}
	at[used++] = 0;
	return used;
}

static inline size_t dns_put16(unsigned char *at, unsigned value)
{
	at[0] = (unsigned char)(value >> 8);
	at[1] = (unsigned char)value;
	return 2;
}

static inline size_t dns_put_data(unsigned char *at, const struct dns_line *line)
{
	unsigned numbers[3];
	char target[200];
	if (line->type == 1) {
		base_require(inet_pton(AF_INET, line->data, at) == 1);
		return 4;
	}
	base_require(sscanf(line->data, "%u %u %u %199s", &numbers[0], &numbers[1], &numbers[2], target) == 4);
	for (size_t i = 0; i < 3; i++)
		dns_put16(at + 2 * i, numbers[i]);
	return 6 + dns_put_name(at + 6, target);
}

/* The question's name as text; gives the bytes of the question. */
static inline size_t dns_read_question(const unsigned char *at, size_t size, char *ret_name, unsigned *ret_type)
{
	size_t used = 0, length = 0;
	while (used < size && at[used]) {
		if (length)
			ret_name[length++] = '.';
		memcpy(ret_name + length, at + used + 1, at[used]);
		length += at[used];
		used += 1u + at[used];
	}
	ret_name[length] = '\0';
	*ret_type = (unsigned)at[used + 1] << 8 | at[used + 2];
	return used + 5;
}

static inline size_t dns_answer(const struct dns_server *server, unsigned char *message, size_t size)
{
	char name[300];
	unsigned type, count = 0;
	bool exists = false;
	size_t used = 12 + dns_read_question(message + 12, size - 12, name, &type);
	for (const struct dns_line *line = server->lines; line->name; line++) {
		if (!span_equal_nocase(span_of(line->name), span_of(name)))
			continue;
		exists = true;
		if (line->type != type)
			continue;
		static const unsigned char head[] = { 0xc0, 12, 0, 0, 0, 1, 0, 0, 0, 60 };
		memcpy(message + used, head, sizeof(head));
		dns_put16(message + used + 2, type);
		size_t length = dns_put_data(message + used + 12, line);
		dns_put16(message + used + 10, (unsigned)length);
		used += 12 + length;
		count++;
	}
	message[2] = 0x85; /* an answer with authority, recursion as wanted */
	message[3] = exists ? 0x80 : 0x83;
	dns_put16(message + 4, 1);
	dns_put16(message + 6, count);
	dns_put16(message + 8, 0);
	dns_put16(message + 10, 0);
	return used;
}

static inline void *dns_serve(void *argument)
{
	struct dns_server *server = argument;
	for (;;) {
		unsigned char message[4096];
		struct sockaddr_in from;
		socklen_t length = sizeof(from);
		ssize_t size = recvfrom(server->socket, message, 512, 0, (struct sockaddr *)&from, &length);
		if (size < 17)
			return NULL; /* the end is told by an empty datagram */
		server->asked++;
		size_t answer = dns_answer(server, message, (size_t)size);
		sendto(server->socket, message, answer, 0, (struct sockaddr *)&from, length);
	}
}

static inline void dns_start(struct dns_server *server, const struct dns_line *lines)
{
	struct sockaddr_in local = { .sin_family = AF_INET, .sin_addr.s_addr = htonl(INADDR_LOOPBACK) };
	socklen_t length = sizeof(local);
	*server = (struct dns_server){ .lines = lines, .socket = socket(AF_INET, SOCK_DGRAM | SOCK_CLOEXEC, 0) };
	base_require(bind(server->socket, (struct sockaddr *)&local, length) == 0);
	base_require(getsockname(server->socket, (struct sockaddr *)&local, &length) == 0);
	snprintf(server->address, sizeof(server->address), "127.0.0.1@%u", ntohs(local.sin_port));
	base_require(pthread_create(&server->thread, NULL, dns_serve, server) == 0);
}

static inline void dns_stop(struct dns_server *server)
{
	struct sockaddr_in self;
	socklen_t length = sizeof(self);
	base_require(getsockname(server->socket, (struct sockaddr *)&self, &length) == 0);
	sendto(server->socket, "", 0, 0, (struct sockaddr *)&self, length);
	pthread_join(server->thread, NULL);
	close(server->socket);
}
#endif
