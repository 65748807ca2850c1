/* SPDX-License-Identifier: GPL-2.0-or-later */

/* The host once, then each interface by itself; what they are judged by stands in their files. */

#include "core/diag.h"

#include "core/diag_host.h"
#include "core/diag_iface.h"

static int add_plain(struct xa_findings *findings, const char *interface, enum xa_verdict verdict,
		     const char *found, const char *remedy)
{
	struct xa_finding *finding = xa_findings_add(findings, "link", interface);

	if (!finding)
		return -ENOMEM;
	xa_found(finding, verdict, "%s", found);
	xa_remedy(finding, "%s", remedy);
	return 0;
}

static int diag_named(const struct xa_diag_host *host, const struct xa_iface *ifaces, size_t count,
		      const char *name, struct xa_findings *findings)
{
	for (size_t i = 0; i < count; i++)
		if (!strcmp(ifaces[i].name, name))
			return xa_diag_iface(host, &ifaces[i], true, findings);
	return add_plain(findings, name, XA_VERDICT_FAIL, "there is no such interface",
			 "ip link lists those that there are");
}

static int diag_up(const struct xa_diag_host *host, const struct xa_iface *ifaces, size_t count,
		   struct xa_findings *findings)
{
	size_t up = 0;

	for (size_t i = 0; i < count; i++) {
		int error;

		if (!xa_diag_iface_is_up(&ifaces[i]))
			continue;
		error = xa_diag_iface(host, &ifaces[i], false, findings);
		if (error)
			return error;
		up++;
	}
	return up ? 0
		  : add_plain(findings, NULL, XA_VERDICT_WARN, "no interface is up",
			      "ip link set IF up");
}

int xa_diag(const struct xa_config *config, const char *interface, bool json, struct xa_buf *buf,
	    bool *ret_passed)
{
	_cleanup_xa_findings_ struct xa_findings findings = {0};
	_cleanup_xa_diag_host_ struct xa_diag_host host = {0};
	_cleanup_free_ struct xa_iface *ifaces = NULL;
	size_t count;
	int error = xa_iface_list(&ifaces, &count);

	if (error)
		return error;
	xa_diag_host_probe(config, &host);
	error = xa_diag_host(&host, &findings);
	if (!error)
		error = interface ? diag_named(&host, ifaces, count, interface, &findings)
				  : diag_up(&host, ifaces, count, &findings);
	if (error)
		return error;
	if (json)
		xa_findings_json(&findings, buf);
	else
		xa_findings_table(&findings, buf);
	*ret_passed = xa_findings_passed(&findings);
	return 0;
}
