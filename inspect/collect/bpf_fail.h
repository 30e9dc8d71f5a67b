/* SPDX-License-Identifier: MIT */
/* Why there is no BPF, in a sentence. */
#ifndef INSPECT_COLLECT_BPF_FAIL_H
#define INSPECT_COLLECT_BPF_FAIL_H

#include <via/error.h>

/* Returns -EOPNOTSUPP. err may be NULL. */
int via__bpf_fail(struct via_error *err, const char *format, ...)
	__attribute__((format(printf, 2, 3)));

#endif
