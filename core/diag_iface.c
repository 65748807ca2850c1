/* SPDX-License-Identifier: GPL-2.0-or-later */

/*
 * No list says which drivers take XDP programs, in which mode, at which MTU: so netflow_filter is
 * attached by a link, which ends with its descriptor, also if this process is killed meanwhile. A
 * hook that is not free is left alone.
 */

#include "core/diag_iface.h"

#include <bpf/bpf.h>
#include <linux/ethtool.h>
#include <linux/if_arp.h>
#include <string.h>

#include "core/ethtool.h"
#include "core/source/hook.h"

#define ETHERNET_HEADER 14
#define XDP_HEADROOM	256 /* XDP_PACKET_HEADROOM, <linux/bpf.h> since 4.16 */
#define SKB_SHARED_INFO 320 /* about: SKB_DATA_ALIGN(sizeof(struct skb_shared_info)), 64 bit */

struct subject {
	const struct xa_diag_host *host;
	const struct xa_iface *iface;
	const struct xa_ethtool *ethtool;
	struct xa_hook hook;
	int hook_error;
	bool named;
};

static enum xa_verdict fatal(const struct subject *subject)
{
	return subject->named ? XA_VERDICT_FAIL : XA_VERDICT_WARN;
}

static const char *type_name(unsigned short type)
{
	if (!xa_iface_has_link_header(type))
		return "bare IP";
	switch (type) {
	case ARPHRD_ETHER:
		return "Ethernet";
	case ARPHRD_LOOPBACK:
		return "loopback";
	default:
		return "other than Ethernet";
	}
}

static void check_link(const struct subject *subject, struct xa_finding *finding)
{
	char driver[32] = "none";
	unsigned flags = 0;

	(void)xa_ethtool_driver(subject->ethtool, driver);
	if (xa_ethtool_state(subject->ethtool, &flags)) {
		xa_found(finding, fatal(subject), "went away meanwhile");
		return;
	}
	xa_found(finding, XA_VERDICT_OK, "%s, driver %s, %s", type_name(subject->iface->type),
		 driver, flags & IFF_UP ? "up" : "down");
	if (flags & IFF_UP)
		return;
	finding->verdict = XA_VERDICT_WARN;
	xa_remedy(finding, "ip link set %s up: until then there is nothing to count",
		  subject->iface->name);
}

static void check_mtu(const struct subject *subject, struct xa_finding *finding)
{
	long room = sysconf(_SC_PAGESIZE) - XDP_HEADROOM - SKB_SHARED_INFO;
	long header = xa_iface_has_link_header(subject->iface->type) ? ETHERNET_HEADER : 0;
	unsigned mtu;

	if (xa_ethtool_mtu(subject->ethtool, &mtu)) {
		xa_found(finding, XA_VERDICT_INFO, "cannot be told");
	} else if (mtu + header <= room) {
		xa_found(finding, XA_VERDICT_OK, "%u: a frame fits one page (about %ld bytes)", mtu,
			 room);
	} else if (!subject->host->xdp || xa_xdp_has_frags(subject->host->xdp)) {
		xa_found(finding, XA_VERDICT_INFO,
			 "%u: a frame is beyond one page (about %ld bytes), which mode drv takes "
			 "from kernel 5.18 on if the driver does",
			 mtu, room);
	} else {
		xa_found(finding, XA_VERDICT_WARN,
			 "%u: a frame is beyond one page (about %ld bytes), which mode drv does "
			 "not take here",
			 mtu, room);
		xa_remedy(finding, "ip link set %s mtu %ld, or mode: skb", subject->iface->name,
			  room - header);
	}
}

static bool read_features(const struct subject *subject, struct xa_finding *finding,
			  __u32 *ret_flags)
{
	int error = xa_ethtool_features(subject->ethtool, ret_flags);

	if (error)
		xa_found(finding, XA_VERDICT_INFO, "cannot be told: %s", strerror(-error));
	return !error;
}

static bool is_veth(const struct subject *subject)
{
	char driver[32] = "";

	return !xa_ethtool_driver(subject->ethtool, driver) && !strcmp(driver, "veth");
}

/* veth has the flag and nothing behind it: with rxvlan off tags were no more seen than with it on;
 * with the other end's txvlan off they were (6.18, both modes). */
static void check_vlan(const struct subject *subject, struct xa_finding *finding)
{
	__u32 flags;

	if (!read_features(subject, finding, &flags))
		return;
	if (is_veth(subject)) {
		xa_found(finding, XA_VERDICT_INFO,
			 "VLAN tags are seen if the other end does not leave them to its device "
			 "(txvlan)");
		xa_remedy(finding, "if there are any, at the other end: ethtool -K IF txvlan off");
	} else if (flags & ETH_FLAG_RXVLAN) {
		xa_found(finding, XA_VERDICT_WARN,
			 "rxvlan is on: the device takes VLAN tags off before XDP sees them");
		xa_remedy(finding, "ethtool -K %s rxvlan off", subject->iface->name);
	} else {
		xa_found(finding, XA_VERDICT_OK, "rxvlan is off: VLAN tags are seen");
	}
}

