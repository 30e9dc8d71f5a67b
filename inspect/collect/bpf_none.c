/* SPDX-License-Identifier: MIT */
/* In place of bpf.c where it was built without libbpf or clang. */
#include <errno.h>

#include "inspect/collect/bpf.h"
#include "inspect/collect/bpf_fail.h"

int via__bpf_find(struct via__bpf *ret, struct via_error *reterr)
{
	*ret = (struct via__bpf){.files_link = -1};
	return via__bpf_fail(reterr, "no BPF: built without it (meson setup "
				     "-Dbpf=enabled)");
}

/* Of what has not been opened. */
int via__bpf_load(const struct via__bpf *b, enum via__program program,
		  struct via__ring *ring, struct via_error *reterr)
{
	(void)b;
	(void)ring;
	(void)program;
	return via__bpf_fail(reterr, "no BPF: built without it");
}

int via__bpf_iterator(int link)
{
	(void)link;
	return -EOPNOTSUPP;
}

int via__bpf_records(int iterator, size_t size, void **ret, size_t *ret_n)
{
	(void)iterator;
	(void)size;
	*ret = NULL;
	*ret_n = 0;
	return -EOPNOTSUPP;
}
