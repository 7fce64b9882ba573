/* SPDX-License-Identifier: Apache-2.0 */
/* What a plan gives to paste. Names are A-labels of letters, digits, "-" and "_" only (check/name.h), so nothing in
 * them means anything to a shell, a zone file or YAML; quotes are there for the eye. */
#include "check/plan_private.h"

#define COMMON_NAME_MAXIMUM 64 /* ub-common-name of RFC 5280, A.1 */

static size_t owner_length(struct span domain, struct span host)
{
	size_t service = sizeof(TRUST_SERVICE ".") - 1 + domain.length;
	return (service > host.length ? service : host.length) + 1;
}

static void append_owner(struct buffer *out, struct span prefix, struct span name, size_t width)
{
	size_t from = out->length;
	buffer_append(out, prefix);
	buffer_append(out, name);
	buffer_append_byte(out, '.');
	for (size_t length = out->length - from; length < width + 1; length++)
		buffer_append_byte(out, ' ');
}

void plan_zone_lines(const struct plan_work *work, const struct plan_site *site, struct buffer *out)
{
	size_t width = owner_length(site->domain, site->advised);
	int type_width = 3;
	for (size_t i = 0; i < work->address_count; i++)
		type_width = work->addresses[i].is_ipv6 ? 4 : type_width;
	append_owner(out, SPAN(TRUST_SERVICE "."), site->domain, width);
	buffer_printf(out, "%d IN %-*s 0 0 %u %.*s.\n", PLAN_TTL_S, type_width, "SRV", (unsigned)work->port,
		SPAN_PRINT(site->advised));
	for (size_t i = 0; i < work->address_count; i++) {
		append_owner(out, SPAN(""), site->advised, width);
		buffer_printf(out, "%d IN %-*s %.*s\n", PLAN_TTL_S, type_width,
			work->addresses[i].is_ipv6 ? "AAAA" : "A", SPAN_PRINT(work->addresses[i].text));
	}
}

struct span plan_common_name(const struct plan_work *work)
{
	for (size_t i = 0; i < work->name_count; i++)
		if (work->names[i].length <= COMMON_NAME_MAXIMUM)
			return work->names[i];
	return SPAN_NONE;
}

struct span plan_file_name(const struct plan_work *work)
{
	struct span name = work->sites[0].advised;
	/* With ".key" behind it within what a file name may have. */
	return name.length <= 240 ? name : SPAN("edge");
}

void plan_request_line(const struct plan_work *work, struct buffer *out)
{
	struct span file = plan_file_name(work), common = plan_common_name(work);
	buffer_printf(out, "openssl req -new -newkey rsa:2048 -nodes -keyout '%.*s.key' -out '%.*s.csr' ",
		SPAN_PRINT(file), SPAN_PRINT(file));
	if (common.length > 0)
		buffer_printf(out, "-subj '/CN=%.*s' ", SPAN_PRINT(common));
	else
		buffer_append_text(out, "-subj '/' ");
	buffer_append_text(out, "-addext 'subjectAltName=");
	for (size_t i = 0; i < work->name_count; i++)
		buffer_printf(out, "%sDNS:%.*s", i ? "," : "", SPAN_PRINT(work->names[i]));
	buffer_append_text(out, "' -addext 'extendedKeyUsage=serverAuth,clientAuth'\n");
}

void plan_tlsa_line(const struct plan_work *work, const struct plan_site *site, struct buffer *out)
{
	buffer_printf(out,
		"echo \"_%u._tcp.%.*s. %d IN TLSA 3 1 1 $(openssl pkey -in '%.*s.key' -pubout -outform DER "
		"| openssl dgst -sha256 -r | cut -d' ' -f1)\"\n",
		(unsigned)work->port, SPAN_PRINT(site->advised), PLAN_TTL_S, SPAN_PRINT(plan_file_name(work)));
}

static void append_flow_list(struct buffer *out, const struct plan_work *work, bool hosts)
{
	for (size_t i = 0; i < work->site_count; i++)
		buffer_printf(out, "%s\"%.*s\"", i ? ", " : "",
			SPAN_PRINT(hosts ? work->sites[i].advised : work->sites[i].domain));
}

void plan_configuration_lines(const struct plan_work *work, struct buffer *out)
{
	struct span file = plan_file_name(work);
	buffer_printf(out, "node: \"%.*s\"\ndomains: [", SPAN_PRINT(work->sites[0].advised));
	append_flow_list(out, work, false);
	buffer_printf(out, "]\nlisten:\n  - {transport: tls, port: %u}\ntls:\n  identities:\n    - {names: [",
		(unsigned)work->port);
	append_flow_list(out, work, true);
	buffer_printf(out, "], certificate: \"%.*s.pem\", key: \"%.*s.key\"}\n", SPAN_PRINT(file), SPAN_PRINT(file));
	buffer_append_text(out, "  system_authorities: yes\ndns: {timeout: 3s}\n");
	buffer_append_text(out, "zones:\n  - {name: federation, kind: dns, transport: tls}\n");
}

static void append_addresses(const struct plan_work *work, struct buffer *out)
{
	for (size_t i = 0; i < work->address_count; i++)
		buffer_printf(out, "%s%.*s",
			i == 0                         ? ""
			: i + 1 == work->address_count ? " and "
						       : ", ",
			SPAN_PRINT(work->addresses[i].text));
}

void plan_firewall_in(const struct plan_work *work, struct buffer *out)
{
	buffer_append_text(out, "let partners in: TCP from anywhere to ");
	append_addresses(work, out);
	buffer_printf(out, ", port %u", (unsigned)work->port);
}

void plan_firewall_out(const struct plan_work *work, struct buffer *out)
{
	buffer_append_text(out, "let calls out: TCP from ");
	append_addresses(work, out);
	buffer_append_text(out, " to anywhere, port 5061 and whatever other ports partners publish; and DNS, UDP and "
				"TCP port 53, to your "
				"resolver");
}
