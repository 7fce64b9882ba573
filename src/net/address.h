/* SPDX-License-Identifier: Apache-2.0 */
#ifndef FEDGE_NET_ADDRESS_H
#define FEDGE_NET_ADDRESS_H
/* An IPv4 or IPv6 address with its port, as the kernel wants it. Plain data, copied by value.
 * Never looks a name up: texts are numeric addresses only. IPv4 addresses mapped into IPv6
 * (::ffff:1.2.3.4) are stored as IPv4, so that equal hosts compare equal. */
#include "base/span.h"

#include <netinet/in.h>
#include <sys/socket.h>

struct net_address {
	union {
		struct sockaddr any;
		struct sockaddr_in v4;
		struct sockaddr_in6 v6;
	};
	socklen_t length; /* 0: no address */
};

#define NET_ADDRESS_NONE ((struct net_address){ .length = 0 })
/* Room for "[IPv6%zone]:port" and the NUL. */
#define NET_ADDRESS_TEXT_SIZE 80

static inline bool net_address_is_set(const struct net_address *a)
{
	return a->length != 0;
}
/* AF_INET, AF_INET6, or AF_UNSPEC where there is none. */
static inline int net_address_family(const struct net_address *a)
{
	return a->length ? a->any.sa_family : AF_UNSPEC;
}

/* "192.0.2.1", "2001:db8::1", "[2001:db8::1]". 0 or -EINVAL. */
int net_address_parse(struct span host, uint16_t port, struct net_address *ret_address);
/* The same with an optional ":port" (IPv6 then in brackets). 0 or -EINVAL. */
int net_address_parse_port(struct span text, uint16_t default_port, struct net_address *ret_address);
/* From 4 or 16 bytes in network order (DNS RDATA). 0 or -EINVAL (any other length). */
int net_address_of_bytes(struct span bytes, uint16_t port, struct net_address *ret_address);
/* From what accept, recvmsg and getsockname gave. 0 or -EAFNOSUPPORT. */
int net_address_of_sockaddr(const struct sockaddr *any, socklen_t length, struct net_address *ret_address);

uint16_t net_address_port(const struct net_address *a);
void net_address_set_port(struct net_address *a, uint16_t port);

/* "192.0.2.1:5061", "[2001:db8::1]:5061", "-" where there is none. Returns the length. */
size_t net_address_format(const struct net_address *a, char ret_text[NET_ADDRESS_TEXT_SIZE]);
/* Without port and without brackets. */
size_t net_address_format_host(const struct net_address *a, char ret_text[NET_ADDRESS_TEXT_SIZE]);
/* Whose address it is, as far as one can tell: IPv4 as it stands, of IPv6 the first 64 bits ("2001:db8::/64"): a single
 * host takes any address behind them (RFC 4291 2.5.1, RFC 8981). */
size_t net_address_format_network(const struct net_address *a, char ret_text[NET_ADDRESS_TEXT_SIZE]);

/* Address, port and scope; two absent addresses are equal. */
bool net_address_equal(const struct net_address *a, const struct net_address *b);
/* The same without the port. */
bool net_address_equal_host(const struct net_address *a, const struct net_address *b);
/* A span over exactly the bytes that distinguish addresses (family, host, port), for hash_keyed;
 * ret_bytes holds them. */
struct span net_address_key(const struct net_address *a, unsigned char ret_bytes[24]);

bool net_address_is_any(const struct net_address *a); /* 0.0.0.0 or :: */
bool net_address_is_loopback(const struct net_address *a);
/* Not reachable from the internet: RFC 1918, 6598, 3927, 4193, 4291 link-local, loopback,
 * documentation and other special-purpose blocks of RFC 6890. */
bool net_address_is_private(const struct net_address *a);
#endif
