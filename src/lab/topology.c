/* SPDX-License-Identifier: Apache-2.0 */
#include "lab/topology.h"

#include "base/require.h"

static const struct lab_host hosts[LAB_HOST_COUNT] = {
	[LAB_PHONE] = {
		.name = "phone.steven.lab",
		.short_name = "phone",
		.address = "127.48.54.11",
		.stands_for = "the telephone 2000, registered with cucm",
		.role = LAB_ROLE_PHONE,
		.logs = { "json" },
		.user = LAB_PHONE_USER,
	},
	[LAB_CUCM] = {
		.name = "cucm.steven.lab",
		.short_name = "cucm",
		.address = "127.48.54.10",
		.stands_for = "the call manager: registrar and numbers of steven.lab",
		.role = LAB_ROLE_NODE,
		.ports = { { "tcp", 5060 } },
		.logs = { "expressway", "json" },
	},
	[LAB_VCSC] = {
		.name = "vcsc.steven.lab",
		.short_name = "vcsc",
		.address = "127.48.36.46",
		.stands_for = "the Expressway-C of steven.lab: no port of it is open to the outside",
		.role = LAB_ROLE_NODE,
		.ports = { { "tls", 5061 }, { "tcp", 5060 } },
		.logs = { "expressway", "json" },
	},
	[LAB_CMS] = {
		.name = "cms.steven.lab",
		.short_name = "cms",
		.address = "127.48.54.160",
		.stands_for = "the meeting server: users of acano.steven.lab, spaces of cms.steven.lab",
		.role = LAB_ROLE_BRIDGE,
		.ports = { { "tls", 5061 } },
		.logs = { "json" },
		.answers_for = { "sip:*@" LAB_DOMAIN_SPACES },
	},
	[LAB_VCSE] = {
		.name = "vcse.steven.lab",
		.short_name = "vcse",
		.address = "127.48.36.47",
		.stands_for = "the Expressway-E of steven.lab",
		.role = LAB_ROLE_NODE,
		.ports = { { "tls", 5061 }, { "tcp", 5060 }, { "udp", 5060 } },
		.logs = { "expressway", "json" },
	},
	[LAB_EDGE] = {
		.name = "sip.skype.lab",
		.short_name = "sfvedge",
		.address = "127.48.36.6",
		.stands_for = "the Skype for Business Edge of skype.lab",
		.role = LAB_ROLE_NODE,
		.ports = { { "tls", 5061 } },
		.logs = { "sipstack", "json" },
	},
	[LAB_CLIENT] = {
		.name = "stejanss.skype.lab",
		.short_name = "stejanss",
		.address = "127.55.186.71",
		.stands_for = "the Skype client of Steven Janssens",
		.role = LAB_ROLE_PHONE,
		.ports = { { "tls", 5061 } },
		.logs = { "uccapi", "json" },
		.user = LAB_PARTNER_USER,
		.dialect = "microsoft",
	},
};

const struct lab_host *lab_host(enum lab_host_id id)
{
	base_require((unsigned)id < LAB_HOST_COUNT);
	return &hosts[id];
}

bool lab_host_has_certificate(const struct lab_host *host)
{
	for (const struct lab_port *port = host->ports; port->transport; port++)
		if (strcmp(port->transport, "tls") == 0)
			return true;
	return false;
}

const char *const *lab_domains(void)
{
	static const char *const domains[] = { LAB_DOMAIN_CALLS, LAB_DOMAIN_USERS, LAB_DOMAIN_SPACES,
		LAB_DOMAIN_PARTNER, NULL };
	return domains;
}

const char *const *lab_own_domains(void)
{
	static const char *const domains[] = { LAB_DOMAIN_CALLS, LAB_DOMAIN_USERS, LAB_DOMAIN_SPACES, NULL };
	return domains;
}