/*
 * GRO does not matter: it comes after drv, and an interface with a program in skb leaves it out
 * (netif_elide_gro()). What this machine sends to itself is cut only for drv: 6,914 frames of TCP
 * over veth were 167 in skb (6.18).
 */
static void check_merging(const struct subject *subject, struct xa_finding *finding)
{
	__u32 flags;

	if (!read_features(subject, finding, &flags))
		return;
	if (flags & ETH_FLAG_LRO) {
		xa_found(finding, XA_VERDICT_WARN,
			 "LRO is on: drivers refuse mode drv, or what the device merged counts as "
			 "one frame");
		xa_remedy(finding, "ethtool -K %s lro off", subject->iface->name);
	} else if (is_veth(subject) || subject->iface->type == ARPHRD_LOOPBACK) {
		xa_found(
			finding, XA_VERDICT_INFO,
			"in mode skb, what the sending end leaves in one piece (TSO) counts as one "
			"frame");
		xa_remedy(finding, "mode: drv where it works, or at the sending end: "
				   "ethtool -K IF tso off gso off");
	} else {
		xa_found(finding, XA_VERDICT_OK, "LRO is off: the device merges no frames");
	}
}

static void check_rx_queues(const struct subject *subject, struct xa_finding *finding)
{
	long cpus = sysconf(_SC_NPROCESSORS_ONLN);
	__u32 queues;

	if (xa_ethtool_rx_queues(subject->ethtool, &queues))
		xa_found(finding, XA_VERDICT_INFO, "the driver does not say how many");
	else
		xa_found(finding, XA_VERDICT_INFO, "%u, for %ld CPUs", queues, cpus);
}

static bool is_ours(__u32 prog_id)
{
	_cleanup_close_ int fd = bpf_prog_get_fd_by_id(prog_id);
	struct bpf_prog_info info = {0};
	__u32 len = sizeof(info);

	return fd >= 0 && !bpf_obj_get_info_by_fd(fd, &info, &len) &&
	       (!strcmp(info.name, "netflow_filter") || !strcmp(info.name, "netflow_ip"));
}

static void check_hook(const struct subject *subject, struct xa_finding *finding)
{
	const struct xa_hook *hook = &subject->hook;

	if (subject->hook_error) {
		xa_found(finding, XA_VERDICT_INFO, "cannot be told: %s",
			 strerror(-subject->hook_error));
	} else if (!hook->prog_id) {
		xa_found(finding, XA_VERDICT_OK, "free");
	} else if (is_ours(hook->prog_id)) {
		xa_found(finding, XA_VERDICT_INFO,
			 "taken by %s in mode %s: an auditor is at work here", hook->owner,
			 xa_mode_names[hook->mode]);
	} else {
		xa_found(finding, fatal(subject), "taken by %s in mode %s", hook->owner,
			 xa_mode_names[hook->mode]);
		xa_remedy(finding, "detach that program first, or leave this interface out");
	}
}

/* Whether the mode may be tried; says why not. */
static bool may_try(const struct subject *subject, struct xa_finding *finding)
{
	if (subject->hook_error)
		xa_found(finding, XA_VERDICT_INFO, "not tried: who has the hook cannot be told");
	else if (subject->hook.prog_id)
		xa_found(finding, XA_VERDICT_INFO, "not tried: the hook is taken");
	else if (!subject->named) /* some drivers reset their queues at an attach */
		xa_found(finding, XA_VERDICT_INFO,
			 "not tried: name the interface to have it tried");
	else if (subject->host->xdp)
		return true;
	else if (subject->host->may_load)
		xa_found(finding, XA_VERDICT_INFO, "not to be tried: netflow_filter is not loaded");
	else
		xa_found(finding, XA_VERDICT_INFO,
			 "not permitted to try (needs CAP_BPF and CAP_NET_ADMIN)");
	return false;
}

/* 0 if the mode works; else -errno, and an error that is no property of the driver is told. */
static int try_mode(const struct subject *subject, enum xa_mode mode, struct xa_finding *finding)
{
	bool link_header = xa_iface_has_link_header(subject->iface->type);
	_cleanup_close_ int fd = -1;
	int error = xa_xdp_attach(subject->host->xdp, subject->iface->ifindex, link_header, mode,
				  &fd);

	if (!error)
		xa_found(finding, XA_VERDICT_OK, "tried: attached, and detached at once");
	else if (error == -EPERM)
		xa_found(finding, XA_VERDICT_INFO, "not permitted to try (needs CAP_NET_ADMIN)");
	else if (error == -EBUSY || error == -EEXIST)
		xa_found(finding, XA_VERDICT_INFO, "tried: the hook was taken meanwhile");
	else
		return error;
	return 0;
}

static void check_drv(const struct subject *subject, struct xa_finding *finding)
{
	int error = may_try(subject, finding) ? try_mode(subject, XA_MODE_DRV, finding) : 0;

	if (!error)
		return;
	if (error == -EOPNOTSUPP)
		xa_found(finding, XA_VERDICT_WARN, "tried: the driver has no native XDP");
	else
		xa_found(finding, XA_VERDICT_WARN, "tried: the driver refused: %s",
			 strerror(-error));
	xa_remedy(finding, "mode: skb, or auto");
}

