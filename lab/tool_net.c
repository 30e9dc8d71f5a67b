/* SPDX-License-Identifier: MIT */
/* What the tools for the network show. */
#include <linux/filter.h>
#include <linux/if_ether.h>
#include <linux/if_packet.h>
#include <net/if.h>
#include <netinet/ip.h>
#include <netinet/ip_icmp.h>
#include <netinet/tcp.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "lab/lab.h"
#include "lab/net.h"
#include "lab/tool.h"

/* --- ping --- */

struct ping {
	struct icmphdr head;
	int64_t sent_ns;
};

struct ping_packet {
	struct iphdr ip;
	struct ping ping;
} __attribute__((packed, aligned(4)));

static void send_ping(int raw, uint16_t id, uint16_t sequence, uint16_t damage)
{
	const struct sockaddr_in to = lab_loopback(0);
	struct ping p = {.head = {.type = ICMP_ECHO}, .sent_ns = lab_now_ns()};

	p.head.un.echo.id = htons(id);
	p.head.un.echo.sequence = htons(sequence);
	p.head.checksum = lab_checksum(&p, sizeof(p)) ^ damage;
	MUST(sendto, raw, &p, sizeof(p), 0, &to, sizeof(to));
}

/* Wait for a packet of this type and id: its sequence number. */
static int next_ping(int raw, int type, uint16_t id, struct ping_packet *in)
{
	do {
		if (recv(raw, in, sizeof(*in), 0) < 0)
			return -1;
	} while (in->ping.head.type != type ||
		 in->ping.head.un.echo.id != htons(id));
	return ntohs(in->ping.head.un.echo.sequence);
}

void tool_01(void)
{
	const struct timeval patience = {.tv_sec = 1};
	const int hops = 42;
	uint16_t id = (uint16_t)getpid();
	struct ping_packet in;
	int64_t trip_ns = 0;
	int raw = MUST(socket, AF_INET, SOCK_RAW, IPPROTO_ICMP);

	MUST(setsockopt, raw, SOL_SOCKET, SO_RCVTIMEO, &patience,
	     sizeof(patience));
	MUST(setsockopt, raw, IPPROTO_IP, IP_TTL, &hops, sizeof(hops));
	for (uint16_t i = 1; i <= 3; i++) {
		send_ping(raw, id, i, 0);
		/* Ours comes by first: a raw socket sees all that comes in. */
		GIVES(i, next_ping, raw, ICMP_ECHO, id, &in);
		EXPECT(in.ip.ttl, ==, hops);
		GIVES(i, next_ping, raw, ICMP_ECHOREPLY, id, &in);
		trip_ns = lab_now_ns() - in.ping.sent_ns;
		EXPECT(in.ip.ttl, ==,
		       lab_number("/proc/sys/net/ipv4/ip_default_ttl"));
		EXPECT(lab_checksum(&in.ping, sizeof(in.ping)), ==, 0);
		EXPECT(trip_ns, >, 0);
		EXPECT(trip_ns, <, 1000000000);
	}
	FIGURE("last round trip", "us", (double)trip_ns / 1e3);
	/* What is damaged is dropped without a word. */
	send_ping(raw, id, 4, 1);
	send_ping(raw, id, 5, 0);
	GIVES(5, next_ping, raw, ICMP_ECHOREPLY, id, &in);
}

/* --- tcpdump --- */

