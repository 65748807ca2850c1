/* SPDX-License-Identifier: GPL-2.0-or-later */

/*
 * Conservation under fire: two threads on two CPUs send known packets through the kernel program
 * while the main thread ends epochs and reads them, as fast as it can, through the real table and
 * ledger. After every epoch the residual is 0; at the end each flow has to the packet and to the
 * byte what was sent.
 *
 *	exactness [PACKETS]	(of the first scenario; the others send a part of it)
 *
 * Each flow has a frame length of its own, so that a packet credited to a wrong flow shows in the
 * bytes too. What the flows have is found twice: by the table, and by an independent reader of the
 * same entries that goes by nothing but what the table lets the kernel forget.
 */

#include <linux/bpf.h>
#include <pthread.h>
#include <sched.h>
#include <string.h>

#include "core/flow/table.h"
#include "tests/bpf/lab.h"

#define SENDERS	    2
#define LOOPBACK    1
#define SLOT	    42
#define FRAME_MAX   1518
#define HOT	    8 /* flows */
#define NOISE_EVERY 16 /* shots at flows between two at a frame that is in no flow */
#define PACKETS	    100000000ULL
#define TTL	    64
#define CLOCK_LAG   50 /* ticks: the kernel's coarse clock steps at 100 Hz or more */

/* A flow's protocol and family, by its number. All have enough behind the IP header for ports. */
static const struct {
	bool is_ipv6;
	uint8_t proto;
} kinds[] = {
	{false, XA_PROTO_UDP}, {true, XA_PROTO_TCP},  {false, XA_PROTO_ICMP},
	{true, XA_PROTO_UDP},  {false, XA_PROTO_TCP}, {true, XA_PROTO_ICMPV6},
	{false, 47},	       {true, XA_PROTO_SCTP},
};

struct scenario {
	const char *name;
	uint64_t divisor; /* of the packets asked for */
	uint32_t flows;
	uint32_t repeat; /* packets a shot */
	uint32_t window; /* shots go round in as many flows ... */
	uint32_t rounds; /* ... so many times, then in the next as many; 0: for ever */
	uint32_t max_flows; /* of kernel and table */
	uint32_t idle_ticks;
	bool percpu;
	bool is_tight; /* flows find no room, in the kernel or in the table */
	bool in_step; /* senders begin each shot together, to make entries at the same time */
};

#define FOR_EVER (INT32_MAX - 1)

static const struct scenario scenarios[] = {
	{.name = "steady",
	 .divisor = 1,
	 .flows = 800,
	 .repeat = 1000,
	 .window = 800,
	 .max_flows = 65536,
	 .idle_ticks = FOR_EVER,
	 .percpu = true},
	{.name = "steady, one value a flow",
	 .divisor = 5,
	 .flows = 800,
	 .repeat = 1000,
	 .window = 800,
	 .max_flows = 65536,
	 .idle_ticks = FOR_EVER},
	{.name = "churn",
	 .divisor = 5,
	 .flows = 6000,
	 .repeat = 50,
	 .window = 256,
	 .rounds = 4,
	 .max_flows = 65536,
	 .idle_ticks = 20,
	 .percpu = true},
	{.name = "churn, one value a flow",
	 .divisor = 5,
	 .flows = 6000,
	 .repeat = 50,
	 .window = 256,
	 .rounds = 4,
	 .max_flows = 65536,
	 .idle_ticks = 20},
	{.name = "births",
	 .divisor = 100,
	 .flows = 6000,
	 .repeat = 2,
	 .window = 1,
	 .rounds = 1,
	 .max_flows = 65536,
	 .idle_ticks = 20,
	 .percpu = true,
	 .in_step = true},
	{.name = "births, one value a flow",
	 .divisor = 100,
	 .flows = 6000,
	 .repeat = 2,
	 .window = 1,
	 .rounds = 1,
	 .max_flows = 65536,
	 .idle_ticks = 20,
	 .in_step = true},
	{.name = "flows.max a tenth",
	 .divisor = 10,
	 .flows = 4000,
	 .repeat = 20,
	 .window = 4000,
	 .max_flows = 400,
	 .idle_ticks = 20,
	 .percpu = true,
	 .is_tight = true},
};

