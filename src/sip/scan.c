/* SPDX-License-Identifier: Apache-2.0 */
/* The loops that see every byte of a head, for what the processor offers. */
#include "sip/scan.h"

#if defined(__x86_64__) && defined(__SSE2__)
#include <immintrin.h>

__attribute__((target("avx2"))) static inline uint64_t join(__m256i first, __m256i second)
{
	return (uint64_t)(uint32_t)_mm256_movemask_epi8(first) | (uint64_t)(uint32_t)_mm256_movemask_epi8(second) << 32;
}

__attribute__((target("avx2"))) static uint64_t window_avx2(
	const char *at, size_t count, uint64_t before, uint64_t *lf, uint64_t *low)
{
	uint64_t odd = 0;
	const __m256i line_feed = _mm256_set1_epi8('\n'), limit = _mm256_set1_epi8(0x1f);
	for (size_t i = 0; i < count; i++, at += 64) {
		__m256i a = _mm256_loadu_si256((const __m256i *)(const void *)at);
		__m256i b = _mm256_loadu_si256((const __m256i *)(const void *)(at + 32));
		lf[i] = join(_mm256_cmpeq_epi8(a, line_feed), _mm256_cmpeq_epi8(b, line_feed));
		low[i] = join(_mm256_cmpeq_epi8(_mm256_min_epu8(a, limit), a),
			_mm256_cmpeq_epi8(_mm256_min_epu8(b, limit), b));
		odd |= (((low[i] ^ lf[i]) << 1) | before) ^ lf[i];
		before = (low[i] ^ lf[i]) >> 63;
	}
	return odd;
}

__attribute__((target("avx2"))) static void feeds_avx2(const char *at, size_t count, uint64_t *lf)
{
	const __m256i line_feed = _mm256_set1_epi8('\n');
	for (size_t i = 0; i < count; i++, at += 64) {
		__m256i a = _mm256_loadu_si256((const __m256i *)(const void *)at);
		__m256i b = _mm256_loadu_si256((const __m256i *)(const void *)(at + 32));
		lf[i] = join(_mm256_cmpeq_epi8(a, line_feed), _mm256_cmpeq_epi8(b, line_feed));
	}
}

static bool has_avx2(void)
{
	return __builtin_cpu_supports("avx2") != 0;
}
#else
static bool has_avx2(void)
{
	return false;
}

static uint64_t window_avx2(const char *at, size_t count, uint64_t before, uint64_t *lf, uint64_t *low)
{
	(void)at, (void)count, (void)before, (void)lf, (void)low;
	return 0;
}

static void feeds_avx2(const char *at, size_t count, uint64_t *lf)
{
	(void)at, (void)count, (void)lf;
}
#endif

bool scan_window(const char *at, size_t count, uint64_t before, uint64_t *ret_lf, uint64_t *ret_low)
{
	uint64_t odd = 0;
	if (has_avx2())
		return window_avx2(at, count, before, ret_lf, ret_low) != 0;
	for (size_t i = 0; i < count; i++) {
		struct scan_lines lines = scan_block(at + 64 * i);
		uint64_t other = lines.low ^ lines.lf;
		ret_lf[i] = lines.lf;
		ret_low[i] = lines.low;
		odd |= ((other << 1) | before) ^ lines.lf;
		before = other >> 63;
	}
	return odd != 0;
}

void scan_feeds(const char *at, size_t count, uint64_t *ret_lf)
{
	if (has_avx2()) {
		feeds_avx2(at, count, ret_lf);
		return;
	}
	for (size_t i = 0; i < count; i++)
		ret_lf[i] = scan_block_for(at + 64 * i, '\n');
}
