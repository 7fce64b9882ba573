/* SPDX-License-Identifier: Apache-2.0 */
/* Gives every file of the folders named on the command line to the fuzz target once, so that
 * each input that ever hurt is tried again in every test run. An empty corpus is a failure. */
#include <dirent.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static int replay_file(const char *path)
{
	FILE *file = fopen(path, "rb");
	if (!file) {
		perror(path);
		return -1;
	}
	size_t capacity = 1 << 20, length;
	uint8_t *bytes = malloc(capacity);
	if (!bytes) {
		fclose(file);
		return -1;
	}
	length = fread(bytes, 1, capacity, file);
	fclose(file);
	/* An exact copy, so that the sanitizer sees a read past the end. */
	uint8_t *exact = malloc(length ? length : 1);
	if (exact) {
		for (size_t i = 0; i < length; i++)
			exact[i] = bytes[i];
		LLVMFuzzerTestOneInput(exact, length);
	}
	free(exact);
	free(bytes);
	return 0;
}

int main(int argc, char **argv)
{
	int count = 0;
	for (int i = 1; i < argc; i++) {
		DIR *folder = opendir(argv[i]);
		if (!folder) {
			perror(argv[i]);
			return 1;
		}
		for (struct dirent *entry; (entry = readdir(folder));) {
			char path[4096];
			if (entry->d_name[0] == '.')
				continue;
			snprintf(path, sizeof(path), "%s/%s", argv[i], entry->d_name);
			if (replay_file(path) < 0)
				return 1;
			count++;
		}
		closedir(folder);
	}
	printf("%d inputs replayed\n", count);
	return count > 0 ? 0 : 1;
}
