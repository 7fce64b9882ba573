/* SPDX-License-Identifier: Apache-2.0 */
#ifndef FEDGE_TRACE_KIND_PRIVATE_H
#define FEDGE_TRACE_KIND_PRIVATE_H
/* How the lines of each text format begin: what tells them apart, and where they may be cut. A line is without its
 * newline. Each is defined beside its reader. */
#include "base/span.h"

bool expressway_begins_line(struct span line);
/* A line that a reader may begin with as well as go on with: nothing that waits for it reaches over it. */
bool expressway_may_begin(struct span line);
bool sipstack_begins_record(struct span line);
bool uccapi_begins_line(struct span line);
bool uccapi_may_begin(struct span line);
bool json_begins_record(struct span line);
bool dump_begins(struct span line);
#endif
