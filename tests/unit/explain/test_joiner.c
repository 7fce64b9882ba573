/* SPDX-License-Identifier: Apache-2.0 */
/* Ladders in, cases out. What comes of each is written as text:
 *	KIND OUTCOME STATUS [by HOST] [legs=N joined by WORD] [cut at the start] [cut at the end]
 *	HOST HOST* …                    the columns; *: it has a log
 *	A>B METHOD or STATUS            an arrow; "=": both ends logged it, "!": the refusal, "again", "near"
 *	A: KIND …                       a note, or a connection with ">B"
 */
#include "record/field.h"
#include "unit/explain/material.h"

static const char *const kinds[] = { "call", "connection", "registration", "subscription", "message" };
static const char *const outcomes[] = { "answered", "failed", "abandoned", "unknown" };
static const char *const joins[] = { "Call-ID", "serial", "tag", "session", "parties" };

/* Addresses are shown as the names they stand for. */
static void add_host(struct material *m, const struct explain_case *c, uint32_t host, struct buffer *text)
{
	const struct explain_host *h = host < c->host_count ? &c->hosts[host] : NULL;
	if (!h)
		(void)buffer_append_text(text, "nobody");
	else if (h->name.length > 0)
		(void)buffer_append(text, h->name);
	else if (h->address_count > 0 && h->addresses[0].bytes[3] <= m->host_count)
		(void)buffer_append(text, m->hosts[h->addresses[0].bytes[3] - 1]);
	else
		(void)buffer_append_text(text, "?");
}

static void add_step(struct material *m, const struct explain_case *c, uint32_t i, struct buffer *text)
{
	const struct explain_step *step = &c->steps[i];
	const struct explain_event *e = step->event;
	add_host(m, c, step->from, text);
	if (step->is_arrow) {
		(void)buffer_append_text(text, ">");
		add_host(m, c, step->to, text);
	}
	if (e->kind == RECORD_MESSAGE && e->message.is_request)
		(void)buffer_printf(text, " %.*s", SPAN_PRINT(e->message.method_name));
	else if (e->kind == RECORD_MESSAGE)
		(void)buffer_printf(text, " %u", (unsigned)e->message.status);
	else
		(void)buffer_printf(text, ": %s", record_kind_word(e->kind));
	(void)buffer_printf(text, "%s%s%s%s\n", step->second ? " =" : "", c->refusal == i ? " !" : "",
		step->is_repeated ? " again" : "", step->leg == EXPLAIN_NO_LEG ? " near" : "");
}

static void add_case(struct material *m, const struct explain_case *c, struct buffer *text)
{
	(void)buffer_printf(text, "%s %s %u", kinds[c->kind], outcomes[c->outcome], (unsigned)c->status);
	if (c->refused_by != EXPLAIN_NO_STEP) {
		(void)buffer_append_text(text, " by ");
		add_host(m, c, c->refused_by, text);
	}
	if (c->leg_count > 1)
		(void)buffer_printf(text, " legs=%u joined by %s", c->leg_count, joins[c->weakest]);
	(void)buffer_printf(
		text, "%s%s\n", c->begins_cut ? " cut at the start" : "", c->ends_cut ? " cut at the end" : "");
	for (uint32_t i = 0; i < c->host_count; i++) {
		(void)buffer_append_text(text, i > 0 ? " " : "");
		add_host(m, c, i, text);
		(void)buffer_append_text(text, c->hosts[i].has_log ? "*" : "");
	}
	(void)buffer_append_text(text, "\n");
	for (uint32_t i = 0; i < c->step_count; i++)
		add_step(m, c, i, text);
}

struct row {
	const char *name;
	const char *ladder;
	const char *cases;
};