struct flow {
	uint8_t *frame;
	size_t len;
	struct xa_flow_key6 key;
	uint64_t sent; /* once the senders have ended */
	struct xa_count standing[XA_SIDES]; /* the independent reader's */
	struct xa_count counted;
	uint64_t lives; /* entries made */
};

struct sender {
	pthread_t thread;
	const struct trial *trial;
	unsigned number;
	uint64_t packets; /* to be sent */
	uint64_t *sent; /* by flow */
	uint64_t noise;
	uint64_t at; /* atomic: the shot that is next */
	int error;
	bool has_ended; /* atomic */
};

struct trial {
	const struct scenario *scenario;
	struct xa_lab *lab;
	struct xa_table *table;
	struct flow *flows;
	uint8_t noise[64];
	struct sender senders[SENDERS];
	struct xa_table_read read;
	uint32_t begin_tick;
	uint64_t side_entries[XA_SIDES];
	uint64_t epochs;
	uint64_t forgotten;
	uint64_t strangers; /* entries that no flow of ours has */
	uint64_t lost; /* entries that went backwards */
	uint64_t residuals; /* epochs that did not balance */
};

/* ---- flows ----------------------------------------------------------------------------------- */

static void frame_ipv4(uint8_t *frame, uint32_t number, uint8_t proto)
{
	struct xa_ipv4_header ip = {
		.version_ihl = 0x45,
		.total_len = 0,
		.ttl = TTL,
		.proto = proto,
		.saddr = htonl(0x0a000000 | number),
		.daddr = htonl(0xc0000201),
	};

	frame[12] = 0x08;
	frame[13] = 0x00;
	memcpy(frame + sizeof(struct xa_eth_header), &ip, sizeof(ip));
}

static void frame_ipv6(uint8_t *frame, uint32_t number, uint8_t proto)
{
	struct xa_ipv6_header ip = {
		.version_class = 0x60,
		.next = proto,
		.hop_limit = TTL,
		.saddr.words = {htonl(0xfd000000), 0, 0, htonl(number)},
		.daddr.words = {htonl(0xfd000000)},
	};

	frame[12] = 0x86;
	frame[13] = 0xdd;
	memcpy(frame + sizeof(struct xa_eth_header), &ip, sizeof(ip));
}

static int flow_init(struct flow *flow, uint32_t number)
{
	bool is_ipv6 = kinds[number % array_size(kinds)].is_ipv6;
	uint8_t proto = kinds[number % array_size(kinds)].proto;
	struct xa_packet packet;

	flow->len = 80 + number % (FRAME_MAX - 80);
	flow->frame = calloc(1, flow->len);
	if (!flow->frame)
		return -ENOMEM;
	if (is_ipv6)
		frame_ipv6(flow->frame, number, proto);
	else
		frame_ipv4(flow->frame, number, proto);
	if (xa_parse(XA_LINK_ETHERNET, flow->frame, flow->frame + flow->len, 0, &packet))
		return -EINVAL;
	flow->key = is_ipv6 ? packet.key.v6 : xa_flow_key_widen(&packet.key.v4);
	flow->key.tail.slot = SLOT;
	return 0;
}

/* The flow whose key this is, or NULL: the address says which it may be, the whole key whether. */
static struct flow *flow_of(const struct trial *trial, const struct xa_flow_key6 *key)
{
	uint32_t be, number;

	memcpy(&be, key->saddr + (key->tail.tag & XA_TAG_IPV6 ? 12 : 0), sizeof(be));
	number = ntohl(be) & 0x00ffffff;
	if (number >= trial->scenario->flows ||
	    memcmp(&trial->flows[number].key, key, sizeof(*key)))
		return NULL;
	return &trial->flows[number];
}

/* ---- sending --------------------------------------------------------------------------------- */

static int shoot(struct sender *sender, const void *frame, size_t len, uint64_t *counter)
{
	uint64_t left = sender->packets;
	uint32_t repeat = sender->trial->scenario->repeat, verdict;
	struct xa_shot shot = {
		.frame = frame,
		.len = len,
		.repeat = left < repeat ? (uint32_t)left : repeat,
	};
	int error = xa_lab_shoot(sender->trial->lab, &shot, &verdict);

	if (!error && verdict != XDP_PASS)
		error = -EPROTO;
	if (error)
		return error;
	sender->packets -= shot.repeat;
	*counter += shot.repeat;
	return 0;
}

