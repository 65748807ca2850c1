/* SPDX-License-Identifier: GPL-2.0-or-later */

/*
 * The types that are lists: interface names, listen addresses and ports. Entries are compared by
 * what they mean, not by how they are written, and written back in one way only.
 */

#include "config/lists.h"

#include <arpa/inet.h>
#include <inttypes.h>
#include <net/if.h>
#include <string.h>
#include <sys/un.h>

#include "config/scalar.h"
#include "config/text.h"

/* Interfaces */

/* What the kernel's dev_valid_name() takes, less what no label could carry. */
static const char *interface_fault(const char *text)
{
	const size_t len = strlen(text);

	if (len >= IFNAMSIZ)
		return "is longer than 15 bytes";
	if (!strcmp(text, ".") || !strcmp(text, ".."))
		return "is not an interface name";
	for (size_t i = 0, bytes; i < len; i += bytes) {
		uint32_t c;

		bytes = xa_utf8_decode(text + i, len - i, &c);
		if (!bytes)
			return "is not UTF-8";
		if (c <= ' ' || (c >= 0x7f && c <= 0xa0) || c == '/' || c == ':')
			return "is no interface name: '/', ':', blanks and control characters are "
			       "not allowed";
	}
	return NULL;
}

static int check_interface(const struct xa_config *config, const struct xa_option *option,
			   const char *text, struct xa_why *why)
{
	const char *fault = interface_fault(text);

	if (fault)
		return xa_why_set(why, -EINVAL, "%s: %s %s", option->key, xa_quotes(text).text,
				  fault);
	for (size_t i = 0; i < config->interface_count; i++) {
		if (!strcmp(config->interfaces[i], text))
			return xa_why_set(why, -EINVAL, "%s: %s appears twice", option->key,
					  xa_quotes(text).text);
		if (!strcmp(config->interfaces[i], "auto") || !strcmp(text, "auto"))
			return xa_why_set(why, -EINVAL,
					  "%s: 'auto' stands alone, without other names",
					  option->key);
	}
	return 0;
}

int xa_interfaces_add(struct xa_config *config, const struct xa_option *option, const char *text,
		      struct xa_why *why)
{
	const int r = check_interface(config, option, text, why);
	char *copy;

	if (r)
		return r;
	copy = xa_arena_strndup(config->arena, text, strlen(text));
	if (!copy)
		return -ENOMEM;
	config->interfaces[config->interface_count++] = copy;
	return 0;
}

/* A single entry goes without brackets, unless its comma would split it when it is read again. */
void xa_interfaces_format(const struct xa_config *config, const struct xa_option *option,
			  struct xa_buf *buf)
{
	const bool single = config->interface_count == 1 && !strchr(config->interfaces[0], ',');

	(void)option;
	xa_buf_adds(buf, single ? "" : "[");
	for (size_t i = 0; i < config->interface_count; i++) {
		xa_buf_adds(buf, i ? ", " : "");
		xa_scalar_add_string(config->interfaces[i], buf);
	}
	xa_buf_adds(buf, single ? "" : "]");
}

void xa_interfaces_describe(const struct xa_option *option, struct xa_buf *buf)
{
	xa_buf_addf(buf,
		    "auto, or a name or list of %" PRIu64 " to %" PRIu64 " names; * and ? match",
		    option->min, option->max);
}

/* Listen addresses */

#define FILE_MARK "unix:"

#define HINT_PORT  "no port; write '127.0.0.1:9400'"
#define HINT_RANGE "the port is a number from 1 to 65535"
#define HINT_ANY \
	"no address; write '0.0.0.0:9400' or '[::]:9400' for all, '127.0.0.1:9400' for this host"
#define HINT_NAME "no numeric address; write '127.0.0.1:9400' or '[::1]:9400'"
#define HINT_FILE "the path of a socket begins with '/', and has 2 to 107 bytes of UTF-8"
#define HINT_IPV6 "an IPv6 address has brackets, and in YAML quotes: \"[::1]:9400\""

/* What is wrong with text that is not even host and port. */
static const char *listen_shape_fault(const char *text)
{
	const char *colon = strchr(text, ':');

	if (text[0] == '[')
		return strchr(text, ']') ? HINT_PORT : HINT_IPV6;
	if (text[0] == ':' && text[1] != ':')
		return HINT_ANY;
	if (colon && strchr(colon + 1, ':'))
		return HINT_IPV6;
	return !text[strspn(text, "0123456789")] ? HINT_ANY : HINT_PORT;
}

