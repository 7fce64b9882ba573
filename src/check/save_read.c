/* SPDX-License-Identifier: Apache-2.0 */
/* Saved facts back into memory. Whoever wrote the line may have changed anything in it, so every count, length, number,
 * word and reference is looked at, and what a certificate says is read from the certificate. */
#include "check/save.h"
#include "check/save_base64.h"
#include "check/save_fields.h"
#include "trust/names.h"

#include <arpa/inet.h>
#include <errno.h>
#include <openssl/evp.h>
#include <stdio.h>

#define FORMAT "fedge-check-facts"
/* Values and separators of a line outside its strings: what bounds the memory of its tree. */
#define SIGNS_MAXIMUM 262144
#define PLACE_SIZE 96

struct reading {
	struct arena *arena;
	struct net_tls *tls;
	struct x509_store_st *public_authorities;
	struct span *certificates;
	size_t certificate_count;
	char place[PLACE_SIZE]; /* "attempts[3].chain": where we are */
	int status; /* the first failure sticks */
	char *error;
};

static void fail(struct reading *r, int status, const char *name, const char *what)
{
	if (r->status)
		return;
	r->status = status;
	if (status == -ENOMEM)
		snprintf(r->error, CHECK_SAVE_ERROR_SIZE, "out of memory, or larger than facts may be");
	else
		snprintf(r->error, CHECK_SAVE_ERROR_SIZE, "%s%s%s: %s", r->place, *r->place && *name ? "." : "", name,
			what);
}

/* Goes one step deeper; the length before is what place_leave wants. */
static size_t place_enter(struct reading *r, const char *name, size_t index)
{
	size_t before = strlen(r->place);
	if (index == SIZE_MAX)
		snprintf(r->place + before, sizeof(r->place) - before, "%s%s", before ? "." : "", name);
	else
		snprintf(r->place + before, sizeof(r->place) - before, "%s%s[%zu]", before ? "." : "", name, index);
	return before;
}

static void place_leave(struct reading *r, size_t before)
{
	r->place[before] = '\0';
}

static void *room(struct reading *r, size_t count, size_t size)
{
	void *memory = count ? arena_zero(r->arena, count * size) : NULL;
	if (count && !memory)
		fail(r, -ENOMEM, "", "");
	return memory;
}

/* ---- fields ---- */

static struct span string_of(const json_t *value)
{
	return span_make(json_string_value(value), json_string_length(value));
}

static void copy_text(struct reading *r, const char *name, struct span text, size_t maximum, struct span *ret_text)
{
	if (text.length > maximum) {
		fail(r, -EBADMSG, name, "too long");
		return;
	}
	*ret_text = arena_copy(r->arena, text);
	if (!ret_text->at)
		fail(r, -ENOMEM, name, "");
}

static void read_bytes(struct reading *r, const char *name, const json_t *value, size_t maximum, struct span *ret_bytes)
{
	if (!json_is_string(value)) {
		fail(r, -EBADMSG, name, "not base64 in a string");
		return;
	}
	if (json_string_length(value) > (maximum + 2) / 3 * 4) {
		fail(r, -EBADMSG, name, "too long");
		return;
	}
	int status = save_base64_read(string_of(value), r->arena, ret_bytes);
	if (status < 0)
		fail(r, status, name, "not base64");
}

/* Plain, or in base64 where it is not UTF-8; what is UTF-8 is never in base64, so that there is one way to write it. */
static void read_text(struct reading *r, const char *name, const json_t *value, size_t maximum, struct span *ret_text)
{
	if (json_is_string(value)) {
		copy_text(r, name, string_of(value), maximum, ret_text);
		return;
	}
	const json_t *bytes = json_object_get(value, "base64");
	if (!bytes) {
		fail(r, -EBADMSG, name, "not a text");
		return;
	}
	read_bytes(r, name, bytes, maximum, ret_text);
	json_t *readable = r->status ? NULL : json_stringn(ret_text->at, ret_text->length);
	if (readable)
		fail(r, -EBADMSG, name, "a text that needs no base64");
	json_decref(readable);
}

