/* SPDX-License-Identifier: Apache-2.0 */
#include "sip/class.h"

#define T SIP_CLASS_TOKEN
#define U SIP_CLASS_USER
#define H SIP_CLASS_HOST
#define P SIP_CLASS_TAIL
#define X SIP_CLASS_HEX
#define D SIP_CLASS_DIGIT
#define W SIP_CLASS_WORD
#define B SIP_CLASS_BLANK
#define LETTER(c) [c] = T | U | H | P | W, [(c) + 'a' - 'A'] = T | U | H | P | W
#define HEX(c) [c] = T | U | H | P | W | X, [(c) + 'a' - 'A'] = T | U | H | P | W | X
#define DIGIT(c) [c] = T | U | H | P | W | X | D

const uint8_t sip_class[256] = {
	HEX('A'),
	HEX('B'),
	HEX('C'),
	HEX('D'),
	HEX('E'),
	HEX('F'),
	LETTER('G'),
	LETTER('H'),
	LETTER('I'),
	LETTER('J'),
	LETTER('K'),
	LETTER('L'),
	LETTER('M'),
	LETTER('N'),
	LETTER('O'),
	LETTER('P'),
	LETTER('Q'),
	LETTER('R'),
	LETTER('S'),
	LETTER('T'),
	LETTER('U'),
	LETTER('V'),
	LETTER('W'),
	LETTER('X'),
	LETTER('Y'),
	LETTER('Z'),
	DIGIT('0'),
	DIGIT('1'),
	DIGIT('2'),
	DIGIT('3'),
	DIGIT('4'),
	DIGIT('5'),
	DIGIT('6'),
	DIGIT('7'),
	DIGIT('8'),
	DIGIT('9'),
	/* mark, most of it also token and word */
	['-'] = T | U | H | P | W,
	['_'] = T | U | H | P | W,
	['.'] = T | U | H | P | W,
	['!'] = T | U | P | W,
	['~'] = T | U | P | W,
	['*'] = T | U | P | W,
	['\''] = T | U | P | W,
	['('] = U | P | W,
	[')'] = U | P | W,
	['%'] = T | W,
	['+'] = T | U | P | W,
	['`'] = T | W,
	/* user-unreserved; "#" is not in the grammar, but feature codes are dialled so */
	['&'] = U | P,
	['='] = U | P,
	['$'] = U | P,
	[','] = U | P,
	[';'] = U | P,
	['?'] = U | W,
	['/'] = U | P | W,
	['#'] = U,
	/* param-unreserved and hnv-unreserved */
	['['] = P | W,
	[']'] = P | W,
	[':'] = P | W,
	/* the rest of word */
	['<'] = W,
	['>'] = W,
	['\\'] = W,
	['"'] = W,
	['{'] = W,
	['}'] = W,
	['@'] = W,
	[' '] = B,
	['\t'] = B,
	['\r'] = B,
	['\n'] = B,
};