/* What tcpdump makes of "udp and dst host H and dst port P", and -i. */
static int capture(unsigned int interface, struct sockaddr_in dst)
{
	struct sock_filter code[] = {
		BPF_STMT(BPF_LD | BPF_W | BPF_ABS,
			 (uint32_t)(SKF_AD_OFF + SKF_AD_IFINDEX)),
		BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, interface, 0, 8),
		BPF_STMT(BPF_LD | BPF_B | BPF_ABS, 9),
		BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, IPPROTO_UDP, 0, 6),
		BPF_STMT(BPF_LD | BPF_W | BPF_ABS, 16),
		BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, ntohl(dst.sin_addr.s_addr),
			 0, 4),
		BPF_STMT(BPF_LDX | BPF_B | BPF_MSH, 0), /* header's length */
		BPF_STMT(BPF_LD | BPF_H | BPF_IND, 2),
		BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, ntohs(dst.sin_port), 0, 1),
		BPF_STMT(BPF_RET | BPF_K, 0xffff),
		BPF_STMT(BPF_RET | BPF_K, 0),
	};
	const struct sock_fprog filter = {sizeof(code) / sizeof(*code), code};
	const struct sockaddr_ll all = {.sll_family = AF_PACKET,
					.sll_protocol = htons(ETH_P_IP)};
	const int yes = 1;
	/* Without a protocol nothing comes before the filter is there. */
	int s = MUST(socket, AF_PACKET, SOCK_DGRAM, 0);

	MUST(setsockopt, s, SOL_SOCKET, SO_ATTACH_FILTER, &filter,
	     sizeof(filter));
	/* On loopback each packet goes by twice: going out and coming in. */
	MUST(setsockopt, s, SOL_PACKET, PACKET_IGNORE_OUTGOING, &yes,
	     sizeof(yes));
	MUST(bind, s, (const struct sockaddr *)&all, sizeof(all));
	return s;
}

/* Send to a socket, and wait until it has come. */
static void deliver(int s, const struct sockaddr_in *at, const char *text)
{
	char bytes[8];
	int out = MUST(socket, AF_INET, SOCK_DGRAM, 0);

	MUST(sendto, out, text, strlen(text), 0, at, sizeof(*at));
	MUST(recv, s, bytes, sizeof(bytes), 0);
	MUST(close, out);
}

void tool_02(void)
{
	struct sockaddr_in at, port, host;
	struct sockaddr_ll from = {0};
	socklen_t len = sizeof(from);
	char packet[64];
	unsigned int lo = MUST(if_nametoindex, "lo");
	int s = lab_bound(SOCK_DGRAM, &at);
	int other_port = lab_bound(SOCK_DGRAM, &port);
	int other_host = MUST(socket, AF_INET, SOCK_DGRAM, 0);

	host = at;
	host.sin_addr.s_addr = htonl(INADDR_LOOPBACK + 1);
	MUST(bind, other_host, &host, sizeof(host));

	int here = capture(lo, at), there = capture(lo, host);
	int elsewhere = capture(lo + 1, at);

	deliver(s, &at, "ours");
	deliver(other_port, &port, "port");
	deliver(other_host, &host, "host");

	/* Header of IP, header of UDP, text. */
	GIVES(20 + 8 + 4, recvfrom, here, packet, sizeof(packet), 0,
	      (struct sockaddr *)&from, &len);
	EXPECT_TEXT(packet + 28, 4, "ours");
	EXPECT(from.sll_ifindex, ==, lo);
	FAILS(EAGAIN, recv, here, packet, sizeof(packet), MSG_DONTWAIT);
	GIVES(32, recv, there, packet, sizeof(packet), MSG_DONTWAIT);
	EXPECT_TEXT(packet + 28, 4, "host");
	FAILS(EAGAIN, recv, there, packet, sizeof(packet), MSG_DONTWAIT);
	FAILS(EAGAIN, recv, elsewhere, packet, sizeof(packet), MSG_DONTWAIT);
}

/* --- ss and netstat --- */

struct socket_row {
	unsigned int state, uid;
	unsigned long inode;
};

/* The row of a table in /proc/net with these ports, of loopback; proc(5).
 * State 0: there is none. */
