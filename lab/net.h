/* SPDX-License-Identifier: MIT */
/*
 * What the experiments on the network share. Addresses are on loopback, ports
 * the kernel's choice. The C library takes a struct sockaddr_in without a cast.
 */
#ifndef LAB_NET_H
#define LAB_NET_H

#include <netinet/in.h>
#include <stddef.h>
#include <stdint.h>

/* 127.0.0.1 and this port; 0: any that is free. */
struct sockaddr_in lab_loopback(uint16_t port);

/* A bound socket, SOCK_STREAM or SOCK_DGRAM, and in at where it is. */
int lab_bound(int type, struct sockaddr_in *at);

/* Two TCP sockets that are connected with each other. */
void lab_tcp_pair(int s[2]);

/* The Internet checksum, RFC 1071: 0 over a message that includes its own. */
uint16_t lab_checksum(const void *data, size_t len);

#endif
