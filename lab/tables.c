/* SPDX-License-Identifier: MIT */
/* The sections and needs that sections.def and needs.def list. */
#include <sched.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "lab/net.h"
#include "lab/runner.h"

#define SECTION(name) extern const struct lab_section lab_##name;
#include "lab/sections.def"
#undef SECTION

const struct lab_section *const lab_sections[] = {
#define SECTION(name) &lab_##name,
#include "lab/sections.def"
#undef SECTION
	NULL,
};

const struct lab_section *lab_find_section(const char *name)
{
	for (size_t i = 0; lab_sections[i]; i++)
		if (strcmp(lab_sections[i]->name, name) == 0)
			return lab_sections[i];
	return NULL;
}

const struct lab_experiment *lab_find(const char *id)
{
	const struct lab_experiment *e;

	for (size_t i = 0; lab_sections[i]; i++)
		for (e = lab_sections[i]->experiments; e->id; e++)
			if (strcmp(e->id, id) == 0)
				return e;
	return NULL;
}

/* --- Needs --- */

static bool has_root(void)
{
	return geteuid() == 0;
}

static bool has_cpus(void)
{
	cpu_set_t set;

	return sched_getaffinity(0, sizeof(set), &set) == 0 &&
	       CPU_COUNT(&set) > 1;
}

static bool has_x86_64(void)
{
#ifdef __x86_64__
	return true;
#else
	return false;
#endif
}

static bool has_loopback(void)
{
	/* Looks for the way there, and sends nothing. */
	struct sockaddr_in at = lab_loopback(1);
	int s = socket(AF_INET, SOCK_DGRAM | SOCK_CLOEXEC, 0);
	bool here = s >= 0 &&
		    connect(s, (struct sockaddr *)&at, sizeof(at)) == 0;

	if (s >= 0)
		close(s);
	return here;
}

static bool has_net_raw(void)
{
	int s = socket(AF_INET, SOCK_RAW | SOCK_CLOEXEC, IPPROTO_ICMP);

	if (s >= 0)
		close(s);
	return s >= 0;
}

static const struct {
	bool (*here)(void);
	const char *words, *chinese;
} needs[] = {
#define NEED(name, words, chinese) {has_##name, words, chinese},
#include "lab/needs.def"
#undef NEED
};

unsigned int lab_missing(unsigned int bits)
{
	unsigned int missing = 0;

	for (unsigned int i = 0; i < LAB_N_NEEDS; i++)
		if ((bits & 1u << i) && !needs[i].here())
			missing |= 1u << i;
	return missing;
}

const char *lab_need_words(enum lab_need need, bool chinese)
{
	return chinese ? needs[need].chinese : needs[need].words;
}
