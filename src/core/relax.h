/* SPDX-License-Identifier: MIT */
/* Telling the CPU that a loop only looks at something others will change. */
#ifndef VIA_CORE_RELAX_H
#define VIA_CORE_RELAX_H

static inline void via__relax(void)
{
#if defined(__x86_64__) || defined(__i386__)
	__builtin_ia32_pause();
#elif defined(__aarch64__)
	__asm__ volatile("yield");
#endif
}

#endif
