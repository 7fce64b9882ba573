/* SPDX-License-Identifier: Apache-2.0 */
#ifndef FEDGE_LAB_INSTANCE_H
#define FEDGE_LAB_INSTANCE_H
/* One scenario, alive: its folder written, its DNS server and its hosts started and ready, calls
 * placed in it. Everything it starts goes when it stops, or when this process dies. */
#include "lab/phone_command.h"
#include "lab/place.h"
#include "lab/process.h"

struct lab_instance_settings {
	const struct lab_scenario *scenario;
	const char *folder;
	const char *executable; /* of fedge: what hosts are started from */
	int64_t deadline_us; /* how long starting may take; 0: 20 s */
};

struct lab_instance {
	struct lab_instance_settings settings;
	struct lab_watch *watch; /* the caller's */
	struct lab_place place;
	uint16_t resolver_port;
	struct lab_process dns;
	struct lab_process hosts[LAB_HOST_COUNT];
	int64_t started_us[LAB_HOST_COUNT]; /* steady */
	struct buffer why; /* what failed, for people; "" where nothing did */
};

/* 0, or a negative errno and instance->why. In either case lab_instance_stop is owed. -EINTR: the
 * watch was asked to stop. */
int lab_instance_start(
	struct lab_instance *instance, struct lab_watch *watch, const struct lab_instance_settings *settings);
/* Ends all, in order, so that logs are complete afterwards; files stay. May be called twice. */
void lab_instance_stop(struct lab_instance *instance);
/* After stopping, and after the last look at the files: frees it. */
void lab_instance_done(struct lab_instance *instance);
/* The name of a host or server that has ended by itself; NULL where all run. */
const char *lab_instance_fallen(struct lab_instance *instance);
/* Starts hosts again that have ended, each at most twice a second; *ret_name is one that was (NULL: none). When to look
 * again though no child changed: *ret_due_us (steady; INT64_MAX: never). 0, or a negative errno and instance->why. */
int lab_instance_revive(struct lab_instance *instance, const char **ret_name, int64_t *ret_due_us);

/* What the caller heard in the end. */
struct lab_diagnostics {
	int id; /* 0: none */
	char reason[160];
	char text[768]; /* the header's value */
};
struct lab_answer {
	int status; /* 0: no answer at all */
	char reason[128];
	char call_id[256];
	struct lab_diagnostics diagnostics; /* ms-diagnostics */
	struct lab_diagnostics public_diagnostics; /* ms-diagnostics-public */
};
/* Places a call and hangs up after the answer. 0 where there was a final answer or the call timed
 * out (status 0); a negative errno and instance->why where no call could be placed. */
int lab_instance_call(
	struct lab_instance *instance, const struct lab_call_settings *call, struct lab_answer *ret_answer);
/* The answer in what `fedge call --json` printed; -EBADMSG where it is not that. */
int lab_answer_parse(struct span json, struct lab_answer *ret_answer);
#endif
