/* SPDX-License-Identifier: GPL-2.0-or-later */

/*
 * Interfaces are chosen as source/attach chooses them and looked at as `diag` looks at them; listen
 * addresses are bound, not listened on, so that nobody connects.
 */

#include "core/check_host.h"

#include <cap-ng.h>
#include <string.h>
#include <sys/un.h>

#include "config/whys.h"
#include "core/diag_iface.h"
#include "core/source/choice.h"

/* Modes do not hang on the size of the maps. */
#define FLOWS_TRIED 1024

struct survey {
	struct xa_choice choice; /* of the config */
	struct xa_diag_host host;
	struct xa_iface *ifaces;
	size_t iface_count;
	struct xa_findings findings;
	struct xa_buf modes; /* "eth0 (drv), lo (skb)" */
};

static void survey_done(struct survey *survey)
{
	xa_buf_done(&survey->modes);
	xa_findings_done(&survey->findings);
	free(survey->ifaces);
	xa_diag_host_done(&survey->host);
}

static struct xa_finding *add(struct survey *survey, const char *name, int *ret_error)
{
	struct xa_finding *finding = xa_findings_add(&survey->findings, name, NULL);

	*ret_error = finding ? 0 : -ENOMEM;
	return finding;
}

/* --- interfaces --- */

static bool is_there(const struct survey *survey, const char *name)
{
	for (size_t i = 0; i < survey->iface_count; i++)
		if (xa_choice_means(name, survey->ifaces[i].name))
			return true;
	return false;
}

/* A name that waits for its interface, for there are others; or the reason why `run` would end. */
static int check_name(struct survey *survey, const char *name, bool any, struct xa_why *why)
{
	struct xa_finding *finding;
	struct xa_why missing = {0};
	int error;

	if (!any && !xa_choice_is_pattern(name))
		return xa_choice_no_interface(why, name);
	finding = add(survey, "link", &error);
	if (error)
		return error;
	if (xa_choice_is_pattern(name)) {
		xa_found(finding, XA_VERDICT_INFO, "no interface matches %s", name);
		xa_remedy(finding, "one that comes is attached to");
	} else {
		(void)xa_choice_no_interface(&missing, name);
		xa_found(finding, XA_VERDICT_WARN, "%s", missing.text);
		xa_remedy(finding, "it is attached to when it comes; until then the daemon is not "
				   "ready");
	}
	return 0;
}

static int check_names(struct survey *survey, struct xa_why *why)
{
	const size_t count = survey->choice.config->interface_count;
	bool any = false;

	if (xa_choice_is_auto(survey->choice.config) &&
	    xa_iface_default(survey->choice.default_name))
		return xa_choice_no_default(why);
	for (size_t i = 0; i < count; i++)
		any |= is_there(survey, xa_choice_name(&survey->choice, i));
	for (size_t i = 0; i < count; i++) {
		const char *name = xa_choice_name(&survey->choice, i);
		int error = is_there(survey, name) ? 0 : check_name(survey, name, any, why);

		if (error)
			return error;
	}
	return 0;
}

/* Said once for all interfaces. */
static int check_rights(struct survey *survey)
{
	struct xa_finding *finding;
	int error;

	if (survey->host.xdp)
		return 0;
	finding = add(survey, "mode", &error);
	if (error)
		return error;
	if (survey->host.may_load)
		xa_found(finding, XA_VERDICT_WARN, "%s", survey->host.why.text);
	else
		xa_found(finding, XA_VERDICT_INFO,
			 "not permitted to try (needs CAP_BPF and CAP_NET_ADMIN)");
	return 0;
}

static int check_ifaces(struct survey *survey)
{
	int error = check_rights(survey);

	for (size_t i = 0; !error && i < survey->iface_count; i++) {
		const struct xa_iface *iface = &survey->ifaces[i];
		enum xa_mode mode;

		if (!xa_choice_has(&survey->choice, iface->name))
			continue;
		error = xa_diag_iface_mode(&survey->host, iface, survey->choice.config->mode,
					   &survey->findings, &mode);
		if (error)
			break;
		xa_buf_addf(&survey->modes, "%s%s (%s)", survey->modes.len ? ", " : "", iface->name,
			    mode == XA_MODE_AUTO ? "mode not known" : xa_mode_names[mode]);
	}
	return error;
}

/* --- listen addresses --- */

