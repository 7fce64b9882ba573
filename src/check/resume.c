/* SPDX-License-Identifier: Apache-2.0 */
#include "check/resume.h"

#include "base/buffer.h"
#include "base/cleanup.h"
#include "base/text.h"

#include <errno.h>
#include <fcntl.h>
#include <stdarg.h>
#include <stdio.h>

#define PIECE_SIZE ((size_t)64 * 1024)
#define SLOTS_SMALLEST ((size_t)1024)
/* A line of the list has at most 1,025 bytes; each is at most six in JSON. Longer ones are no domain of ours. */
#define VALUE_MAXIMUM ((size_t)8 * 1024)

struct check_resume {
	struct hash_key key;
	uint64_t *slots; /* open addressing; 0: free */
	size_t slot_count, count;
	size_t lines_each;
	uint64_t length;
	/* the last domain that is done */
	uint64_t last_hash, last_begin; /* where its lines begin */
	bool last_is_new; /* the file has it once */
	uint64_t undone; /* hash of the one that was taken back; 0: none */
};

/* ---- the set ---- */

static void slots_put(uint64_t *slots, size_t slot_count, uint64_t hash, size_t *count)
{
	size_t at = hash & (slot_count - 1);
	while (slots[at] != 0 && slots[at] != hash)
		at = (at + 1) & (slot_count - 1);
	*count += slots[at] == 0;
	slots[at] = hash;
}

static int set_grow(struct check_resume *resume)
{
	size_t slot_count = resume->slot_count ? resume->slot_count * 2 : SLOTS_SMALLEST, count = 0;
	uint64_t *slots = calloc(slot_count, sizeof(*slots));
	if (!slots)
		return -ENOMEM;
	for (size_t i = 0; i < resume->slot_count; i++)
		if (resume->slots[i] != 0)
			slots_put(slots, slot_count, resume->slots[i], &count);
	free(resume->slots);
	resume->slots = slots;
	resume->slot_count = slot_count;
	return 0;
}

static int set_add(struct check_resume *resume, uint64_t hash)
{
	if (resume->count >= CHECK_RESUME_DOMAINS_MAXIMUM)
		return -EFBIG;
	if (resume->count * 2 >= resume->slot_count && set_grow(resume) < 0)
		return -ENOMEM;
	slots_put(resume->slots, resume->slot_count, hash, &resume->count);
	return 0;
}

static bool set_has(const struct check_resume *resume, uint64_t hash)
{
	size_t at = hash & (resume->slot_count - 1);
	while (resume->slots[at] != 0 && resume->slots[at] != hash)
		at = (at + 1) & (resume->slot_count - 1);
	return resume->slots[at] != 0;
}

/* ---- names ---- */

/* Two spellings of one string in JSON must meet: both are taken apart into bytes. */
static uint64_t bytes_hash(const struct check_resume *resume, struct span bytes)
{
	uint64_t hash = hash_keyed(&resume->key, bytes);
	return hash ? hash : 1;
}

static int hex_value(char c)
{
	if (c >= '0' && c <= '9')
		return c - '0';
	c |= 0x20;
	return c >= 'a' && c <= 'f' ? c - 'a' + 10 : -1;
}

static long unescape_four(struct span s)
{
	long value = 0;
	for (size_t i = 0; i < 4; i++) {
		int digit = i < s.length ? hex_value(s.at[i]) : -1;
		if (digit < 0)
			return -1;
		value = value << 4 | digit;
	}
	return value;
}

static void append_utf8(struct buffer *out, unsigned long point)
{
	if (point < 0x80) {
		buffer_append_byte(out, (char)point);
		return;
	}
	int more = point < 0x800 ? 1 : point < 0x10000 ? 2 : 3;
	static const unsigned char leads[] = { 0, 0xc0, 0xe0, 0xf0 };
	buffer_append_byte(out, (char)(leads[more] | point >> (6 * more)));
	while (more-- > 0)
		buffer_append_byte(out, (char)(0x80 | (point >> (6 * more) & 0x3f)));
}

/* What follows "\u"; the number of characters it took, 0 where it is none. */
static size_t unescape_point(struct span s, struct buffer *out)
{
	long high = unescape_four(s), low;
	if (high < 0)
		return 0;
	if (high >= 0xd800 && high < 0xdc00 && s.length >= 10 && s.at[4] == '\\' && s.at[5] == 'u' &&
		(low = unescape_four(span_from(s, 6))) >= 0xdc00 && low < 0xe000) {
		append_utf8(out, 0x10000 + (((unsigned long)high & 0x3ff) << 10 | ((unsigned long)low & 0x3ff)));
		return 10;
	}
	append_utf8(out, (unsigned long)high);
	return 4;
}

