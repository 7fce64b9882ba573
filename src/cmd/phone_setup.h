/* SPDX-License-Identifier: Apache-2.0 */
#ifndef FEDGE_CMD_PHONE_SETUP_H
#define FEDGE_CMD_PHONE_SETUP_H
/* What `fedge call` and `fedge answer` have in common: their options, the surroundings a phone needs (loop, logs, TLS,
 * resolver), and how they tell what came of a call. */
#include "base/random.h"
#include "cmd/command.h"
#include "net/loop.h"
#include "phone/phone.h"
#include "trace/file_sink.h"

#define PHONE_SETUP_OPTIONS                                                                                            \
	{ "address", 'a', "IP", "own address, for sockets, Contact and media (default: the one that leads there)" },   \
		{ "certificate", 0, "FILE", "own certificate with its intermediates, PEM" },                           \
		{ "key", 0, "FILE", "its key" },                                                                       \
		{ "client-cert", 0, "FILE", "the same as --certificate", .hidden = true },                             \
		{ "client-key", 0, "FILE", "the same as --key", .hidden = true },                                      \
		{ "ca-file", 0, "FILE", "trusted authorities, PEM (default: the system's)", .repeatable = true },      \
		{ "resolver", 'r', "IP[@PORT]", "name server to ask (default: the system's)" },                        \
		{ "dialect", 'd', "NAME", "how it writes its messages (default: standard)", phone_setup_dialects },    \
		{ "log", 'l', "FORMAT:FILE",                                                                           \
			"append what happens to a file: expressway, sipstack, uccapi or json; - is standard output",   \
			.repeatable = true },                                                                          \
		{ "node", 0, "NAME", "own name in the logs (default: phone)" },                                        \
		{ "keylog", 0, "FILE", "append TLS keys to a file, for Wireshark" },                                   \
	{                                                                                                              \
		"json", 'j', .help = "tell what came of it as a JSON object"                                           \
	}

/* letter: of --username, or 0 */
#define PHONE_SETUP_CREDENTIALS(letter)                                                                                \
	{ "server-name", 0, "NAME", "name to ask for (SNI), which the server's certificate must prove" },              \
		{ "username", letter, "NAME", "user for digest authentication" },                                      \
	{                                                                                                              \
		"password-file", 0, "FILE", "file whose first line is the password"                                    \
	}

extern const char *const phone_setup_dialects[];

struct phone_setup {
	const struct command_line *line;
	struct clock clock;
	struct random random;
	struct net_loop *loop;
	struct net_resolver *resolver;
	struct net_tls *tls;
	struct trace_file_sink *files;
	struct record_sink producer;
	struct record_named_sink named;
	struct record_sink sink;
	struct transport_listener listeners[TRANSPORT_LISTENER_MAXIMUM];
	size_t listener_count;
	struct net_address local;
	bool has_certificate;
};

/* COMMAND_GOOD, or why not was said. phone_setup_close in every case. */
int phone_setup_open(struct phone_setup *setup, const struct command_line *line);
void phone_setup_close(struct phone_setup *setup);
/* --address, else the first listener's, else the one by which that address is reached. */
int phone_setup_choose_address(struct phone_setup *setup, const struct net_address *towards);
/* Adds a listener; "udp", "tcp" and "tls" with an address whose port 0 becomes a free one. */
int phone_setup_listen(struct phone_setup *setup, enum transport_protocol protocol, const struct net_address *address);
/* Takes over what of the setup belongs into params. */
void phone_setup_fill(struct phone_setup *setup, struct phone_params *params);
/* "HOST[:PORT][;transport=tls]" of that option; peer points into scratch. */
struct phone_setup_peer {
	struct span host;
	uint16_t port;
	enum transport_protocol protocol; /* TRANSPORT_ANY where none is given */
};
int phone_setup_read_peer(const struct command_line *line, const char *option, const char *text, char *scratch,
	size_t capacity, struct phone_setup_peer *ret_peer);
/* The first line of --password-file, to be freed; NULL where there is no such option. */
int phone_setup_read_password(const struct command_line *line, char **ret_password);
/* phone_new, or why not was said. */
int phone_setup_start(struct phone_setup *setup, const struct phone_params *params, struct phone **ret_phone);

/* One line (JSON) or a few (for people) on line->output. */
void phone_setup_tell(const struct command_line *line, const struct phone_outcome *outcome);
/* The same of a registration, whenever it changes. */
void phone_setup_tell_registration(const struct command_line *line, const struct phone_registration_params *params,
	const struct phone_registered *state);
#endif
