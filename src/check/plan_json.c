/* SPDX-License-Identifier: Apache-2.0 */
/* A plan for programs. */
#include "check/plan_private.h"
#include "check/words.h"
#include "finding/json.h"

#define TEXT_MAXIMUM (64 * 1024)

static json_t *text_lines_json(const struct buffer *text)
{
	json_t *lines = json_array();
	struct span rest = buffer_span(text);
	while (rest.at && rest.length > 0)
		json_array_append_new(lines, check_json_text(span_cut(&rest, '\n')));
	return lines;
}

/* The lines that `write` gives, as an array. */
static json_t *lines_json(const struct plan_work *work, void (*write)(const struct plan_work *, struct buffer *))
{
	struct buffer text;
	buffer_init(&text, TEXT_MAXIMUM);
	write(work, &text);
	json_t *lines = text_lines_json(&text);
	buffer_done(&text);
	return lines;
}

static json_t *line_json(const struct plan_work *work, void (*write)(const struct plan_work *, struct buffer *))
{
	json_t *lines = lines_json(work, write);
	json_t *line = json_incref(json_array_get(lines, 0));
	json_decref(lines);
	return line;
}

static json_t *site_lines_json(const struct plan_work *work, const struct plan_site *site,
	void (*write)(const struct plan_work *, const struct plan_site *, struct buffer *))
{
	struct buffer text;
	buffer_init(&text, TEXT_MAXIMUM);
	write(work, site, &text);
	json_t *lines = text_lines_json(&text);
	buffer_done(&text);
	return lines;
}

static json_t *advised_json(const struct plan_site *site)
{
	return span_equal(site->host, site->advised) ? json_null() : check_json_text(site->advised);
}

static json_t *checks_json(const struct plan_site *site)
{
	json_t *checks = json_array();
	for (size_t i = 0; i < site->judgement_count; i++) {
		const struct plan_judgement *judgement = &site->judgements[i];
		json_array_append_new(
			checks, json_pack("{s:s, s:s, s:o, s:o}", "policy", check_policy_name(judgement->policy),
					"verdict", check_verdict_name(judgement->report.verdict), "ms_diagnostics",
					finding_json_diagnostics(judgement->report.answer), "findings",
					finding_list_json(&judgement->report.findings)));
	}
	return checks;
}

static json_t *sites_json(const struct plan_work *work)
{
	json_t *sites = json_array();
	for (size_t i = 0; i < work->site_count; i++) {
		const struct plan_site *site = &work->sites[i];
		json_array_append_new(sites,
			json_pack("{s:o, s:o, s:o, s:o, s:s, s:o, s:o}", "typed", check_json_text(site->typed),
				"domain", check_json_text(site->domain), "host", check_json_text(site->host),
				"advised_host", advised_json(site), "verdict", check_verdict_name(site->verdict),
				"zone", site_lines_json(work, site, plan_zone_lines), "checks", checks_json(site)));
	}
	return sites;
}

static json_t *names_json(const struct plan_work *work)
{
	json_t *names = json_array();
	for (size_t i = 0; i < work->name_count; i++)
		json_array_append_new(names, check_json_text(work->names[i]));
	return names;
}

static json_t *tlsa_json(const struct plan_work *work)
{
	json_t *commands = json_array();
	for (size_t i = 0; i < work->site_count && work->policies & CHECK_AS_DANE; i++) {
		json_t *lines = site_lines_json(work, &work->sites[i], plan_tlsa_line);
		json_array_extend(commands, lines);
		json_decref(lines);
	}
	return commands;
}

static json_t *certificate_json(const struct plan_work *work)
{
	return json_pack("{s:o, s:o, s:[s,s], s:s, s:o, s:o}", "names", names_json(work), "common_name",
		check_json_text(plan_common_name(work)), "usages", "serverAuth", "clientAuth", "key", "rsa:2048",
		"request", line_json(work, plan_request_line), "tlsa", tlsa_json(work));
}

json_t *check_plan_json(const struct check_plan *plan, const struct check_bench *bench, enum check_verdict *ret_verdict,
	char reterr_text[256])
{
	struct plan_work work;
	json_t *object = NULL;
	if (plan_make(plan, bench, &work, reterr_text) == 0) {
		const struct plan_site *first = &work.sites[0];
		*ret_verdict = work.verdict;
		object = json_pack("{s:o, s:o, s:o, s:s, s:i, s:o, s:o, s:[o,o], s:o}", "domain",
			check_json_text(first->domain), "host", check_json_text(first->host), "advised_host",
			advised_json(first), "verdict", check_verdict_name(work.verdict), "port", (int)work.port,
			"domains", sites_json(&work), "certificate", certificate_json(&work), "firewall",
			line_json(&work, plan_firewall_in), line_json(&work, plan_firewall_out), "configuration",
			lines_json(&work, plan_configuration_lines));
	}
	plan_done(&work);
	return object;
}
