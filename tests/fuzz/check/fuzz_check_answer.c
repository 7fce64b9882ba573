/* SPDX-License-Identifier: Apache-2.0 */
/* Any bytes as the answer to an OPTIONS, whole and in pieces: the same is said of both, and it is one thing or the
 * other. The first byte cuts the pieces; in the rest, every '\1' stands for the Call-ID that was sent. */
#include "base/require.h"
#include "check/options_request.h"

#include <stdlib.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void begin(struct check_options_exchange *exchange)
{
	static struct random dice;
	random_init_seed(&dice, 7);
	*exchange = (struct check_options_exchange){ 0 };
	int status = check_options_begin(exchange, &(struct check_options_request){
							   .domain = SPAN("b.example"),
							   .from = SPAN("sip:fedge-check@a.example"),
							   .host = SPAN("192.0.2.1"),
							   .random = &dice,
						   });
	base_require(status == 0);
}

static size_t fill(const uint8_t *data, size_t size, struct span call_id, char *ret_text)
{
	size_t length = 0;
	for (size_t i = 0; i < size; i++) {
		if (data[i] != 1) {
			ret_text[length++] = (char)data[i];
			continue;
		}
		memcpy(ret_text + length, call_id.at, call_id.length);
		length += call_id.length;
	}
	return length;
}

static const struct check_answer *hear(struct check_options_exchange *exchange, struct span text, size_t piece)
{
	bool over = false;
	for (size_t had = 0; had < text.length && !over;) {
		had = text.length - had > piece ? had + piece : text.length;
		over = check_options_hear(exchange, span_first(text, had));
	}
	const struct check_answer *answer = check_options_answer(exchange);
	base_require(answer->asked);
	base_require((answer->status == 0) == (answer->text.at != NULL));
	base_require(answer->status == 0 || (answer->status >= 200 && answer->status <= 699));
	base_require(over == (answer->status != 0) || (over && answer->text.at));
	return answer;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	if (size < 1 || size > PEER_ANSWER_MAXIMUM / 64)
		return 0;
	struct check_options_exchange whole, cut;
	begin(&whole);
	begin(&cut);
	char *text = malloc(size * (whole.call_id.length + 1));
	base_require(text);
	struct span all = span_make(text, fill(data + 1, size - 1, whole.call_id, text));
	const struct check_answer *a = hear(&whole, all, all.length + 1), *b = hear(&cut, all, data[0] % 64u + 1);
	base_require(a->status == b->status && span_equal(a->reason, b->reason) && span_equal(a->server, b->server));
	base_require(span_equal(a->diagnostics, b->diagnostics));
	check_options_end(&whole);
	check_options_end(&cut);
	free(text);
	return 0;
}