/*
 * Every other shot is at one of a few flows, in which the senders meet all the time; the others go
 * round, half a window apart at first and then each at its own pace.
 */
static uint32_t flow_number(const struct scenario *scenario, unsigned sender, uint64_t n)
{
	uint64_t around = (uint64_t)scenario->window * scenario->rounds;
	uint64_t base = around ? n / around * scenario->window : 0;
	uint64_t offset = (n / 2 + sender * scenario->window / 2) % scenario->window;

	return n % 2 ? (uint32_t)(n / 2 % HOT) : (uint32_t)((base + offset) % scenario->flows);
}

static int shoot_nth(struct sender *sender, uint64_t n)
{
	const struct trial *trial = sender->trial;
	uint32_t number = flow_number(trial->scenario, sender->number, n);

	if (n % NOISE_EVERY == NOISE_EVERY - 1) {
		int error = shoot(sender, trial->noise, sizeof(trial->noise), &sender->noise);

		if (error || !sender->packets)
			return error;
	}
	return shoot(sender, trial->flows[number].frame, trial->flows[number].len,
		     &sender->sent[number]);
}

static bool is_behind(const struct sender *sender, uint64_t n)
{
	return __atomic_load_n(&sender->at, __ATOMIC_ACQUIRE) < n &&
	       !__atomic_load_n(&sender->has_ended, __ATOMIC_ACQUIRE);
}

static void wait_for_others(struct sender *sender, uint64_t n)
{
	unsigned spins = 0;

	__atomic_store_n(&sender->at, n, __ATOMIC_RELEASE);
	for (size_t i = 0; i < SENDERS; i++)
		while (is_behind(&sender->trial->senders[i], n))
			if (++spins % 1024 == 0)
				(void)sched_yield();
}

static void *send_all(void *ctx)
{
	struct sender *sender = ctx;

	sender->error = xa_lab_pin(sender->number);
	for (uint64_t n = 0; !sender->error && sender->packets; n++) {
		if (sender->trial->scenario->in_step)
			wait_for_others(sender, n);
		sender->error = shoot_nth(sender, n);
	}
	__atomic_store_n(&sender->has_ended, true, __ATOMIC_RELEASE);
	return NULL;
}

static bool are_sending(const struct trial *trial)
{
	for (size_t i = 0; i < SENDERS; i++)
		if (!__atomic_load_n(&trial->senders[i].has_ended, __ATOMIC_ACQUIRE))
			return true;
	return false;
}

/* ---- counting -------------------------------------------------------------------------------- */

/* The independent reader: what an entry has beyond its last read, since it was last forgotten. */
static void count_entry(struct trial *trial, const struct xa_reading *reading, bool forgotten)
{
	struct flow *flow = flow_of(trial, &reading->key);
	struct xa_count now = {reading->value.packets, reading->value.bytes}, *standing;

	if (!flow) {
		trial->strangers++;
		return;
	}
	standing = &flow->standing[trial->read.side];
	if (now.packets < standing->packets || now.bytes < standing->bytes)
		trial->lost++;
	flow->lives += !standing->packets;
	flow->counted.packets += now.packets - standing->packets;
	flow->counted.bytes += now.bytes - standing->bytes;
	*standing = forgotten ? (struct xa_count){0} : now;
	trial->forgotten += forgotten;
}

static void take_readings(void *ctx, const struct xa_reading *readings, size_t count,
			  bool *ret_forget)
{
	struct trial *trial = ctx;

	xa_table_apply(trial->table, &trial->read, readings, count, ret_forget);
	for (size_t i = 0; i < count; i++)
		count_entry(trial, &readings[i], ret_forget[i]);
}

static void forget_readings(void *ctx, const struct xa_reading *readings, size_t count,
			    const bool *forgotten)
{
	struct trial *trial = ctx;

	xa_table_forget(trial->table, trial->read.side, readings, count, forgotten);
}

static bool is_balanced(const struct xa_ledger *ledger)
{
	static const uint8_t slots[] = {XA_SLOT_UNKNOWN, SLOT};

	for (size_t i = 0; i < array_size(slots); i++) {
		struct xa_residual residual = xa_account_residual(
			xa_ledger_account(ledger, slots[i]));

		if (residual.packets || residual.bytes)
			return false;
	}
	return true;
}

