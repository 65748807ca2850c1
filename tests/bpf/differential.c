/* SPDX-License-Identifier: GPL-2.0-or-later */

/*
 * Three parsers, one opinion: the kernel program, the user-space parser and the reference, which
 * shares no line with them, on each frame of a file.
 *
 *	differential FRAMES EXPECTED	(the two files that tests/reference/frames.py writes)
 *
 * The kernel is not asked frame by frame, as the end of an epoch waits for a grace period: a block
 * of frames is run, and all that the epoch counted has to be what the reference makes of the block,
 * entry by entry and class by class. A block that is not is halved until the frame is found.
 */

#include <fcntl.h>
#include <linux/bpf.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>

#include "bpf/sizes.h"
#include "tests/bpf/lab.h"

#define BLOCK	  16384
#define SHOWN_MAX 10

/* A record of the frames' file: the bytes follow. */
struct frame_head {
	uint8_t link;
	uint8_t zero;
	uint16_t len; /* little endian, as all here */
} __attribute__((packed));

/* A record of the expected file. */
struct expected {
	uint8_t class;
	uint8_t family;
	uint8_t proto;
	uint8_t fragment;
	uint16_t vlan;
	uint16_t sport;
	uint16_t dport;
	uint8_t tos;
	uint8_t ttl;
	uint8_t tcp_flags;
	uint8_t size;
	uint8_t zero[2];
	uint8_t src[16];
	uint8_t dst[16];
	uint8_t zero2[8];
};
_Static_assert(sizeof(struct frame_head) == 4 && sizeof(struct expected) == 56, "as written");

/* One frame and what it should count as: the reference's word in the ABI's terms. */
struct item {
	size_t number;
	enum xa_link link;
	const uint8_t *bytes;
	size_t len;
	enum xa_class class;
	unsigned size;
	struct xa_reading reading; /* ticks: the order of the frames */
	bool refused; /* TEST_RUN does not take it */
};

struct totals {
	size_t frames;
	size_t classes[XA_CLASS_COUNT_];
	size_t kernel;
	size_t refused_short;
	size_t refused_long;
	size_t epochs;
	size_t kernel_mismatches;
	size_t user_mismatches;
	size_t verdicts; /* other than XDP_PASS */
};

struct comparison {
	struct xa_lab *lab;
	struct item *items;
	struct xa_reading *wanted;
	struct xa_harvest harvest;
	struct totals totals;
};

struct input {
	const uint8_t *at;
	const uint8_t *end;
};

/* ---- the files ------------------------------------------------------------------------------- */

static int map_file(const char *path, struct input *ret_input)
{
	_cleanup_close_ int fd = open(path, O_RDONLY | O_CLOEXEC);
	struct stat status;
	void *bytes;

	if (fd < 0 || fstat(fd, &status))
		return -errno;
	*ret_input = (struct input){0};
	if (!status.st_size)
		return 0;
	bytes = mmap(NULL, (size_t)status.st_size, PROT_READ, MAP_PRIVATE, fd, 0);
	if (bytes == MAP_FAILED)
		return -errno;
	ret_input->at = bytes;
	ret_input->end = ret_input->at + status.st_size;
	return 0;
}

/* The next `size` bytes of the file, or NULL where there are fewer. */
static const void *take(struct input *input, size_t size)
{
	const uint8_t *bytes = input->at;

	if ((size_t)(input->end - input->at) < size)
		return NULL;
	input->at += size;
	return bytes;
}

static struct xa_reading reading_of(const struct expected *expected, size_t len, uint32_t order)
{
	struct xa_reading reading = {
		.key.tail = {.sport = htons(expected->sport),
			     .dport = htons(expected->dport),
			     .proto = expected->proto,
			     .tag = expected->vlan},
		.value = {.packets = 1,
			  .bytes = len,
			  .first_tick = order,
			  .last_tick = order,
			  .tcp_flags = expected->tcp_flags,
			  .tos = expected->tos,
			  .ttl_min = expected->ttl,
			  .ttl_max = expected->ttl,
			  .len_min = (uint16_t)len,
			  .len_max = (uint16_t)len},
	};

	memcpy(reading.key.saddr, expected->src, sizeof(expected->src));
	memcpy(reading.key.daddr, expected->dst, sizeof(expected->dst));
	if (expected->family == 6)
		reading.key.tail.tag |= XA_TAG_IPV6;
	if (expected->fragment)
		reading.key.tail.tag |= XA_TAG_FRAGMENT;
	return reading;
}

