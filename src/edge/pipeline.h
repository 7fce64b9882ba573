/* SPDX-License-Identifier: Apache-2.0 */
#ifndef FEDGE_EDGE_PIPELINE_H
#define FEDGE_EDGE_PIPELINE_H
/* The way of every request, as one table that is read top to bottom: edge/pipeline.c. A step
 * refuses by handing a finding or an outcome to edge/answer.h, which alone picks status codes. */
#include "edge/request.h"
#endif