/* One epoch, in the order in which the daemon does it. */
static int collect(struct trial *trial)
{
	struct xa_sink sink = {trial, take_readings, forget_readings};
	uint32_t capacity = xa_xdp_capacity(trial->lab->xdp);
	struct xa_xdp_fill fill;
	unsigned side;
	int error = xa_xdp_swap(trial->lab->xdp, &side);

	if (error)
		return error;
	trial->read = (struct xa_table_read){
		.side = side,
		.now_tick = xa_tick(xa_now_ns()),
		.tight = trial->side_entries[side] > capacity - capacity / 8,
	};
	error = xa_xdp_read_tally(trial->lab->xdp, side, trial->lab->ledger);
	if (!error)
		error = xa_xdp_drain(trial->lab->xdp, side, trial->read.now_tick, &sink, &fill);
	if (error)
		return error;
	trial->side_entries[side] = fill.entries[XA_IPV4] > fill.entries[XA_IPV6]
					    ? fill.entries[XA_IPV4]
					    : fill.entries[XA_IPV6];
	trial->epochs++;
	trial->residuals += !is_balanced(trial->lab->ledger);
	(void)xa_table_sweep(trial->table, trial->read.now_tick, NULL, NULL);
	return 0;
}

/* ---- the sums -------------------------------------------------------------------------------- */

static uint64_t expect(const char *what, uint64_t found, uint64_t wanted)
{
	if (found != wanted)
		printf("  %s: %llu, should be %llu\n", what, (unsigned long long)found,
		       (unsigned long long)wanted);
	return found != wanted;
}

/* With room for all, each flow has been counted as it was sent; without, none has more than that.
 */
static uint64_t wrong_flows(const struct trial *trial)
{
	uint64_t wrong = 0;

	for (uint32_t i = 0; i < trial->scenario->flows; i++) {
		const struct flow *flow = &trial->flows[i];
		bool fits = trial->scenario->is_tight ? flow->counted.packets <= flow->sent
						      : flow->counted.packets == flow->sent;

		wrong += !fits || flow->counted.bytes != flow->counted.packets * flow->len;
	}
	return wrong;
}

struct visit {
	const struct trial *trial;
	uint64_t wrong;
};

static void check_living(void *ctx, const struct xa_flow *living)
{
	struct visit *visit = ctx;
	const struct flow *flow = flow_of(visit->trial, &living->key);

	visit->wrong += !flow || living->packets != flow->sent ||
			living->bytes != flow->sent * flow->len || living->len_min != flow->len ||
			living->len_max != flow->len || living->ttl_min != TTL ||
			living->ttl_max != TTL ||
			(int32_t)(living->first_tick - visit->trial->begin_tick) < -CLOCK_LAG ||
			(int32_t)(living->last_tick - living->first_tick) < 0;
}

/* What the table itself has of each flow, where flows never end. */
static uint64_t wrong_in_table(struct trial *trial)
{
	struct visit visit = {.trial = trial};
	struct xa_totals totals;
	uint64_t living = 0;

	if (trial->scenario->idle_ticks != FOR_EVER)
		return 0;
	totals = xa_table_sweep(trial->table, trial->read.now_tick, check_living, &visit);
	for (uint32_t i = 0; i < trial->scenario->flows; i++)
		living += trial->flows[i].sent > 0;
	return visit.wrong + expect("living flows", totals.flows, living);
}

static uint64_t wrong_class(const struct trial *trial, enum xa_class class,
			    const struct xa_count *refused)
{
	const struct xa_account *account = xa_ledger_account(trial->lab->ledger, SLOT);

	return expect(xa_class_names[class], account->reasons[class].packets, refused->packets) +
	       expect("its bytes", account->reasons[class].bytes, refused->bytes);
}

static enum xa_class class_of_refused(uint8_t proto)
{
	switch (proto) {
	case XA_PROTO_TCP:
		return XA_CLASS_MAP_FULL_TCP;
	case XA_PROTO_UDP:
		return XA_CLASS_MAP_FULL_UDP;
	case XA_PROTO_ICMP:
	case XA_PROTO_ICMPV6:
		return XA_CLASS_MAP_FULL_ICMP;
	default:
		return XA_CLASS_MAP_FULL_OTHER;
	}
}

