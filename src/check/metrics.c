/* SPDX-License-Identifier: Apache-2.0 */
#include "check/metrics.h"

#include "base/cleanup.h"
#include "net/address.h"

#include <errno.h>
#include <microhttpd.h>
#include <pthread.h>
#include <signal.h>
#include <stdio.h>
#include <sys/socket.h>

#define REQUEST_MAXIMUM (16u << 10) /* of a client's memory: the head of its request and that of our answer */
#define CONTENT_TYPE "text/plain; version=0.0.4; charset=utf-8"

struct check_metrics {
	struct MHD_Daemon *daemon;
	pthread_mutex_t lock; /* of shown */
	struct MHD_Response *shown;
	struct MHD_Response *not_found, *not_allowed; /* never change */
	char url[NET_ADDRESS_TEXT_SIZE + 32];
};

/* ---- answers ---- */

static struct MHD_Response *make_response(void *text, size_t length, enum MHD_ResponseMemoryMode mode)
{
	struct MHD_Response *response = MHD_create_response_from_buffer(length, text, mode);
	if (response && MHD_add_response_header(response, MHD_HTTP_HEADER_CONTENT_TYPE, CONTENT_TYPE) == MHD_YES)
		return response;
	if (response)
		MHD_destroy_response(response);
	return NULL;
}

static struct MHD_Response *make_constant(const char *text)
{
	return make_response((void *)(uintptr_t)text, strlen(text), MHD_RESPMEM_PERSISTENT);
}

/* On the server's thread. */
static enum MHD_Result answer(void *argument, struct MHD_Connection *connection, const char *url, const char *method,
	const char *version, const char *upload, size_t *upload_length, void **memory)
{
	struct check_metrics *metrics = argument;
	(void)version, (void)upload, (void)upload_length, (void)memory;
	if (strcmp(url, "/metrics") != 0)
		return MHD_queue_response(connection, MHD_HTTP_NOT_FOUND, metrics->not_found);
	if (strcmp(method, MHD_HTTP_METHOD_GET) != 0 && strcmp(method, MHD_HTTP_METHOD_HEAD) != 0)
		return MHD_queue_response(connection, MHD_HTTP_METHOD_NOT_ALLOWED, metrics->not_allowed);
	pthread_mutex_lock(&metrics->lock);
	enum MHD_Result result = MHD_queue_response(connection, MHD_HTTP_OK, metrics->shown);
	pthread_mutex_unlock(&metrics->lock);
	return result;
}

/* ---- listening ---- */

static int parse_listen(const char *listen, struct net_address *ret_address)
{
	struct span text = span_of(listen);
	uint64_t port;
	if (span_to_u64(text, UINT16_MAX, &port) == 0)
		return net_address_parse(SPAN("127.0.0.1"), (uint16_t)port, ret_address);
	/* A port must be named: there is no usual one. An IPv6 address without brackets has none. */
	struct span tail = text.length > 0 && text.at[0] == '[' ? span_from(text, span_find(text, ']')) : text;
	struct span after = span_from(tail, span_find(tail, ':') + 1);
	if (after.length == 0 || span_find(after, ':') < after.length)
		return -EINVAL;
	return net_address_parse_port(text, 0, ret_address);
}