static void put_number(void *at, enum save_kind kind, json_int_t number)
{
	switch (kind) {
	case SAVE_U8:
		*(uint8_t *)at = (uint8_t)number;
		break;
	case SAVE_U16:
		*(uint16_t *)at = (uint16_t)number;
		break;
	case SAVE_U32:
		*(uint32_t *)at = (uint32_t)number;
		break;
	case SAVE_INT:
		*(int *)at = (int)number;
		break;
	case SAVE_SIZE:
		*(size_t *)at = (size_t)number;
		break;
	default:
		*(int64_t *)at = number;
		break;
	}
}

static void read_number(struct reading *r, const json_t *value, const struct save_field *field, void *at)
{
	uint64_t maximum = field->maximum ? field->maximum : (uint64_t)SAVE_STEP_MAXIMUM;
	json_int_t number = json_integer_value(value);
	if (!json_is_integer(value))
		fail(r, -EBADMSG, field->name, "not a whole number");
	else if (number < 0 || (uint64_t)number > maximum)
		fail(r, -EBADMSG, field->name, "out of range");
	else
		put_number(at, field->kind, number);
}

static void read_word(struct reading *r, const json_t *value, const struct save_field *field, void *at)
{
	int number = json_is_string(value) ? check_word_value(field->words, string_of(value)) : -1;
	if (number < 0)
		fail(r, -EBADMSG, field->name, "no word that is known here");
	else
		*(unsigned *)at = (unsigned)number;
}

static void read_field(struct reading *r, const json_t *object, const struct save_field *field, void *into)
{
	void *at = (char *)into + field->offset;
	const json_t *value = json_object_get(object, field->name);
	size_t maximum = field->maximum ? (size_t)field->maximum : SAVE_TEXT_MAXIMUM;
	if (field->kind == SAVE_STEP && !value) {
		*(int64_t *)at = -1;
		return;
	}
	if (!value && field->kind == SAVE_WORD)
		fail(r, -EBADMSG, field->name, "missing");
	if (!value)
		return;
	switch (field->kind) {
	case SAVE_TEXT:
		read_text(r, field->name, value, maximum, at);
		return;
	case SAVE_BYTES:
		read_bytes(r, field->name, value, maximum, at);
		return;
	case SAVE_FLAG:
		if (!json_is_boolean(value))
			fail(r, -EBADMSG, field->name, "neither true nor false");
		else
			*(bool *)at = json_is_true(value);
		return;
	case SAVE_WORD:
		read_word(r, value, field, at);
		return;
	default:
		read_number(r, value, field, at);
	}
}

static void read_fields(struct reading *r, const json_t *object, const struct save_field *fields, void *into)
{
	if (!json_is_object(object))
		fail(r, -EBADMSG, "", "not an object");
	for (; fields->name && !r->status; fields++)
		read_field(r, object, fields, into);
}

/* NULL and 0 where there is none; it must be a list of at most so many. */
static json_t *list_of(struct reading *r, const json_t *object, const char *name, size_t maximum, size_t *ret_count)
{
	json_t *list = json_object_get(object, name);
	*ret_count = 0;
	if (!list)
		return NULL;
	if (!json_is_array(list))
		fail(r, -EBADMSG, name, "not a list");
	else if (json_array_size(list) > maximum)
		fail(r, -EBADMSG, name, "too many");
	if (r->status)
		return NULL;
	*ret_count = json_array_size(list);
	return list;
}

static const json_t *object_of(struct reading *r, const json_t *object, const char *name)
{
	const json_t *inner = json_object_get(object, name);
	if (!json_is_object(inner))
		fail(r, -EBADMSG, name, inner ? "not an object" : "missing");
	return inner;
}