/* Packets that were sent and are in no entry have to be, by protocol, in the class that says so. */
static uint64_t wrong_classes(const struct trial *trial)
{
	struct xa_count classes[XA_CLASS_COUNT_] = {0};
	uint64_t wrong = 0;

	for (uint32_t i = 0; i < trial->scenario->flows; i++) {
		const struct flow *flow = &trial->flows[i];
		struct xa_count *refused = &classes[class_of_refused(flow->key.tail.proto)];

		refused->packets += flow->sent - flow->counted.packets;
		refused->bytes += flow->sent * flow->len - flow->counted.bytes;
	}
	for (size_t i = 0; i < SENDERS; i++)
		classes[XA_CLASS_NON_IP].packets += trial->senders[i].noise;
	classes[XA_CLASS_NON_IP].bytes = classes[XA_CLASS_NON_IP].packets * sizeof(trial->noise);
	for (enum xa_class class = 0; class < XA_CLASS_COUNT_; class ++)
		wrong += wrong_class(trial, class, &classes[class]);
	return wrong;
}

static uint64_t wrong_seen(const struct trial *trial)
{
	const struct xa_account *account = xa_ledger_account(trial->lab->ledger, SLOT);
	const struct xa_account *other = xa_ledger_account(trial->lab->ledger, XA_SLOT_UNKNOWN);
	struct xa_count sent = {0};

	for (uint32_t i = 0; i < trial->scenario->flows; i++) {
		sent.packets += trial->flows[i].sent;
		sent.bytes += trial->flows[i].sent * trial->flows[i].len;
	}
	for (size_t i = 0; i < SENDERS; i++) {
		sent.packets += trial->senders[i].noise;
		sent.bytes += trial->senders[i].noise * sizeof(trial->noise);
	}
	return expect("seen packets", account->seen.packets, sent.packets) +
	       expect("seen bytes", account->seen.bytes, sent.bytes) +
	       expect("packets of other interfaces", other->seen.packets, 0);
}

/* ---- a trial --------------------------------------------------------------------------------- */

static void trial_done(struct trial *trial)
{
	for (uint32_t i = 0; trial->flows && i < trial->scenario->flows; i++)
		free(trial->flows[i].frame);
	for (size_t i = 0; i < SENDERS; i++)
		free(trial->senders[i].sent);
	free(trial->flows);
	xa_table_free(trial->table);
	xa_lab_free(trial->lab);
}

static int trial_init(struct trial *trial, uint64_t packets)
{
	const struct scenario *scenario = trial->scenario;
	struct xa_table_limits limits = {scenario->max_flows, scenario->idle_ticks, 0};
	int error = xa_ledger_open(trial->lab->ledger, SLOT);

	if (!error)
		error = xa_xdp_map_ifindex(trial->lab->xdp, LOOPBACK, SLOT);
	if (!error)
		error = xa_table_new(&trial->table, &limits, trial->lab->ledger);
	trial->noise[12] = 0x08;
	trial->noise[13] = 0x06;
	trial->flows = calloc(scenario->flows, sizeof(*trial->flows));
	for (uint32_t i = 0; !error && i < scenario->flows; i++)
		error = trial->flows ? flow_init(&trial->flows[i], i) : -ENOMEM;
	for (unsigned i = 0; i < SENDERS; i++) {
		trial->senders[i] = (struct sender){.trial = trial, .number = i};
		trial->senders[i].packets = packets / SENDERS;
		trial->senders[i].sent = calloc(scenario->flows, sizeof(uint64_t));
		if (!trial->senders[i].sent)
			error = -ENOMEM;
	}
	return error;
}

static int senders_start(struct trial *trial)
{
	for (size_t i = 0; i < SENDERS; i++)
		if (pthread_create(&trial->senders[i].thread, NULL, send_all, &trial->senders[i]))
			abort(); /* a thread that runs holds the trial */
	return 0;
}

static int senders_join(struct trial *trial)
{
	int error = 0;

	for (size_t i = 0; i < SENDERS; i++) {
		(void)pthread_join(trial->senders[i].thread, NULL);
		if (trial->senders[i].error)
			error = trial->senders[i].error;
		for (uint32_t flow = 0; flow < trial->scenario->flows; flow++)
			trial->flows[flow].sent += trial->senders[i].sent[flow];
	}
	return error;
}