/* Splits "host:port" and "[host]:port"; both parts not empty; false if it has another shape. */
static bool listen_split(const char *text, char host[static INET6_ADDRSTRLEN],
			 const char **ret_port)
{
	const bool brackets = text[0] == '[';
	const size_t len = strcspn(text + brackets, brackets ? "]" : ":");
	const char *rest = text + brackets + len;

	if (brackets && *rest)
		rest++;
	if (!len || *rest != ':' || !rest[1] || strchr(rest + 1, ':'))
		return false;
	/* Too long for any address: an empty one fails as well. */
	(void)snprintf(host, INET6_ADDRSTRLEN, "%.*s", len < INET6_ADDRSTRLEN ? (int)len : 0,
		       text + brackets);
	*ret_port = rest + 1;
	return true;
}

static bool port_read(const char *text, in_port_t *ret_port)
{
	uint64_t port;
	const char *end = xa_digits_read(text, &port);

	if (!end || *end || port < 1 || port > 65535)
		return false;
	*ret_port = htons((uint16_t)port);
	return true;
}

static bool address_read(const char *host, bool ipv6, in_port_t port, struct xa_listen *ret)
{
	struct sockaddr_in in = {.sin_family = AF_INET, .sin_port = port};
	struct sockaddr_in6 in6 = {.sin6_family = AF_INET6, .sin6_port = port};

	if (inet_pton(ipv6 ? AF_INET6 : AF_INET, host,
		      ipv6 ? (void *)&in6.sin6_addr : (void *)&in.sin_addr) != 1)
		return false;
	memset(&ret->address, 0, sizeof(ret->address));
	ret->address_len = ipv6 ? sizeof(in6) : sizeof(in);
	memcpy(&ret->address, ipv6 ? (void *)&in6 : (void *)&in, ret->address_len);
	return true;
}

static const char *path_read(const char *path, struct xa_listen *ret)
{
	struct sockaddr_un un = {.sun_family = AF_UNIX};
	const size_t len = strlen(path);

	if (path[0] != '/' || len < 2 || len >= sizeof(un.sun_path) || !xa_text_is_utf8(path))
		return HINT_FILE;
	memcpy(un.sun_path, path, len);
	memset(&ret->address, 0, sizeof(ret->address));
	memcpy(&ret->address, &un, sizeof(un));
	ret->address_len = sizeof(un);
	return NULL;
}

/* NULL, or what is wrong with it. */
static const char *listen_read(const char *text, struct xa_listen *ret)
{
	char host[INET6_ADDRSTRLEN];
	const char *port_text;
	in_port_t port;

	if (!strncmp(text, FILE_MARK, strlen(FILE_MARK)))
		return path_read(text + strlen(FILE_MARK), ret);
	if (!listen_split(text, host, &port_text))
		return listen_shape_fault(text);
	if (!port_read(port_text, &port))
		return HINT_RANGE;
	return address_read(host, text[0] == '[', port, ret) ? NULL : HINT_NAME;
}

static bool is_listening(const struct xa_config *config, const struct xa_listen *listen)
{
	for (size_t i = 0; i < config->listen_count; i++)
		if (config->listen[i].address_len == listen->address_len &&
		    !memcmp(&config->listen[i].address, &listen->address, listen->address_len))
			return true;
	return false;
}

int xa_listen_add(struct xa_config *config, const struct xa_option *option, const char *text,
		  struct xa_why *why)
{
	struct xa_listen listen = {0};
	const char *fault = listen_read(text, &listen);

	if (fault)
		return xa_why_set(why, -EINVAL, "%s: %s is not address:port (%s)", option->key,
				  xa_quotes(text).text, fault);
	if (is_listening(config, &listen))
		return xa_why_set(why, -EINVAL, "%s: %s appears twice", option->key,
				  xa_quotes(text).text);
	listen.text = xa_arena_strndup(config->arena, text, strlen(text));
	if (!listen.text)
		return -ENOMEM;
	config->listen[config->listen_count++] = listen;
	return 0;
}

static void add_path(const struct xa_listen *listen, struct xa_buf *buf)
{
	char text[sizeof(FILE_MARK) + sizeof(struct sockaddr_un)];

	(void)snprintf(text, sizeof(text), FILE_MARK "%s",
		       ((const struct sockaddr_un *)&listen->address)->sun_path);
	xa_scalar_add_string(text, buf);
}

