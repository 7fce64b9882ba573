/* SPDX-License-Identifier: Apache-2.0 */
#include "edge/back_off.h"

int64_t edge_back_off_us(int64_t first_us, uint32_t failures, struct random *random)
{
	int64_t times = 1;
	for (uint32_t i = 1; i < failures && times < EDGE_BACK_OFF_MAXIMUM; i++)
		times *= 2;
	int64_t wait_us = first_us * times;
	return wait_us - wait_us / 4 + (int64_t)random_below(random, (uint64_t)(wait_us / 2) + 1);
}
