/* SPDX-License-Identifier: Apache-2.0 */
/* fedge explain: its options and what its help says of them. */
#include "cmd/explain_command.h"
#include "cmd/table.h"

static const char *const formats[] = { "human", "json", "mermaid", NULL };

const struct command_option explain_command_options[] = {
	{ "all", 'a', .help = "good calls too, and every failure in full", .heading = "What is told:" },
	{ "call", 0, "ID", "only the call with this Call-ID, or a part of it; good ones too" },
	{ "since", 0, "TIME", "only what ended after that: 2017-03-02, 2017-03-02T07:10:00Z" },
	{ "until", 0, "TIME", "only what began before that" },
	{ "own", 0, "DOMAIN", "a domain or host that is yours, for who must act (default: whose log comes first)",
		.repeatable = true },

	{ "json", 'j', .help = "one JSON object a problem, one a line", .heading = "How it is told:" },
	{ "format", 0, "FORMAT", "or by name; mermaid: sequence diagrams", formats },
	{ "mermaid", .help = "the same as --format mermaid" },
	{ "html", 0, "FILE", "also write one page with everything in it, to look at or to send" },
	{ "ascii", .help = "ladders without box-drawing characters" },
	{ "redact",
		.help = "names, numbers and addresses replaced, always the same by the same: for a partner's eyes" },

	{ "key-log", 'k', "FILE", "secrets of TLS connections, for captures (SSLKEYLOGFILE)", .repeatable = true,
		.heading = "How it is read:" },
	{ "utc-offset", 0, "+HH:MM", "of files that write local time without saying which (default: this machine's)" },
	{ "follow", 'f', .help = "go on as the file grows, and explain calls as they fail" },
	{ "threads", 0, "N", "that read (default: one a core)" },
	{ "memory", 0, "MB", "at most so much for open and failed calls (default: 96)" },

	{ "check", .help = "also examine the domains in question now, and let it decide",
		.heading = "Asking the network:" },
	{ "config", 'c', "NODE.yaml", "for --check: as that node would" },
	{ "resolver", 'r', "IP[@PORT]", "for --check: name server to ask", .repeatable = true },
	{ "ca-file", 0, "FILE", "for --check: authorities trusted besides the system's, PEM", .repeatable = true },
	{ "private", .help = "for --check: private addresses are fine" },
	{ "timeout", 't', "DURATION", "for --check: patience for each step" },
	{ NULL },
};

static const struct command_section sections[] = {
	{ "What can be read:",
		"Expressway diagnostic and event logs; Lync and Skype for Business traces as text (SIPStack) and "
		"client "
		"logs (UccApilog); SIP as text from ngrep, sngrep, Asterisk, FreeSWITCH, Kamailio, OpenSIPS, syslog; "
		"captures (pcap, pcapng), HEP; fedge's own logs; gzip, zip and tar of them, and folders. Kinds are "
		"told by what is in a file, never by its name. Text that was damaged on its way (wrapped, joined, "
		"quoted, pasted from a page) is mended. What cannot be read is counted and said." },
	{ "Exit status:",
		"  0   nothing failed that is a matter of federation\n"
		"  1   something may have: no cause is sure enough\n"
		"  2   a failure of federation, proved or likely\n"
		"  3   nothing could be read, or not all of it and nothing was found; no call is the one of --call\n"
		"  64  wrong usage, or a file that is not there" },
	{ "How sure:", "proved: the lines say so. likely: the usual cause of what they say, or what --check sees now. "
		       "possible: one of several that fit; the others are named, with what would decide." },
	{ "Examples:", "  fedge explain diagnostic_log.tar.gz              why did it fail?\n"
		       "  fedge explain vcse.log edge-trace.txt --html why.html\n"
		       "  fedge explain call.pcapng --key-log keys.txt --all\n"
		       "  fedge explain vcse.log --check                   and what is so now?\n"
		       "  fedge explain vcse.log --redact                  to send to the partner\n"
		       "  fedge explain --follow /var/log/fedge/vcse.log\n"
		       "  fedge explain *.log --json | jq -r '[.started, .finding, .sentence] | @tsv'" },
	{ NULL },
};

static int run_explain(struct command_line *line)
{
	struct explain_command c;
	int code = explain_command_read(line, &c);
	if (code == COMMAND_GOOD)
		code = explain_command_run(&c);
	explain_command_done(&c);
	return code;
}

const struct command command_explain = {
	.name = "explain",
	.operands = "FILE…|-",
	.summary = "say from logs, traces and captures why a call failed, and who must change what",
	.description =
		"Reads what people have, joins it into calls over all boxes, and tells of each that failed: what "
		"happened, as a ladder; why, with the lines that prove it; who must act, and what to change. Where the "
		"files cannot decide it says so, names the candidates in order and what would decide. It contacts "
		"nobody unless --check is given.",
	.options = explain_command_options,
	.sections = sections,
	.operand_minimum = 1,
	.operand_maximum = 10000,
	.run = run_explain,
};