static void add_address(const struct xa_listen *listen, struct xa_buf *buf)
{
	const bool ipv6 = listen->address.ss_family == AF_INET6;
	const struct sockaddr_in *in = (const struct sockaddr_in *)&listen->address;
	const struct sockaddr_in6 *in6 = (const struct sockaddr_in6 *)&listen->address;
	char host[INET6_ADDRSTRLEN] = "";
	char text[INET6_ADDRSTRLEN + 16];

	(void)inet_ntop(listen->address.ss_family,
			ipv6 ? (const void *)&in6->sin6_addr : (const void *)&in->sin_addr, host,
			sizeof(host));
	(void)snprintf(text, sizeof(text), ipv6 ? "[%s]:%u" : "%s:%u", host,
		       ntohs(ipv6 ? in6->sin6_port : in->sin_port));
	xa_scalar_add_string(text, buf);
}

void xa_listen_format(const struct xa_config *config, const struct xa_option *option,
		      struct xa_buf *buf)
{
	const bool single = config->listen_count == 1 && !strchr(config->listen[0].text, ',');

	(void)option;
	xa_buf_adds(buf, single ? "" : "[");
	for (size_t i = 0; i < config->listen_count; i++) {
		const struct xa_listen *listen = &config->listen[i];

		xa_buf_adds(buf, i ? ", " : "");
		(listen->address.ss_family == AF_UNIX ? add_path : add_address)(listen, buf);
	}
	xa_buf_adds(buf, single ? "" : "]");
}

void xa_listen_describe(const struct xa_option *option, struct xa_buf *buf)
{
	xa_buf_addf(buf, "numeric address:port or unix:/path, or a list of %" PRIu64 " to %" PRIu64,
		    option->min, option->max);
}

/* Ports and ranges of them */

/* NULL, or what is wrong with it. */
static const char *ports_read(const char *text, struct xa_range *ret)
{
	uint64_t low, high;
	const char *end = xa_digits_read(text, &low);

	high = low;
	if (end && *end == '-')
		end = xa_digits_read(end + 1, &high);
	if (!end || *end)
		return "is neither a port nor a range of ports (such as 8080 or 32768-60999)";
	if (low > UINT16_MAX || high > UINT16_MAX)
		return "is out of range (0 to 65535)";
	if (high < low)
		return "ends before it begins";
	*ret = (struct xa_range){(uint16_t)low, (uint16_t)high};
	return NULL;
}

static int refuse_overlap(const struct xa_option *option, const char *text,
			  const struct xa_range *other, struct xa_why *why)
{
	_cleanup_xa_buf_ struct xa_buf taken = {0};

	xa_range_add(&taken, other);
	if (xa_buf_failed(&taken))
		return -ENOMEM;
	return xa_why_set(why, -EINVAL, "%s: %s overlaps '%s'", option->key, xa_quotes(text).text,
			  taken.text);
}

int xa_ports_add(struct xa_config *config, const struct xa_option *option, const char *text,
		 struct xa_why *why)
{
	struct xa_range *ranges = config->metrics.fold_ports, range = {0};
	size_t at = config->metrics.fold_port_count;
	const char *fault = ports_read(text, &range);

	if (fault)
		return xa_why_set(why, -EINVAL, "%s: %s %s", option->key, xa_quotes(text).text,
				  fault);
	while (at && ranges[at - 1].high >= range.low)
		at--;
	if (at < config->metrics.fold_port_count && ranges[at].low <= range.high)
		return refuse_overlap(option, text, &ranges[at], why);
	memmove(&ranges[at + 1], &ranges[at],
		(config->metrics.fold_port_count++ - at) * sizeof(*ranges));
	ranges[at] = range;
	return 0;
}

void xa_ports_format(const struct xa_config *config, const struct xa_option *option,
		     struct xa_buf *buf)
{
	const bool single = config->metrics.fold_port_count == 1;

	(void)option;
	xa_buf_adds(buf, single ? "" : "[");
	for (size_t i = 0; i < config->metrics.fold_port_count; i++) {
		xa_buf_adds(buf, i ? ", " : "");
		xa_range_add(buf, &config->metrics.fold_ports[i]);
	}
	xa_buf_adds(buf, single ? "" : "]");
}

void xa_ports_describe(const struct xa_option *option, struct xa_buf *buf)
{
	xa_buf_addf(buf, "[], or a port, a range such as 32768-60999, or a list of up to %" PRIu64,
		    option->max);
}
