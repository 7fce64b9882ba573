/* SPDX-License-Identifier: Apache-2.0 */
/* Kamailio's parser is inside its program: this is preloaded into it, finds the exported functions before main() runs,
 * measures, and exits. It parses all header lines (names, and the bodies of Via, CSeq, Content-Length); From and To are
 * decoded by it on demand only. The offsets are those of struct sip_msg in Debian 12's kamailio 5.6.3 on amd64; `run`
 * looks at the version first. FEDGE_BENCH: "FILE MESSAGES ROUNDS". */
#include "harness.h"

#include <dlfcn.h>
#include <unistd.h>

enum { MESSAGE_SIZE = 2008, OFFSET_BUFFER = 720, OFFSET_LENGTH = 728 };
#define ALL_HEADERS 0xffffffffffffffffULL

static int (*parse_message)(char *bytes, unsigned length, void *message);
static int (*parse_headers)(void *message, unsigned long long flags, int next);
static void (*free_message)(void *message);
static _Alignas(64) char message[MESSAGE_SIZE + 4096];
static char work[65536 + 64];

static void *find(const char *name)
{
	return dlsym(RTLD_DEFAULT, name);
}

static int bench_start(void)
{
	int (*start_memory)(char *manager) = find("pkg_init_manager");
	int (*start_names)(void) = find("ksr_hname_init_index");
	unsigned long *memory_size = find("pkg_mem_size");
	parse_message = find("parse_msg");
	parse_headers = find("parse_headers");
	free_message = find("free_sip_msg");
	if (!start_memory || !memory_size || !parse_message || !parse_headers || !free_message)
		return 1;
	*memory_size = 8ul << 20;
	if (start_names)
		start_names();
	/* "fm" is its fast allocator; the default one searches longer and longer in a loop as tight as this. */
	return start_memory("fm");
}

static int bench_message(const char *bytes, size_t length)
{
	char *buffer = work;
	unsigned size = (unsigned)length;
	/* It writes into its input, as it does into its receive buffer. */
	memcpy(work, bytes, length);
	work[length] = 0;
	memset(message, 0, MESSAGE_SIZE);
	memcpy(message + OFFSET_BUFFER, &buffer, sizeof(buffer));
	memcpy(message + OFFSET_LENGTH, &size, sizeof(size));
	int failed = parse_message(work, size, message) != 0 || parse_headers(message, ALL_HEADERS, 0) != 0;
	free_message(message);
	return failed;
}

__attribute__((constructor)) static void measure(void)
{
	const char *settings = getenv("FEDGE_BENCH");
	char path[512];
	long messages;
	int rounds;
	if (!settings || !find("parse_msg") || sscanf(settings, "%511s %ld %d", path, &messages, &rounds) != 3)
		return;
	int status = bench_run("kamailio", path, messages, rounds);
	fflush(stdout);
	_exit(status);
}
