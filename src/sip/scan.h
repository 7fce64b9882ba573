/* SPDX-License-Identifier: Apache-2.0 */
#ifndef FEDGE_SIP_SCAN_H
#define FEDGE_SIP_SCAN_H
/* Finding bytes fast: 16 or 64 at a time where the processor has SSE2 (every x86-64 has), one at a time elsewhere.
 * Never reads outside of what it is given. For this folder's own files. */
#include "sip/class.h"

#include <stddef.h>
#include <stdint.h>
#include <string.h>
#ifdef __SSE2__
#include <emmintrin.h>
#endif

/* One bit a byte, of up to 64 bytes. */
struct scan_lines {
	uint64_t lf;
	uint64_t cr;
	uint64_t control; /* below 0x20, but CR, LF and HTAB */
};

#ifdef __SSE2__
static inline struct scan_lines scan_block(const char *at)
{
	const __m128i lf = _mm_set1_epi8('\n'), cr = _mm_set1_epi8('\r'), low = _mm_set1_epi8(0x1f);
	const __m128i tab = _mm_set1_epi8('\t');
	struct scan_lines ret = { 0, 0, 0 };
	__m128i strange = _mm_setzero_si128();
	__m128i odd[4];
	for (unsigned i = 0; i < 4; i++) {
		__m128i v = _mm_loadu_si128((const __m128i *)(const void *)(at + 16 * i));
		__m128i is_lf = _mm_cmpeq_epi8(v, lf), is_cr = _mm_cmpeq_epi8(v, cr);
		__m128i is_low = _mm_cmpeq_epi8(_mm_min_epu8(v, low), v);
		ret.lf |= (uint64_t)(unsigned)_mm_movemask_epi8(is_lf) << (16 * i);
		ret.cr |= (uint64_t)(unsigned)_mm_movemask_epi8(is_cr) << (16 * i);
		odd[i] = _mm_andnot_si128(_mm_or_si128(_mm_or_si128(is_lf, is_cr), _mm_cmpeq_epi8(v, tab)), is_low);
		strange = _mm_or_si128(strange, odd[i]);
	}
	if (_mm_movemask_epi8(strange)) {
		for (unsigned i = 0; i < 4; i++)
			ret.control |= (uint64_t)(unsigned)_mm_movemask_epi8(odd[i]) << (16 * i);
	}
	return ret;
}
#else
static inline struct scan_lines scan_block(const char *at)
{
	struct scan_lines ret = { 0, 0, 0 };
	for (unsigned i = 0; i < 64; i++) {
		unsigned char byte = (unsigned char)at[i];
		ret.lf |= (uint64_t)(byte == '\n') << i;
		ret.cr |= (uint64_t)(byte == '\r') << i;
		ret.control |= (uint64_t)(byte < 0x20 && byte != '\n' && byte != '\r' && byte != '\t') << i;
	}
	return ret;
}
#endif

/* The same for the last bytes, fewer than 64. */
static inline struct scan_lines scan_rest(const char *at, size_t length)
{
	char block[64];
	memset(block, ' ', sizeof(block));
	memcpy(block, at, length);
	return scan_block(block);
}

/* The first of three bytes in [at, end), or end. Name one twice where two are enough. */
static inline const char *scan_find(const char *at, const char *end, char a, char b, char c)
{
#ifdef __SSE2__
	const __m128i va = _mm_set1_epi8(a), vb = _mm_set1_epi8(b), vc = _mm_set1_epi8(c);
	for (; end - at >= 16; at += 16) {
		__m128i v = _mm_loadu_si128((const __m128i *)(const void *)at);
		__m128i hit =
			_mm_or_si128(_mm_or_si128(_mm_cmpeq_epi8(v, va), _mm_cmpeq_epi8(v, vb)), _mm_cmpeq_epi8(v, vc));
		unsigned mask = (unsigned)_mm_movemask_epi8(hit);
		if (mask)
			return at + __builtin_ctz(mask);
	}
#endif
	for (; at < end; at++) {
		if (*at == a || *at == b || *at == c)
			break;
	}
	return at;
}

static inline const char *scan_while(const char *at, const char *end, unsigned bits)
{
	while (at < end && sip_class_is(*at, bits))
		at++;
	return at;
}

static inline const char *scan_blanks(const char *at, const char *end)
{
	return scan_while(at, end, SIP_CLASS_BLANK);
}

static inline const char *scan_back_blanks(const char *start, const char *end)
{
	while (end > start && sip_class_is(end[-1], SIP_CLASS_BLANK))
		end--;
	return end;
}

/* at stands on the opening quote; gives the byte after the closing one, or NULL where none closes it. */
static inline const char *scan_quoted(const char *at, const char *end)
{
	for (at = scan_find(at + 1, end, '"', '\\', '\\'); at < end; at = scan_find(at, end, '"', '\\', '\\')) {
		if (*at == '"')
			return at + 1;
		at += end - at >= 2 ? 2 : 1;
	}
	return NULL;
}

static inline uint64_t scan_load8(const char *at)
{
	uint64_t word;
	memcpy(&word, at, sizeof(word));
#if __BYTE_ORDER__ == __ORDER_BIG_ENDIAN__
	word = __builtin_bswap64(word);
#endif
	return word;
}

/* Up to 8 bytes as a little number, lower-cased by the bit 0x20 (so: letters, digits, "-" and "." only). */
static inline uint64_t scan_lower8(const char *at, size_t length, const char *end)
{
	uint64_t word = 0;
	if (end - at >= 8) {
		word = scan_load8(at);
	} else {
		for (size_t i = 0; i < length && at + i < end; i++)
			word |= (uint64_t)(unsigned char)at[i] << (8 * i);
	}
	word |= UINT64_C(0x2020202020202020);
	return length < 8 ? word & ((UINT64_C(1) << (8 * length)) - 1) : word;
}
#endif
