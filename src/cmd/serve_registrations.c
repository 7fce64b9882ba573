/* SPDX-License-Identifier: Apache-2.0 */
/* Who is registered, for the control command `status`. */
#include "cmd/serve.h"
#include "edge/node.h"
#include "edge/registry.h"

/* More would not fit an answer; the rest is counted. */
#define LISTED_MAXIMUM 10000

struct listing {
	json_t *list;
	size_t left_out;
};

static void list_binding(
	void *argument, struct span aor, enum registrar_event event, const struct registrar_binding *binding)
{
	struct listing *listing = argument;
	(void)event;
	if (json_array_size(listing->list) >= LISTED_MAXIMUM) {
		listing->left_out++;
		return;
	}
	json_array_append_new(listing->list,
		json_pack("{s:o,s:o,s:o,s:o,s:o,s:o,s:o,s:o,s:f}", "alias", serve_text(aor), "contact",
			serve_text(binding->contact), "user", serve_text(binding->user), "agent",
			serve_text(binding->agent), "received", serve_text(binding->received), "transport",
			serve_text(binding->transport), "registered", serve_time(binding->registered_us), "expires",
			serve_time(binding->expires_us), "q", binding->q / 1000.0));
}

json_t *serve_registrations(const struct edge_node *node, bool with_list)
{
	const struct config_registrar *config = &edge_node_config(node)->registrar;
	const struct edge_registry *registry = edge_node_registry(node);
	struct clock clock = clock_system();
	if (!config->enabled)
		return json_null();
	json_t *object = json_pack("{s:I,s:I,s:o}", "count", (json_int_t)registrar_location_count(registry->location),
		"maximum", (json_int_t)config->bindings, "store", serve_store(config->store));
	if (registry->keeper) {
		struct registrar_keeper_status status;
		registrar_keeper_status(registry->keeper, &status);
		json_object_set_new(object, "batches", json_integer((json_int_t)status.batches));
		json_object_set_new(
			object, "error", status.is_failing ? serve_text(span_of(status.error)) : json_null());
	}
	if (with_list) {
		struct listing listing = { json_array(), 0 };
		listing.left_out +=
			registrar_location_each(registry->location, clock_wall_us(&clock), list_binding, &listing);
		json_object_set_new(object, "list", listing.list);
		json_object_set_new(object, "left_out", json_integer((json_int_t)listing.left_out));
	}
	return object;
}
