/* SPDX-License-Identifier: Apache-2.0 */
#include "transport/private.h"

static void receive_one(struct transport_port *port, const struct net_datagram *datagram, int64_t now_us)
{
	struct transport *t = port->transport;
	transport_count(&t->counters.bytes_received, datagram->bytes.length);
	struct transport_incoming in = {
		.arrival = {
			.flow = transport_port_flow(port),
			.protocol = TRANSPORT_UDP,
			.local = port->address,
			.remote = datagram->from,
			.listener = port->index,
			.received_us = now_us,
		},
	};
	struct sip_frame frame = sip_datagram_frame(datagram->bytes, t->limits.message_bytes);
	switch (frame.kind) {
	case SIP_FRAME_MESSAGE:
		transport_receive(t, frame.bytes, &in);
		break;
	case SIP_FRAME_DEFECT:
		transport_receive_defect(t, &frame, &in);
		break;
	case SIP_FRAME_PING: /* RFC 5626 4.4.1: CRLF keep-alives are for streams; here they only hold a NAT open */
	case SIP_FRAME_PONG:
		transport_count(&t->counters.pings, 1);
		break;
	}
}

static void on_received(struct net_udp *udp, void *argument, const struct net_datagram *datagrams, size_t count)
{
	struct transport_port *port = argument;
	int64_t now_us = clock_wall_us(port->transport->clock);
	for (size_t i = 0; i < count && port->udp == udp; i++)
		receive_one(port, &datagrams[i], now_us);
}

static void on_unreachable(struct net_udp *udp, void *argument, const struct net_address *to, int error)
{
	(void)udp;
	struct transport_port *port = argument;
	transport_clients_unreachable(port->transport, to, error);
}

int transport_datagram_open(struct transport_port *port, bool shared)
{
	struct net_udp_settings settings = {
		.local = port->address,
		.shared = shared,
		.received = on_received,
		.unreachable = on_unreachable,
		.argument = port,
	};
	int status = net_udp_open(port->transport->loop, &settings, &port->udp);
	if (status == 0)
		port->address = *net_udp_local(port->udp);
	return status;
}

static struct net_address any_address(int family)
{
	struct net_address any;
	(void)net_address_parse(family == AF_INET6 ? SPAN("::") : SPAN("0.0.0.0"), 0, &any);
	return any;
}

static int open_outgoing(struct transport *t, int family, struct transport_port *port)
{
	bool bound = net_address_family(&t->bind) == family;
	*port = (struct transport_port){
		.transport = t,
		.protocol = TRANSPORT_UDP,
		.index = TRANSPORT_LISTENER_NONE,
		.address = bound ? t->bind : any_address(family),
	};
	net_address_set_port(&port->address, 0);
	return transport_datagram_open(port, false);
}

int transport_datagram_port(struct transport *t, const struct net_address *to, struct transport_port **ret_port)
{
	int family = net_address_family(to);
	for (size_t i = 0; i < t->port_count; i++) {
		struct transport_port *port = &t->ports[i];
		if (port->udp && net_address_family(&port->address) == family) {
			*ret_port = port;
			return 0;
		}
	}
	struct transport_port *port = &t->outgoing[family == AF_INET6];
	int status = port->udp ? 0 : open_outgoing(t, family, port);
	if (status == 0)
		*ret_port = port;
	return status;
}

struct transport_port *transport_datagram_by_slot(struct transport *t, uint32_t slot)
{
	struct transport_port *port = NULL;
	if (slot < t->port_count)
		port = &t->ports[slot];
	else if (slot >= TRANSPORT_LISTENER_MAXIMUM && slot < TRANSPORT_LISTENER_MAXIMUM + BASE_COUNT(t->outgoing))
		port = &t->outgoing[slot - TRANSPORT_LISTENER_MAXIMUM];
	return port && port->udp ? port : NULL;
}

int transport_datagram_send(
	struct transport_port *port, const struct net_address *to, const struct iovec *parts, size_t part_count)
{
	int status = net_udp_send(port->udp, to, parts, part_count);
	if (status == 0)
		transport_count(&port->transport->counters.bytes_sent, transport_parts_length(parts, part_count));
	return status;
}
