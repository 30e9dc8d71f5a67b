/* SPDX-License-Identifier: MIT */
/*
 * Names of signals. The numbers of the standard ones differ between
 * architectures, the ends of the real-time range between C libraries, so both
 * are asked for when they are needed.
 */
#include <errno.h>
#include <signal.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

#include <via/signal.h>

_Static_assert(_NSIG - 1 == VIA_SIGNAL_MAX, "sets have 64 bits");

#define ROW(n, act)                                                            \
	{                                                                      \
		SIG##n, VIA_SIGNAL_##act, #n                                   \
	}

/* signal(7). Of several names for one number the first is printed. */
static const struct {
	int number;
	enum via_signal_action action;
	const char *name;
} standard[] = {
	ROW(HUP, TERMINATES),	 ROW(INT, TERMINATES),	ROW(QUIT, DUMPS_CORE),
	ROW(ILL, DUMPS_CORE),	 ROW(TRAP, DUMPS_CORE), ROW(ABRT, DUMPS_CORE),
	ROW(BUS, DUMPS_CORE),	 ROW(FPE, DUMPS_CORE),	ROW(KILL, TERMINATES),
	ROW(USR1, TERMINATES),	 ROW(SEGV, DUMPS_CORE), ROW(USR2, TERMINATES),
	ROW(PIPE, TERMINATES),	 ROW(ALRM, TERMINATES), ROW(TERM, TERMINATES),
	ROW(CHLD, IS_IGNORED),	 ROW(CONT, CONTINUES),	ROW(STOP, STOPS),
	ROW(TSTP, STOPS),	 ROW(TTIN, STOPS),	ROW(TTOU, STOPS),
	ROW(URG, IS_IGNORED),	 ROW(XCPU, DUMPS_CORE), ROW(XFSZ, DUMPS_CORE),
	ROW(VTALRM, TERMINATES), ROW(PROF, TERMINATES), ROW(WINCH, IS_IGNORED),
	ROW(POLL, TERMINATES),	 ROW(PWR, TERMINATES),	ROW(SYS, DUMPS_CORE),
#ifdef SIGSTKFLT
	ROW(STKFLT, TERMINATES),
#endif
	ROW(IO, TERMINATES),	 ROW(CLD, IS_IGNORED),	ROW(IOT, DUMPS_CORE),
};
#define N_STANDARD (sizeof(standard) / sizeof(*standard))

/* A number in digits alone, 0 to max; -1. */
static int parse_digits(const char *text, int max)
{
	size_t len = strlen(text);

	/* strtol() would take spaces and signs, too. */
	if (len == 0 || len > 3 || strspn(text, "0123456789") != len)
		return -1;
	int n = (int)strtol(text, NULL, 10);

	return n <= max ? n : -1;
}

static int parse_realtime(const char *text)
{
	bool from_min = strncasecmp(text, "RTMIN", 5) == 0;

	if (!from_min && strncasecmp(text, "RTMAX", 5) != 0)
		return -EINVAL;
	if (!text[5])
		return from_min ? SIGRTMIN : SIGRTMAX;
	if (text[5] != (from_min ? '+' : '-'))
		return -EINVAL;
	int n = parse_digits(text + 6, SIGRTMAX - SIGRTMIN);

	if (n < 0)
		return -EINVAL;
	return from_min ? SIGRTMIN + n : SIGRTMAX - n;
}

int via_signal_parse(const char *text)
{
	int n = parse_digits(text, VIA_SIGNAL_MAX);

	if (n >= 0)
		return n;
	if (strncasecmp(text, "SIG", 3) == 0)
		text += 3;
	for (size_t i = 0; i < N_STANDARD; i++)
		if (strcasecmp(text, standard[i].name) == 0)
			return standard[i].number;
	return parse_realtime(text);
}

static const char *format(char name[VIA_SIGNAL_NAME_MAX], const char *before,
			  int number)
{
	snprintf(name, VIA_SIGNAL_NAME_MAX, "%s%d", before, number);
	return name;
}

const char *via_signal_name(int signal, char name[VIA_SIGNAL_NAME_MAX])
{
	for (size_t i = 0; i < N_STANDARD; i++)
		if (signal == standard[i].number)
			return strcpy(name, standard[i].name);
	if (signal < SIGRTMIN || signal > SIGRTMAX)
		return format(name, "", signal);
	int above = signal - SIGRTMIN, below = SIGRTMAX - signal;

	if (above == 0 || below == 0)
		return strcpy(name, above ? "RTMAX" : "RTMIN");
	return above <= below ? format(name, "RTMIN+", above)
			      : format(name, "RTMAX-", below);
}

enum via_signal_action via_signal_default(int signal)
{
	for (size_t i = 0; i < N_STANDARD; i++)
		if (signal == standard[i].number)
			return standard[i].action;
	return VIA_SIGNAL_TERMINATES;
}

/* --- Sets --- */

int via_signal_set_parse(const char *text, uint64_t *ret)
{
	static const char separators[] = " ,";
	bool inverted = *text == '~';
	uint64_t set = 0;

	text += inverted;
	for (text += strspn(text, separators); *text;
	     text += strspn(text, separators)) {
		char name[VIA_SIGNAL_NAME_MAX];
		size_t len = strcspn(text, separators);

		if (len >= sizeof(name))
			return -EINVAL;
		*stpncpy(name, text, len) = '\0';
		int signal = via_signal_parse(name);

		if (signal <= 0)
			return -EINVAL;
		set |= VIA_SIGNAL_BIT(signal);
		text += len;
	}
	*ret = inverted ? ~set : set;
	return 0;
}

const char *via_signal_set_format(uint64_t set, char text[VIA_SIGNAL_SET_MAX])
{
	char *end = text;

	if (__builtin_popcountll(set) > VIA_SIGNAL_MAX / 2) {
		set = ~set;
		*end++ = '~';
	}
	char *first = end;

	*end = '\0';
	for (int signal = 1; signal <= VIA_SIGNAL_MAX; signal++) {
		if (!(set & VIA_SIGNAL_BIT(signal)))
			continue;
		if (end > first)
			*end++ = ' ';
		end = strchr(via_signal_name(signal, end), '\0');
	}
	return text;
}
