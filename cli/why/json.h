/* SPDX-License-Identifier: MIT */
/* What via why and via stuck find, as JSON; NULL: no memory. */
#ifndef CLI_WHY_JSON_H
#define CLI_WHY_JSON_H

#include <jansson.h>

#include "cli/why/chain.h"

/* A thread, its verdict and what it waits for. */
json_t *why_task_json(const struct why_case *c, uint32_t thread);
json_t *why_chain_json(const struct why_case *c, const struct chain *chain);
json_t *why_cycle_json(const struct why_case *c, uint32_t cycle);
json_t *why_finding_json(const struct why_case *c,
			 const struct via_finding *finding);

#endif
