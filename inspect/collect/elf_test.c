/* SPDX-License-Identifier: MIT */
#include "inspect/collect/elf.h"

#include <elf.h>
#include <fcntl.h>
#include <sys/stat.h>

#include "tests/check.h"

int elf_test_data[1000] = {1};
int elf_test_bss[100000];

static const struct via_elf_symbol *symbol(const struct via_elf *elf,
					   const char *name)
{
	for (size_t i = 0; i < elf->n_symbols; i++)
		if (strcmp(elf->symbols[i].name, name) == 0)
			return &elf->symbols[i];
	return NULL;
}

static void reads_this_program(void **state)
{
	struct via_error err = {0};
	struct via_elf elf;
	uint64_t sum = 0;
	struct stat st;

	(void)state;
	elf_test_bss[1] = elf_test_data[0];
	assert_int_equal(via__elf_read("/proc/self/exe", &elf, &err), 0);
	assert_int_equal(elf.bits, sizeof(void *) * 8);
	assert_int_equal(stat("/proc/self/exe", &st), 0);
	for (int part = 0; part < VIA_N_ELF_PARTS; part++)
		sum += elf.in_file[part];
	assert_int_equal(sum, st.st_size);
	/* .data against .bss: room in memory, none in the file. */
	assert_in_range(elf.in_file[VIA_ELF_DATA], sizeof(elf_test_data), sum);
	assert_in_range(elf.in_memory[VIA_ELF_BSS], sizeof(elf_test_bss),
			UINT32_MAX);
	assert_int_equal(elf.in_file[VIA_ELF_BSS], 0);
	assert_true(elf.in_file[VIA_ELF_TEXT] > 0);
	assert_int_equal(symbol(&elf, "elf_test_bss")->size,
			 sizeof(elf_test_bss));
	assert_false(symbol(&elf, "elf_test_bss")->function);
	assert_true(symbol(&elf, "main")->function);
	for (size_t i = 1; i < elf.n_symbols; i++)
		assert_true(elf.symbols[i - 1].size >= elf.symbols[i].size);
	via__elf_free(&elf);
}

static void refuses_other_files(void **state)
{
	struct via_error err = {0};
	struct via_elf elf;

	(void)state;
	assert_int_equal(via__elf_read("/nothing", &elf, &err), -ENOENT);
	assert_int_equal(via__elf_read("/proc/self/status", &elf, &err),
			 -ENOEXEC);
	assert_string_equal(err.text, "is not an ELF file");
	assert_int_equal(via__elf_read("/", &elf, &err), -ENOEXEC);
	assert_int_equal(via__elf_read("/dev/zero", &elf, NULL), -ENOEXEC);
}

/* Each of the first bytes and of the section table's broken in turn: refused
 * or read, never worse. */
static void survives_damage(void **state)
{
	char path[] = "damaged-XXXXXX", *bytes;
	int own = open("/proc/self/exe", O_RDONLY | O_CLOEXEC);
	int fd = mkstemp(path), refused = 0;
	struct via_elf elf;
	struct stat st;

	(void)state;
	assert_int_equal(fstat(own, &st), 0);
	bytes = malloc((size_t)st.st_size);
	assert_int_equal(read(own, bytes, (size_t)st.st_size), st.st_size);
	assert_int_equal(write(fd, bytes, (size_t)st.st_size), st.st_size);
	const Elf64_Ehdr *header = (void *)bytes;
	off_t table = (off_t)header->e_shoff;

	for (off_t i = 0; i < 64 + 640; i++) {
		off_t at = i < 64 ? i : table + i - 64;
		char bad = (char)~bytes[at];

		assert_int_equal(pwrite(fd, &bad, 1, at), 1);
		if (via__elf_read(path, &elf, NULL) == 0)
			via__elf_free(&elf);
		else
			refused++;
		assert_int_equal(pwrite(fd, &bytes[at], 1, at), 1);
	}
	assert_in_range(refused, 20, 64 + 640);
	assert_int_equal(ftruncate(fd, st.st_size / 2), 0);
	assert_true(via__elf_read(path, &elf, NULL) < 0);
	free(bytes);
	unlink(path);
	close(fd);
	close(own);
}

static const struct CMUnitTest tests[] = {
	CHECK_TEST(reads_this_program),
	CHECK_TEST(refuses_other_files),
	CHECK_TEST(survives_damage),
};
CHECK_MAIN(tests)