/* RFC 8259 7. A string that is cut or wrong gives some bytes, which are no domain's. */
static void unescape(struct span s, struct buffer *out)
{
	static const char from[] = "\"\\/bfnrt", to[] = "\"\\/\b\f\n\r\t";
	while (s.length > 0) {
		size_t plain = span_find(s, '\\');
		buffer_append(out, span_first(s, plain));
		s = span_from(s, plain + 1);
		if (s.length == 0)
			return;
		size_t taken = s.at[0] == 'u' ? unescape_point(span_from(s, 1), out) : 0;
		const char *found = memchr(from, s.at[0], sizeof(from) - 1);
		if (found)
			buffer_append_byte(out, to[found - from]);
		s = span_from(s, 1 + taken);
	}
}

static uint64_t json_hash(const struct check_resume *resume, struct span inside)
{
	struct buffer bytes;
	if (span_find(inside, '\\') == inside.length)
		return bytes_hash(resume, inside);
	buffer_init(&bytes, VALUE_MAXIMUM);
	unescape(inside, &bytes);
	uint64_t hash = bytes_hash(resume, buffer_span(&bytes));
	buffer_done(&bytes);
	return hash;
}

bool check_resume_is_done(void *argument, struct span typed)
{
	const struct check_resume *resume = argument;
	struct buffer json;
	buffer_init(&json, VALUE_MAXIMUM);
	text_append_json(&json, typed);
	uint64_t hash = json.status == 0 ? json_hash(resume, span_make(json.at + 1, json.length - 2)) : resume->undone;
	buffer_done(&json);
	return hash != resume->undone && set_has(resume, hash);
}

/* ---- lines ---- */

/* A line as its bytes pass by: brackets and strings are followed, and the string behind the name `typed` of the
 * outermost object is kept. */
struct line_reader {
	struct check_resume *resume;
	uint64_t at; /* bytes read */
	uint64_t line_number;
	unsigned depth;
	bool started, closed, broken; /* has it content; did its object end; is it none of ours */
	bool in_string, escaped, is_name; /* is_name: the next string at depth 1 is a member's name */
	bool wanted; /* the next value is that of `typed` */
	bool has_typed;
	char text[VALUE_MAXIMUM]; /* of the string being read */
	size_t length;
	uint64_t typed_hash;
	/* the lines of the last domain */
	uint64_t group_hash;
	size_t group_lines;
};

static void reader_string_ended(struct line_reader *reader)
{
	struct span text = span_make(reader->text, reader->length);
	reader->in_string = false;
	if (reader->depth != 1)
		return;
	if (reader->is_name) {
		reader->wanted = span_is(text, "typed") && !reader->has_typed;
	} else if (reader->wanted) {
		reader->typed_hash = json_hash(reader->resume, text);
		reader->has_typed = true;
		reader->wanted = false;
	}
}

static void reader_take_string(struct line_reader *reader, char c)
{
	if (c == '"' && !reader->escaped) {
		reader_string_ended(reader);
		return;
	}
	reader->escaped = c == '\\' && !reader->escaped;
	/* Only names and the value wanted are of interest. */
	if (reader->depth == 1 && (reader->is_name || reader->wanted) && reader->length < sizeof(reader->text))
		reader->text[reader->length++] = c;
}

static void reader_take_plain(struct line_reader *reader, char c)
{
	reader->broken |= reader->closed && c != ' ' && c != '\t' && c != '\r';
	switch (c) {
	case '"':
		reader->in_string = true;
		reader->escaped = false;
		reader->length = 0;
		break;
	case '{':
	case '[':
		reader->depth++;
		reader->is_name = reader->depth == 1;
		reader->broken |= reader->depth == 1 && c != '{';
		break;
	case '}':
	case ']':
		reader->broken |= reader->depth == 0;
		reader->depth -= reader->depth > 0;
		reader->closed = reader->depth == 0;
		break;
	case ':':
		reader->is_name &= reader->depth != 1;
		break;
	case ',':
		reader->is_name |= reader->depth == 1;
		break;
	default:
		break;
	}
	reader->broken |= reader->depth == 0 && !reader->closed && c != ' ' && c != '\t' && c != '\r';
}

static void reader_next_line(struct line_reader *reader)
{
	reader->depth = 0;
	reader->started = reader->closed = reader->broken = false;
	reader->in_string = reader->escaped = reader->is_name = reader->wanted = reader->has_typed = false;
	reader->length = 0;
}