/* A list of objects that hold nothing but fields. */
static void *read_list(struct reading *r, const json_t *object, const char *name, size_t maximum, size_t size,
	const struct save_field *fields, size_t *ret_count)
{
	size_t count = 0;
	const json_t *list = list_of(r, object, name, maximum, &count);
	char *items = room(r, count, size);
	for (size_t i = 0; items && i < count && !r->status; i++) {
		size_t before = place_enter(r, name, i);
		read_fields(r, json_array_get(list, i), fields, items + i * size);
		place_leave(r, before);
	}
	*ret_count = r->status ? 0 : count;
	return items;
}

static struct span *read_texts(
	struct reading *r, const json_t *object, const char *name, size_t maximum, size_t *ret_count)
{
	size_t count = 0;
	const json_t *list = list_of(r, object, name, maximum, &count);
	struct span *texts = room(r, count, sizeof(*texts));
	for (size_t i = 0; texts && i < count && !r->status; i++) {
		size_t before = place_enter(r, name, i);
		read_text(r, "", json_array_get(list, i), SAVE_TEXT_MAXIMUM, &texts[i]);
		place_leave(r, before);
	}
	*ret_count = r->status ? 0 : count;
	return texts;
}

/* ---- DNS ---- */

static void read_lookup(struct reading *r, const json_t *object, const char *name, struct trust_lookup *ret_lookup)
{
	const json_t *inner = object_of(r, object, name);
	size_t before = place_enter(r, name, SIZE_MAX);
	if (!r->status)
		read_fields(r, inner, save_lookup_fields, ret_lookup);
	place_leave(r, before);
}

static void read_srv(struct reading *r, const json_t *object, struct check_facts *facts)
{
	const json_t *srv = object_of(r, object, "srv");
	struct trust_domain *domain = &facts->srv;
	size_t before = place_enter(r, "srv", SIZE_MAX);
	if (!r->status) {
		read_fields(r, srv, save_domain_fields, domain);
		read_lookup(r, srv, "lookup", &domain->lookup);
		domain->records = read_list(r, srv, "records", SAVE_RECORDS_MAXIMUM, sizeof(*domain->records),
			save_record_fields, &domain->record_count);
	}
	for (size_t i = 0; !r->status && i < domain->record_count; i++)
		if (!domain->records[i].target.at)
			fail(r, -EBADMSG, "records", "one without target");
	place_leave(r, before);
}

/* Numeric, and written as the system writes it: addresses are compared as texts. */
static bool is_address(struct span text, bool *ret_is_ipv6)
{
	char copy[INET6_ADDRSTRLEN], again[INET6_ADDRSTRLEN];
	unsigned char bytes[16];
	if (!span_copy_to(text, copy, sizeof(copy)) || strlen(copy) != text.length)
		return false;
	*ret_is_ipv6 = span_find(text, ':') < text.length;
	int family = *ret_is_ipv6 ? AF_INET6 : AF_INET;
	return inet_pton(family, copy, bytes) == 1 && inet_ntop(family, bytes, again, sizeof(again)) &&
	       strcmp(copy, again) == 0;
}

static void read_addresses(struct reading *r, const json_t *object, struct trust_host *host)
{
	size_t count = 0;
	const struct span *texts = read_texts(r, object, "addresses", SAVE_RECORDS_MAXIMUM, &count);
	struct trust_address *addresses = room(r, count, sizeof(*addresses));
	for (size_t i = 0; addresses && i < count; i++) {
		addresses[i].text = texts[i];
		if (!is_address(texts[i], &addresses[i].is_ipv6))
			fail(r, -EBADMSG, "addresses", "one that is none");
		addresses[i].is_private = trust_address_is_private(texts[i]);
	}
	host->addresses = addresses;
	host->address_count = r->status ? 0 : count;
}