static int open_socket(const struct net_address *address, int *ret_socket)
{
	static const int yes = 1;
	base_cleanup(close_descriptor) int made =
		socket(net_address_family(address), SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
	if (made < 0 || setsockopt(made, SOL_SOCKET, SO_REUSEADDR, &yes, sizeof(yes)) < 0 ||
		bind(made, &address->any, address->length) < 0 || listen(made, CHECK_METRICS_CONNECTIONS) < 0)
		return -errno;
	*ret_socket = made;
	made = -1;
	return 0;
}

static void write_url(struct check_metrics *metrics, int listening)
{
	struct sockaddr_storage bound;
	socklen_t length = sizeof(bound);
	struct net_address address;
	char text[NET_ADDRESS_TEXT_SIZE] = "-";
	if (getsockname(listening, (struct sockaddr *)&bound, &length) == 0 &&
		net_address_of_sockaddr((struct sockaddr *)&bound, length, &address) == 0)
		net_address_format(&address, text);
	snprintf(metrics->url, sizeof(metrics->url), "http://%s/metrics", text);
}

/* The daemon owns the socket from here on. Signals are for the program's own thread. */
static int start(struct check_metrics *metrics, int listening)
{
	sigset_t all, before;
	sigfillset(&all);
	pthread_sigmask(SIG_SETMASK, &all, &before);
	/* Not select(2): a run beside it may have thousands of descriptors open. */
	metrics->daemon = MHD_start_daemon(MHD_USE_EPOLL_INTERNAL_THREAD, 0, NULL, NULL, answer, metrics,
		MHD_OPTION_LISTEN_SOCKET, listening, MHD_OPTION_CONNECTION_LIMIT, (unsigned)CHECK_METRICS_CONNECTIONS,
		MHD_OPTION_CONNECTION_TIMEOUT, (unsigned)CHECK_METRICS_IDLE_S, MHD_OPTION_CONNECTION_MEMORY_LIMIT,
		(size_t)REQUEST_MAXIMUM, MHD_OPTION_END);
	pthread_sigmask(SIG_SETMASK, &before, NULL);
	return metrics->daemon ? 0 : -ENOMEM;
}

static int open_at(struct check_metrics *metrics, const struct net_address *address)
{
	int listening = -1;
	metrics->shown = make_constant("");
	metrics->not_found = make_constant("only /metrics is served here\n");
	metrics->not_allowed = make_constant("only GET and HEAD\n");
	if (!metrics->shown || !metrics->not_found || !metrics->not_allowed ||
		MHD_add_response_header(metrics->not_allowed, MHD_HTTP_HEADER_ALLOW, "GET, HEAD") != MHD_YES)
		return -ENOMEM;
	int status = open_socket(address, &listening);
	if (status < 0)
		return status;
	write_url(metrics, listening);
	status = start(metrics, listening);
	if (status < 0)
		close(listening);
	return status;
}

int check_metrics_open(
	const char *listen, struct check_metrics **ret_metrics, char reterr_text[CHECK_METRICS_ERROR_SIZE])
{
	struct net_address address;
	if (parse_listen(listen, &address) < 0) {
		snprintf(reterr_text, CHECK_METRICS_ERROR_SIZE,
			"`%.100s` is no port and no address with a port, such as 9105, 192.0.2.1:9105 or [::1]:9105",
			listen);
		return -EINVAL;
	}
	struct check_metrics *metrics = calloc(1, sizeof(*metrics));
	int status = -ENOMEM;
	if (metrics) {
		pthread_mutex_init(&metrics->lock, NULL);
		status = open_at(metrics, &address);
	}
	if (status == 0) {
		*ret_metrics = metrics;
		return 0;
	}
	snprintf(reterr_text, CHECK_METRICS_ERROR_SIZE, "metrics cannot be served on `%.100s`: %s", listen,
		status == -EADDRINUSE ? "another program listens there" : strerrordesc_np(-status));
	check_metrics_close(metrics);
	return status;
}

const char *check_metrics_url(const struct check_metrics *metrics)
{
	return metrics->url;
}

int check_metrics_show(struct check_metrics *metrics, struct buffer *text)
{
	size_t length = text->length;
	char *taken = buffer_take(text);
	if (!taken)
		return -ENOMEM;
	struct MHD_Response *response = make_response(taken, length, MHD_RESPMEM_MUST_FREE);
	if (!response) {
		free(taken);
		return -ENOMEM;
	}
	pthread_mutex_lock(&metrics->lock);
	struct MHD_Response *old = metrics->shown;
	metrics->shown = response;
	pthread_mutex_unlock(&metrics->lock);
	MHD_destroy_response(old); /* freed with the last scrape that reads it */
	return 0;
}

void check_metrics_close(struct check_metrics *metrics)
{
	if (!metrics)
		return;
	if (metrics->daemon)
		MHD_stop_daemon(metrics->daemon);
	struct MHD_Response *const responses[] = { metrics->shown, metrics->not_found, metrics->not_allowed };
	for (size_t i = 0; i < sizeof(responses) / sizeof(responses[0]); i++) {
		if (responses[i])
			MHD_destroy_response(responses[i]);
	}
	pthread_mutex_destroy(&metrics->lock);
	free(metrics);
}