static const struct row rows[] = {
	{ "one box: a call that is refused",
		"vcse 0.000 < vcsc INVITE via=vcsc,phone\n"
		"vcse 0.001 > vcsc 100 via=vcsc,phone\n"
		"vcse 0.010 > edge.b.lab INVITE via=vcse:S1,vcsc,phone\n"
		"vcse 0.050 < edge.b.lab 504 'Server time-out' via=vcse:S1,vcsc,phone\n"
		"vcse 0.051 > edge.b.lab ACK via=vcse tag=tt\n"
		"vcse 0.052 > vcsc 504 'Server time-out' via=vcsc,phone\n"
		"vcse 0.053 < vcsc ACK via=vcsc tag=tt\n",
		"call failed 504 by edge.b.lab\n"
		"vcsc vcse* edge.b.lab\n"
		"vcsc>vcse INVITE\n"
		"vcse>vcsc 100\n"
		"vcse>edge.b.lab INVITE\n"
		"edge.b.lab>vcse 504 !\n"
		"vcse>edge.b.lab ACK\n"
		"vcse>vcsc 504\n"
		"vcsc>vcse ACK\n" },
	{ "two boxes, one call: a message that both logged is one step",
		"vcsc 0.000 < phone INVITE via=phone\n"
		"vcsc 0.010 > vcse INVITE via=vcsc:S1,phone\n"
		"vcse 0.011 < vcsc INVITE via=vcsc:S1,phone file=1\n"
		"vcse 0.012 > edge.b.lab INVITE via=vcse:S2,vcsc:S1,phone file=1\n"
		"vcse 0.020 < edge.b.lab 504 'Server time-out' via=vcse:S2,vcsc:S1,phone file=1\n"
		"vcse 0.021 > vcsc 504 'Server time-out' via=vcsc:S1,phone file=1\n"
		"vcsc 0.022 < vcse 504 'Server time-out' via=vcsc:S1,phone\n"
		"vcsc 0.023 > phone 504 'Server time-out' via=phone\n",
		"call failed 504 by edge.b.lab\n"
		"phone vcsc* vcse* edge.b.lab\n"
		"phone>vcsc INVITE\n"
		"vcsc>vcse INVITE =\n"
		"vcse>edge.b.lab INVITE\n"
		"edge.b.lab>vcse 504 !\n"
		"vcse>vcsc 504 =\n"
		"vcsc>phone 504\n" },
	{ "an hour between the clocks: logs in order all the same",
		"vcsc 0.000 < phone INVITE via=phone\n"
		"vcsc 0.010 > vcse INVITE via=vcsc,phone\n"
		"vcsc 0.050 < vcse 504 via=vcsc,phone\n"
		"vcsc 0.051 > phone 504 via=phone\n"
		"vcse 3600.020 < vcsc INVITE via=vcsc,phone file=1\n"
		"vcse 3600.040 > vcsc 504 via=vcsc,phone file=1\n",
		"call failed 504 by vcse\n"
		"phone vcsc* vcse*\n"
		"phone>vcsc INVITE\n"
		"vcsc>vcse INVITE =\n"
		"vcse>vcsc 504 = !\n"
		"vcsc>phone 504\n" },
	{ "a proxy's other Call-ID, but the same serial number in a Via",
		"vcsc 0.000 > vcse INVITE via=vcsc:S1,phone call=c1\n"
		"edge 0.100 < vcse INVITE via=vcse:S2,vcsc:S1,phone call=c2 file=1\n"
		"edge 0.200 > vcse 403 via=vcse:S2,vcsc:S1,phone call=c2 file=1\n"
		"vcsc 0.300 < vcse 403 via=vcsc:S1,phone call=c1\n",
		"call failed 403 by edge legs=2 joined by serial\n"
		"vcsc* vcse edge*\n"
		"vcsc>vcse INVITE\n"
		"vcse>edge INVITE\n"
		"edge>vcse 403 !\n"
		"vcse>vcsc 403\n" },
	{ "legs by Session-ID",
		"a 0.0 > b INVITE call=c1 session=aaaa\n"
		"b 0.1 > c INVITE call=c2 session=aaaa file=1\n"
		"b 0.2 < c 404 call=c2 session=bbbb,aaaa file=1\n"
		"a 0.3 < b 480 call=c1 session=bbbb,aaaa\n",
		"call failed 480 by c legs=2 joined by session\n"
		"a* b* c\n"
		"a>b INVITE\n"
		"b>c INVITE\n"
		"c>b 404 !\n"
		"b>a 480\n" },
	{ "legs by the Session-ID of who answers, where the caller has none",
		"a 0.00 < x INVITE call=c1 to=meet@a.lab via=x\n"
		"a 0.10 > b INVITE call=c2 to=2000@b.lab via=a\n"
		"a 0.20 < b 180 call=c2 via=a session=bbbb\n"
		"a 0.21 > x 180 call=c1 via=x session=bbbb\n"
		"a 0.30 < b 486 call=c2 via=a session=bbbb\n"
		"a 0.31 > x 480 call=c1 via=x session=bbbb\n",
		"call failed 480 by b legs=2 joined by session\n"
		"x a* b\n"
		"x>a INVITE\n"
		"a>b INVITE\n"
		"b>a 180\n"
		"a>x 180\n"
		"b>a 486 !\n"
		"a>x 480\n" },
	{ "a meeting has one Session-ID for all of its guests: two calls",
		"a 0.00 < x INVITE call=c1 from=ann@x.lab to=meet@a.lab via=x\n"
		"a 0.10 < y INVITE call=c2 from=joe@y.lab to=meet@a.lab via=y\n"
		"a 0.20 > x 180 call=c1 via=x session=bbbb\n"
		"a 0.21 > y 180 call=c2 via=y session=bbbb\n"
		"a 0.30 > x 480 call=c1 via=x session=bbbb\n"
		"a 0.31 > y 480 call=c2 via=y session=bbbb\n",
		"call failed 480 by a\nx a*\nx>a INVITE\na>x 180\na>x 480 !\n"
		"call failed 480 by a\ny a*\ny>a INVITE\na>y 180\na>y 480 !\n" },
	{ "a B2BUA that nobody logs: by the parties, while the first leg is open",
		"vcsc 0.00 < cucm INVITE call=c1 from=2000@steven.lab to=bob@b.lab via=cucm\n"
		"vcsc 0.01 > cms INVITE call=c1 from=2000@steven.lab to=bob@b.lab via=vcsc:S1,cucm\n"
		"vcsc 0.20 < cms INVITE call=c2 from=2000@acano.steven.lab to=bob@b.lab via=cms\n"
		"vcsc 0.21 > vcse INVITE call=c2 from=2000@acano.steven.lab to=bob@b.lab via=vcsc:S3,cms\n"
		"vcsc 0.50 < vcse 504 call=c2 via=vcsc:S3,cms\n"
		"vcsc 0.51 > cms 504 call=c2 via=cms\n"
		"vcsc 0.60 < cms 480 call=c1 via=vcsc:S1,cucm\n"
		"vcsc 0.61 > cucm 480 call=c1 via=cucm\n",
		"call failed 480 by vcse legs=2 joined by parties\n"
		"cucm vcsc* cms vcse\n"
		"cucm>vcsc INVITE\n"
		"vcsc>cms INVITE\n"
		"cms>vcsc INVITE\n"
		"vcsc>vcse INVITE\n"
		"vcse>vcsc 504 !\n"
		"vcsc>cms 504\n"
		"cms>vcsc 480\n"
		"vcsc>cucm 480\n" },
	{ "the same caller dials again after the refusal: two calls",
		"a 0.0 > b INVITE call=c1\n"
		"a 0.1 < b 504 call=c1\n"
		"a 1.0 > b INVITE call=c2\n"
		"a 1.1 < b 504 call=c2\n",
		"call failed 504 by b\na* b\na>b INVITE\nb>a 504 !\n"
		"call failed 504 by b\na* b\na>b INVITE\nb>a 504 !\n" },
	{ "two callers of one conference at once: two calls",
		"edge 0.0 < x.lab INVITE call=c1 from=ann@x.lab to=meet@b.lab\n"
		"edge 0.1 < y.lab INVITE call=c2 from=joe@y.lab to=meet@b.lab\n"
		"edge 0.2 > x.lab 404 call=c1\n"
		"edge 0.3 > y.lab 404 call=c2\n",
		"call failed 404 by edge\nx.lab edge*\nx.lab>edge INVITE\nedge>x.lab 404 !\n"
		"call failed 404 by edge\ny.lab edge*\ny.lab>edge INVITE\nedge>y.lab 404 !\n" },
	{ "two requests of one client at once: two calls",
		"edge 0.0 < x.lab INVITE call=c1\n"
		"edge 0.1 < x.lab INVITE call=c2\n"
		"edge 0.2 > x.lab 404 call=c1\n"
		"edge 0.3 > x.lab 404 call=c2\n",
		"call failed 404 by edge\nx.lab edge*\nx.lab>edge INVITE\nedge>x.lab 404 !\n"
		"call failed 404 by edge\nx.lab edge*\nx.lab>edge INVITE\nedge>x.lab 404 !\n" },
	{ "good calls are only counted",
		"a 0.0 > b INVITE\n"
		"a 0.1 < b 180\n"
		"a 0.2 < b 200\n"
		"a 0.3 > b ACK tag=tt\n"
		"a 9.0 > b BYE tag=tt cseq=2\n"
		"a 9.1 < b 200 m=BYE cseq=2\n",
		"" },
	{ "who gives up while it rings has nothing to explain",
		"a 0.0 > b INVITE\n"
		"a 0.1 < b 180\n"
		"a 9.0 > b CANCEL\n"
		"a 9.1 < b 200 m=CANCEL\n"
		"a 9.2 < b 487\n",
		"" },
	{ "who gives up in silence",
		"a 0.0 > b INVITE\n"
		"a 0.1 < b 100\n"
		"a 9.0 > b CANCEL\n"
		"a 9.2 < b 487\n",
		"call abandoned 487 by b\na* b\na>b INVITE\nb>a 100\na>b CANCEL\nb>a 487 !\n" },
	{ "a challenge that is answered is no failure",
		"a 0.0 > b INVITE\n"
		"a 0.1 < b 407\n"
		"a 0.2 > b ACK tag=tt\n"
		"a 0.3 > b INVITE cseq=2\n"
		"a 0.4 < b 200 cseq=2\n",
		"" },
	{ "refused after the challenge",
		"a 0.0 > b INVITE\n"
		"a 0.1 < b 407\n"
		"a 0.2 > b ACK tag=tt\n"
		"a 0.3 > b INVITE cseq=2\n"
		"a 0.4 < b 403 cseq=2\n",
		"call failed 403 by b\na* b\na>b INVITE\nb>a 407\na>b ACK\na>b INVITE\nb>a 403 !\n" },
	{ "a redirection that is followed",
		"a 0.0 > b INVITE\n"
		"a 0.1 < b 302\n"
		"a 0.2 > b ACK tag=tt\n"
		"a 0.3 > c INVITE cseq=2\n"
		"a 0.4 < c 200 cseq=2\n",
		"" },
	{ "a fork: one branch refuses, another answers",
		"p 0.0 < a INVITE via=a\n"
		"p 0.1 > b INVITE via=p,a\n"
		"p 0.1 > c INVITE via=p:2,a\n"
		"p 0.2 < b 404 via=p,a\n"
		"p 0.3 < c 200 via=p:2,a\n"
		"p 0.4 > a 200 via=a\n",
		"" },
	{ "a fork that is refused as a whole: the branch whose status was passed on",
		"p 0.0 < a INVITE via=a\n"
		"p 0.1 > b INVITE via=p,a\n"
		"p 0.1 > c INVITE via=q,a\n"
		"p 0.2 < b 404 via=p,a\n"
		"p 0.3 < c 486 via=q,a\n"
		"p 0.4 > a 486 via=a\n",
		"call failed 486 by c\n"
		"a p* b c\n"
		"a>p INVITE\n"
		"p>b INVITE\n"
		"p>c INVITE\n"
		"b>p 404\n"
		"c>p 486 !\n"
		"p>a 486\n" },
	{ "no answer, and the log goes on",
		"a 0.0 > b INVITE\n"
		"a 0.5 > b INVITE\n"
		"a 1.5 > b INVITE\n"
		"a 40.0 > c OPTIONS call=other\n"
		"a 40.1 < c 200 m=OPTIONS call=other\n",
		"call failed 0\na* b\na>b INVITE\na>b INVITE again\na>b INVITE again\n" },
	{ "no answer, and the log ends",
		"a 0.0 > b INVITE\n"
		"a 5.0 > c OPTIONS call=other\n"
		"a 5.1 < c 200 m=OPTIONS call=other\n",
		"call unknown 0 cut at the end\na* b\na>b INVITE\n" },
	{ "the middle of a call whose beginning nobody has",
		"a 0.0 > b BYE tag=tt cseq=2\n"
		"a 0.1 < b 200 m=BYE cseq=2\n",
		"" },
	{ "what is refused inside of a call is not the call",
		"a 0.0 > b UPDATE tag=tt cseq=5\n"
		"a 0.1 < b 491 m=UPDATE cseq=5\n"
		"a 1.0 > b INVITE call=c2\n"
		"a 1.1 < b 200 call=c2\n"
		"a 1.2 > b INVITE call=c2 tag=tt cseq=2\n"
		"a 1.3 < b 488 call=c2 cseq=2\n",
		"" },
	{ "an answer that lost its CSeq, to the request before it",
		"a 0 > b INVITE nocall\n"
		"a 1 < b raw='SIP/2.0 504 Server time-out\\nVia: SIP/2.0/TLS h\\n\\n'\n",
		"call failed 504 by b\na* b\na>b INVITE\nb>a 504 !\n" },
	{ "a refusal whose request nobody has", "a 0.0 < b 504 'Server time-out' via=a,z\n",
		"call failed 504 by b cut at the start\na* b\nb>a 504 !\n" },
	{ "a log's summary beside its message, in any order",
		"a 0.000 > b INVITE hash=1 summary novia\n"
		"a 0.000 > b INVITE hash=1\n"
		"a 0.300 < b 504 hash=2\n"
		"a 0.300 < b 504 hash=2 summary novia\n",
		"call failed 504 by b\na* b\na>b INVITE\nb>a 504 !\n" },
	{ "one box logs everything, the other has summaries",
		"a 0.000 > b INVITE\n"
		"b 0.001 < a INVITE summary novia file=1\n"
		"b 0.002 > a 403 summary novia file=1\n"
		"a 0.003 < b 403\n",
		"call failed 403 by b\na* b*\na>b INVITE =\nb>a 403 = !\n" },
	{ "one box's log in two formats, of which one writes milliseconds: everything once",
		"a 0.000000 < x INVITE\n"
		"a 0.000700 < x INVITE file=1\n"
		"a 0.001000 rule 'to b'\n"
		"a 0.001300 rule 'to b' file=1\n"
		"a 0.002000 > b INVITE via=a,x\n"
		"a 0.002600 > b INVITE via=a,x file=1\n"
		"a 0.502000 > b INVITE via=a,x\n"
		"a 0.502600 > b INVITE via=a,x file=1\n"
		"a 0.600000 < b 403 via=a,x\n"
		"a 0.600900 < b 403 via=a,x file=1\n"
		"a 0.601000 > x 403\n"
		"a 0.601800 > x 403 file=1\n",
		"call failed 403 by b\nx a* b\nx>a INVITE\na: rule\na>b INVITE\na>b INVITE again\nb>a 403 !\na>x "
		"403\n" },
	{ "a client's log, which does not say whose it is, beside one that does",
		"a 0.000000 > b INVITE node=\n"
		"a 0.000700 > b INVITE file=1\n"
		"b 0.001000 < a INVITE file=2\n"
		"b 0.002000 > a 403 file=2\n"
		"a 0.003000 < b 403 node=\n"
		"a 0.003700 < b 403 file=1\n",
		"call failed 403 by b\na* b*\na>b INVITE =\nb>a 403 = !\n" },
	{ "a capture beside the two logs adds nothing",
		"a 0.000 > b INVITE\n"
		"* 0.001 a > b INVITE file=2\n"
		"b 0.002 < a INVITE file=1\n"
		"b 0.003 > a 403 file=1\n"
		"* 0.004 b > a 403 file=2\n"
		"a 0.005 < b 403\n",
		"call failed 403 by b\na* b*\na>b INVITE =\nb>a 403 = !\n" },
	{ "a capture alone",
		"* 0.000 a > b INVITE\n"
		"* 0.100 b > a 486\n",
		"call failed 486 by b\na b\na>b INVITE\nb>a 486 !\n" },
	{ "a capture of two programs on one machine: ports tell them apart",
		"* 0.000 h:5060 > h:5070 INVITE\n"
		"* 0.100 h:5070 > h:5060 486\n",
		"call failed 486 by 10.0.0.1:5070\n10.0.0.1:5060 10.0.0.1:5070\n"
		"10.0.0.1:5060>10.0.0.1:5070 INVITE\n10.0.0.1:5070>10.0.0.1:5060 486 !\n" },
	{ "the far box writes local time, an hour behind: the first leg is the first all the same",
		"b 96400.05 < a INVITE call=c1 via=a:S1 file=1\n"
		"b 96400.10 > c INVITE call=c2 via=b:S2,a:S1 file=1\n"
		"b 96400.20 < c 404 call=c2 via=b:S2,a:S1 file=1\n"
		"b 96400.25 > a 480 call=c1 via=a:S1 file=1\n"
		"z 99999.95 > a INVITE call=c0 via=z:S0 file=2\n"
		"a 99999.96 < z INVITE call=c0 via=z:S0\n"
		"a 100000.00 > b INVITE call=c1 via=a:S1,z:S0\n"
		"a 100000.30 < b 480 call=c1 via=a:S1,z:S0\n"
		"a 100000.31 > z 480 call=c0 via=z:S0\n",
		"call failed 480 by c legs=3 joined by serial\n"
		"z* a* b* c\n"
		"z>a INVITE =\n"
		"a>b INVITE =\n"
		"b>c INVITE\n"
		"c>b 404 !\n"
		"b>a 480 =\n"
		"a>z 480\n" },
	{ "what stands on the way: rules, DNS, the connection",
		"vcse 0.000 < vcsc INVITE via=vcsc to=bob@b.lab\n"
		"vcse 0.001 rule 'to partners' alias=bob@b.lab\n"
		"vcse 0.002 dns SRV _sipfederationtls._tcp.b.lab\n"
		"vcse 0.003 dns SRV _sipfederationtls._tcp.b.lab answer='0 0 5061 edge.far.lab.'\n"
		"vcse 0.004 dns A edge.far.lab answer=10.0.0.9\n"
		"vcse 0.005 connect failed host9 peer=edge.far.lab reason='Connection refused'\n"
		"vcse 0.006 > vcsc 504 via=vcsc\n",
		"call failed 504 by vcse\n"
		"vcsc vcse* edge.far.lab\n"
		"vcsc>vcse INVITE\n"
		"vcse: rule\n"
		"vcse: dns-query\n"
		"vcse: dns-answer\n"
		"vcse: dns-answer\n"
		"vcse>edge.far.lab: connection\n"
		"vcse>vcsc 504 !\n" },
	{ "the log of the far box about the same connection",
		"vcse 0.000 < vcsc INVITE via=vcsc\n"
		"vcse 0.001 handshake failed edge:5061 name=sip.b.lab alert=48 reason='unknown ca'\n"
		"edge 0.001 handshake failed vcse:5061 server alert=48 sent reason='no issuer' file=1\n"
		"vcse 0.006 > vcsc 504 via=vcsc\n",
		"call failed 504 by vcse\n"
		"vcsc vcse* edge*\n"
		"vcsc>vcse INVITE\n"
		"vcse>edge: handshake\n"
		"edge>vcse: handshake near\n"
		"vcse>vcsc 504 !\n" },
	{ "the far box was first to write of it",
		"edge 0.001 handshake failed vcse:5061 server alert=48 sent reason='no issuer' file=1\n"
		"vcse 0.001 < vcsc INVITE via=vcsc\n"
		"vcse 0.002 handshake failed edge:5061 name=sip.b.lab alert=48 reason='unknown ca'\n"
		"vcse 0.006 > vcsc 504 via=vcsc\n",
		"call failed 504 by vcse\n"
		"vcsc vcse* edge*\n"
		"edge>vcse: handshake near\n"
		"vcsc>vcse INVITE\n"
		"vcse>edge: handshake\n"
		"vcse>vcsc 504 !\n" },
	{ "strangers whose handshakes fail: one case for each peer and reason",
		"vcse 0 handshake failed x:40001 server alert=48 reason='unknown ca'\n"
		"vcse 1 handshake failed x:40002 server alert=48 reason='unknown ca'\n"
		"vcse 2 handshake failed y:40003 server alert=48 reason='unknown ca'\n"
		"vcse 3 handshake failed x:40004 server reason='unsupported protocol'\n",
		"connection failed 0\nx vcse*\nvcse>x: handshake\nvcse>x: handshake\n"
		"connection failed 0\ny vcse*\nvcse>y: handshake\n"
		"connection failed 0\nx vcse*\nvcse>x: handshake\n" },
	{ "a neighbour that was started later: nothing to tell",
		"a 0.0 connect failed b:5060 reason='connection refused'\n"
		"a 0.5 connect failed b:5060 reason='timed out'\n"
		"a 1.0 connect opened b:5060\n",
		"" },
	{ "a neighbour that fails again after it stood",
		"a 0.0 connect failed b:5060 reason='connection refused'\n"
		"a 1.0 connect opened b:5060\n"
		"a 2.0 connect failed b:5060 reason='connection refused'\n",
		"connection failed 0\na* b\na>b: connection\na>b: connection\na>b: connection\n" },
	{ "TCP stands, and TLS fails all the same",
		"a 0.0 handshake failed b:5061 reason='unknown ca'\n"
		"a 1.0 connect opened b:5061\n",
		"connection failed 0\na* b\na>b: handshake\na>b: connection\n" },
	{ "another box's connection mends nothing",
		"a 0.0 connect failed b:5060 reason='connection refused'\n"
		"c 1.0 connect opened b:5060 file=1\n",
		"connection failed 0\na* b\na>b: connection\n" },
	{ "the connection that a refused call came over",
		"vcse 0.000 connect accepted x:40001\n"
		"vcse 0.001 handshake ok x:40001 server cn=sip.x.lab\n"
		"vcse 0.002 < x:40001 INVITE via=x\n"
		"vcse 0.003 > x:40001 403 via=x\n",
		"call failed 403 by vcse\n"
		"sip.x.lab vcse*\n"
		"vcse>sip.x.lab: connection\n"
		"vcse>sip.x.lab: handshake\n"
		"sip.x.lab>vcse INVITE\n"
		"vcse>sip.x.lab 403 !\n" },
	{ "a handshake that the far box was first to write of, and its messages tell no addresses",
		"vcse 0.000 < vcsc INVITE via=vcsc\n"
		"edge 0.050 handshake ok vcse:5061 server cn=vcse.a.lab file=1\n"
		"vcse 0.055 handshake ok edge:5061 name=sip.b.lab cn=sip.b.lab\n"
		"vcse 0.055 > edge:5061 INVITE via=vcse,vcsc\n"
		"edge 0.056 < vcse INVITE via=vcse,vcsc nowhere file=1\n"
		"edge 0.060 > vcse 504 via=vcse,vcsc nowhere file=1\n"
		"vcse 0.061 < edge:5061 504 via=vcse,vcsc\n"
		"vcse 0.062 > vcsc 504 via=vcsc\n",
		"call failed 504 by edge\n"
		"vcsc vcse* edge*\n"
		"vcsc>vcse INVITE\n"
		"edge>vcse: handshake\n"
		"vcse>edge: handshake\n"
		"vcse>edge INVITE =\n"
		"edge>vcse 504 = !\n"
		"vcse>vcsc 504\n" },
	{ "a handshake that the far box was last to write of",
		"vcse 0.000 < vcsc INVITE via=vcsc\n"
		"vcse 0.055 handshake ok edge:5061 name=sip.b.lab cn=sip.b.lab\n"
		"edge 0.056 handshake ok vcse:5061 server cn=vcse.a.lab file=1\n"
		"vcse 0.056 > edge:5061 INVITE via=vcse,vcsc\n"
		"edge 0.057 < vcse INVITE via=vcse,vcsc nowhere file=1\n"
		"edge 0.060 > vcse 504 via=vcse,vcsc nowhere file=1\n"
		"vcse 0.061 < edge:5061 504 via=vcse,vcsc\n"
		"vcse 0.062 > vcsc 504 via=vcsc\n",
		"call failed 504 by edge\n"
		"vcsc vcse* edge*\n"
		"vcsc>vcse INVITE\n"
		"vcse>edge: handshake\n"
		"edge>vcse: handshake near\n"
		"vcse>edge INVITE =\n"
		"edge>vcse 504 = !\n"
		"vcse>vcsc 504\n" },
	{ "a judgement alone makes a case", "svedge 0 judge x result=0xc3e93d67 call=c9 cseq='7 INVITE'\n",
		"call failed 0 by svedge cut at the start\nsvedge*\nsvedge: judgement\n" },
	{ "a judgement and the refusal that another box has, a clock apart",
		"svedge 0.000 judge x result=0xc3e93d6f call=c9 peer=vcse.a.lab:5061\n"
		"vcse 0.010 < 6 504 call=c9 via=vcse,vcsc,cms file=1\n",
		"call failed 504 by svedge cut at the start\n"
		"vcse* svedge*\n"
		"svedge: judgement\n"
		"svedge>vcse 504 !\n" },
	{ "events alone, as a log at its lowest level has them",
		"vcse 0.0 event attempted serial=S1 tag=T1\n"
		"vcse 0.1 search completed serial=S1 tag=T1 status=404 reason='Not Found'\n"
		"vcse 0.2 event rejected serial=S1 tag=T1 status=404 reason='Not Found'\n",
		"call failed 404 by vcse cut at the start\nvcse*\nvcse: call\nvcse: search\nvcse: call\n" },
	{ "events beside messages, by the serial number that a Via tells",
		"vcse 0.0 < a INVITE via=a\n"
		"vcse 0.1 event attempted serial=S1 tag=T1\n"
		"vcse 0.2 > b INVITE via=vcse:S1,a\n"
		"vcse 0.3 < b 404 via=vcse:S1,a\n"
		"vcse 0.4 event rejected serial=S1 tag=T1 status=404\n",
		"call failed 404 by b\n"
		"a vcse* b\n"
		"a>vcse INVITE\n"
		"vcse: call\n"
		"vcse>b INVITE\n"
		"b>vcse 404 !\n"
		"vcse: call\n" },
	{ "a B2BUA, and the second box's clock 5 s behind: one call, by the tag of the events",
		"vcse 5.015 < vcsc INVITE call=c2 via=vcsc:S1 file=1\n"
		"vcse 5.025 event attempted serial=S2 tag=T1 file=1\n"
		"vcse 5.035 > x INVITE call=c3 via=vcse:S2 file=1\n"
		"vcse 5.115 < x 504 call=c3 via=vcse:S2 file=1\n"
		"vcse 5.125 > vcsc 504 call=c2 via=vcsc:S1 file=1\n"
		"vcse 5.135 event rejected serial=S2 tag=T1 status=504 file=1\n"
		"vcsc 10.000 < phone INVITE call=c1\n"
		"vcsc 10.010 event attempted serial=S1 tag=T1\n"
		"vcsc 10.020 > vcse INVITE call=c2 via=vcsc:S1\n"
		"vcsc 10.100 < vcse 504 call=c2 via=vcsc:S1\n"
		"vcsc 10.110 > phone 504 call=c1 via=phone\n"
		"vcsc 10.120 event rejected serial=S1 tag=T1 status=504\n",
		"call failed 504 by x legs=3 joined by tag\n"
		"phone vcsc* vcse* x\n"
		"phone>vcsc INVITE\n"
		"vcsc: call\n"
		"vcsc>vcse INVITE =\n"
		"vcse: call\n"
		"vcse>x INVITE\n"
		"x>vcse 504 !\n"
		"vcse>vcsc 504 =\n"
		"vcsc>phone 504\n"
		"vcsc: call\n"
		"vcse: call\n" },
	{ "a B2BUA, and the second box's clock 5 s ahead: one call",
		"vcsc 10.000 < phone INVITE call=c1\n"
		"vcsc 10.010 event attempted serial=S1 tag=T1\n"
		"vcsc 10.020 > vcse INVITE call=c2 via=vcsc:S1\n"
		"vcsc 10.100 < vcse 504 call=c2 via=vcsc:S1\n"
		"vcsc 10.110 > phone 504 call=c1 via=phone\n"
		"vcsc 10.120 event rejected serial=S1 tag=T1 status=504\n"
		"vcse 15.015 < vcsc INVITE call=c2 via=vcsc:S1 file=1\n"
		"vcse 15.025 event attempted serial=S2 tag=T1 file=1\n"
		"vcse 15.035 > x INVITE call=c3 via=vcse:S2 file=1\n"
		"vcse 15.115 < x 504 call=c3 via=vcse:S2 file=1\n"
		"vcse 15.125 > vcsc 504 call=c2 via=vcsc:S1 file=1\n"
		"vcse 15.135 event rejected serial=S2 tag=T1 status=504 file=1\n",
		"call failed 504 by x legs=3 joined by serial\n"
		"phone vcsc* vcse* x\n"
		"phone>vcsc INVITE\n"
		"vcsc: call\n"
		"vcsc>vcse INVITE =\n"
		"vcse: call\n"
		"vcse>x INVITE\n"
		"x>vcse 504 !\n"
		"vcse>vcsc 504 =\n"
		"vcsc>phone 504\n"
		"vcsc: call\n"
		"vcse: call\n" },
	{ "a registration that is refused",
		"a 0.0 > b REGISTER\n"
		"a 0.1 < b 401 m=REGISTER\n"
		"a 0.2 > b REGISTER cseq=2\n"
		"a 0.3 < b 403 m=REGISTER cseq=2\n",
		"registration failed 403 by b\na* b\na>b REGISTER\nb>a 401\na>b REGISTER\nb>a 403 !\n" },
	{ "a registration that is refreshed and refused later",
		"a 0.0 > b REGISTER\n"
		"a 0.1 < b 200 m=REGISTER\n"
		"a 60.0 > b REGISTER cseq=2\n"
		"a 60.1 < b 403 m=REGISTER cseq=2\n",
		"registration failed 403 by b\na* b\na>b REGISTER\nb>a 403 !\n" },
	{ "a subscription and its notification",
		"a 0.0 > b SUBSCRIBE\n"
		"a 0.1 < b 200 m=SUBSCRIBE\n"
		"a 0.2 < b NOTIFY tag=ft cseq=9\n"
		"a 0.3 > b 481 m=NOTIFY cseq=9\n",
		"subscription failed 481 by a\nb a*\nb>a NOTIFY\na>b 481 !\n" },
	{ "keep-alives cost nothing, unless they are refused",
		"a 0 > b OPTIONS call=k1\na 0 < b 200 m=OPTIONS call=k1\n"
		"a 1 > b OPTIONS call=k2\na 1 < b 503 m=OPTIONS call=k2\n",
		"message failed 503 by b\na* b\na>b OPTIONS\nb>a 503 !\n" },
	{ "pastes without Call-ID and time: each refusal a case, in order",
		"a - < b 504 nocall\n"
		"a - < b 403 nocall\n",
		"call failed 504 by b cut at the start\na* b\nb>a 504 !\n"
		"call failed 403 by b cut at the start\na* b\nb>a 403 !\n" },
	{ "a request and its answer without Call-ID",
		"a - > b INVITE nocall\n"
		"a - < b 504 nocall\n",
		"call failed 504 by b\na* b\na>b INVITE\nb>a 504 !\n" },
	{ "what a recording was cut in is nothing", "a 0 < b 200 nocall\na 1 > b INVITE nocall\n", "" },
	{ "messages without any address: headers tell the hosts",
		"a - < b raw='SIP/2.0 504 Server time-out\\nVia: SIP/2.0/TLS 10.9.9.1:62937\\nFrom: \"Steven\"\\n"
		"ms-diagnostics: 1009;reason=\"x\";source=\"sip.b.lab\"\\n\\n' node=none\n",
		"call failed 504 by b cut at the start\nnone* b\nb>none 504 !\n" },
};

static void every_row(void **state)
{
	(void)state;
	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		struct material m;
		struct buffer text;
		buffer_init(&text, 1 << 20);
		material_open(&m, NULL);
		material_add(&m, rows[i].ladder);
		material_end(&m);
		for (size_t k = 0; k < m.case_count; k++)
			add_case(&m, m.cases[k], &text);
		if (!span_is(buffer_span(&text), rows[i].cases))
			fail_msg("%s: wanted\n%s\nbut there is\n%.*s", rows[i].name, rows[i].cases,
				SPAN_PRINT(buffer_span(&text)));
		buffer_done(&text);
		material_close(&m);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(every_row),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
