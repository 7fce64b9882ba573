/* SPDX-License-Identifier: Apache-2.0 */
/* What a new mutual-TLS connection costs its server, and what an idle one weighs: fedge's net/
 * beside `openssl s_server` and beside OpenSSL alone (no sockets, no loop: the floor).
 *
 * usage: bench_tls [HANDSHAKES [CONNECTIONS]]
 *
 * Every handshake is full, shows a client certificate with one intermediate, then carries one
 * small request and its echo (so that TLS 1.3 has really verified the client). The client is a
 * process of its own; CPU is the server process's, user and system. "tickets on" is how a node
 * runs: with TLS 1.2 the ticket is part of the handshake, with TLS 1.3 only those get one who stay. */
#include "certificates.h"
#include "net/stream.h"
#include "net/tls.h"

#include <errno.h>
#include <fcntl.h>
#include <malloc.h>
#include <netinet/tcp.h>
#include <openssl/err.h>
#include <openssl/ssl.h>
#include <poll.h>
#include <signal.h>
#include <sys/resource.h>
#include <sys/wait.h>

#define PARALLEL 8
#define ROUNDS 7 /* medians of so many */

static struct authority_set authorities;
static bool only_1_2;

static double cpu_ms(const struct rusage *used)
{
	return (double)(used->ru_utime.tv_sec + used->ru_stime.tv_sec) * 1e3 +
	       (double)(used->ru_utime.tv_usec + used->ru_stime.tv_usec) / 1e3;
}
static double own_cpu_ms(void)
{
	struct rusage used;
	getrusage(RUSAGE_SELF, &used);
	return cpu_ms(&used);
}
static double wall_s(void)
{
	struct timespec now;
	clock_gettime(CLOCK_MONOTONIC, &now);
	return (double)now.tv_sec + (double)now.tv_nsec / 1e9;
}
static size_t resident_bytes(void)
{
	unsigned long total = 0, resident = 0;
	FILE *file = fopen("/proc/self/statm", "r");
	if (file && fscanf(file, "%lu %lu", &total, &resident) != 2)
		resident = 0;
	if (file)
		fclose(file);
	return resident * 4096;
}

static SSL_CTX *plain_context(bool server, const char *name)
{
	char file[160];
	SSL_CTX *ctx = SSL_CTX_new(server ? TLS_server_method() : TLS_client_method());
	snprintf(file, sizeof(file), "%s/%s.pem", authorities.folder.path, name);
	base_require(SSL_CTX_use_certificate_chain_file(ctx, file) == 1);
	snprintf(file, sizeof(file), "%s/%s.key", authorities.folder.path, name);
	base_require(SSL_CTX_use_PrivateKey_file(ctx, file, SSL_FILETYPE_PEM) == 1);
	base_require(SSL_CTX_load_verify_locations(ctx, authorities.root_file, NULL) == 1);
	SSL_CTX_set_verify(ctx, SSL_VERIFY_PEER | SSL_VERIFY_FAIL_IF_NO_PEER_CERT, NULL);
	SSL_CTX_set_session_cache_mode(ctx, SSL_SESS_CACHE_OFF);
	SSL_CTX_set_options(ctx, SSL_OP_NO_TICKET);
	SSL_CTX_set_mode(ctx, SSL_MODE_RELEASE_BUFFERS);
	SSL_CTX_set_num_tickets(ctx, 0);
	if (only_1_2)
		SSL_CTX_set_max_proto_version(ctx, TLS1_2_VERSION);
	return ctx;
}

/* ---- the client process ---- */

struct slot {
	int descriptor;
	bool up;
	SSL *ssl;
};

static void slot_begin(struct slot *slot, SSL_CTX *ctx, const struct net_address *to)
{
	struct linger reset = { .l_onoff = 1 };
	int one = 1;
	slot->descriptor = socket(AF_INET, SOCK_STREAM, 0);
	while (connect(slot->descriptor, &to->any, to->length) < 0)
		usleep(1000);
	setsockopt(slot->descriptor, SOL_SOCKET, SO_LINGER, &reset, sizeof(reset)); /* no TIME_WAIT */
	setsockopt(slot->descriptor, IPPROTO_TCP, TCP_NODELAY, &one, sizeof(one));
	fcntl(slot->descriptor, F_SETFL, O_NONBLOCK);
	slot->ssl = SSL_new(ctx);
	SSL_set_fd(slot->ssl, slot->descriptor);
	slot->up = false;
}

