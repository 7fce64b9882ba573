/* SPDX-License-Identifier: Apache-2.0 */
#include "base/require.h"
#include "phone/bridge.h"

/* ---- names ---- */

struct span phone_bridge_uri(
	const struct phone_bridge_domain *domains, size_t count, const struct sip_uri *uri, struct arena *a)
{
	struct span host = uri->host;
	for (size_t i = 0; i < count; i++) {
		if (span_equal_nocase(domains[i].from, uri->host)) {
			host = domains[i].to;
			break;
		}
	}
	return arena_printf(a, "%s:%.*s%s%.*s", uri->scheme == SIP_SCHEME_SIPS ? "sips" : "sip", SPAN_PRINT(uri->user),
		uri->user.length > 0 ? "@" : "", SPAN_PRINT(host));
}

struct span phone_bridge_from(struct bridge_call *call, const struct sip_message *invite)
{
	const struct phone_bridge_params *p = &phone_bridge_of(call)->params;
	struct sip_uri uri;
	struct span changed = invite->from.uri;
	if (sip_uri_parse(invite->from.uri, &uri, NULL) == 0 && sip_uri_is_sip(&uri))
		changed = phone_bridge_uri(p->callers, p->caller_count, &uri, &call->arena);
	const char *tag = call->legs[BRIDGE_CALLEE].tag;
	/* The display name keeps the escapes that it came with. */
	if (invite->from.display.length > 0)
		return arena_printf(&call->arena, "\"%.*s\" <%.*s>;tag=%s", SPAN_PRINT(invite->from.display),
			SPAN_PRINT(changed), tag);
	return arena_printf(&call->arena, "<%.*s>;tag=%s", SPAN_PRINT(changed), tag);
}

/* ---- headers ---- */

/* What says why goes along with everything. */
static const enum sip_header_id explaining[] = {
	SIP_HEADER_REASON,
	SIP_HEADER_WARNING,
	SIP_HEADER_MS_DIAGNOSTICS,
	SIP_HEADER_MS_DIAGNOSTICS_PUBLIC,
	SIP_HEADER_MS_CLIENT_DIAGNOSTICS,
	SIP_HEADER_ERROR_INFO,
	SIP_HEADER_SESSION_ID,
};
/* Of requests and answers. What belongs to one leg alone (routes, identities, credentials, reliable answers) does not.
 */
static const enum sip_header_id passing[] = {
	SIP_HEADER_SUBJECT,
	SIP_HEADER_PRIORITY,
	SIP_HEADER_PRIVACY,
	SIP_HEADER_ALERT_INFO,
	SIP_HEADER_CALL_INFO,
	SIP_HEADER_USER_TO_USER,
	SIP_HEADER_ACCEPT,
	SIP_HEADER_MS_CONVERSATION_ID,
	SIP_HEADER_SESSION_EXPIRES,
	SIP_HEADER_MIN_SE,
	SIP_HEADER_RETRY_AFTER,
	SIP_HEADER_CONTENT_DISPOSITION,
	SIP_HEADER_CONTENT_ENCODING,
	SIP_HEADER_CONTENT_LANGUAGE,
	SIP_HEADER_MIME_VERSION,
};

static void copy(struct sip_draft *d, const struct sip_message *m, const enum sip_header_id *ids, size_t count)
{
	for (size_t i = 0; i < count; i++) {
		const struct sip_header *header = sip_message_find(m, ids[i]);
		for (; header; header = sip_message_find_next(m, header))
			sip_draft_append(d, ids[i], arena_copy(d->arena, header->value));
	}
}

static struct span copied(struct sip_draft *d, struct span text)
{
	return text.at ? arena_copy(d->arena, text) : text;
}

/* Only what we could take part in ourselves. */
static void copy_known(
	struct sip_draft *d, const struct sip_message *m, enum sip_header_id id, const char *const *known, size_t count)
{
	struct buffer list;
	buffer_init(&list, 512);
	for (size_t i = 0; i < count; i++)
		if (sip_message_lists(m, id, span_of(known[i])))
			buffer_printf(&list, "%s%s", list.length > 0 ? ", " : "", known[i]);
	if (list.length > 0)
		sip_draft_append(d, id, arena_copy(d->arena, buffer_span(&list)));
	buffer_done(&list);
}

static void copy_all(struct sip_draft *d, const struct sip_message *m)
{
	static const char *const methods[] = { "INVITE", "ACK", "CANCEL", "BYE", "OPTIONS", "INFO", "MESSAGE",
		"UPDATE" };
	static const char *const extensions[] = { "timer" };
	copy_known(d, m, SIP_HEADER_ALLOW, methods, BASE_COUNT(methods));
	copy_known(d, m, SIP_HEADER_SUPPORTED, extensions, BASE_COUNT(extensions));
	copy_known(d, m, SIP_HEADER_REQUIRE, extensions, BASE_COUNT(extensions));
	copy(d, m, passing, BASE_COUNT(passing));
	copy(d, m, explaining, BASE_COUNT(explaining));
	if (m->body.length > 0)
		sip_draft_set_body(d, copied(d, sip_message_value(m, SIP_HEADER_CONTENT_TYPE)), copied(d, m->body));
}

void phone_bridge_copy_request(struct sip_draft *d, const struct sip_message *request)
{
	copy_all(d, request);
}

void phone_bridge_copy_answer(struct sip_draft *d, const struct sip_message *answer)
{
	static const enum sip_header_id own[] = { SIP_HEADER_UNSUPPORTED, SIP_HEADER_SERVER };
	copy_all(d, answer);
	/* Whose words they are: of the answerer, where he says. */
	copy(d, answer, own, BASE_COUNT(own));
}

void phone_bridge_copy_reason(struct sip_draft *d, const struct sip_message *request)
{
	copy(d, request, explaining, BASE_COUNT(explaining));
}
