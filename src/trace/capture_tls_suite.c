/* SPDX-License-Identifier: Apache-2.0 */
/* Cipher suites: https://www.iana.org/assignments/tls-parameters */
#include "trace/capture_tls.h"

#define SHA "SHA1"
#define GCM_128(number, name)                                                                                          \
	{                                                                                                              \
		number, name, "AES-128-GCM", CAPTURE_TLS_GCM, 16, 16, "SHA256", NULL                                   \
	}
#define GCM_256(number, name)                                                                                          \
	{                                                                                                              \
		number, name, "AES-256-GCM", CAPTURE_TLS_GCM, 32, 16, "SHA384", NULL                                   \
	}
#define CCM_128(number, name)                                                                                          \
	{                                                                                                              \
		number, name, "AES-128-CCM", CAPTURE_TLS_CCM, 16, 16, "SHA256", NULL                                   \
	}
#define CCM_256(number, name)                                                                                          \
	{                                                                                                              \
		number, name, "AES-256-CCM", CAPTURE_TLS_CCM, 32, 16, "SHA256", NULL                                   \
	}
#define CHACHA(number, name)                                                                                           \
	{                                                                                                              \
		number, name, "ChaCha20-Poly1305", CAPTURE_TLS_CHACHA, 32, 16, "SHA256", NULL                          \
	}
#define CBC_128(number, name, mac)                                                                                     \
	{                                                                                                              \
		number, name, "AES-128-CBC", CAPTURE_TLS_CBC, 16, 0, "SHA256", mac                                     \
	}
#define CBC_256(number, name, mac)                                                                                     \
	{                                                                                                              \
		number, name, "AES-256-CBC", CAPTURE_TLS_CBC, 32, 0, "SHA256", mac                                     \
	}
#define CBC_256_384(number, name)                                                                                      \
	{                                                                                                              \
		number, name, "AES-256-CBC", CAPTURE_TLS_CBC, 32, 0, "SHA384", "SHA384"                                \
	}

static const struct capture_tls_suite suites[] = {
	/* TLS 1.3 */
	GCM_128(0x1301, "TLS_AES_128_GCM_SHA256"),
	GCM_256(0x1302, "TLS_AES_256_GCM_SHA384"),
	CHACHA(0x1303, "TLS_CHACHA20_POLY1305_SHA256"),
	CCM_128(0x1304, "TLS_AES_128_CCM_SHA256"),
	/* authenticated encryption of TLS 1.2 */
	GCM_128(0x009c, "AES128-GCM-SHA256"),
	GCM_256(0x009d, "AES256-GCM-SHA384"),
	GCM_128(0x009e, "DHE-RSA-AES128-GCM-SHA256"),
	GCM_256(0x009f, "DHE-RSA-AES256-GCM-SHA384"),
	GCM_128(0xc02b, "ECDHE-ECDSA-AES128-GCM-SHA256"),
	GCM_256(0xc02c, "ECDHE-ECDSA-AES256-GCM-SHA384"),
	GCM_128(0xc02f, "ECDHE-RSA-AES128-GCM-SHA256"),
	GCM_256(0xc030, "ECDHE-RSA-AES256-GCM-SHA384"),
	CCM_128(0xc09c, "AES128-CCM"),
	CCM_256(0xc09d, "AES256-CCM"),
	CCM_128(0xc0ac, "ECDHE-ECDSA-AES128-CCM"),
	CCM_256(0xc0ad, "ECDHE-ECDSA-AES256-CCM"),
	CHACHA(0xcca8, "ECDHE-RSA-CHACHA20-POLY1305"),
	CHACHA(0xcca9, "ECDHE-ECDSA-CHACHA20-POLY1305"),
	CHACHA(0xccaa, "DHE-RSA-CHACHA20-POLY1305"),
	/* cipher block chaining */
	CBC_128(0x002f, "AES128-SHA", SHA),
	CBC_256(0x0035, "AES256-SHA", SHA),
	CBC_128(0x0033, "DHE-RSA-AES128-SHA", SHA),
	CBC_256(0x0039, "DHE-RSA-AES256-SHA", SHA),
	CBC_128(0x003c, "AES128-SHA256", "SHA256"),
	CBC_256(0x003d, "AES256-SHA256", "SHA256"),
	CBC_128(0x0067, "DHE-RSA-AES128-SHA256", "SHA256"),
	CBC_256(0x006b, "DHE-RSA-AES256-SHA256", "SHA256"),
	CBC_128(0xc009, "ECDHE-ECDSA-AES128-SHA", SHA),
	CBC_256(0xc00a, "ECDHE-ECDSA-AES256-SHA", SHA),
	CBC_128(0xc013, "ECDHE-RSA-AES128-SHA", SHA),
	CBC_256(0xc014, "ECDHE-RSA-AES256-SHA", SHA),
	CBC_128(0xc023, "ECDHE-ECDSA-AES128-SHA256", "SHA256"),
	CBC_256_384(0xc024, "ECDHE-ECDSA-AES256-SHA384"),
	CBC_128(0xc027, "ECDHE-RSA-AES128-SHA256", "SHA256"),
	CBC_256_384(0xc028, "ECDHE-RSA-AES256-SHA384"),
};

const struct capture_tls_suite *capture_tls_suite_find(uint16_t number)
{
	for (size_t i = 0; i < BASE_COUNT(suites); i++)
		if (suites[i].number == number)
			return &suites[i];
	return NULL;
}