/* 1: the echo is back, 0: not yet, -1: failed. */
static int slot_step(struct slot *slot)
{
	char byte;
	ERR_clear_error();
	int result = slot->up ? 1 : SSL_connect(slot->ssl);
	if (result == 1 && !slot->up) {
		slot->up = true;
		result = SSL_write(slot->ssl, "ping\n", 5);
	}
	if (result > 0)
		result = SSL_read(slot->ssl, &byte, 1);
	if (result > 0)
		return 1;
	int kind = SSL_get_error(slot->ssl, result);
	return kind == SSL_ERROR_WANT_READ || kind == SSL_ERROR_WANT_WRITE ? 0 : -1;
}

/* Makes so many handshakes, PARALLEL at a time; keep: leaves them open until the process ends. */
static void client_run(const struct net_address *to, int handshakes, int parallel, bool keep)
{
	SSL_CTX *ctx = plain_context(false, "client");
	struct slot slots[PARALLEL];
	struct pollfd polls[PARALLEL];
	int begun = 0, done = 0, failed = 0;
	for (int i = 0; i < parallel; i++) {
		slot_begin(&slots[i], ctx, to);
		begun++;
	}
	while (done + failed < handshakes) {
		int active = 0;
		for (int i = 0; i < parallel; i++) {
			int step = slots[i].ssl ? slot_step(&slots[i]) : 0;
			if (step != 0) {
				done += step > 0;
				failed += step < 0;
				if (!keep || step < 0) {
					SSL_free(slots[i].ssl);
					close(slots[i].descriptor);
				}
				slots[i].ssl = NULL;
				if (begun < handshakes) {
					slot_begin(&slots[i], ctx, to);
					begun++;
				}
			}
			polls[i] = (struct pollfd){ .fd = slots[i].ssl ? slots[i].descriptor : -1, .events = POLLIN };
			active += slots[i].ssl != NULL;
		}
		if (active)
			poll(polls, (nfds_t)parallel, 100);
	}
	if (failed)
		fprintf(stderr, "%d handshakes failed\n", failed);
	if (keep)
		pause();
	_exit(failed ? 1 : 0);
}

static pid_t client_spawn(const struct net_address *to, int handshakes, int parallel, bool keep)
{
	pid_t process = fork();
	if (process == 0)
		client_run(to, handshakes, parallel, keep);
	return process;
}

/* ---- fedge ---- */

struct server {
	struct net_loop *loop;
	struct net_tls *tls;
	struct net_listener *listener;
	int wanted, echoed;
};

static void server_received(struct net_stream *stream, void *argument, struct span bytes)
{
	struct server *server = argument;
	struct iovec part = { (void *)(uintptr_t)bytes.at, bytes.length };
	net_stream_write(stream, &part, 1);
	if (++server->echoed == server->wanted)
		net_loop_stop(server->loop);
}
static void server_closed(struct net_stream *stream, void *argument, const struct net_failure *why)
{
	(void)stream;
	(void)argument;
	(void)why;
}
static const struct net_stream_events server_events = { .received = server_received, .closed = server_closed };

static void server_open(struct server *server, int wanted, bool tickets)
{
	struct clock clock = clock_system();
	char text[NET_TLS_ERROR_SIZE];
	struct net_tls_identity identity = { .certificate_file = folder_file(&authorities.folder, "server.pem"),
		.key_file = folder_file(&authorities.folder, "server.key") };
	struct net_tls_settings settings = { .identities = &identity,
		.identity_count = 1,
		.authority_files = &authorities.root_file,
		.authority_count = 1,
		.client_certificate = NET_TLS_ASK_REQUIRE,
		.maximum = only_1_2 ? NET_TLS_1_2 : NET_TLS_VERSION_DEFAULT,
		.tickets_off = !tickets };
	struct net_listen listen = { .events = &server_events, .argument = server, .connection_maximum = 100000 };
	*server = (struct server){ .wanted = wanted };
	base_require(net_loop_new(&clock, &server->loop) == 0);
	base_require(net_tls_new(&settings, &server->tls, text) == 0);
	base_require(net_address_parse_port(SPAN("127.0.0.1:0"), 0, &listen.local) == 0);
	listen.tls = server->tls;
	base_require(net_listener_open(server->loop, &listen, &server->listener) == 0);
}

static void server_done(struct server *server)
{
	net_loop_free(server->loop);
	net_tls_unref(server->tls);
}

static double measure_fedge(int handshakes, bool tickets, double *ret_rate)
{
	struct server server;
	server_open(&server, handshakes, tickets);
	double before_ms = own_cpu_ms(), start_s = wall_s();
	pid_t client = client_spawn(net_listener_local(server.listener), handshakes, PARALLEL, false);
	net_loop_run(server.loop);
	double used_ms = own_cpu_ms() - before_ms;
	*ret_rate = handshakes / (wall_s() - start_s);
	waitpid(client, NULL, 0);
	server_done(&server);
	return used_ms / handshakes;
}

/* ---- openssl s_server: one connection at a time, so two are in the making ---- */

