/* SPDX-License-Identifier: Apache-2.0 */
#ifndef FEDGE_SIP_SCAN_H
#define FEDGE_SIP_SCAN_H
/* Finding bytes fast: 16 or 64 at a time where the processor has SSE2 (every x86-64 has), one at a time elsewhere.
 * Never reads outside of what it is given. For this folder's own files, and for explain/, through which gigabytes of
 * messages go. */
#include "sip/class.h"

#include <stddef.h>
#include <stdint.h>
#include <string.h>
#ifdef __SSE2__
#include <emmintrin.h>
#endif

/* One bit a byte, of 64 bytes. */
struct scan_lines {
	uint64_t lf;
	uint64_t low; /* below 0x20, LF too */
};

#ifdef __SSE2__
static inline __m128i scan_load16(const char *at)
{
	return _mm_loadu_si128((const __m128i *)(const void *)at);
}

static inline struct scan_lines scan_block(const char *at)
{
	const __m128i lf = _mm_set1_epi8('\n'), low = _mm_set1_epi8(0x1f);
	struct scan_lines ret = { 0, 0 };
#pragma GCC unroll 4
	for (unsigned i = 0; i < 4; i++) {
		__m128i v = scan_load16(at + (size_t)16 * i);
		ret.lf |= (uint64_t)(unsigned)_mm_movemask_epi8(_mm_cmpeq_epi8(v, lf)) << (16 * i);
		ret.low |= (uint64_t)(unsigned)_mm_movemask_epi8(_mm_cmpeq_epi8(_mm_min_epu8(v, low), v)) << (16 * i);
	}
	return ret;
}

static inline uint64_t scan_block_for(const char *at, char byte)
{
	const __m128i wanted = _mm_set1_epi8(byte);
	uint64_t ret = 0;
#pragma GCC unroll 4
	for (unsigned i = 0; i < 4; i++) {
		__m128i v = scan_load16(at + (size_t)16 * i);
		ret |= (uint64_t)(unsigned)_mm_movemask_epi8(_mm_cmpeq_epi8(v, wanted)) << (16 * i);
	}
	return ret;
}
#else
static inline uint64_t scan_block_for(const char *at, char byte)
{
	uint64_t ret = 0;
	for (unsigned i = 0; i < 64; i++)
		ret |= (uint64_t)(at[i] == byte) << i;
	return ret;
}

static inline struct scan_lines scan_block(const char *at)
{
	struct scan_lines ret = { scan_block_for(at, '\n'), 0 };
	for (unsigned i = 0; i < 64; i++)
		ret.low |= (uint64_t)((unsigned char)at[i] < 0x20) << i;
	return ret;
}
#endif

/* A number of such blocks at once: how many a caller takes, so that the choice of instructions costs little. */
#define SCAN_WINDOW 8
/* before: 1 where the byte before is low and no LF. True where a low byte is not followed by LF, or an LF not preceded
 * by a low byte: all that is not as in well-made heads, tabs and folds too. */
bool scan_window(const char *at, size_t count, uint64_t before, uint64_t *ret_lf, uint64_t *ret_low);
void scan_feeds(const char *at, size_t count, uint64_t *ret_lf);

/* The last bytes, fewer than 64, as a block with blanks after them. */
static inline void scan_fill_block(const char *at, size_t length, char block[64])
{
	memset(block, ' ', 64);
	memcpy(block, at, length);
}

#ifdef __SSE2__
static inline unsigned scan_match16(const char *at, char a, char b, char c)
{
	__m128i v = scan_load16(at), hit = _mm_cmpeq_epi8(v, _mm_set1_epi8(a));
	hit = _mm_or_si128(hit, _mm_cmpeq_epi8(v, _mm_set1_epi8(b)));
	hit = _mm_or_si128(hit, _mm_cmpeq_epi8(v, _mm_set1_epi8(c)));
	return (unsigned)_mm_movemask_epi8(hit);
}
#endif

/* Where the lowest bit stands; unsigned, so that it adds to an address at no cost. */
static inline unsigned scan_lowest(uint64_t bits)
{
	return (unsigned)__builtin_ctzll(bits);
}

/* All that follow look at [at, end); bytes up to limit (not before end) may be read, which spares the last few a look
 * one by one. Whoever knows nothing beyond the end gives end as limit. */