/* A whole certificate or key in a record is known by its digest (trust/facts.h). */
static void digest_tlsa(struct reading *r, struct trust_tlsa *tlsa)
{
	unsigned char digest[EVP_MAX_MD_SIZE];
	unsigned int size = 0;
	if (tlsa->matching != 0 || r->status)
		return;
	if (EVP_Digest(tlsa->data.at, tlsa->data.length, digest, &size, EVP_sha256(), NULL))
		tlsa->data_sha256 = arena_copy(r->arena, span_make((const char *)digest, size));
	if (!tlsa->data_sha256.at)
		fail(r, -ENOMEM, "", "");
}

static void read_tlsa(struct reading *r, const json_t *object, struct trust_host *host)
{
	struct trust_tlsa *tlsa =
		read_list(r, object, "tlsa", SAVE_RECORDS_MAXIMUM, sizeof(*tlsa), save_tlsa_fields, &host->tlsa_count);
	for (size_t i = 0; i < host->tlsa_count; i++) {
		if (!tlsa[i].data.at)
			tlsa[i].data = SPAN("");
		digest_tlsa(r, &tlsa[i]);
	}
	host->tlsa = tlsa;
}

static void read_host(struct reading *r, const json_t *object, struct trust_host *host, uint16_t *ret_port)
{
	static const struct save_field port = { "port", SAVE_U16, 0, .maximum = UINT16_MAX };
	read_fields(r, object, save_host_fields, host);
	read_field(r, object, &port, ret_port);
	if (!r->status && !host->name.length)
		fail(r, -EBADMSG, "name", "missing");
	read_lookup(r, object, "a", &host->a);
	read_lookup(r, object, "aaaa", &host->aaaa);
	read_lookup(r, object, "tlsa_lookup", &host->tlsa_lookup);
	read_addresses(r, object, host);
	read_tlsa(r, object, host);
}

static void read_hosts(struct reading *r, const json_t *object, struct check_facts *facts)
{
	size_t count = 0;
	const json_t *list = list_of(r, object, "hosts", CHECK_HOSTS_MAXIMUM, &count);
	facts->hosts = room(r, count, sizeof(*facts->hosts));
	facts->host_ports = room(r, count, sizeof(*facts->host_ports));
	for (size_t i = 0; i < count && !r->status; i++) {
		size_t before = place_enter(r, "hosts", i);
		read_host(r, json_array_get(list, i), &facts->hosts[i], &facts->host_ports[i]);
		for (size_t j = 0; j < i && !r->status; j++)
			if (trust_name_equal(facts->hosts[i].name, facts->hosts[j].name))
				fail(r, -EBADMSG, "name", "there twice");
		place_leave(r, before);
	}
	facts->host_count = count;
}

/* ---- certificates ---- */

static void read_album(struct reading *r, const json_t *object)
{
	size_t count = 0;
	const json_t *list = list_of(r, object, "certificates", SAVE_CERTIFICATES_MAXIMUM, &count);
	r->certificates = room(r, count, sizeof(*r->certificates));
	for (size_t i = 0; i < count && !r->status; i++) {
		size_t before = place_enter(r, "certificates", i);
		read_bytes(r, "", json_array_get(list, i), CHECK_FACTS_BYTES_MAXIMUM, &r->certificates[i]);
		place_leave(r, before);
	}
	r->certificate_count = count;
}

static void read_places(struct reading *r, const json_t *object, struct peer_probe_facts *probe)
{
	size_t count = 0;
	const json_t *list = list_of(r, object, "certificates", PEER_CHAIN_CERTIFICATES_MAXIMUM, &count);
	struct span *der = room(r, count, sizeof(*der));
	for (size_t i = 0; i < count && !r->status; i++) {
		const json_t *value = json_array_get(list, i);
		json_int_t place = json_integer_value(value);
		if (!json_is_integer(value) || place < 0 || (size_t)place >= r->certificate_count)
			fail(r, -EBADMSG, "certificates", "no such certificate");
		else
			der[i] = r->certificates[place];
	}
	probe->der = der;
	probe->der_count = r->status ? 0 : count;
}

static bool same_certificates(const struct peer_probe_facts *a, const struct peer_probe_facts *b)
{
	if (a->der_count != b->der_count)
		return false;
	for (size_t i = 0; i < a->der_count; i++)
		if (a->der[i].at != b->der[i].at)
			return false;
	return true;
}