/* 1 and the next frame, 0 at the end, -EINVAL where the files do not fit each other. */
static int item_read(struct input *frames, struct input *records, size_t number,
		     struct item *ret_item)
{
	const struct expected *expected = take(records, sizeof(*expected));
	const struct frame_head *head = take(frames, sizeof(*head));
	const uint8_t *bytes;

	if (!expected && !head)
		return frames->at == frames->end && records->at == records->end ? 0 : -EINVAL;
	if (!expected || !head || head->link >= XA_LINK_COUNT_ ||
	    expected->class >= XA_CLASS_COUNT_ || expected->size >= XA_SIZE_COUNT_)
		return -EINVAL;
	bytes = take(frames, head->len);
	if (!bytes)
		return -EINVAL;
	*ret_item = (struct item){
		.number = number,
		.link = head->link,
		.bytes = bytes,
		.len = head->len,
		.class = expected->class,
		.size = expected->size,
		.reading = reading_of(expected, head->len, (uint32_t)number),
	};
	return 1;
}

/* ---- what differs ---------------------------------------------------------------------------- */

static void print_reading(const char *who, enum xa_class class, const struct xa_reading *reading)
{
	_cleanup_xa_buf_ struct xa_buf text = {0};

	xa_buf_addf(&text, "  %-10s %s", who, xa_class_names[class]);
	if (class == XA_CLASS_FLOW) {
		const struct xa_flow_tail *tail = &reading->key.tail;

		xa_buf_adds(&text, " ");
		xa_flow_add_address(&text, xa_flow_family(tail), reading->key.saddr);
		xa_buf_adds(&text, " > ");
		xa_flow_add_address(&text, xa_flow_family(tail), reading->key.daddr);
		xa_buf_addf(&text, " proto %u ports %u %u slot %u tag 0x%04x tos %u ttl %u-%u",
			    tail->proto, ntohs(tail->sport), ntohs(tail->dport), tail->slot,
			    tail->tag, reading->value.tos, reading->value.ttl_min,
			    reading->value.ttl_max);
		xa_buf_addf(&text, " flags 0x%02x packets %llu bytes %llu len %u-%u",
			    reading->value.tcp_flags, (unsigned long long)reading->value.packets,
			    (unsigned long long)reading->value.bytes, reading->value.len_min,
			    reading->value.len_max);
	}
	printf("%s\n", xa_buf_failed(&text) ? "  no memory" : text.text);
}

static void print_frame(const struct item *item)
{
	printf("frame %zu, %s, %zu bytes:\n ", item->number,
	       item->link == XA_LINK_IP ? "ip" : "ethernet", item->len);
	for (size_t i = 0; i < item->len && i < 512; i++)
		printf("%s%02x", i % 32 ? "" : " ", item->bytes[i]);
	printf("\n");
	print_reading("reference", item->class, &item->reading);
}

static bool may_show(const struct comparison *comparison)
{
	const struct totals *totals = &comparison->totals;

	return totals->kernel_mismatches + totals->user_mismatches <= SHOWN_MAX;
}

/* ---- user space ------------------------------------------------------------------------------ */

static struct xa_reading reading_parsed(const struct xa_packet *packet, const struct item *item)
{
	struct xa_reading reading = item->reading; /* packets, bytes and lengths are not parsed */

	reading.key = packet->headers.is_ipv6 ? packet->key.v6 : xa_flow_key_widen(&packet->key.v4);
	reading.value.tcp_flags = packet->headers.tcp_flags;
	reading.value.tos = packet->headers.tos;
	reading.value.ttl_min = packet->headers.ttl;
	reading.value.ttl_max = packet->headers.ttl;
	return reading;
}

static void compare_user(struct comparison *comparison, const struct item *item)
{
	struct xa_packet packet;
	struct xa_reading found = {0};
	enum xa_class class = xa_parse(item->link, item->bytes, item->bytes + item->len, 0,
				       &packet);

	if (class == XA_CLASS_FLOW)
		found = reading_parsed(&packet, item);
	if (class == item->class && xa_size_of(item->len) == item->size &&
	    (class != XA_CLASS_FLOW || !memcmp(&found, &item->reading, sizeof(found))))
		return;
	comparison->totals.user_mismatches++;
	if (!may_show(comparison))
		return;
	print_frame(item);
	print_reading("user space", class, &found);
}

/* ---- kernel ---------------------------------------------------------------------------------- */