/* The first of three bytes, or end. Name one twice where two are enough. */
static inline const char *scan_find(const char *at, const char *end, const char *limit, char a, char b, char c)
{
#ifdef __SSE2__
	for (; limit - at >= 16 && at < end; at += 16) {
		unsigned mask = scan_match16(at, a, b, c);
		if (mask) {
			at += scan_lowest(mask);
			return at < end ? at : end;
		}
	}
	if (at >= end)
		return end;
#endif
	(void)limit;
	for (; at < end; at++) {
		if (*at == a || *at == b || *at == c)
			break;
	}
	return at;
}

/* The first byte that is of none of the classes, or end. */
static inline const char *scan_while(const char *at, const char *end, unsigned bits)
{
	for (; end - at >= 4; at += 4) {
		unsigned common = sip_class[(unsigned char)at[0]] & sip_class[(unsigned char)at[1]] &
				  sip_class[(unsigned char)at[2]] & sip_class[(unsigned char)at[3]];
		if (!(common & bits))
			break;
	}
	while (at < end && sip_class_is(*at, bits))
		at++;
	return at;
}

#ifdef __SSE2__
/* Letters, digits, "-" and "." (tokens and hosts may hold them all) of 16 bytes. */
static inline unsigned scan_plain16(const char *at)
{
	__m128i v = scan_load16(at), lower = _mm_or_si128(v, _mm_set1_epi8(0x20));
	__m128i letter = _mm_sub_epi8(lower, _mm_set1_epi8('a')), other = _mm_sub_epi8(v, _mm_set1_epi8('-'));
	__m128i hit = _mm_cmpeq_epi8(_mm_min_epu8(letter, _mm_set1_epi8('z' - 'a')), letter);
	hit = _mm_or_si128(hit, _mm_cmpeq_epi8(_mm_min_epu8(other, _mm_set1_epi8('9' - '-')), other));
	return (unsigned)_mm_movemask_epi8(_mm_andnot_si128(_mm_cmpeq_epi8(v, _mm_set1_epi8('/')), hit));
}
#endif

/* The same for classes that hold letters, digits, "-" and ".". */
static inline const char *scan_word(const char *at, const char *end, const char *limit, unsigned bits)
{
#ifdef __SSE2__
	while (limit - at >= 16) {
		unsigned mask = scan_plain16(at) ^ 0xffff;
		at += mask ? scan_lowest(mask) : 16;
		if (at >= end)
			return end;
		if (mask) {
			if (!sip_class_is(*at, bits))
				return at;
			at++;
		}
	}
#endif
	(void)limit;
	return scan_while(at, end, bits);
}

static inline const char *scan_blanks(const char *at, const char *end)
{
	while (at < end && (unsigned char)*at <= ' ' && sip_class_is(*at, SIP_CLASS_BLANK))
		at++;
	return at;
}

static inline const char *scan_back_blanks(const char *start, const char *end)
{
	while (end > start && (unsigned char)end[-1] <= ' ' && sip_class_is(end[-1], SIP_CLASS_BLANK))
		end--;
	return end;
}

/* at stands on the opening quote; gives the byte after the closing one, or NULL where none closes it. */
static inline const char *scan_quoted(const char *at, const char *end, const char *limit)
{
	for (at = scan_find(at + 1, end, limit, '"', '\\', '"'); at < end;
		at = scan_find(at, end, limit, '"', '\\', '"')) {
		if (*at == '"')
			return at + 1;
		at += end - at >= 2 ? 2 : 1;
	}
	return NULL;
}

#define SCAN_CASE UINT64_C(0x2020202020202020)

static inline uint64_t scan_load8(const char *at)
{
	uint64_t word;
	memcpy(&word, at, sizeof(word));
#if __BYTE_ORDER__ == __ORDER_BIG_ENDIAN__
	word = __builtin_bswap64(word);
#endif
	return word;
}

/* Equal to lower-case text without case; for text of letters, digits, "-", "." and "/". */
static inline bool scan_equal_lower(const char *at, const char *text, size_t length)
{
	size_t i = 0;
	for (; length - i >= 8; i += 8) {
		if ((scan_load8(at + i) | SCAN_CASE) != scan_load8(text + i))
			return false;
	}
	if (i < length && length >= 8)
		return (scan_load8(at + length - 8) | SCAN_CASE) == scan_load8(text + length - 8);
	for (; i < length; i++) {
		if ((at[i] | 0x20) != text[i])
			return false;
	}
	return true;
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
	word |= SCAN_CASE;
	return length < 8 ? word & ((UINT64_C(1) << (8 * length)) - 1) : word;
}
#endif
