/* SPDX-License-Identifier: MIT */
#include "cli/numbers.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdio.h>

static const char *scaled(double n, double step, char text[CLI_NUMBER_MAX])
{
	static const char units[] = " KMGTPE";
	size_t i = 0;

	for (; n >= step - 0.5 && i < sizeof(units) - 2; i++)
		n /= step;
	/* 1.2M, but 64K and 12M. */
	bool fraction = i && n < 9.95 && n != (double)(int)n;

	(void)snprintf(text, CLI_NUMBER_MAX, "%.*f%.*s", fraction, n, i > 0,
		       &units[i]);
	return text;
}

const char *cli_binary(uint64_t n, char text[CLI_NUMBER_MAX])
{
	return scaled((double)n, 1024, text);
}

const char *cli_decimal(double n, char text[CLI_NUMBER_MAX])
{
	return scaled(n, 1000, text);
}
