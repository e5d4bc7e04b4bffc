// SPDX-License-Identifier: Apache-2.0
// Runs a fuzz target over its corpus as a plain test: every file of the folder once, and nothing.
#include <dirent.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void replay_file(const char *folder, const char *name)
{
	char path[4096];
	snprintf(path, sizeof path, "%s/%s", folder, name);
	FILE *file = fopen(path, "rb");
	if (!file) {
		perror(path);
		exit(1);
	}
	size_t cap = 1 << 20, len = 0;
	uint8_t *data = malloc(cap);
	if (!data)
		abort();
	len = fread(data, 1, cap, file);
	fclose(file);
	uint8_t *exact = malloc(len ? len : 1); // so that a sanitizer sees one byte too many
	if (!exact)
		abort();
	memcpy(exact, data, len);
	free(data);
	LLVMFuzzerTestOneInput(exact, len);
	free(exact);
}

int main(int argc, char **argv)
{
	if (argc != 2) {
		fprintf(stderr, "usage: %s CORPUS\n", argv[0]);
		return 2;
	}
	struct dirent **entries;
	int count = scandir(argv[1], &entries, NULL, alphasort);
	if (count < 0) {
		perror(argv[1]);
		return 1;
	}
	int replayed = 0;
	for (int i = 0; i < count; i++) {
		if (entries[i]->d_name[0] != '.') {
			replay_file(argv[1], entries[i]->d_name);
			replayed++;
		}
		free(entries[i]);
	}
	free(entries);
	LLVMFuzzerTestOneInput((const uint8_t *)"", 0);
	printf("%d inputs replayed\n", replayed);
	return replayed > 0 ? 0 : 1; // a target without a corpus tests nothing
}
