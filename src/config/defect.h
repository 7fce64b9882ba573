/* SPDX-License-Identifier: Apache-2.0 */
#ifndef FEDGE_CONFIG_DEFECT_H
#define FEDGE_CONFIG_DEFECT_H
/* For this folder only: how a report (config/load.h) is filled. */
#include "config/load.h"

void config_error(struct config_report *report, struct config_place place, const char *format, ...)
	__attribute__((format(printf, 3, 4)));
void config_warning(struct config_report *report, struct config_place place, const char *format, ...)
	__attribute__((format(printf, 3, 4)));
/* Into the order of the lines; defects of the file as a whole come last. */
void config_report_sort(struct config_report *report);

/* Somebody's text for a message: escaped, cut where it is long. For printf, within one expression:
 * config_error(report, place, "unknown key `%s`", config_shown(key).text) */
struct config_shown {
	char text[512];
};
struct config_shown config_shown(struct span s);
#endif