/* Epochs for as long as anybody sends, then one more for each side. */
static int trial_run(struct trial *trial)
{
	int error = senders_start(trial), sending_error;

	while (!error && are_sending(trial))
		error = collect(trial);
	sending_error = senders_join(trial);
	for (unsigned side = 0; !error && side < XA_SIDES; side++)
		error = collect(trial);
	return error ? error : sending_error;
}

static void print_trial(const struct trial *trial, double seconds)
{
	const struct xa_account *account = xa_ledger_account(trial->lab->ledger, SLOT);
	uint64_t full = 0, lives = 0;

	for (enum xa_class class = XA_CLASS_MAP_FULL_TCP; class <= XA_CLASS_MAP_FULL_OTHER;
	     class ++)
		full += account->reasons[class].packets;
	for (uint32_t i = 0; i < trial->scenario->flows; i++)
		lives += trial->flows[i].lives;
	printf("%s: %llu packets, %llu bytes of %u flows in %.1f s; %llu epochs, %llu entries "
	       "made, "
	       "%llu forgotten; map full %llu packets, flow limit %llu\n",
	       trial->scenario->name, (unsigned long long)account->seen.packets,
	       (unsigned long long)account->seen.bytes, trial->scenario->flows, seconds,
	       (unsigned long long)trial->epochs, (unsigned long long)lives,
	       (unsigned long long)trial->forgotten, (unsigned long long)full,
	       (unsigned long long)account->reasons[XA_REASON_FLOW_LIMIT].packets);
}

/* Counts that are exact prove nothing where what endangers them has not happened. */
static uint64_t was_harmless(const struct trial *trial)
{
	const struct xa_account *account = xa_ledger_account(trial->lab->ledger, SLOT);
	const struct scenario *scenario = trial->scenario;
	uint64_t harmless = 0;

	if (scenario->is_tight)
		harmless += expect("map was never full",
				   !account->reasons[XA_CLASS_MAP_FULL_TCP].packets, 0);
	if (scenario->idle_ticks != FOR_EVER)
		harmless += expect("no flow came again", trial->forgotten <= scenario->flows, 0);
	return harmless;
}

static uint64_t trial_judge(struct trial *trial)
{
	return was_harmless(trial) + expect("epochs with a residual", trial->residuals, 0) +
	       expect("entries of nobody", trial->strangers, 0) +
	       expect("entries that went backwards", trial->lost, 0) +
	       expect("flows counted wrong", wrong_flows(trial), 0) +
	       expect("flows wrong in the table", wrong_in_table(trial), 0) + wrong_seen(trial) +
	       wrong_classes(trial);
}

/* 0, 1 or XA_LAB_SKIP. */
static int attempt(const struct scenario *scenario, uint64_t packets)
{
	struct xa_xdp_options options = {scenario->max_flows, scenario->percpu};
	uint64_t begin = xa_now_ns(), wrong;
	struct trial trial = {.scenario = scenario, .begin_tick = xa_tick(begin)};
	int status = xa_lab_new(&trial.lab, &options);

	if (!status) {
		int error = trial_init(&trial, packets / scenario->divisor);

		if (!error)
			error = trial_run(&trial);
		if (error) {
			printf("%s: %s\n", scenario->name, strerror(-error));
			status = 1;
		}
	}
	if (!status) {
		print_trial(&trial, (double)(xa_now_ns() - begin) / XA_NS_PER_S);
		wrong = trial_judge(&trial);
		printf("  %s\n", wrong ? "WRONG" : "exact");
		status = wrong != 0;
	}
	(void)fflush(stdout);
	trial_done(&trial);
	return status;
}

int main(int argc, char **argv)
{
	uint64_t packets = argc > 1 ? strtoull(argv[1], NULL, 10) : PACKETS;
	unsigned failed = 0;
	int status = xa_lab_enter();

	for (size_t i = 0; status != XA_LAB_SKIP && i < array_size(scenarios); i++) {
		status = attempt(&scenarios[i], packets);
		failed += status != 0;
	}
	if (status == XA_LAB_SKIP)
		return status;
	printf("%zu passed, %u failed\n", array_size(scenarios) - failed, failed);
	return failed != 0;
}
