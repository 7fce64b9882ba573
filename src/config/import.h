/* SPDX-License-Identifier: Apache-2.0 */
#ifndef FEDGE_CONFIG_IMPORT_H
#define FEDGE_CONFIG_IMPORT_H
/* The configuration of a Cisco Expressway or VCS (an xConfiguration dump: xconf_dump_*.txt of a diagnostic log, or what
 * the command xConfiguration prints) becomes one of fedge: listeners, domains, zones, transforms, search rules, the
 * registrar. Pure: bytes in, YAML and a list out; reads no file, knows no clock.
 *
 * Nothing is dropped in silence: every setting of the dump is either carried over or stands on the list, with its line
 * and why. The result always loads (config/load.h, files not looked at): what would not is left out and listed.
 * Passwords are never shown: a dump has them enciphered or not at all, so the result names files they must be put into.
 * Key names are those of published samples and command references; what a release calls otherwise is listed as not
 * known.
 *
 * Lines: `*c xConfiguration Zones Zone 6 DNS SIP TLS Verify Mode: "On"`, with `*c` or without, several joined on one
 * line (as pasted text has them) or not. */
#include "base/arena.h"
#include "base/buffer.h"

#include <jansson.h>

/* A larger dump is refused. A full one of a busy machine has some 10,000 lines. */
#define CONFIG_IMPORT_MAXIMUM (4u << 20)
#define CONFIG_IMPORT_NOTES_MAXIMUM 20000

enum config_import_group {
	CONFIG_IMPORT_SUPPLY, /* what must be brought: certificates, passwords, names */
	CONFIG_IMPORT_CHANGED, /* carried over, but not as it was */
	CONFIG_IMPORT_LEFT_OUT, /* whole zones, rules, transforms */
	CONFIG_IMPORT_ZONES,
	CONFIG_IMPORT_RULES,
	CONFIG_IMPORT_SIP,
	CONFIG_IMPORT_POLICY,
	CONFIG_IMPORT_REGISTRATION,
	CONFIG_IMPORT_AUTHENTICATION,
	CONFIG_IMPORT_H323,
	CONFIG_IMPORT_BANDWIDTH,
	CONFIG_IMPORT_MEDIA,
	CONFIG_IMPORT_MOBILE,
	CONFIG_IMPORT_APPLICATIONS,
	CONFIG_IMPORT_MACHINE,
	CONFIG_IMPORT_ADMINISTRATION,
	CONFIG_IMPORT_UNKNOWN,
	CONFIG_IMPORT_DAMAGED, /* lines that are no setting */
	CONFIG_IMPORT_OFF, /* without a counterpart, but empty, switched off or of no effect there */
	CONFIG_IMPORT_GROUPS
};
const char *config_import_group_name(enum config_import_group group); /* "left-out": for machines */
const char *config_import_group_title(enum config_import_group group); /* "left out": for people */

struct config_import_note {
	enum config_import_group group;
	uint32_t line; /* of the dump; 0: of none */
	struct span key; /* "Zones Zone 6 DNS …"; absent: of none */
	struct span value; /* as it stands there; absent for secrets */
	struct span text; /* why, or what to do; may be absent: then the group says it */
};

/* What became of each setting. */
enum config_import_outcome {
	CONFIG_IMPORT_OVER, /* the result says it, if need be with a note on what changed */
	CONFIG_IMPORT_AWAY, /* it belongs to a zone, rule or transform that was left out, with one note for all of it */
	CONFIG_IMPORT_TOLD, /* a note of its own */
	CONFIG_IMPORT_OUTCOMES
};
struct config_import_setting {
	uint32_t line;
	enum config_import_outcome outcome;
};

struct config_import {
	struct arena arena;
	struct buffer yaml;
	struct config_import_note *notes; /* by group, then line */
	size_t note_count;
	size_t notes_dropped; /* beyond the maximum; counted in group_counts all the same */
	size_t group_counts[CONFIG_IMPORT_GROUPS];
	struct config_import_setting *settings; /* of the dump, by line */
	size_t setting_count;
	size_t outcome_counts[CONFIG_IMPORT_OUTCOMES];
	size_t zone_count, transform_count, rule_count, domain_count; /* in the result */
	const char *wrong; /* -EINVAL: what the bytes are instead of a dump */
};

void config_import_init(struct config_import *import);
void config_import_done(struct config_import *import);
/* 0; -EINVAL: no dump; -E2BIG: the dump is more than CONFIG_IMPORT_MAXIMUM, or the result would be more than a
 * configuration may be; -ENOMEM. name stands in the result's first line. */
int config_import_dump(struct config_import *import, struct span dump, const char *name);
/* For people: what came over and how much did not, by group. */
int config_import_append_summary(const struct config_import *import, struct buffer *b);
/* A new reference; NULL without memory. */
json_t *config_import_json(const struct config_import *import);
#endif
