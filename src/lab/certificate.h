/* SPDX-License-Identifier: Apache-2.0 */
#ifndef FEDGE_LAB_CERTIFICATE_H
#define FEDGE_LAB_CERTIFICATE_H
/* Certificates of a pretended world: authorities and what they issue, right and wrong in every
 * way the scenarios need. EC P-256 keys, SHA-256, made new each time. Knows no scenario, asks no
 * clock: dates are given. Nothing of it may ever be trusted outside the lab.
 *
 * An authority is owned by who made it. A leaf is written at once (lab_certificate_issue) and
 * nobody keeps it. */
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct lab_authority;

/* A root signs itself; its dates reach ten years to both sides of now. Negative errno: -ENOMEM,
 * or -EPROTO where OpenSSL refused. */
int lab_authority_new_root(const char *name, int64_t now_s, struct lab_authority **ret_authority);
/* Signed by the root, may sign leaves only (pathlen 0). The root must live as long. */
int lab_authority_new_intermediate(
	const struct lab_authority *root, const char *name, int64_t now_s, struct lab_authority **ret_authority);
struct lab_authority *lab_authority_free(struct lab_authority *authority);
/* The certificate alone, as PEM. Negative errno of the file. */
int lab_authority_write(const struct lab_authority *authority, const char *path);

#define LAB_SAN_MAXIMUM 6
struct lab_leaf {
	const char *common_name;
	const char *alternative_names[LAB_SAN_MAXIMUM]; /* DNS names; none: no SAN extension at all */
	bool server_usage_only; /* extended key usage without clientAuth */
	bool leaf_alone; /* the issuer is left out of the file: an incomplete chain on the wire */
	int64_t not_before_s; /* seconds since 1970 UTC */
	int64_t not_after_s;
};

/* certificate_path gets the leaf and, unless leaf_alone, its issuer where that is no root;
 * key_path gets the key, readable by its owner only. Errors as above or the files'. */
int lab_certificate_issue(const struct lab_authority *issuer, const struct lab_leaf *leaf, const char *certificate_path,
	const char *key_path);
#endif
