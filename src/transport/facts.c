/* SPDX-License-Identifier: Apache-2.0 */
#include "transport/facts.h"

#include <openssl/x509.h>
#include <openssl/x509v3.h>
#include <stdatomic.h>
#include <stdlib.h>

struct transport_facts {
	_Atomic unsigned references;
	struct net_tls_facts facts;
	char *texts[4];
};

static const char *keep(struct transport_facts *f, size_t index, const char *text)
{
	f->texts[index] = text ? strdup(text) : NULL;
	return f->texts[index];
}

struct transport_facts *transport_facts_new(const struct net_tls_facts *facts)
{
	struct transport_facts *f = calloc(1, sizeof(*f));
	if (!f)
		return NULL;
	atomic_init(&f->references, 1);
	f->facts = *facts;
	f->facts.version = keep(f, 0, facts->version);
	f->facts.cipher = keep(f, 1, facts->cipher);
	f->facts.server_name = keep(f, 2, facts->server_name);
	f->facts.identity = keep(f, 3, facts->identity);
	/* Counts references of each certificate, which OpenSSL does atomically. */
	f->facts.chain = facts->chain ? X509_chain_up_ref(facts->chain) : NULL;
	f->facts.requested_authorities = NULL;
	return f;
}

struct transport_facts *transport_facts_ref(struct transport_facts *facts)
{
	if (facts)
		atomic_fetch_add_explicit(&facts->references, 1, memory_order_relaxed);
	return facts;
}

void transport_facts_unref(struct transport_facts *facts)
{
	if (!facts || atomic_fetch_sub_explicit(&facts->references, 1, memory_order_acq_rel) != 1)
		return;
	for (size_t i = 0; i < sizeof(facts->texts) / sizeof(facts->texts[0]); i++)
		free(facts->texts[i]);
	sk_X509_pop_free(facts->facts.chain, X509_free);
	free(facts);
}

const struct net_tls_facts *transport_facts_tls(const struct transport_facts *facts)
{
	return facts ? &facts->facts : NULL;
}

/* ---- names for records ---- */

static X509 *leaf_of(const struct net_tls_facts *facts)
{
	return facts && facts->chain && sk_X509_num(facts->chain) > 0 ? sk_X509_value(facts->chain, 0) : NULL;
}

static size_t common_name(const X509_NAME *name, char *ret_text, size_t capacity)
{
	ret_text[0] = '\0';
	int at = X509_NAME_get_index_by_NID(name, NID_commonName, -1);
	if (at < 0)
		return 0;
	unsigned char *utf8 = NULL;
	int length = ASN1_STRING_to_UTF8(&utf8, X509_NAME_ENTRY_get_data(X509_NAME_get_entry(name, at)));
	if (length < 0)
		return 0;
	(void)span_copy_to(span_make((const char *)utf8, (size_t)length), ret_text, capacity);
	OPENSSL_free(utf8);
	return strlen(ret_text);
}

size_t transport_facts_common_name(const struct net_tls_facts *facts, char *ret_text, size_t capacity)
{
	X509 *leaf = leaf_of(facts);
	ret_text[0] = '\0';
	return leaf ? common_name(X509_get_subject_name(leaf), ret_text, capacity) : 0;
}

size_t transport_facts_issuer(const struct net_tls_facts *facts, char *ret_text, size_t capacity)
{
	X509 *leaf = leaf_of(facts);
	ret_text[0] = '\0';
	return leaf ? common_name(X509_get_issuer_name(leaf), ret_text, capacity) : 0;
}

size_t transport_facts_names(
	const struct net_tls_facts *facts, char *storage, size_t capacity, struct span *ret_names, size_t name_maximum)
{
	X509 *leaf = leaf_of(facts);
	GENERAL_NAMES *names = leaf ? X509_get_ext_d2i(leaf, NID_subject_alt_name, NULL, NULL) : NULL;
	size_t count = 0;
	size_t used = 0;
	for (int i = 0; i < sk_GENERAL_NAME_num(names) && count < name_maximum; i++) {
		const GENERAL_NAME *name = sk_GENERAL_NAME_value(names, i);
		if (name->type != GEN_DNS)
			continue;
		size_t length = (size_t)ASN1_STRING_length(name->d.dNSName);
		if (used + length > capacity)
			break;
		memcpy(storage + used, ASN1_STRING_get0_data(name->d.dNSName), length);
		ret_names[count++] = span_make(storage + used, length);
		used += length;
	}
	GENERAL_NAMES_free(names);
	return count;
}
