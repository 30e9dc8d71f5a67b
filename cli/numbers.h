/* SPDX-License-Identifier: MIT */
/* Numbers for a person: three digits at most, and a letter. */
#ifndef CLI_NUMBERS_H
#define CLI_NUMBERS_H

#include <stdint.h>

#define CLI_NUMBER_MAX 16

/* In steps of 1024 ("64K", "1.2M") or of 1000. Writes to text and returns it.
 */
const char *cli_binary(uint64_t n, char text[CLI_NUMBER_MAX]);
const char *cli_decimal(double n, char text[CLI_NUMBER_MAX]);

#endif
