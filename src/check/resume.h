/* SPDX-License-Identifier: Apache-2.0 */
#ifndef FEDGE_CHECK_RESUME_H
#define FEDGE_CHECK_RESUME_H
/* What an interrupted run has done already, read from its output: JSON lines whose member `typed` says which line of
 * the list they belong to. A domain is remembered by 8 bytes (a keyed hash of 64 bits: of a million domains done and a
 * million asked for, one is taken for done by mistake with a chance of 1 in 18 million). Read in pieces, lines may have
 * any length. */
#include "base/hash.h"

struct check_resume;

#define CHECK_RESUME_ERROR_SIZE 256
#define CHECK_RESUME_DOMAINS_MAXIMUM ((size_t)1 << 26)

/* lines_each: how many lines the run writes for a domain (one for each rule book; 0: 1), one after the other.
 * A file that does not exist is an empty one. A last line that was cut, and the lines of a last domain that are not all
 * there, do not count: the file has to be cut to check_resume_length before anything is added to it. 0, or a negative
 * errno and one line: -EBADMSG where a whole line is none of ours (it is somebody else's file: nothing must be written
 * to it), -EFBIG beyond CHECK_RESUME_DOMAINS_MAXIMUM, or what reading failed with. */
int check_resume_read(const char *path, const struct hash_key *key, size_t lines_each, struct check_resume **ret_resume,
	char reterr_text[CHECK_RESUME_ERROR_SIZE]);
/* A run that saves facts too saves those of a domain behind its result: interrupted in between, it leaves a last domain
 * that is not among the saved facts of `path` (JSON lines too, one a domain; none where it does not exist). That one is
 * not done then, and its lines are not to be kept. 0, or as check_resume_read. */
int check_resume_match_saved(struct check_resume *resume, const char *path, char reterr_text[CHECK_RESUME_ERROR_SIZE]);
void check_resume_free(struct check_resume *resume); /* NULL is harmless */

/* As check_bulk_settings.is_done wants it; resume is a struct check_resume. Bytes that are not UTF-8 are compared as
 * they are written to JSON. */
bool check_resume_is_done(void *resume, struct span typed);
size_t check_resume_count(const struct check_resume *resume); /* different domains done */
uint64_t check_resume_length(const struct check_resume *resume); /* bytes to keep of the file */
#endif
