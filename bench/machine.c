/* SPDX-License-Identifier: MIT */
#include <dirent.h>
#include <sched.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/utsname.h>
#include <time.h>

#include "bench/machine.h"

/* The first line of a file, without its end; "" when there is none. */
static void read_line(const char *path, char *buf, size_t size)
{
	FILE *f = fopen(path, "re");

	if (!f || !fgets(buf, (int)size, f))
		buf[0] = '\0';
	buf[strcspn(buf, "\n")] = '\0';
	if (f)
		fclose(f);
}

/*
 * "model name : Some CPU" (arm64 says none) and, among the "flags", whether
 * it is a virtual one.
 */
static void cpu_facts(struct bench_machine *m)
{
	FILE *f = fopen("/proc/cpuinfo", "re");
	char line[8192];

	snprintf(m->cpu, sizeof(m->cpu), "unknown");
	while (f && fgets(line, sizeof(line), f) && line[0] != '\n') {
		const char *value = strchr(line, ':');

		line[strcspn(line, "\n")] = '\0';
		if (value && !strncmp(line, "model name", 10))
			snprintf(m->cpu, sizeof(m->cpu), "%s", value + 2);
		if (!strncmp(line, "flags", 5) && strstr(line, " hypervisor"))
			m->is_virtual = true;
	}
	if (f)
		fclose(f);
}

/* "on: spectre_v1, ...; off: retbleed": the weaknesses of this CPU. */
static void mitigations(char *buf, size_t size)
{
	static const char dir_path[] =
		"/sys/devices/system/cpu/vulnerabilities";
	char on[256] = "on:", off[256] = "off:";
	DIR *dir = opendir(dir_path);
	struct dirent *entry;

	while (dir && (entry = readdir(dir))) {
		char path[512], line[256];

		if (entry->d_name[0] == '.')
			continue;
		snprintf(path, sizeof(path), "%s/%s", dir_path, entry->d_name);
		read_line(path, line, sizeof(line));
		char *list = strstr(line, "Mitigation:")  ? on
			     : strstr(line, "Vulnerable") ? off
							  : NULL;
		if (list)
			snprintf(list + strlen(list), sizeof(on) - strlen(list),
				 " %.64s", entry->d_name);
	}
	if (dir)
		closedir(dir);
	snprintf(buf, size, "%s; %s", on[3] ? on : "on: none",
		 off[4] ? off : "off: none");
}

/* Which core a CPU is a hyperthread of; -1 unknown. */
static int core_of(int cpu)
{
	char path[96], line[16];

	snprintf(path, sizeof(path),
		 "/sys/devices/system/cpu/cpu%d/topology/core_id", cpu);
	read_line(path, line, sizeof(line));
	return line[0] ? atoi(line) : -1;
}

/* Two CPUs for the two sides: the first, and the next on another core. */
static void choose_cpus(struct bench_machine *m)
{
	cpu_set_t set;
	int second = -1;

	m->pinned[0] = m->pinned[1] = -1;
	if (sched_getaffinity(0, sizeof(set), &set))
		return;
	m->cpus = CPU_COUNT(&set);
	for (int cpu = 0; cpu < CPU_SETSIZE; cpu++) {
		if (!CPU_ISSET((size_t)cpu, &set))
			continue;
		if (m->pinned[0] < 0)
			m->pinned[0] = cpu;
		else if (second < 0 || core_of(second) == core_of(m->pinned[0]))
			second = cpu;
	}
	if (second < 0)
		m->pinned[0] = -1;
	m->pinned[1] = second;
}

static double clock_cost(void)
{
	const int n = 100000;
	struct timespec begin, end;

	clock_gettime(CLOCK_MONOTONIC, &begin);
	for (int i = 0; i < n; i++)
		clock_gettime(CLOCK_MONOTONIC, &end);
	return ((double)(end.tv_sec - begin.tv_sec) * 1e9 +
		(double)(end.tv_nsec - begin.tv_nsec)) /
	       n;
}

void bench_machine_get(struct bench_machine *ret)
{
	struct utsname name;

	memset(ret, 0, sizeof(*ret));
	if (!uname(&name))
		snprintf(ret->kernel, sizeof(ret->kernel), "%s %s",
			 name.release, name.machine);
	cpu_facts(ret);
	mitigations(ret->mitigations, sizeof(ret->mitigations));
	read_line("/sys/devices/system/cpu/cpu0/cpufreq/scaling_governor",
		  ret->governor, sizeof(ret->governor));
	read_line("/sys/devices/system/clocksource/clocksource0/"
		  "current_clocksource",
		  ret->clocksource, sizeof(ret->clocksource));
	choose_cpus(ret);
	if (getloadavg(&ret->load, 1) < 1)
		ret->load = 0;
	ret->clock_ns = clock_cost();
}