/* The certificates of the chain; those of an attempt before it are not read twice. */
static void parse_chain(struct reading *r, const struct check_facts *facts, size_t index, struct trust_chain *ret_chain)
{
	const struct peer_probe_facts *probe = &facts->attempts[index].probe;
	for (size_t i = 0; i < index; i++) {
		if (same_certificates(&facts->attempts[i].probe, probe)) {
			*ret_chain = facts->attempts[i].probe.chain;
			return;
		}
	}
	int status = peer_probe_chain(probe->der, probe->der_count, r->tls, r->public_authorities, r->arena, ret_chain);
	if (status < 0)
		fail(r, status == -ENOMEM ? status : -EBADMSG, "certificates", "one that cannot be read");
}

/* What the saver's verification said; where somebody verifies anew, that counts instead. */
static void read_chain(struct reading *r, const json_t *object, struct check_facts *facts, size_t index)
{
	struct peer_probe_facts *probe = &facts->attempts[index].probe;
	struct trust_chain said = { 0 }, parsed = { 0 };
	const json_t *inner = object_of(r, object, "chain");
	size_t before = place_enter(r, "chain", SIZE_MAX);
	if (!r->status)
		read_fields(r, inner, save_chain_fields, &said);
	if (!r->status)
		read_places(r, inner, probe);
	if (!r->status && said.sent_count < probe->der_count)
		fail(r, -EBADMSG, "sent", "fewer than there are");
	if (!r->status && probe->der_count)
		parse_chain(r, facts, index, &parsed);
	bool anew = r->tls && probe->der_count;
	probe->chain = anew ? parsed : said;
	probe->chain.certificates = parsed.certificates;
	probe->chain.count = parsed.count;
	probe->chain.sent_count = said.sent_count;
	probe->chain.seen_as_client = said.seen_as_client;
	place_leave(r, before);
}

/* ---- connections ---- */

static void read_versions(struct reading *r, const json_t *object, struct peer_probe_facts *probe)
{
	size_t count = 0;
	const json_t *list = list_of(r, object, "versions", PEER_VERSION_COUNT, &count);
	if (list && count != PEER_VERSION_COUNT)
		fail(r, -EBADMSG, "versions", "not one for each version");
	for (size_t i = 0; i < count && !r->status; i++) {
		size_t before = place_enter(r, "versions", i);
		read_fields(r, json_array_get(list, i), save_version_fields, &probe->versions[i]);
		place_leave(r, before);
	}
	for (size_t i = 0; i < PEER_VERSION_COUNT; i++)
		probe->versions[i].name = save_version_names[i];
}

static void read_answer(struct reading *r, const json_t *object, struct check_answer *answer)
{
	const json_t *inner = json_object_get(object, "options");
	if (!inner)
		return;
	size_t before = place_enter(r, "options", SIZE_MAX);
	read_fields(r, inner, save_answer_fields, answer);
	answer->asked = true;
	place_leave(r, before);
}

static void read_attempt(struct reading *r, const json_t *object, struct check_facts *facts, size_t index)
{
	struct check_attempt *attempt = &facts->attempts[index];
	read_fields(r, object, save_attempt_fields, attempt);
	if (!r->status && attempt->host >= facts->host_count)
		fail(r, -EBADMSG, "host", "no such host");
	/* Absent: a planned certificate for a host that has no address. */
	if (!r->status && attempt->address.at && !is_address(attempt->address, &attempt->is_ipv6))
		fail(r, -EBADMSG, "address", "not an address");
	if (r->status)
		return;
	read_chain(r, object, facts, index);
	attempt->probe.requested_authorities = read_texts(r, object, "requested_authorities",
		PEER_REQUESTED_AUTHORITIES_MAXIMUM, &attempt->probe.requested_authority_count);
	read_versions(r, object, &attempt->probe);
	read_answer(r, object, &attempt->answer);
}

