/* SPDX-License-Identifier: Apache-2.0 */
/* Any bytes as a list of domains: each line given out is what the simple way to read it gives. Then as the output of an
 * earlier run: what is to be kept is whole lines, reading it again gives the same, and what is done is done. */
#include "base/require.h"
#include "check/bulk_list.h"
#include "check/resume.h"

#include <errno.h>
#include <stdlib.h>
#include <sys/mman.h>
#include <unistd.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

/* ---- a list ---- */

static bool is_blank(char c)
{
	return c == ' ' || (c >= '\t' && c <= '\r');
}

static struct span trimmed(struct span line)
{
	while (line.length > 0 && is_blank(line.at[0]))
		line = span_from(line, 1);
	while (line.length > 0 && is_blank(line.at[line.length - 1]))
		line.length--;
	return line;
}

/* The next line that says something, however long; absent at the end. */
static struct span simple_next(struct span *rest)
{
	while (rest->at) {
		struct span line = span_cut(rest, '\n');
		line = trimmed(span_first(line, span_find(line, '#')));
		while (line.length >= 3 && memcmp(line.at, "\xef\xbb\xbf", 3) == 0)
			line = trimmed(span_from(line, 3));
		if (line.length > 0)
			return line;
	}
	return SPAN_NONE;
}

static void read_list(struct span text)
{
	struct bulk_list list;
	struct span typed, rest = text;
	FILE *file = fmemopen((void *)(uintptr_t)text.at, text.length, "r");
	base_require(file && bulk_list_open(&list, file) == 0);
	int status;
	while ((status = bulk_list_next(&list, &typed)) == 1) {
		struct span line = simple_next(&rest);
		base_require(typed.length > 0 && typed.length <= BULK_LINE_MAXIMUM + 1);
		/* Of a longer one the beginning, and a last byte that says that there was more. */
		if (line.length <= BULK_LINE_MAXIMUM)
			base_require(span_equal(typed, line));
		else
			base_require(typed.length == BULK_LINE_MAXIMUM + 1 &&
				     memcmp(typed.at, line.at, BULK_LINE_MAXIMUM) == 0);
	}
	base_require(status == -EILSEQ || (status == 0 && !simple_next(&rest).at));
	bulk_list_close(&list);
	fclose(file);
}

/* ---- an output ---- */

static struct check_resume *read_output(struct span text, size_t lines_each)
{
	static const struct hash_key key = { { 1, 2 } };
	char path[64], why[CHECK_RESUME_ERROR_SIZE];
	struct check_resume *resume = NULL;
	int descriptor = memfd_create("output", MFD_CLOEXEC);
	base_require(descriptor >= 0 && write(descriptor, text.at, text.length) == (ssize_t)text.length);
	snprintf(path, sizeof(path), "/proc/self/fd/%d", descriptor);
	int status = check_resume_read(path, &key, lines_each, &resume, why);
	base_require(status == 0 || status == -EBADMSG);
	close(descriptor);
	return status == 0 ? resume : NULL;
}

static void read_twice(struct span text, size_t lines_each)
{
	struct check_resume *first = read_output(text, lines_each);
	if (!first)
		return;
	size_t kept = check_resume_length(first);
	base_require(kept <= text.length && (kept == 0 || text.at[kept - 1] == '\n'));
	struct check_resume *again = read_output(span_first(text, kept), lines_each);
	base_require(again && check_resume_length(again) == kept);
	base_require(check_resume_count(again) == check_resume_count(first));
	struct span typed = span_first(text, 8);
	base_require(check_resume_is_done(first, typed) == check_resume_is_done(again, typed));
	check_resume_free(again);
	check_resume_free(first);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct span text = { (const char *)data, size };
	if (size == 0 || size > 65536)
		return 0;
	read_list(text);
	read_twice(text, 1);
	read_twice(text, 3);
	return 0;
}