/* A whole line. Its domain is done once all its lines are there. */
static int reader_take_line(struct line_reader *reader)
{
	struct check_resume *resume = reader->resume;
	int status = 0;
	reader->line_number++;
	if (!reader->started) {
		if (reader->group_lines == 0)
			resume->length = reader->at;
		return 0;
	}
	if (reader->broken || !reader->closed || reader->in_string || !reader->has_typed)
		return -EBADMSG;
	if (reader->group_lines > 0 && reader->typed_hash != reader->group_hash)
		return -EBADMSG; /* lines of one domain stand together; another number a domain was written */
	reader->group_hash = reader->typed_hash;
	reader->group_lines++;
	if (reader->group_lines == resume->lines_each) {
		size_t before = resume->count;
		status = set_add(resume, reader->typed_hash);
		resume->last_hash = reader->typed_hash;
		resume->last_begin = resume->length;
		resume->last_is_new = resume->count > before;
		resume->length = reader->at;
		reader->group_lines = 0;
	}
	return status;
}

static int reader_take_piece(struct line_reader *reader, struct span piece)
{
	for (size_t i = 0; i < piece.length; i++) {
		char c = piece.at[i];
		reader->at++;
		if (c == '\n') {
			int status = reader_take_line(reader);
			if (status < 0)
				return status;
			reader_next_line(reader);
		} else if (reader->in_string) {
			reader_take_string(reader, c);
		} else {
			reader->started |= c != ' ' && c != '\t' && c != '\r';
			reader_take_plain(reader, c);
		}
	}
	return 0;
}

/* ---- the file ---- */

static int resume_read_file(struct check_resume *resume, FILE *file, uint64_t *ret_line)
{
	base_cleanup(free_pointer) struct line_reader *reader = calloc(1, sizeof(*reader));
	base_cleanup(free_pointer) char *piece = malloc(PIECE_SIZE);
	size_t length;
	int status = 0;
	if (!reader || !piece)
		return -ENOMEM;
	reader->resume = resume;
	while (status == 0 && (length = fread(piece, 1, PIECE_SIZE, file)) > 0)
		status = reader_take_piece(reader, span_make(piece, length));
	*ret_line = reader->line_number;
	return status == 0 && ferror(file) ? -(errno ? errno : EIO) : status;
}

static int wrong(char *text, int status, const char *path, const char *why)
{
	snprintf(text, CHECK_RESUME_ERROR_SIZE, "%.120s: %.120s", path, why);
	return status;
}

static int tell(char *text, int status, const char *path, uint64_t line)
{
	char why[96];
	if (status == -EBADMSG)
		snprintf(why, sizeof(why), "line %llu is no result that this run could have written",
			(unsigned long long)line);
	else if (status == -EFBIG)
		snprintf(why, sizeof(why), "more than %zu domains", CHECK_RESUME_DOMAINS_MAXIMUM);
	else
		snprintf(why, sizeof(why), "%s", strerrordesc_np(-status));
	return wrong(text, status, path, why);
}

int check_resume_read(const char *path, const struct hash_key *key, size_t lines_each, struct check_resume **ret_resume,
	char reterr_text[CHECK_RESUME_ERROR_SIZE])
{
	uint64_t line = 0;
	struct check_resume *resume = calloc(1, sizeof(*resume));
	if (!resume)
		return tell(reterr_text, -ENOMEM, path, 0);
	resume->key = *key;
	resume->lines_each = lines_each ? lines_each : 1;
	int status = set_grow(resume);
	FILE *file = status == 0 ? fopen(path, "re") : NULL;
	if (file) {
		status = resume_read_file(resume, file, &line);
		fclose(file);
	} else if (status == 0 && errno != ENOENT) {
		status = -errno;
	}
	if (status < 0) {
		check_resume_free(resume);
		return tell(reterr_text, status, path, line);
	}
	*ret_resume = resume;
	return 0;
}

int check_resume_match_saved(struct check_resume *resume, const char *path, char reterr_text[CHECK_RESUME_ERROR_SIZE])
{
	struct check_resume *saved = NULL;
	if (!resume->last_is_new)
		return 0;
	int status = check_resume_read(path, &resume->key, 1, &saved, reterr_text);
	if (status < 0)
		return status;
	if (!set_has(saved, resume->last_hash)) {
		resume->undone = resume->last_hash;
		resume->length = resume->last_begin;
		resume->last_is_new = false;
		resume->count--;
	}
	check_resume_free(saved);
	return 0;
}

void check_resume_free(struct check_resume *resume)
{
	if (!resume)
		return;
	free(resume->slots);
	free(resume);
}

size_t check_resume_count(const struct check_resume *resume)
{
	return resume->count;
}

uint64_t check_resume_length(const struct check_resume *resume)
{
	return resume->length;
}
