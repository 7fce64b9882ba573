/* SPDX-License-Identifier: Apache-2.0 */
#ifndef FEDGE_CHECK_RENDER_PARTS_H
#define FEDGE_CHECK_RENDER_PARTS_H
/* What the renderers of this folder share. Texts for people are escaped already, unless said otherwise. */
#include "check/render.h"
#include "finding/paper.h"

enum paper_ink render_verdict_ink(enum check_verdict verdict);
/* What was typed, and the A-labels behind it where they differ: "münchen.example (xn--mnchen-3ya.example)". */
void render_domain(const struct check_facts *facts, struct buffer *out);
/* The verdict in words without the domain: "a Lync or Skype for Business caller gets 504, …". One line. */
void render_reason(const struct check_report *report, struct buffer *out);
/* The same of one direction of calls. */
void render_way(const struct check_report *report, const struct check_way *way, struct buffer *out);

/* Addresses that speak for the domain, and how many of them are good in every respect. */
struct render_addresses {
	size_t total;
	size_t good;
};
struct render_addresses render_count_addresses(const struct check_report *report);
/* The leaf that an attempt showed, or that is planned for it; NULL: none. */
const struct trust_certificate *render_leaf(const struct check_attempt *attempt);
/* Whole days from now until then, rounded down; negative: that long ago. Never overflows. */
int32_t render_days(int64_t until_s, int64_t now_s);
/* "2026-12-31", or "no readable date". */
void render_date(int64_t unix_s, struct buffer *out);
/* "12 ms", "<1 ms", "1.2 s". */
void render_duration(int64_t us, char ret_text[16]);

/* The rows of the report as a matrix, in the width of the style. */
void render_matrix(const struct check_report *report, struct paper *p);
/* What TLS showed: a block for each distinct chain and handshake. */
void render_details(const struct check_report *report, struct paper *p);
#endif
