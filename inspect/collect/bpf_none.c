/* SPDX-License-Identifier: MIT */
/* In place of bpf.c where it was built without libbpf or clang. */
#include "inspect/collect/bpf.h"
#include "inspect/collect/bpf_fail.h"

int via__bpf_read(struct via__bpf *ret, struct via_error *reterr)
{
	*ret = (struct via__bpf){0};
	return via__bpf_fail(reterr, "no BPF: built without it (meson setup "
				     "-Dbpf=enabled)");
}
