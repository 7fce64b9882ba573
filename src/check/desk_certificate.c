/* SPDX-License-Identifier: Apache-2.0 */
/* The planned certificate: PEM into the DER that a server would show. */
#include "check/desk_private.h"
#include "peer/chain.h"

#include <errno.h>
#include <openssl/err.h>
#include <openssl/pem.h>
#include <stdio.h>

static int keep(X509 *certificate, struct arena *arena, struct span *ret_der)
{
	unsigned char *der = NULL;
	int length = i2d_X509(certificate, &der);
	if (length <= 0)
		return -ENOMEM;
	*ret_der = arena_copy(arena, span_make((const char *)der, (size_t)length));
	OPENSSL_free(der);
	return ret_der->at ? 0 : -ENOMEM;
}

/* The number of certificates; stops behind the last, or at what is none. */
static int read_all(BIO *bio, struct arena *arena, struct span *der)
{
	int count = 0;
	X509 *certificate;
	while ((certificate = PEM_read_bio_X509(bio, NULL, NULL, NULL))) {
		int status = count < PEER_CHAIN_CERTIFICATES_MAXIMUM ? keep(certificate, arena, &der[count]) : -E2BIG;
		X509_free(certificate);
		if (status < 0)
			return status;
		count++;
	}
	return count;
}

static int say(char *text, int status, const char *file, const char *what)
{
	snprintf(text, CHECK_ERROR_SIZE, "%s: %s", file, what);
	return status;
}

static bool at_end(void)
{
	unsigned long error = ERR_peek_last_error();
	return ERR_GET_LIB(error) == ERR_LIB_PEM && ERR_GET_REASON(error) == PEM_R_NO_START_LINE;
}

int check_desk_read_certificates(const char *file, struct arena *arena, const struct span **ret_der, size_t *ret_count,
	char reterr_text[CHECK_ERROR_SIZE])
{
	struct span *der = arena_zero(arena, PEER_CHAIN_CERTIFICATES_MAXIMUM * sizeof(*der));
	if (!der)
		return -ENOMEM;
	FILE *stream = fopen(file, "re");
	if (!stream) {
		int status = -errno;
		return say(reterr_text, status, file, strerrordesc_np(-status));
	}
	BIO *bio = BIO_new_fp(stream, BIO_CLOSE);
	if (!bio) {
		fclose(stream);
		return -ENOMEM;
	}
	ERR_clear_error();
	int count = read_all(bio, arena, der);
	bool whole = at_end();
	BIO_free(bio);
	ERR_clear_error();
	if (count == -E2BIG)
		return say(reterr_text, -E2BIG, file, "has more than 16 certificates");
	if (count < 0)
		return count;
	if (!whole)
		return say(reterr_text, -EBADMSG, file, "has a damaged certificate");
	if (count == 0)
		return say(reterr_text, -EBADMSG, file, "has no certificate in PEM form");
	*ret_der = der;
	*ret_count = (size_t)count;
	return 0;
}
