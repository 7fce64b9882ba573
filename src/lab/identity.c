/* SPDX-License-Identifier: Apache-2.0 */
#include "lab/identity.h"

#include "base/cleanup.h"
#include "lab/expand.h"

#include <errno.h>
#include <stdio.h>

#define DAY_S INT64_C(86400)
#define NAME_MAXIMUM 254

/* A leaf and the room for its names, which may come from patterns. */
struct named_leaf {
	struct lab_leaf leaf;
	char names[LAB_SAN_MAXIMUM][NAME_MAXIMUM];
	size_t count;
};

struct authorities {
	struct lab_authority *root;
	struct lab_authority *intermediate;
	struct lab_authority *private_root;
	struct lab_authority *private_intermediate;
};

/* What the scenario says of this host; the others are always healthy. */
static struct lab_identity host_identity(const struct lab_scenario *scenario, enum lab_host_id host)
{
	if (host == LAB_VCSE)
		return lab_scenario_our_identity(scenario);
	if (host == LAB_EDGE)
		return lab_scenario_partner_identity(scenario);
	const char *name = lab_host(host)->name;
	return (struct lab_identity){ .common_name = name, .alternative_names = { name } };
}

static int add_name(struct named_leaf *named, const char *pattern, const char *domain)
{
	if (named->count == LAB_SAN_MAXIMUM)
		return -ENOSPC;
	char *name = named->names[named->count];
	int status = lab_expand_domain(pattern, domain, name, NAME_MAXIMUM);
	if (status == 0)
		named->leaf.alternative_names[named->count++] = name;
	return status;
}

/* "*.{domain}" becomes one name for each of our domains. */
static int add_pattern(struct named_leaf *named, const char *pattern)
{
	int status = 0;
	if (!strstr(pattern, LAB_EXPAND_DOMAIN))
		return add_name(named, pattern, "");
	for (const char *const *domain = lab_own_domains(); *domain && status == 0; domain++)
		status = add_name(named, pattern, *domain);
	return status;
}

static int make_leaf(const struct lab_identity *identity, int64_t now_s, struct named_leaf *named)
{
	*named = (struct named_leaf){
		.leaf = {
			.common_name = identity->common_name,
			.server_usage_only = identity->server_usage_only,
			.leaf_alone = identity->leaf_alone,
			.not_before_s = now_s - 90 * DAY_S,
			.not_after_s = identity->is_expired ? now_s - 2 * DAY_S : now_s + 365 * DAY_S,
		},
	};
	int status = 0;
	for (size_t i = 0; i < LAB_SAN_MAXIMUM && identity->alternative_names[i] && status == 0; i++)
		status = add_pattern(named, identity->alternative_names[i]);
	return status;
}

static int issue(const struct lab_place *place, const struct lab_identity *identity, const char *file,
	const struct authorities *authorities, int64_t now_s)
{
	struct named_leaf named;
	int status = make_leaf(identity, now_s, &named);
	if (status < 0)
		return status;
	base_cleanup(free_pointer) char *certificate = lab_place_path(place, "tls/%s.pem", file);
	base_cleanup(free_pointer) char *key = lab_place_path(place, "tls/%s.key", file);
	if (!certificate || !key)
		return -ENOMEM;
	return lab_certificate_issue(
		identity->private_authority ? authorities->private_intermediate : authorities->intermediate,
		&named.leaf, certificate, key);
}

static int issue_all(const struct lab_place *place, const struct lab_scenario *scenario,
	const struct authorities *authorities, int64_t now_s)
{
	const struct lab_identity traversal = { .common_name = LAB_TRAVERSAL_NAME,
		.alternative_names = { LAB_TRAVERSAL_NAME } };
	int status = issue(place, &traversal, LAB_TRAVERSAL_SHORT_NAME, authorities, now_s);
	for (int id = 0; id < LAB_HOST_COUNT && status == 0; id++) {
		const struct lab_host *host = lab_host((enum lab_host_id)id);
		struct lab_identity identity = host_identity(scenario, (enum lab_host_id)id);
		if (lab_host_has_certificate(host))
			status = issue(place, &identity, host->short_name, authorities, now_s);
	}
	return status;
}

static int make_authorities(struct authorities *made, int64_t now_s)
{
	int status = lab_authority_new_root("fedge lab root", now_s, &made->root);
	if (status == 0)
		status = lab_authority_new_intermediate(
			made->root, "fedge lab intermediate", now_s, &made->intermediate);
	if (status == 0)
		status = lab_authority_new_root("fedge lab private root", now_s, &made->private_root);
	if (status == 0)
		status = lab_authority_new_intermediate(
			made->private_root, "fedge lab private intermediate", now_s, &made->private_intermediate);
	return status;
}

static void free_authorities(struct authorities *made)
{
	lab_authority_free(made->root);
	lab_authority_free(made->intermediate);
	lab_authority_free(made->private_root);
	lab_authority_free(made->private_intermediate);
}

static int write_authority(const struct lab_place *place, const struct lab_authority *authority, const char *name)
{
	base_cleanup(free_pointer) char *path = lab_place_path(place, "%s", name);
	return path ? lab_authority_write(authority, path) : -ENOMEM;
}

static int write_all(const struct lab_place *place, const struct lab_scenario *scenario,
	const struct authorities *authorities, int64_t now_s)
{
	int status = write_authority(place, authorities->root, LAB_ROOT_FILE);
	if (status == 0)
		status = write_authority(place, authorities->intermediate, LAB_INTERMEDIATE_FILE);
	if (status == 0)
		status = write_authority(place, authorities->private_root, "tls/private-root.pem");
	if (status == 0)
		status = issue_all(place, scenario, authorities, now_s);
	return status;
}

int lab_identity_write(const struct lab_place *place, const struct lab_scenario *scenario, int64_t now_s)
{
	struct authorities authorities = { 0 };
	int status = make_authorities(&authorities, now_s);
	if (status == 0)
		status = write_all(place, scenario, &authorities, now_s);
	free_authorities(&authorities);
	return status;
}