static double measure_s_server(int handshakes, double *ret_rate)
{
	char port[16], address[32];
	struct net_address to;
	struct rusage used;
	int taken = socket(AF_INET, SOCK_STREAM, 0);
	socklen_t length;
	net_address_parse(SPAN("127.0.0.1"), 0, &to);
	length = to.length;
	base_require(bind(taken, &to.any, to.length) == 0 && getsockname(taken, &to.any, &length) == 0);
	close(taken);
	snprintf(port, sizeof(port), "%u", net_address_port(&to));
	snprintf(address, sizeof(address), "127.0.0.1:%s", port);
	const char *certificate = folder_file(&authorities.folder, "server.pem");
	const char *key = folder_file(&authorities.folder, "server.key");
	const char *version = only_1_2 ? "-tls1_2" : "-tls1_3";
	pid_t server = fork();
	if (server == 0) {
		int null = open("/dev/null", O_RDWR);
		dup2(null, 0);
		dup2(null, 1);
		dup2(null, 2);
		execlp("openssl", "openssl", "s_server", "-accept", address, "-cert", certificate, "-cert_chain",
			certificate, "-key", key, "-CAfile", authorities.root_file, "-Verify", "3",
			"-verify_return_error", "-rev", "-quiet", "-no_ticket", version, (char *)NULL);
		_exit(127);
	}
	usleep(300000);
	double start_s = wall_s();
	pid_t client = client_spawn(&to, handshakes, 2, false);
	waitpid(client, NULL, 0);
	*ret_rate = handshakes / (wall_s() - start_s);
	kill(server, SIGTERM);
	wait4(server, NULL, 0, &used);
	return cpu_ms(&used) / handshakes;
}

/* ---- OpenSSL alone: both sides in one thread over memory, the server's share timed ---- */

static double thread_ms(void)
{
	struct timespec now;
	clock_gettime(CLOCK_THREAD_CPUTIME_ID, &now);
	return (double)now.tv_sec * 1e3 + (double)now.tv_nsec / 1e6;
}

static double measure_floor(int handshakes)
{
	SSL_CTX *server_ctx = plain_context(true, "server"), *client_ctx = plain_context(false, "client");
	double used_ms = 0;
	for (int i = 0; i < handshakes; i++) {
		BIO *server_end, *client_end;
		bool server_done = false, client_done = false;
		double start_ms = thread_ms();
		SSL *server = SSL_new(server_ctx);
		used_ms += thread_ms() - start_ms;
		SSL *client = SSL_new(client_ctx);
		BIO_new_bio_pair(&server_end, 65536, &client_end, 65536);
		SSL_set_bio(server, server_end, server_end);
		SSL_set_bio(client, client_end, client_end);
		SSL_set_accept_state(server);
		SSL_set_connect_state(client);
		for (int round = 0; round < 20 && !(server_done && client_done); round++) {
			client_done = SSL_do_handshake(client) == 1;
			start_ms = thread_ms();
			server_done = SSL_do_handshake(server) == 1;
			used_ms += thread_ms() - start_ms;
		}
		base_require(server_done && client_done);
		start_ms = thread_ms();
		SSL_free(server);
		used_ms += thread_ms() - start_ms;
		SSL_free(client);
	}
	SSL_CTX_free(server_ctx);
	SSL_CTX_free(client_ctx);
	return used_ms / handshakes;
}

/* ---- idle connections ---- */

static double weigh_fedge(int connections)
{
	struct server server;
	server_open(&server, 50, true);
	/* What is made once (OpenSSL's own tables, the first arenas) shall not count. */
	pid_t first = client_spawn(net_listener_local(server.listener), 50, PARALLEL, true);
	net_loop_run(server.loop);
	size_t before = resident_bytes();
	server.wanted = server.echoed + connections;
	pid_t client = client_spawn(net_listener_local(server.listener), connections, PARALLEL, true);
	net_loop_run(server.loop);
	for (int i = 0; i < 20; i++)
		net_loop_turn(server.loop, 10000);
	size_t after = resident_bytes();
	kill(first, SIGKILL);
	kill(client, SIGKILL);
	waitpid(first, NULL, 0);
	waitpid(client, NULL, 0);
	server_done(&server);
	return (double)(after - before) / connections;
}

static void accept_plainly(int listener, SSL_CTX *ctx, SSL **kept, int count)
{
	char bytes[16];
	for (int i = 0; i < count; i++) {
		int descriptor = accept(listener, NULL, NULL);
		kept[i] = SSL_new(ctx);
		SSL_set_fd(kept[i], descriptor);
		base_require(SSL_accept(kept[i]) == 1);
		base_require(SSL_read(kept[i], bytes, sizeof(bytes)) > 0 && SSL_write(kept[i], bytes, 1) == 1);
	}
}

