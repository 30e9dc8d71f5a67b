/* SPDX-License-Identifier: MIT */
/* The rules of mmap whose experiments are in mmap_share.c. */
#ifndef LAB_MMAP_H
#define LAB_MMAP_H

void mmap_08(void);
void mmap_09(void);
void mmap_10(void);
void mmap_11(void);
void mmap_12(void);
void mmap_13(void);
void mmap_15(void);

#endif