static void read_attempts(struct reading *r, const json_t *object, struct check_facts *facts)
{
	size_t count = 0;
	const json_t *list = list_of(r, object, "attempts", CHECK_ATTEMPTS_MAXIMUM, &count);
	facts->attempts = room(r, count, sizeof(*facts->attempts));
	for (size_t i = 0; i < count && !r->status; i++) {
		size_t before = place_enter(r, "attempts", i);
		read_attempt(r, json_array_get(list, i), facts, i);
		place_leave(r, before);
	}
	facts->attempt_count = count;
}

/* ---- the whole ---- */

static void read_version(struct reading *r, const json_t *object)
{
	const json_t *format = json_object_get(object, "format");
	const json_t *version = json_object_get(object, "version");
	if (!json_is_string(format) || !span_is(string_of(format), FORMAT))
		fail(r, -EBADMSG, "format", "this is no line of saved facts");
	else if (!json_is_integer(version) || json_integer_value(version) < 1)
		fail(r, -EBADMSG, "version", "not a version");
	else if (json_integer_value(version) > CHECK_SAVE_VERSION)
		fail(r, -ENOTSUP, "version", "written by a newer fedge");
}

static void read_facts(struct reading *r, const json_t *object, struct check_facts *facts)
{
	if (!json_is_object(object))
		fail(r, -EBADMSG, "", "not an object");
	read_version(r, object);
	if (r->status)
		return;
	read_fields(r, object, save_facts_fields, facts);
	if (!r->status && facts->domain.at && !trust_name_is_plain(facts->domain))
		fail(r, -EBADMSG, "domain", "no domain name in A-labels");
	read_srv(r, object, facts);
	read_hosts(r, object, facts);
	read_album(r, object);
	if (!r->status)
		read_attempts(r, object, facts);
	facts->srv.domain = facts->domain;
	facts->srv.hosts = facts->hosts;
	facts->srv.host_count = facts->host_count;
}

/* Jansson builds a tree of what it reads, however many values there are: they are counted first. */
static bool is_small(struct span line)
{
	size_t signs = 0;
	bool quoted = false;
	for (size_t i = 0; i < line.length; i++) {
		char c = line.at[i];
		if (quoted && c == '\\')
			i++;
		else if (c == '"')
			quoted = !quoted;
		else if (!quoted && (c == ',' || c == '[' || c == '{'))
			signs++;
	}
	return signs <= SIGNS_MAXIMUM && line.length <= CHECK_SAVE_LINE_MAXIMUM;
}

static json_t *parse(struct reading *r, struct span line)
{
	json_error_t error;
	if (!is_small(line)) {
		fail(r, -EBADMSG, "", "the line is longer than facts can be");
		return NULL;
	}
	json_t *object =
		json_loadb(line.at ? line.at : "", line.length, JSON_REJECT_DUPLICATES | JSON_ALLOW_NUL, &error);
	if (!object && json_error_code(&error) == json_error_out_of_memory)
		fail(r, -ENOMEM, "", "");
	else if (!object)
		fail(r, -EBADMSG, "", "not JSON, or cut off");
	return object;
}

int check_save_read(struct span line, struct net_tls *tls, struct x509_store_st *public_authorities,
	struct check_facts **ret_facts, char reterr_text[CHECK_SAVE_ERROR_SIZE])
{
	struct check_facts *facts = check_facts_new();
	if (!facts) {
		snprintf(reterr_text, CHECK_SAVE_ERROR_SIZE, "out of memory");
		return -ENOMEM;
	}
	struct reading r = {
		.arena = &facts->arena,
		.tls = tls,
		.public_authorities = public_authorities,
		.error = reterr_text,
	};
	json_t *object = parse(&r, line);
	if (object)
		read_facts(&r, object, facts);
	json_decref(object);
	if (r.status) {
		check_facts_free(facts);
		return r.status;
	}
	*ret_facts = facts;
	return 0;
}