static double weigh_openssl(int connections)
{
	SSL_CTX *ctx = plain_context(true, "server");
	SSL **kept = calloc((size_t)connections + 50, sizeof(*kept));
	struct net_address to;
	socklen_t length;
	int listener = socket(AF_INET, SOCK_STREAM, 0);
	net_address_parse(SPAN("127.0.0.1"), 0, &to);
	length = to.length;
	base_require(kept && bind(listener, &to.any, to.length) == 0 && listen(listener, 64) == 0);
	getsockname(listener, &to.any, &length);
	memset(kept, 0xff, ((size_t)connections + 50) * sizeof(*kept));
	pid_t first = client_spawn(&to, 50, 1, true);
	accept_plainly(listener, ctx, kept, 50);
	size_t before = resident_bytes();
	pid_t client = client_spawn(&to, connections, 1, true);
	accept_plainly(listener, ctx, kept + 50, connections);
	size_t after = resident_bytes();
	kill(first, SIGKILL);
	kill(client, SIGKILL);
	waitpid(first, NULL, 0);
	waitpid(client, NULL, 0);
	for (int i = 0; i < connections + 50; i++) {
		close(SSL_get_fd(kept[i]));
		SSL_free(kept[i]);
	}
	free(kept);
	close(listener);
	SSL_CTX_free(ctx);
	return (double)(after - before) / connections;
}

/* Each weighing in a fresh process: memory given back once is not seen growing again. */
static double in_a_process(double (*weigh)(int connections), int connections)
{
	int ends[2];
	double bytes = 0;
	base_require(pipe(ends) == 0);
	fflush(stdout);
	pid_t process = fork();
	if (process == 0) {
		bytes = weigh(connections);
		_exit(write(ends[1], &bytes, sizeof(bytes)) == sizeof(bytes) ? 0 : 1);
	}
	close(ends[1]);
	if (read(ends[0], &bytes, sizeof(bytes)) != sizeof(bytes))
		bytes = 0;
	close(ends[0]);
	waitpid(process, NULL, 0);
	return bytes;
}

static int compare_doubles(const void *a, const void *b)
{
	double left = *(const double *)a, right = *(const double *)b;
	return (left > right) - (left < right);
}
static double median(double *values)
{
	qsort(values, ROUNDS, sizeof(*values), compare_doubles);
	return values[ROUNDS / 2];
}

/* In turns, so that what else the machine does hits all alike. */
static void report_handshakes(const char *version, int handshakes)
{
	double floor_ms[ROUNDS], bare_ms[ROUNDS], ticket_ms[ROUNDS], s_ms[ROUNDS], rate[ROUNDS], s_rate[ROUNDS], spare;
	int part = handshakes / ROUNDS > 0 ? handshakes / ROUNDS : 1;
	for (int i = 0; i < ROUNDS; i++) {
		floor_ms[i] = measure_floor(part);
		bare_ms[i] = measure_fedge(part, false, &spare);
		ticket_ms[i] = measure_fedge(part, true, &rate[i]);
		s_ms[i] = measure_s_server(part, &s_rate[i]);
	}
	double floor = median(floor_ms);
	printf("%s  CPU ms a handshake: OpenSSL alone %.3f | fedge %.3f (x%.2f), tickets on %.3f (x%.2f), %.0f/s | "
	       "s_server %.3f (x%.2f), %.0f/s\n",
		version, floor, median(bare_ms), median(bare_ms) / floor, median(ticket_ms), median(ticket_ms) / floor,
		median(rate), median(s_ms), median(s_ms) / floor, median(s_rate));
	fflush(stdout);
}

int main(int argc, char **argv)
{
	int handshakes = argc > 1 ? atoi(argv[1]) : 3500, connections = argc > 2 ? atoi(argv[2]) : 2000;
	struct rlimit files = { 65536, 65536 };
	setrlimit(RLIMIT_NOFILE, &files);
	authorities_make(&authorities);
	authorities_host(&authorities, "server", (struct wish){ .name = "edge.a.example" }, false);
	authorities_host(&authorities, "client", (struct wish){ .name = "edge.b.example" }, false);
	report_handshakes("TLS 1.3", handshakes);
	double fedge_bytes = in_a_process(weigh_fedge, connections);
	double openssl_bytes = in_a_process(weigh_openssl, connections);
	only_1_2 = true;
	report_handshakes("TLS 1.2", handshakes);
	printf("idle      bytes a connection: OpenSSL alone %.0f | fedge %.0f (x%.2f)\n", openssl_bytes, fedge_bytes,
		fedge_bytes / openssl_bytes);
	authorities_free(&authorities);
	return 0;
}
