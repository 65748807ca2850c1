/* SPDX-License-Identifier: GPL-2.0-or-later */

/* Accounts are made when an interface is first attached; one, for packets of no known interface,
 * always. */

#include "core/flow/ledger.h"

#include <string.h>

struct xa_ledger {
	struct xa_account *accounts[XA_SLOTS];
};

int xa_ledger_new(struct xa_ledger **ret)
{
	_cleanup_xa_ledger_ struct xa_ledger *ledger = calloc(1, sizeof(*ledger));

	if (!ledger || xa_ledger_open(ledger, XA_SLOT_UNKNOWN))
		return -ENOMEM;
	*ret = take_ptr(ledger);
	return 0;
}

void xa_ledger_free(struct xa_ledger *ledger)
{
	if (!ledger)
		return;
	for (size_t slot = 0; slot < XA_SLOTS; slot++)
		free(ledger->accounts[slot]);
	free(ledger);
}

int xa_ledger_open(struct xa_ledger *ledger, uint8_t slot)
{
	if (!ledger->accounts[slot])
		ledger->accounts[slot] = calloc(1, sizeof(struct xa_account));
	return ledger->accounts[slot] ? 0 : -ENOMEM;
}

const struct xa_account *xa_ledger_account(const struct xa_ledger *ledger, uint8_t slot)
{
	return ledger->accounts[slot];
}

static struct xa_account *account_of(struct xa_ledger *ledger, uint8_t slot)
{
	return ledger->accounts[slot] ? ledger->accounts[slot] : ledger->accounts[XA_SLOT_UNKNOWN];
}

static void count_add(struct xa_count *into, struct xa_count more)
{
	into->packets += more.packets;
	into->bytes += more.bytes;
}

/* Those that a host of any kind may see; IANA's numbers. */
static bool is_common(uint8_t proto)
{
	static const uint8_t common[] = {
		1 /* icmp */, 2 /* igmp */, 6 /* tcp */,	17 /* udp */,
		47 /* gre */, 50 /* esp */, 58 /* ipv6-icmp */, 132 /* sctp */,
	};

	return memchr(common, proto, sizeof(common)) != NULL;
}

static void show_alone(struct xa_account *account, enum xa_family family, uint8_t proto)
{
	if (is_common(proto) || account->rare[family]++ < XA_RARE_MAX)
		account->is_alone[family][proto] = true;
}

static void flows_add(struct xa_account *account, enum xa_family family, uint8_t proto,
		      struct xa_count more)
{
	struct xa_count *count = &account->flows[family][proto];

	if (!count->packets && more.packets)
		show_alone(account, family, proto);
	count_add(count, more);
}

void xa_account_add(struct xa_account *into, const struct xa_account *from)
{
	for (unsigned size = 0; size < XA_SIZE_COUNT_; size++)
		into->sizes[size] += from->sizes[size];
	count_add(&into->seen, from->seen);
	for (size_t i = 0; i < XA_REASON_COUNT_; i++)
		count_add(&into->reasons[i], from->reasons[i]);
	for (enum xa_family family = 0; family < XA_FAMILY_COUNT_; family++)
		for (unsigned proto = 0; proto < 256; proto++)
			flows_add(into, family, (uint8_t)proto, from->flows[family][proto]);
}

void xa_ledger_fold(struct xa_ledger *ledger, uint8_t slot)
{
	struct xa_account *into = ledger->accounts[XA_SLOT_UNKNOWN], *from = ledger->accounts[slot];

	if (!from || from == into)
		return;
	xa_account_add(into, from);
	*from = (struct xa_account){0};
}

void xa_ledger_add_seen(struct xa_ledger *ledger, uint8_t slot, unsigned size, struct xa_count more)
{
	struct xa_account *account = account_of(ledger, slot);

	account->sizes[size] += more.packets;
	count_add(&account->seen, more);
}

void xa_ledger_add_reason(struct xa_ledger *ledger, uint8_t slot, unsigned reason,
			  struct xa_count more)
{
	count_add(&account_of(ledger, slot)->reasons[reason], more);
}

void xa_ledger_add_flow(struct xa_ledger *ledger, const struct xa_flow_tail *tail,
			struct xa_count more)
{
	flows_add(account_of(ledger, tail->slot), xa_flow_family(tail), tail->proto, more);
}

struct xa_residual xa_account_residual(const struct xa_account *account)
{
	uint64_t packets = account->seen.packets, bytes = account->seen.bytes;

	for (size_t i = 0; i < XA_REASON_COUNT_; i++) {
		packets -= account->reasons[i].packets;
		bytes -= account->reasons[i].bytes;
	}
	for (size_t family = 0; family < XA_FAMILY_COUNT_; family++) {
		for (size_t proto = 0; proto < 256; proto++) {
			packets -= account->flows[family][proto].packets;
			bytes -= account->flows[family][proto].bytes;
		}
	}
	return (struct xa_residual){(int64_t)packets, (int64_t)bytes};
}

const char *xa_reason_name(unsigned reason)
{
	return reason == XA_REASON_FLOW_LIMIT ? "flow_limit" : xa_class_names[reason];
}
