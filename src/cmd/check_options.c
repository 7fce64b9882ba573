/* SPDX-License-Identifier: Apache-2.0 */
/* fedge check: its options and what its help says of them. check_rules.c has a line for each, too. */
#include "cmd/check_command.h"

static const char *const policies[] = { "microsoft", "rfc5922", "dane", "all", NULL };
static const char *const formats[] = { "human", "short", "nagios", "prometheus", "json", NULL };
static const char *const owners[] = { "you", "partner", NULL };

const struct command_option check_command_options[] = {
	{ "as", 0, "POLICY", "the rule book (default: that of -c, else microsoft; all: a row for each)", policies,
		.heading = "How it is judged:" },
	{ "config", 'c', "NODE.yaml",
		"judge as that node would: its trust, lists, settings, client certificate and resolver" },
	{ "owner", 0, "WHO", "whose domains these are, for who must act (default: you; with -c, by its domains)",
		owners },
	{ "expires-soon", 0, "DURATION", "warn of certificates that end within that time (default: 21d)" },
	{ "private", .help = "private addresses are fine: a lab, a network of your own" },
	{ "at", 0, "TIME", "judge dates as of then: now, 2027-01-31, 2027-01-31T12:00:00Z" },

	{ "deep", .help = "try every TLS version on its own", .heading = "How far it looks:" },
	{ "probe", .help = "ask each server by SIP, OPTIONS, and show what it answers" },
	{ "probe-from", 0, "URI", "the same, in the name of this sender" },
	{ "no-connect", .help = "only DNS: connect to no server" },
	{ "timeout", 't', "DURATION", "patience for each step: a lookup, a connect, a handshake (default: 3s to 5s)" },

	{ "resolver", 'r', "IP[@PORT]", "name server to ask (default: the system's)", .repeatable = true,
		.heading = "What it asks and trusts:" },
	{ "trust-anchor", 0, "FILE", "trust anchor of DNSSEC, for --as dane (default: the system's)" },
	{ "ca-file", 0, "FILE", "authorities trusted besides the system's, PEM", .repeatable = true },
	{ "no-system-ca", .help = "trust only --ca-file" },
	{ "intermediates", 0, "FILE", "known intermediates, PEM: to tell an incomplete chain from an untrusted one",
		.repeatable = true },
	{ "client-cert", 0, "FILE", "certificate to show where a server asks for one, PEM with its intermediates" },
	{ "client-key", 0, "FILE", "its key" },

	{ "zone", 0, "FILE", "planned records, zone-file syntax, laid over what is published", .heading = "What if:" },
	{ "zone-only", .help = "in that file's zones nothing else exists" },
	{ "cert", 0, "FILE",
		"planned certificate, PEM with its intermediates, judged instead of the servers' own (with --against: "
		"of "
		"yours)" },
	{ "against", 0, "PARTNER", "judge both domains, both ways: who would refuse whom, and why" },
	{ "plan", 0, "DOMAIN", "print what to publish and to order for a new edge; contacts nobody" },
	{ "host", 0, "NAME", "of the planned edge: one label under the domain" },
	{ "address", 0, "IP", "of the planned edge", .repeatable = true },
	{ "port", 0, "N", "of the planned edge (default: 5061)" },
	{ "also", 0, "DOMAIN", "further domain on the same edge", .repeatable = true },

	{ "short", 's', .help = "one line a domain: the verdict and why", .heading = "What it prints:" },
	{ "json", 'j', .help = "one JSON object a line (default with --domains)" },
	{ "format", 0, "FORMAT", "or by name", formats },
	{ "notes", .help = "notes with their whole text; otherwise each is one line" },
	{ "save", 0, "FILE", "also write the facts, to judge them again by --from" },
	{ "from", 0, "FILE|-", "judge saved facts again; contacts nobody. Domains named choose among them" },

	{ "domains", 'd', "FILE|-", "a list, one domain a line; # begins a comment", .heading = "Many domains:" },
	{ "output", 'o', "FILE", "where the results go; each is there as soon as it is known" },
	{ "resume", .help = "go on where an earlier run with the same --output ended" },
	{ "concurrency", 0, "N", "domains in flight at once (default: 1000)" },
	{ "workers", 0, "N", "threads (default: one a core)" },
	{ "rate", 0, "N", "begin at most so many domains a second" },
	{ "server-rate", 0, "N", "at most so many connections a second to one server (default: 50)" },

	{ "watch", 'w', "PERIOD", "examine again and again, and say what changed: 1h", .heading = "Watching:" },
	{ "rounds", 0, "N", "end after so many" },
	{ "state", 0, "FILE", "where it remembers what it saw (default: watch.sqlite in ~/.local/state/fedge)" },
	{ "on-change", 0, "COMMAND", "run by the shell for each domain that changed; see below" },
	{ "metrics", 0, "[ADDRESS:]PORT", "serve the last round as /metrics, for Prometheus" },
	{ NULL },
};

