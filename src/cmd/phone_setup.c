/* SPDX-License-Identifier: Apache-2.0 */
#include "cmd/phone_setup.h"

#include "net/resolver.h"
#include "net/tls.h"

#include <errno.h>
#include <stdlib.h>
#include <unistd.h>

const char *const phone_setup_dialects[] = { "standard", "microsoft", NULL };

/* ---- logs ---- */

/* "uccapi:client.log" */
static int read_log(const struct command_line *line, const char *text, struct trace_file_settings *ret_file)
{
	struct span rest = span_of(text);
	struct span word = span_cut(&rest, ':');
	enum trace_format format;
	if (!rest.at || rest.length == 0)
		return command_usage(line, "--log %s: FORMAT:FILE is wanted", text);
	if (trace_format_of(word, &format) < 0)
		return command_usage(line, "--log %s: the formats are expressway, sipstack, uccapi and json", text);
	*ret_file = (struct trace_file_settings){
		.path = rest.at,
		.writer = {
			.format = format,
			.node = span_of(command_value(line, "node", "phone")),
			.utc_offset_s = trace_utc_offset_local,
		},
	};
	return COMMAND_GOOD;
}

static int open_logs(struct phone_setup *setup)
{
	struct trace_file_settings files[TRACE_FILES_MAXIMUM];
	const struct command_line *line = setup->line;
	size_t count = command_value_count(line, "log");
	size_t failed = 0;
	if (count > TRACE_FILES_MAXIMUM)
		return command_usage(line, "at most %d logs", TRACE_FILES_MAXIMUM);
	for (size_t i = 0; i < count; i++) {
		int code = read_log(line, command_value_at(line, "log", i), &files[i]);
		if (code != COMMAND_GOOD)
			return code;
	}
	if (count == 0)
		return COMMAND_GOOD;
	const struct trace_file_sink_settings settings = {
		.files = files,
		.file_count = count,
		.producers = 1,
		.clock = setup->clock,
	};
	int status = trace_file_sink_start(&settings, &setup->files, &failed);
	if (status < 0)
		return command_fail(
			line, COMMAND_UNDECIDED, "cannot write %s: %s", files[failed].path, strerror(-status));
	setup->producer = trace_file_sink_producer(setup->files, 0);
	setup->named = (struct record_named_sink){
		.next = setup->producer,
		.node = span_of(command_value(line, "node", "phone")),
	};
	setup->sink = record_named_sink(&setup->named);
	return COMMAND_GOOD;
}

/* ---- TLS ---- */

static const char *either(const struct command_line *line, const char *option, const char *other)
{
	return command_value(line, option, command_value(line, other, NULL));
}

static int open_tls(struct phone_setup *setup)
{
	const struct command_line *line = setup->line;
	char why[NET_TLS_ERROR_SIZE] = "";
	const char *name = command_value(line, "node", "phone");
	struct net_tls_identity identity = {
		.names = &name,
		.name_count = 1,
		.certificate_file = either(line, "certificate", "client-cert"),
		.key_file = either(line, "key", "client-key"),
	};
	const char *authorities[16];
	size_t authority_count = command_value_count(line, "ca-file");
	if (!identity.certificate_file != !identity.key_file)
		return command_usage(line, "--certificate and --key go together");
	if (authority_count > sizeof(authorities) / sizeof(authorities[0]))
		return command_usage(line, "too many --ca-file");
	for (size_t i = 0; i < authority_count; i++)
		authorities[i] = command_value_at(line, "ca-file", i);
	setup->has_certificate = identity.certificate_file != NULL;
	const struct net_tls_settings settings = {
		.identities = &identity,
		.identity_count = setup->has_certificate ? 1 : 0,
		.authority_files = authorities,
		.authority_count = authority_count,
		.system_authorities = authority_count == 0,
		.keylog_file = command_value(line, "keylog", NULL),
	};
	if (net_tls_new(&settings, &setup->tls, why) < 0)
		return command_fail(line, COMMAND_UNDECIDED, "%s", why);
	if (why[0])
		fprintf(line->errors, "%s: warning: %s\n", line->program, why);
	return COMMAND_GOOD;
}

static int open_resolver(struct phone_setup *setup)
{
	const char *server = command_value(setup->line, "resolver", NULL);
	const struct net_resolver_settings settings = { .servers = &server, .server_count = server ? 1 : 0 };
	char why[NET_RESOLVER_ERROR_SIZE] = "";
	if (net_resolver_new(&settings, &setup->resolver, why) < 0)
		return command_fail(setup->line, COMMAND_UNDECIDED, "no resolver: %s", why);
	return COMMAND_GOOD;
}

int phone_setup_open(struct phone_setup *setup, const struct command_line *line)
{
	*setup = (struct phone_setup){ .line = line, .clock = clock_system() };
	int status = random_init(&setup->random);
	if (status == 0)
		status = net_loop_new(&setup->clock, &setup->loop);
	if (status < 0)
		return command_fail(line, COMMAND_UNDECIDED, "%s", strerror(-status));
	int code = open_logs(setup);
	if (code == COMMAND_GOOD)
		code = open_tls(setup);
	if (code == COMMAND_GOOD)
		code = open_resolver(setup);
	return code;
}

void phone_setup_close(struct phone_setup *setup)
{
	if (setup->resolver)
		net_resolver_free(setup->resolver);
	if (setup->loop)
		net_loop_free(setup->loop);
	net_tls_unref(setup->tls);
	trace_file_sink_stop(setup->files);
}

/* ---- addresses ---- */

