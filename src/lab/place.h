/* SPDX-License-Identifier: Apache-2.0 */
#ifndef FEDGE_LAB_PLACE_H
#define FEDGE_LAB_PLACE_H
/* The folder a lab lives in, where a person may read everything afterwards:
 *
 *	lab.json             what is where (docs: README of the folder itself)
 *	dns/                 zone files, knot.conf, Knot's own files
 *	tls/                 authorities, certificates, keys
 *	HOST.yaml            configuration of a node; HOST.sh of a phone
 *	HOST.log, HOST.json  its logs; HOST.out what it said on its terminal
 *	HOST.db              search history of a node; cucm.registrations who is registered; HOST.keys
 *	*.password           of the phone and of the traversal zone
 *
 * Nothing outside the folder is written. A folder that holds other things is refused. */
#include "base/span.h"

#include <sys/types.h>

struct lab_place {
	char *folder; /* absolute */
};

/* Makes the folder and its subfolders where they are missing, and removes the logs of an earlier
 * lab in it. -ENOTEMPTY: it holds things, but no lab; -ENOTDIR; or mkdir(2)'s errno. */
int lab_place_open(struct lab_place *place, const char *folder);
void lab_place_close(struct lab_place *place); /* the folder stays; may be called twice */
/* The absolute path of a file in it, on the heap; NULL without memory. */
char *lab_place_path(const struct lab_place *place, const char *format, ...) __attribute__((format(printf, 2, 3)));
/* Replaces the file. Negative errno. */
int lab_place_write(const struct lab_place *place, const char *name, mode_t mode, struct span bytes);

/* Where labs go that are not asked to be kept: one folder a user, emptied before each use, so that
 * logs can be read afterwards and nothing piles up. On the heap. -EPERM where something stands
 * there that is not ours. */
int lab_place_default(char **ret_folder);
/* Removes a folder and all that is in it; follows no link. 0 also where there is none. */
int lab_place_remove(const char *folder);

/* Fixed addresses and ports: one lab at a time on a machine (strictly, in a network namespace; the
 * lock lives there and goes with its holder). *ret_lock is a descriptor to close. -EBUSY: another
 * lab runs, *ret_holder is its process (0: not known). */
int lab_lock_take(int *ret_lock, pid_t *ret_holder);
#endif