const struct command_section check_command_sections[] = {
	{ "Exit status:",
		"  0   pass: it can be federated with\n"
		"  1   warn: it can, but something needs care\n"
		"  2   fail: an edge would refuse it\n"
		"  3   could not decide: a resolver or this machine's network failed\n"
		"  64  wrong usage, or a file that cannot be read\n"
		"These are the monitoring plugins' own. Of several domains the worst counts: 2 before 3 before 1. A "
		"list that was interrupted gives 3, one that was resumed that of the rest. --watch gives the last "
		"round's, 0 where it was stopped by a "
		"signal." },
	{ "Formats:", "human (the default): the verdict, a row of stages for each address, then the findings. short: "
		      "the verdict line. json: one object a line. nagios: a monitoring plugin's. prometheus: for a "
		      "scrape, or a file for a node exporter's collector. nagios and prometheus need all results at "
		      "once and take at most 1,000 domains." },
	{ "Lists:",
		"A list is worked through with --concurrency domains in flight, and results come in the order in which "
		"they are ready. A line on standard error says how far it is, and a summary by finding ends it. The "
		"first Ctrl-C ends it in order, the second at once. What stands in --output is never lost: with "
		"--resume, domains that are there are skipped, and a last line that was cut is taken out. With --save "
		"too, a last domain whose facts are not in that file is examined again, so that both files have every "
		"domain once. Without --resume a file that holds anything is refused." },
	{ "Watching:",
		"Every round examines all domains, compares with what it remembers, and prints a line for each "
		"change: of the verdict, the finding, the SRV targets, a certificate, its end, the addresses. The "
		"first time it sees a domain it only remembers. --on-change COMMAND is run by /bin/sh, once for each "
		"domain that changed, with the domain's JSON object on standard input and in its environment "
		"FEDGE_DOMAIN, FEDGE_POLICY, FEDGE_VERDICT, FEDGE_PREVIOUS_VERDICT, FEDGE_FINDING, FEDGE_TITLE, "
		"FEDGE_CHANGES (all changes, as sentences), and FEDGE_WHAT, FEDGE_BEFORE and FEDGE_AFTER (the most "
		"important one). Its output goes to standard error. At most 8 run at once; after 60 s a command is "
		"killed." },
	{ "Examples:", "  fedge check example.com                          can I federate with them?\n"
		       "  fedge check example.com --short --resolver 9.9.9.9\n"
		       "  fedge check example.com -c edge.yaml             what would my edge decide?\n"
		       "  fedge check example.com --against partner.net    who would refuse whom?\n"
		       "  fedge check example.com --zone planned.zone --cert new.pem\n"
		       "  fedge check --plan example.com --host sip.example.com --address 192.0.2.47\n"
		       "  fedge check --domains partners.txt --output results.jsonl --resume\n"
		       "  fedge check --domains partners.txt --watch 1h --on-change ./tell-me.sh\n"
		       "  fedge check example.com --save facts.jsonl       … and elsewhere:\n"
		       "  fedge check --from facts.jsonl --at 2027-01-31\n"
		       "  fedge check --domains partners.txt | jq -r 'select(.verdict == \"fail\") | .domain'" },
	{ NULL },
};
