/* SPDX-License-Identifier: MIT */
/* Marks what leaves the shared library; libvia.map says the same by name. */
#ifndef VIA_VISIBILITY_H
#define VIA_VISIBILITY_H

#if defined(__GNUC__)
#define VIA_API __attribute__((visibility("default")))
#else
#define VIA_API
#endif

/* Calls that are made so often that a jump less counts: not by the procedure
 * linkage table, whose entry jumps on. */
#if defined(__has_attribute)
#if __has_attribute(noplt)
#define VIA_OFTEN __attribute__((noplt))
#endif
#endif
#ifndef VIA_OFTEN
#define VIA_OFTEN
#endif

#endif