static struct socket_row find_socket(const char *table, unsigned int port,
				     unsigned int peer_port)
{
	FILE *f = fopen(table, "re");
	struct socket_row row = {0}, r;
	char line[512];
	unsigned int host, local, remote;

	while (f && fgets(line, sizeof(line), f))
		if (sscanf(line,
			   "%*d: %x:%x %*x:%x %x %*x:%*x %*x:%*x %*x %u %*d "
			   "%lu",
			   &host, &local, &remote, &r.state, &r.uid,
			   &r.inode) == 6 &&
		    host == htonl(INADDR_LOOPBACK) && local == port &&
		    remote == peer_port)
			row = r;
	if (f)
		fclose(f);
	return row;
}

static pid_t owner_of(struct socket_row row)
{
	PRINTED(name, "socket:[%lu]", row.inode);
	return tool_holder(name);
}

/* Listens, waits with UDP too, takes one connection and sees its end. */
static void serve(void)
{
	struct sockaddr_in tcp, udp;
	char byte;
	int listener = lab_bound(SOCK_STREAM, &tcp);

	lab_bound(SOCK_DGRAM, &udp);
	MUST(listen, listener, 1);
	lab_cell[1] = ntohs(tcp.sin_port);
	lab_cell[2] = ntohs(udp.sin_port);
	lab_post(&lab_cell[0], 1);
	int s = MUST(accept, listener, NULL, NULL);

	lab_post(&lab_cell[0], 2);
	MUST(recv, s, &byte, 1, 0);
	lab_post(&lab_cell[0], 3);
	CALL(pause);
}

void tool_03(void)
{
	struct sockaddr_in at;
	socklen_t len = sizeof(at);

	CHILD(server) {
		serve();
	}
	int s = MUST(socket, AF_INET, SOCK_STREAM, 0);

	EXPECT(lab_await(&lab_cell[0], 1), ==, true);
	unsigned int port = (unsigned int)lab_cell[1];
	struct socket_row r = find_socket("/proc/net/tcp", port, 0);

	EXPECT(r.state, ==, TCP_LISTEN);
	EXPECT(r.uid, ==, getuid());
	EXPECT(owner_of(r), ==, server);
	r = find_socket("/proc/net/udp", (unsigned int)lab_cell[2], 0);
	EXPECT(r.state, ==, TCP_CLOSE); /* which ss calls UNCONN */
	EXPECT(owner_of(r), ==, server);

	at = lab_loopback((uint16_t)port);
	MUST(connect, s, &at, len);
	MUST(getsockname, s, &at, &len);
	unsigned int own = ntohs(at.sin_port);

	EXPECT(lab_await(&lab_cell[0], 2), ==, true);
	r = find_socket("/proc/net/tcp", port, own);
	EXPECT(r.state, ==, TCP_ESTABLISHED);
	EXPECT(owner_of(r), ==, server);
	EXPECT(owner_of(find_socket("/proc/net/tcp", own, port)), ==, getpid());

	/* What is closed lives on for a while, but belongs to nobody. */
	MUST(close, s);
	EXPECT(lab_await(&lab_cell[0], 3), ==, true);
	EXPECT(find_socket("/proc/net/tcp", port, own).state, ==,
	       TCP_CLOSE_WAIT);
	do {
		r = find_socket("/proc/net/tcp", own, port);
	} while (r.state == TCP_FIN_WAIT1); /* not acknowledged yet */
	EXPECT(r.state, ==, TCP_FIN_WAIT2);
	EXPECT(r.inode, ==, 0);

	PRINTED(ss, "ss -Htlnp sport = :%u", port);
	PRINTED(netstat, "netstat -tlnp | grep ':%u '", port);
	PRINTED(by_ss, "pid=%d,", server);
	PRINTED(by_netstat, " %d/", server);
	int ss_lines = tool_lines(ss, by_ss);
	int netstat_lines = tool_lines(netstat, by_netstat);

	if (ss_lines >= 0)
		EXPECT(ss_lines, ==, 1);
	if (netstat_lines >= 0)
		EXPECT(netstat_lines, ==, 1);
}
