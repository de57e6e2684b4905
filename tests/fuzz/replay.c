/* Plays seeds to a fuzzer's function without a fuzzer, so that every compiler and sanitizer does.
 */
#include <dirent.h>
#include <errno.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define SEED_MAX (1 << 20)

int LLVMFuzzerTestOneInput(const uint8_t *input, size_t size);

static int play(const char *directory, const char *name)
{
	static uint8_t input[SEED_MAX];
	char path[4096];
	FILE *file;
	size_t size;

	snprintf(path, sizeof(path), "%s/%s", directory, name);
	file = fopen(path, "rb");
	if (!file) {
		fprintf(stderr, "%s: %s\n", path, strerror(errno));
		return -1;
	}
	size = fread(input, 1, sizeof(input), file);
	fclose(file);
	printf("%s\n", path);
	fflush(stdout); /* the last line names a seed that crashed */
	LLVMFuzzerTestOneInput(input, size);
	return 0;
}

int main(int count, char **word)
{
	DIR *directory = count == 2 ? opendir(word[1]) : NULL;
	int played = 0;

	if (!directory) {
		fprintf(stderr, "usage: %s DIRECTORY\n", word[0]);
		return 2;
	}
	for (const struct dirent *entry; (entry = readdir(directory));) {
		if (entry->d_name[0] == '.')
			continue;
		if (play(word[1], entry->d_name) < 0)
			return 1;
		played++;
	}
	closedir(directory);
	printf("%d seeds\n", played);
	return played ? 0 : 1;
}
