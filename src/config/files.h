/* SPDX-License-Identifier: Apache-2.0 */
#ifndef FEDGE_CONFIG_FILES_H
#define FEDGE_CONFIG_FILES_H
/* For this folder only. What can be said about the files that a configuration names without
 * using them. Whether a certificate is in date or trusted is not judged here. */
#include "config/defect.h"
#include "config/schema.h"

/* SCHEMA_FILE_READ: a file we can read. SCHEMA_FILE_WRITE, SCHEMA_SOCKET: its folder is one. */
void config_file_check(
	struct config_report *report, struct config_place place, enum schema_type type, const char *path);
/* The first certificate of the one file belongs to the key in the other. What config_file_check
 * has said already is not said again. */
void config_pair_check(
	struct config_report *report, struct config_place place, const char *certificate, const char *key);
/* The file has a certificate in PEM at least. */
void config_authority_check(struct config_report *report, struct config_place place, const char *path);
#endif
