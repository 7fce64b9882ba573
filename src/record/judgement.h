/* SPDX-License-Identifier: Apache-2.0 */
#ifndef FEDGE_RECORD_JUDGEMENT_H
#define FEDGE_RECORD_JUDGEMENT_H
/* A finding as a judgement record. */
#include "finding/finding.h"
#include "record/record.h"

/* What the record borrows besides the finding itself. */
struct record_judgement_storage {
	struct finding_pair pairs[FINDING_PAIRS_MAXIMUM];
	struct record_pair parameters[FINDING_PAIRS_MAXIMUM];
	char title[512];
};
/* Fills code, severity, subject, text, who, result code and name, diagnostics and parameters; the
 * caller adds the message it was applied to and the answer. Parameters are those of a trace
 * record's Data line; where the catalogue has none for the code, the finding's own values. */
void record_judgement_of(
	const struct finding *f, struct record_judgement_storage *storage, struct record_judgement *ret_judgement);
#endif