/* The address the kernel would send from: a datagram socket that sends nothing. */
static int own_address_towards(const struct net_address *towards, struct net_address *ret_address)
{
	struct sockaddr_storage own;
	socklen_t length = sizeof(own);
	int descriptor = socket(net_address_family(towards), SOCK_DGRAM | SOCK_CLOEXEC, 0);
	if (descriptor < 0)
		return -errno;
	int status = 0;
	if (connect(descriptor, &towards->any, towards->length) < 0 ||
		getsockname(descriptor, (struct sockaddr *)&own, &length) < 0)
		status = -errno;
	close(descriptor);
	if (status == 0)
		status = net_address_of_sockaddr((struct sockaddr *)&own, length, ret_address);
	if (status == 0)
		net_address_set_port(ret_address, 0);
	return status;
}

int phone_setup_choose_address(struct phone_setup *setup, const struct net_address *towards)
{
	const char *given = command_value(setup->line, "address", NULL);
	struct net_address anywhere;
	if (given) {
		if (net_address_parse(span_of(given), 0, &setup->local) < 0 || net_address_is_any(&setup->local))
			return command_usage(setup->line, "--address %s: an IP address is wanted", given);
		return COMMAND_GOOD;
	}
	for (size_t i = 0; i < setup->listener_count; i++) {
		if (net_address_is_any(&setup->listeners[i].address))
			continue;
		setup->local = setup->listeners[i].address;
		net_address_set_port(&setup->local, 0);
		return COMMAND_GOOD;
	}
	/* Any address of the internet shows the way out; nothing is sent there. */
	net_address_parse(SPAN("192.0.2.1"), 9, &anywhere);
	if (own_address_towards(net_address_is_set(towards) ? towards : &anywhere, &setup->local) < 0)
		net_address_parse(SPAN("127.0.0.1"), 0, &setup->local);
	return COMMAND_GOOD;
}

int phone_setup_listen(struct phone_setup *setup, enum transport_protocol protocol, const struct net_address *address)
{
	char text[NET_ADDRESS_TEXT_SIZE];
	if (setup->listener_count == TRANSPORT_LISTENER_MAXIMUM)
		return command_usage(setup->line, "at most %d listeners", TRANSPORT_LISTENER_MAXIMUM);
	struct transport_listener *listener = &setup->listeners[setup->listener_count];
	*listener = (struct transport_listener){ .protocol = protocol, .address = *address };
	int status = transport_listener_probe(listener);
	if (status < 0) {
		net_address_format(address, text);
		return command_fail(setup->line, COMMAND_UNDECIDED, "cannot listen on %s:%s: %s",
			transport_protocol_parameter(protocol), text, strerror(-status));
	}
	setup->listener_count++;
	return COMMAND_GOOD;
}

int phone_setup_read_peer(const struct command_line *line, const char *option, const char *text, char *scratch,
	size_t capacity, struct phone_setup_peer *ret_peer)
{
	struct sip_uri uri;
	/* As the part of a URI that it is. */
	int length = snprintf(scratch, capacity, "sip:%s", text);
	if (length < 0 || (size_t)length >= capacity || sip_uri_parse(span_of(scratch), &uri, NULL) < 0 || uri.user.at)
		return command_usage(line, "--%s %s: HOST[:PORT][;transport=udp|tcp|tls] is wanted", option, text);
	*ret_peer = (struct phone_setup_peer){ uri.host, uri.port, TRANSPORT_ANY };
	if (sip_uri_transport(&uri) == SIP_TRANSPORT_NONE)
		return COMMAND_GOOD;
	ret_peer->protocol = transport_protocol_of(sip_uri_transport(&uri));
	if (ret_peer->protocol == TRANSPORT_ANY)
		return command_usage(line, "--%s %s: the transports are udp, tcp and tls", option, text);
	return COMMAND_GOOD;
}

int phone_setup_read_password(const struct command_line *line, char **ret_password)
{
	const char *file = command_value(line, "password-file", NULL);
	char text[1024];
	if (!file)
		return COMMAND_GOOD;
	errno = 0;
	FILE *f = fopen(file, "re");
	if (!f || !fgets(text, sizeof(text), f)) {
		int error = errno;
		if (f)
			fclose(f);
		return command_fail(line, COMMAND_USAGE, "cannot read a password from %s: %s", file,
			error ? strerror(error) : "it is empty");
	}
	fclose(f);
	*ret_password = span_copy(span_trim(span_of(text)));
	return COMMAND_GOOD;
}

void phone_setup_fill(struct phone_setup *setup, struct phone_params *params)
{
	const char *dialect = command_value(setup->line, "dialect", "standard");
	params->loop = setup->loop;
	params->resolver = setup->resolver;
	params->tls = setup->tls;
	params->random = &setup->random;
	params->sink = record_wanted(&setup->sink) ? &setup->sink : NULL;
	params->listeners = setup->listeners;
	params->listener_count = setup->listener_count;
	params->local = setup->local;
	params->dialect = strcmp(dialect, "microsoft") == 0 ? PHONE_MICROSOFT : PHONE_STANDARD;
}

int phone_setup_start(struct phone_setup *setup, const struct phone_params *params, struct phone **ret_phone)
{
	char text[NET_ADDRESS_TEXT_SIZE];
	size_t failed = setup->listener_count;
	int status = phone_new(params, ret_phone, &failed);
	if (status == 0)
		return COMMAND_GOOD;
	if (failed >= setup->listener_count)
		return command_fail(setup->line, COMMAND_UNDECIDED, "cannot start: %s", strerror(-status));
	net_address_format(&setup->listeners[failed].address, text);
	return command_fail(setup->line, COMMAND_UNDECIDED, "cannot listen on %s:%s: %s",
		transport_protocol_parameter(setup->listeners[failed].protocol), text, strerror(-status));
}
