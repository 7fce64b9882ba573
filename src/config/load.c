/* SPDX-License-Identifier: Apache-2.0 */
#include "config/load.h"

#include "base/cleanup.h"
#include "config/check.h"
#include "config/snapshot.h"

#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <sys/stat.h>

#define DOCUMENT_MAXIMUM (256u << 20)

struct rank {
	uint32_t priority;
	struct config_place place;
};

static int compare_ranks(struct rank a, struct rank b)
{
	if (a.priority != b.priority)
		return a.priority < b.priority ? -1 : 1;
	if (a.place.line != b.place.line)
		return a.place.line < b.place.line ? -1 : 1;
	return a.place.column < b.place.column ? -1 : a.place.column > b.place.column;
}

static int by_rule_priority(const void *left, const void *right)
{
	const struct config_rule *a = left, *b = right;
	return compare_ranks((struct rank){ a->priority, a->place }, (struct rank){ b->priority, b->place });
}

static int by_transform_priority(const void *left, const void *right)
{
	const struct config_transform *a = left, *b = right;
	return compare_ranks((struct rank){ a->priority, a->place }, (struct rank){ b->priority, b->place });
}

static void sort_by_priority(struct config_node *node)
{
	if (node->rule_count)
		qsort(OPENED(struct config_rule, node->rules), node->rule_count, sizeof(*node->rules),
			by_rule_priority);
	if (node->transform_count)
		qsort(OPENED(struct config_transform, node->transforms), node->transform_count,
			sizeof(*node->transforms), by_transform_priority);
}

/* Fills the snapshot and the report; what the report says decides. */
static int load_document(const struct config_input *input, struct arena *scratch, struct config_report *report,
	struct config_snapshot *snapshot)
{
	struct document_node *root;
	struct config_node *node = &snapshot->node;
	int status = document_parse(scratch, input->bytes, report, &root);
	if (status < 0)
		return status;
	struct bind_context context = { &snapshot->arena, report, input->folder, input->check_files, false };
	node->file = arena_copy(&snapshot->arena, span_of(input->name ? input->name : "configuration"));
	bind_section(&context, &schema_node, root, node);
	if (root->kind != DOCUMENT_MAPPING)
		return -EINVAL;
	config_complete(&context, root, node);
	config_resolve(&context, root, node);
	config_check(&context, root, node);
	config_complete_identities(node);
	sort_by_priority(node);
	return context.no_memory || !node->file.at ? -ENOMEM : 0;
}

static int report_name(struct config_report *report, const char *name)
{
	free(report->file);
	report->file = strdup(name ? name : "configuration");
	return report->file ? 0 : -ENOMEM;
}

int config_load_bytes(
	const struct config_input *input, struct config_report *report, const struct config_node **ret_node)
{
	struct arena scratch;
	if (report_name(report, input->name) < 0)
		return -ENOMEM;
	struct config_snapshot *snapshot = config_snapshot_new();
	if (!snapshot)
		return -ENOMEM;
	arena_init(&scratch, DOCUMENT_MAXIMUM);
	int status = load_document(input, &scratch, report, snapshot);
	arena_done(&scratch);
	config_report_sort(report);
	if (status == 0 && report->error_count)
		status = -EINVAL;
	if (status < 0)
		config_node_unref(&snapshot->node);
	else
		*ret_node = &snapshot->node;
	return status;
}

/* ---- files ---- */

static int read_all(int descriptor, struct buffer *bytes)
{
	for (;;) {
		int status = buffer_reserve(bytes, 4096);
		if (status < 0)
			return status;
		ssize_t got = read(descriptor, bytes->at + bytes->length, 4096);
		if (got < 0 && errno == EINTR)
			continue;
		if (got <= 0)
			return got < 0 ? -errno : 0;
		bytes->length += (size_t)got;
	}
}

static int read_file(const char *path, struct buffer *bytes)
{
	base_cleanup(close_descriptor) int descriptor = open(path, O_RDONLY | O_CLOEXEC);
	struct stat status;
	if (descriptor < 0 || fstat(descriptor, &status) < 0)
		return -errno;
	if (S_ISDIR(status.st_mode))
		return -EISDIR;
	return read_all(descriptor, bytes);
}

/* What stands before the file's name: "", "/", "conf", "/etc/fedge". */
static char *folder_of(const char *path)
{
	const char *slash = strrchr(path, '/');
	if (!slash)
		return strdup("");
	return span_copy(span_make(path, slash == path ? 1 : (size_t)(slash - path)));
}

static int load_path(
	const char *path, struct buffer *bytes, struct config_report *report, const struct config_node **ret_node)
{
	base_cleanup(free_pointer) char *folder = folder_of(path);
	if (report_name(report, path) < 0 || !folder)
		return -ENOMEM;
	int status = read_file(path, bytes);
	if (status == -ENOBUFS) {
		config_error(report, (struct config_place){ 0, 0 }, "larger than %u bytes", CONFIG_FILE_MAXIMUM);
		return -EFBIG;
	}
	if (status < 0) {
		config_error(report, (struct config_place){ 0, 0 }, "cannot be read: %s", strerror(-status));
		return status;
	}
	struct config_input input = { buffer_span(bytes), path, folder, .check_files = true };
	return config_load_bytes(&input, report, ret_node);
}

int config_load_file(const char *path, struct config_report *report, const struct config_node **ret_node)
{
	struct buffer bytes;
	buffer_init(&bytes, CONFIG_FILE_MAXIMUM);
	int status = load_path(path, &bytes, report, ret_node);
	buffer_done(&bytes);
	return status;
}
