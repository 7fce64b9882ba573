/* SPDX-License-Identifier: Apache-2.0 */
/* fedge route: its options and what its help says of them. */
#include "cmd/route_command.h"
#include "cmd/table.h"
#include "trace/writer.h"

#include <errno.h>
#include <unistd.h>

#define OUTPUT_BYTES ((size_t)16 << 20)

static void give(void *argument, const struct history_search *search)
{
	struct route_command *c = argument;
	const struct command_line *line = c->line;
	struct history_style style = {
		.page = { .width = isatty(fileno(line->output)) ? line->width : 0, .colour = line->colour },
		.ascii = command_has(line, "ascii"),
		.utc_offset_s = trace_utc_offset_local,
	};
	struct buffer out;
	buffer_init(&out, OUTPUT_BYTES);
	int status = command_has(line, "json") ? history_search_append_json(&out, search)
					       : history_tree_append(&out, search, &style);
	if (status == 0 && command_has(line, "json"))
		status = buffer_append_byte(&out, '\n');
	if (status == 0 && (fwrite(out.at, 1, out.length, line->output) != out.length || fflush(line->output) != 0))
		status = -EIO;
	c->printed = status;
	buffer_done(&out);
}

static int walk(struct route_command *c)
{
	struct history_collect_settings settings = { .give = give, .argument = c };
	int status = history_collect_new(&settings, &c->collector);
	if (status < 0)
		return command_fail(c->line, COMMAND_UNDECIDED, "%s", strerror(-status));
	c->sink = history_collect_sink(c->collector);
	int code = route_command_open(c);
	if (code != COMMAND_GOOD)
		return code;
	code = route_command_walk(c);
	history_collect_flush(c->collector);
	if (c->printed < 0)
		return command_fail(c->line, COMMAND_UNDECIDED, "cannot write: %s", strerror(-c->printed));
	return code;
}

static int run_route(struct command_line *line)
{
	struct route_command c;
	int code = route_command_read(&c, line);
	if (code == COMMAND_GOOD)
		code = walk(&c);
	route_command_done(&c);
	return code;
}

static const char *const variants[] = { "standards", "microsoft-av", "microsoft-im", NULL };

const struct command command_route = {
	.name = "route",
	.summary = "say where a call would go and why, and place nothing",
	.description =
		"Searches as the node would with this configuration: transforms, call policy and search rules with "
		"their verdicts, the zones in the order in which they would be asked, and where those are: a "
		"neighbor's "
		"peers, a partner's federation records and how the rules of trust judge them. Prints the tree that "
		"`fedge history` shows of a call. Asks the DNS and nobody else; the node need not run.\n\n"
		"What only a call itself can show is left out: who the caller can prove to be (of a stranger only the "
		"lists of trust are asked, and whether the domain called is one of ours), which phones are registered, "
		"which neighbors live, what certificates a partner shows, and what anybody answers.",
	.options =
		(const struct command_option[]){
			{ "config", 'c', "FILE", "the node's configuration (default: $FEDGE_CONFIG)",
				.heading = "Which call:" },
			{ "from", .value = "URI", .help = "who calls; sip: may be left out", .required = true },
			{ "to", .value = "URI", .help = "who is called", .required = true },
			{ "zone", .value = "NAME",
				.help = "where the call comes from (default: DefaultZone, a system that no zone "
					"knows)" },
			{ "authenticated", .help = "the caller has proved who it is, which a zone that treats all as "
						   "authenticated does not ask for" },
			{ "variant", .value = "VARIANT", .help = "the SIP that the caller speaks (default: standards)",
				.choices = variants },

			{ "dns", .help = "look partners up (the default where the configuration has a dns section)",
				.heading = "What is asked:" },
			{ "no-dns", .help = "ask nobody: the plan only, and what lists of domains say" },

			{ "json", 'j', .help = "one JSON object, as fedge history gives it",
				.heading = "How it is shown:" },
			{ "ascii", .help = "no characters beyond ASCII in the drawing" },
			{ NULL },
		},
	.sections =
		(const struct command_section[]){
			{ "Exit status:",
				"  0   somebody would be asked\n"
				"  2   nobody: no rule matches, the call policy rejects, or trust refuses\n"
				"  3   could not decide: the DNS failed, or the configuration cannot be read\n"
				"  64  wrong usage\n" },
			{ "Examples:",
				"  fedge route -c edge.yaml --zone core --from 2000@steven.lab --to "
				"stejanss@skype.lab\n"
				"  fedge route -c edge.yaml --from eve@bad.example --to 9011@steven.lab --no-dns\n" },
			{ NULL },
		},
	.run = run_route,
};
