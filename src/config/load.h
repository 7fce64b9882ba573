/* SPDX-License-Identifier: Apache-2.0 */
#ifndef FEDGE_CONFIG_LOAD_H
#define FEDGE_CONFIG_LOAD_H
/* From YAML to a snapshot (config/node.h), whole or not at all. All mistakes of a file are
 * reported in one go, each with its place and, for a word we do not know, the nearest one that we
 * do. Reads the file itself and, where asked to, looks at the files it names (readable? does the
 * certificate match its key?). Prints nothing, keeps nothing. */
#include "base/buffer.h"
#include "config/node.h"

enum config_severity { CONFIG_ERROR, CONFIG_WARNING };

struct config_defect {
	enum config_severity severity;
	struct config_place place; /* line 0: the file as a whole */
	char *text; /* one line: lower case, no full stop */
};

#define CONFIG_DEFECT_MAXIMUM 200
/* What is wrong with one file, in the order of the lines. */
struct config_report {
	char *file;
	struct config_defect *defects;
	size_t count;
	size_t error_count;
	size_t dropped; /* beyond CONFIG_DEFECT_MAXIMUM */
};

void config_report_init(struct config_report *report);
void config_report_done(struct config_report *report); /* may be called twice */
/* One line each: "FILE:LINE:COLUMN: error: text\n", "FILE: …" where there is no line. */
int config_report_write(const struct config_report *report, struct buffer *b);

/* Largest file, deepest nesting, most values (aliases count each time they are used). */
#define CONFIG_FILE_MAXIMUM (4u << 20)
#define CONFIG_DEPTH_MAXIMUM 32
#define CONFIG_VALUES_MAXIMUM 200000

struct config_input {
	struct span bytes;
	const char *name; /* stands before the line numbers */
	const char *folder; /* relative paths are relative to it; NULL: kept as they are */
	bool check_files; /* look at the files that are named */
};

/* 0: *ret_node is the snapshot with one reference (the report may hold warnings). Otherwise
 * *ret_node is untouched and the report says why:
 * -EINVAL  the file has mistakes
 * -ENOMEM  no memory
 * or the errno of opening and reading the file (config_load_file only). */
int config_load_file(const char *path, struct config_report *report, const struct config_node **ret_node);
int config_load_bytes(
	const struct config_input *input, struct config_report *report, const struct config_node **ret_node);
#endif
