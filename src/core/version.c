/* SPDX-License-Identifier: MIT */
/* The version of the library, as against that of the headers. */
#include <via/version.h>

const char *via_version(void)
{
	return VIA_VERSION;
}
