/* SPDX-License-Identifier: MIT */
/* Marks what leaves the shared library; libvia.map says the same by name. */
#ifndef VIA_VISIBILITY_H
#define VIA_VISIBILITY_H

#if defined(__GNUC__)
#define VIA_API __attribute__((visibility("default")))
#else
#define VIA_API
#endif

#endif
