/* SPDX-License-Identifier: Apache-2.0 */
#ifndef FEDGE_FINDING_JSON_H
#define FEDGE_FINDING_JSON_H
/* Findings for programs. New references, the caller's; NULL without memory. Bytes that are not
 * UTF-8 become U+FFFD. */
#include "finding/finding.h"

#include <jansson.h>

/* A JSON string; null where the text is absent. */
json_t *finding_json_text(struct span text);
/* {code, severity, who, title, subject, observed, expected, evidence: [{kind, text, mark: [offset, length] or null,
 * note, file, line}], fixes: [{who, where, title, lines: []}], not_judged: [], ms_diagnostics, hresult, result_code} */
json_t *finding_json(const struct finding *f);
json_t *finding_list_json(const struct finding_list *list);
/* {id, reason} of the finding's Microsoft face, or JSON null (also for f == NULL). */
json_t *finding_json_diagnostics(const struct finding *f);
#endif