/* Nothing is made: whether it could be, the folder tells. */
static int try_file(const struct xa_listen *listen)
{
	const char *path = ((const struct sockaddr_un *)&listen->address)->sun_path;
	const size_t len = (size_t)(strrchr(path, '/') - path);
	char folder[sizeof(((struct sockaddr_un *)NULL)->sun_path)];

	(void)snprintf(folder, sizeof(folder), "%.*s", len ? (int)len : 1, path);
	return access(folder, W_OK | X_OK) ? -errno : 0;
}

static int try_address(const struct xa_listen *listen)
{
	int family = listen->address.ss_family, on = 1;
	_cleanup_close_ int fd = socket(family, SOCK_STREAM | SOCK_CLOEXEC, IPPROTO_TCP);

	if (fd < 0 || setsockopt(fd, SOL_SOCKET, SO_REUSEADDR, &on, sizeof(on)) ||
	    (family == AF_INET6 && setsockopt(fd, IPPROTO_IPV6, IPV6_V6ONLY, &on, sizeof(on))) ||
	    bind(fd, (const struct sockaddr *)&listen->address, listen->address_len))
		return -errno;
	return 0;
}

static void found_address(struct xa_finding *finding, const struct xa_listen *listen, int error)
{
	if (error == -EADDRINUSE) {
		xa_found(finding, XA_VERDICT_INFO,
			 "%s is in use, which is as it should be if by a "
			 "running auditor",
			 listen->text);
		xa_remedy(finding, "ss -ltnp tells by whom");
		return;
	}
	xa_found(finding, XA_VERDICT_WARN, "cannot listen on %s: %s", listen->text,
		 strerror(-error));
	if (listen->address.ss_family == AF_UNIX)
		xa_remedy(finding, "a folder that the daemon's user can write to");
	else if (error == -EACCES)
		xa_remedy(finding, "a port from net.ipv4.ip_unprivileged_port_start on");
	else
		xa_remedy(finding, "an address of this host (ip address lists them)");
}

/* Without rights, as the daemon listens. */
static int check_addresses(struct survey *survey)
{
	capng_clear(CAPNG_SELECT_CAPS);
	(void)capng_apply(CAPNG_SELECT_CAPS);
	for (size_t i = 0; i < survey->choice.config->listen_count; i++) {
		const struct xa_listen *listen = &survey->choice.config->listen[i];
		const int error = listen->address.ss_family == AF_UNIX ? try_file(listen)
								       : try_address(listen);
		struct xa_finding *finding;
		int failed;

		if (!error)
			continue;
		finding = add(survey, "listen", &failed);
		if (failed)
			return failed;
		found_address(finding, listen, error);
	}
	return 0;
}

/* --- lines --- */

/* Names of interfaces and programs are somebody else's bytes. */
static void add_finding(const struct xa_finding *finding, struct xa_buf *buf)
{
	xa_buf_adds(buf, finding->verdict == XA_VERDICT_INFO ? "note: " : "warning: ");
	if (finding->interface) {
		xa_shown_add(finding->interface, buf);
		xa_buf_adds(buf, ": ");
	}
	xa_buf_addf(buf, "%s: ", finding->name);
	xa_shown_add(finding->found, buf);
	xa_buf_adds(buf, finding->remedy[0] ? " => " : "");
	xa_shown_add(finding->remedy, buf);
	xa_buf_adds(buf, "\n");
}

static void add_lines(const struct survey *survey, struct xa_buf *buf)
{
	for (size_t i = 0; i < survey->findings.count; i++)
		if (survey->findings.list[i].verdict != XA_VERDICT_OK)
			add_finding(&survey->findings.list[i], buf);
	xa_buf_adds(buf, "this host: ");
	if (survey->modes.len)
		xa_shown_add(survey->modes.text, buf);
	else
		xa_buf_adds(buf, "no interface to attach to");
	xa_buf_adds(buf, "\n");
	buf->failed |= survey->modes.failed;
}

int xa_check_host(const struct xa_config *config, struct xa_buf *buf, struct xa_why *ret_why)
{
	XA_CLEANUP(survey_done) struct survey survey = {.choice = {.config = config}};
	struct xa_config small = *config;
	int error = xa_iface_list(&survey.ifaces, &survey.iface_count), fatal;

	if (error)
		return xa_why_set(ret_why, error, "cannot list the interfaces: %s",
				  strerror(-error));
	fatal = check_names(&survey, ret_why);
	if (fatal && fatal != -ENODEV)
		return fatal;
	small.flows.max = FLOWS_TRIED;
	if (!fatal) {
		xa_diag_host_probe(&small, &survey.host);
		error = check_ifaces(&survey);
	}
	if (!error)
		error = check_addresses(&survey);
	if (error)
		return error;
	add_lines(&survey, buf);
	return fatal;
}