static int by_key_and_order(const void *a, const void *b)
{
	const struct xa_reading *x = a, *y = b;
	int order = memcmp(&x->key, &y->key, sizeof(x->key));

	return order ? order : (int32_t)(x->value.last_tick - y->value.last_tick);
}

/* What one CPU makes of a further packet, written down once more. */
static void reading_add(struct xa_flow_value *into, const struct xa_flow_value *next)
{
	into->packets += next->packets;
	into->bytes += next->bytes;
	into->last_tick = next->last_tick;
	into->tcp_flags |= next->tcp_flags;
	into->tos = next->tos;
	into->ttl_min = next->ttl_min < into->ttl_min ? next->ttl_min : into->ttl_min;
	into->ttl_max = next->ttl_max > into->ttl_max ? next->ttl_max : into->ttl_max;
	into->len_min = next->len_min < into->len_min ? next->len_min : into->len_min;
	into->len_max = next->len_max > into->len_max ? next->len_max : into->len_max;
}

/* Sorts and makes one reading of all with the same key; returns how many are left. */
static size_t readings_merge(struct xa_reading *readings, size_t count)
{
	size_t last = 0;

	if (!count)
		return 0;
	qsort(readings, count, sizeof(*readings), by_key_and_order);
	for (size_t i = 1; i < count; i++) {
		if (memcmp(&readings[last].key, &readings[i].key, sizeof(readings[i].key)))
			readings[++last] = readings[i];
		else
			reading_add(&readings[last].value, &readings[i].value);
	}
	return last + 1;
}

static bool readings_equal(struct xa_reading *wanted, struct xa_reading *found, size_t count)
{
	for (size_t i = 0; i < count; i++) {
		wanted[i].value.first_tick = found[i].value.first_tick = 0;
		wanted[i].value.last_tick = found[i].value.last_tick = 0;
		if (memcmp(&wanted[i], &found[i], sizeof(wanted[i])))
			return false;
	}
	return true;
}

/* Runs the frames that the kernel takes, and marks those that it does not. */
static int run_block(struct comparison *comparison, struct item *items, size_t count)
{
	for (size_t i = 0; i < count; i++) {
		struct xa_shot shot = {
			.link = items[i].link, .frame = items[i].bytes, .len = items[i].len};
		uint32_t verdict = XDP_PASS;
		int error = shot.len < XA_LAB_FRAME_MIN
				    ? -EINVAL
				    : xa_lab_shoot(comparison->lab, &shot, &verdict);

		/* of a frame of many pages an older kernel says so */
		if (error && shot.len >= XA_LAB_FRAME_MIN && shot.len < 2048)
			return error;
		items[i].refused = error;
		if (verdict != XDP_PASS)
			comparison->totals.verdicts++;
	}
	comparison->totals.epochs++;
	return xa_lab_collect(comparison->lab, XA_SLOT_UNKNOWN, &comparison->harvest);
}

/* Whether the epoch counted what the reference makes of the frames, no more and no less. */
static bool harvest_fits(struct comparison *comparison, const struct item *items, size_t count)
{
	struct xa_harvest *harvest = &comparison->harvest;
	struct xa_count classes[XA_CLASS_COUNT_] = {0}, seen = {0};
	uint64_t sizes[XA_SIZE_COUNT_] = {0};
	size_t flows = 0;

	for (size_t i = 0; i < count; i++) {
		if (items[i].refused)
			continue;
		seen.packets++;
		seen.bytes += items[i].len;
		sizes[items[i].size]++;
		if (items[i].class == XA_CLASS_FLOW) {
			comparison->wanted[flows++] = items[i].reading;
			continue;
		}
		classes[items[i].class].packets++;
		classes[items[i].class].bytes += items[i].len;
	}
	flows = readings_merge(comparison->wanted, flows);
	return harvest->count == readings_merge(harvest->readings, harvest->count) &&
	       harvest->count == flows && !memcmp(&harvest->seen, &seen, sizeof(seen)) &&
	       !memcmp(harvest->sizes, sizes, sizeof(sizes)) &&
	       !memcmp(harvest->classes, classes, sizeof(classes)) &&
	       readings_equal(comparison->wanted, harvest->readings, flows);
}