static void check_skb(const struct subject *subject, struct xa_finding *finding)
{
	int error = may_try(subject, finding) ? try_mode(subject, XA_MODE_SKB, finding) : 0;

	if (!error)
		return;
	xa_found(finding, fatal(subject), "tried: refused: %s", strerror(-error));
	xa_remedy(finding, "leave this interface out");
}

static void check_hw(const struct subject *subject, struct xa_finding *finding)
{
	int error = may_try(subject, finding) ? try_mode(subject, XA_MODE_HW, finding) : 0;

	if (error)
		xa_found(finding, XA_VERDICT_INFO,
			 "tried: refused (%s); a device does not take the flow maps",
			 strerror(-error));
}

static const struct {
	const char *name;
	void (*check)(const struct subject *subject, struct xa_finding *finding);
} checks[] = {
	{"link", check_link},		{"mtu", check_mtu},
	{"vlan", check_vlan},		{"merging", check_merging},
	{"rx_queues", check_rx_queues}, {"hook", check_hook},
	{"mode_drv", check_drv},	{"mode_skb", check_skb},
	{"mode_hw", check_hw},
};

int xa_diag_iface(const struct xa_diag_host *host, const struct xa_iface *iface, bool named,
		  struct xa_findings *findings)
{
	struct subject subject = {.host = host, .iface = iface, .named = named};
	_cleanup_xa_ethtool_ struct xa_ethtool ethtool = {.fd = -1};
	int error = xa_ethtool_open(&ethtool, iface->name);

	if (error)
		return error;
	subject.ethtool = &ethtool;
	subject.hook_error = xa_hook_query(iface->ifindex, &subject.hook);
	for (size_t i = 0; i < array_size(checks); i++) {
		struct xa_finding *finding = xa_findings_add(findings, checks[i].name, iface->name);

		if (!finding)
			return -ENOMEM;
		checks[i].check(&subject, finding);
	}
	return 0;
}

/* Without the right to look at a program, it may well be the running auditor's. */
static void check_hook_kindly(const struct subject *subject, struct xa_finding *finding)
{
	_cleanup_close_ int fd = -1;

	check_hook(subject, finding);
	if (finding->verdict != XA_VERDICT_FAIL)
		return;
	fd = bpf_prog_get_fd_by_id(subject->hook.prog_id);
	if (fd >= 0)
		return;
	xa_found(finding, XA_VERDICT_INFO,
		 "taken by %s in mode %s, an auditor's or another (CAP_SYS_ADMIN could tell)",
		 subject->hook.owner, xa_mode_names[subject->hook.mode]);
	xa_remedy(finding, "%s", "");
}

/* As the daemon goes about it: auto is skb where the driver refuses drv. */
static enum xa_mode check_mode(const struct subject *subject, enum xa_mode mode,
			       struct xa_finding *finding)
{
	enum xa_mode tried = mode == XA_MODE_AUTO ? XA_MODE_DRV : mode;

	if (tried == XA_MODE_DRV)
		check_drv(subject, finding);
	if (mode == XA_MODE_AUTO && finding->verdict == XA_VERDICT_WARN)
		tried = XA_MODE_SKB;
	if (tried == XA_MODE_SKB) {
		xa_remedy(finding, "%s", "");
		check_skb(subject, finding);
	}
	if (tried == XA_MODE_HW)
		check_hw(subject, finding);
	if (tried == XA_MODE_HW && finding->verdict != XA_VERDICT_OK) {
		finding->verdict = XA_VERDICT_WARN;
		xa_remedy(finding, "mode: auto");
	}
	return finding->verdict == XA_VERDICT_OK ? tried : XA_MODE_AUTO;
}

int xa_diag_iface_mode(const struct xa_diag_host *host, const struct xa_iface *iface,
		       enum xa_mode mode, struct xa_findings *findings, enum xa_mode *ret_mode)
{
	struct subject subject = {.host = host, .iface = iface, .named = true};
	struct xa_finding *finding = xa_findings_add(findings, "hook", iface->name);

	if (!finding)
		return -ENOMEM;
	subject.hook_error = xa_hook_query(iface->ifindex, &subject.hook);
	check_hook_kindly(&subject, finding);
	*ret_mode = XA_MODE_AUTO;
	if (finding->verdict != XA_VERDICT_OK || !host->xdp)
		return 0;
	finding = xa_findings_add(findings, "mode", iface->name);
	if (!finding)
		return -ENOMEM;
	*ret_mode = check_mode(&subject, mode, finding);
	return 0;
}

bool xa_diag_iface_is_up(const struct xa_iface *iface)
{
	_cleanup_xa_ethtool_ struct xa_ethtool ethtool = {.fd = -1};
	unsigned flags;

	return !xa_ethtool_open(&ethtool, iface->name) && !xa_ethtool_state(&ethtool, &flags) &&
	       (flags & IFF_UP);
}