static void show_kernel(const struct comparison *comparison, const struct item *items, size_t count)
{
	const struct xa_harvest *harvest = &comparison->harvest;

	if (!may_show(comparison))
		return;
	if (count > 1)
		printf("frames %zu to %zu differ together, but neither half does alone:\n",
		       items[0].number, items[count - 1].number);
	print_frame(&items[0]);
	for (size_t i = 0; i < harvest->count && i < SHOWN_MAX; i++)
		print_reading("kernel", XA_CLASS_FLOW, &harvest->readings[i]);
	for (enum xa_class class = 0; class < XA_CLASS_COUNT_; class ++)
		if (harvest->classes[class].packets)
			print_reading("kernel", class, NULL);
}

/* Adds the mismatches among the frames to the total; all are counted until enough are shown. */
static int compare_kernel(struct comparison *comparison, struct item *items, size_t count)
{
	size_t before = comparison->totals.kernel_mismatches, half = count / 2;
	int error = run_block(comparison, items, count);

	if (error || harvest_fits(comparison, items, count))
		return error;
	if (count > 1 && may_show(comparison)) {
		error = compare_kernel(comparison, items, half);
		if (!error)
			error = compare_kernel(comparison, items + half, count - half);
		if (error || comparison->totals.kernel_mismatches > before)
			return error;
	}
	comparison->totals.kernel_mismatches++;
	show_kernel(comparison, items, count);
	return 0;
}

/* ---- all of it ------------------------------------------------------------------------------- */

static void count_items(struct totals *totals, const struct item *items, size_t count)
{
	totals->frames += count;
	for (size_t i = 0; i < count; i++) {
		totals->classes[items[i].class]++;
		totals->kernel += !items[i].refused;
		totals->refused_short += items[i].refused && items[i].len < XA_LAB_FRAME_MIN;
		totals->refused_long += items[i].refused && items[i].len >= XA_LAB_FRAME_MIN;
	}
}

static int compare(struct comparison *comparison, struct input *frames, struct input *records)
{
	size_t count;
	int status = 1;

	while (status == 1) {
		for (count = 0; count < BLOCK; count++) {
			status = item_read(frames, records, comparison->totals.frames + count + 1,
					   &comparison->items[count]);
			if (status != 1)
				break;
		}
		if (status < 0)
			break;
		for (size_t i = 0; i < count; i++)
			compare_user(comparison, &comparison->items[i]);
		if (compare_kernel(comparison, comparison->items, count))
			return -EIO;
		count_items(&comparison->totals, comparison->items, count);
	}
	return status;
}

static void print_totals(const struct totals *totals)
{
	printf("%zu frames; the reference says", totals->frames);
	for (enum xa_class class = 0; class < XA_CLASS_COUNT_; class ++)
		if (totals->classes[class])
			printf(" %s %zu", xa_class_names[class], totals->classes[class]);
	printf("\nkernel: %zu frames compared in %zu epochs, %zu mismatches; not taken: %zu under "
	       "%d bytes, %zu too long\n",
	       totals->kernel, totals->epochs, totals->kernel_mismatches, totals->refused_short,
	       XA_LAB_FRAME_MIN, totals->refused_long);
	printf("user space: %zu frames compared, %zu mismatches\n", totals->frames,
	       totals->user_mismatches);
	printf("verdicts other than XDP_PASS: %zu\n", totals->verdicts);
}

static int run(struct comparison *comparison, struct input *frames, struct input *records)
{
	const struct totals *totals = &comparison->totals;
	int error;

	comparison->items = calloc(BLOCK, sizeof(*comparison->items));
	comparison->wanted = calloc(BLOCK, sizeof(*comparison->wanted));
	error = comparison->items && comparison->wanted ? xa_lab_pin(0) : -ENOMEM;
	if (!error)
		error = compare(comparison, frames, records);
	if (error) {
		printf("failed after %zu frames: %s\n", totals->frames, strerror(-error));
		return 1;
	}
	print_totals(totals);
	return totals->kernel_mismatches || totals->user_mismatches || totals->verdicts;
}

int main(int argc, char **argv)
{
	_cleanup_xa_lab_ struct xa_lab *lab = NULL;
	struct comparison comparison = {0};
	struct input frames, records;
	int status = argc == 3 ? xa_lab_enter() : 2;

	if (!status)
		status = xa_lab_new(&lab, &(struct xa_xdp_options){BLOCK, .percpu = true});
	if (status)
		return status;
	if (map_file(argv[1], &frames) || map_file(argv[2], &records)) {
		printf("failed: cannot read %s and %s\n", argv[1], argv[2]);
		return 1;
	}
	comparison.lab = lab;
	status = run(&comparison, &frames, &records);
	free(comparison.items);
	free(comparison.wanted);
	xa_harvest_done(&comparison.harvest);
	return status;
}
