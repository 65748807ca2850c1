/* SPDX-License-Identifier: GPL-2.0-or-later */

/* One read of /proc/self/stat, one of its fd folder; what cannot be read is left out. */

#include "core/metrics/process.h"

#include <dirent.h>
#include <sys/resource.h>

struct stat_fields {
	unsigned long utime, stime; /* clock ticks */
	unsigned long long starttime;
	unsigned long vsize;
	long rss; /* pages */
};

/* proc(5): the name, field 2, may hold spaces and brackets: fields are counted from its last
 * bracket. */
static int read_stat(struct stat_fields *ret_fields)
{
	_cleanup_file_ FILE *file = fopen("/proc/self/stat", "re");
	char line[1024];
	const char *rest;

	if (!file || !fgets(line, sizeof(line), file))
		return -EIO;
	rest = strrchr(line, ')');
	if (!rest ||
	    sscanf(rest + 1,
		   " %*c %*d %*d %*d %*d %*d %*u %*u %*u %*u %*u %lu %lu %*d %*d %*d %*d %*d %*d "
		   "%llu %lu %ld",
		   &ret_fields->utime, &ret_fields->stime, &ret_fields->starttime,
		   &ret_fields->vsize, &ret_fields->rss) != 5)
		return -EIO;
	return 0;
}

/* -1 where the folder cannot be read. */
static int count_fds(void)
{
	DIR *dir = opendir("/proc/self/fd");
	int count = -3; /* not ".", not "..", not the folder itself */

	if (!dir)
		return -1;
	while (readdir(dir))
		count++;
	(void)closedir(dir);
	return count;
}

/* The start is told in clock ticks since boot; boot, in wall time, is now less the time since boot.
 */
static double start_time(unsigned long long ticks, double ticks_per_second)
{
	struct timespec boot;

	clock_gettime(CLOCK_BOOTTIME, &boot);
	return xa_wall_seconds() - ((double)boot.tv_sec + (double)boot.tv_nsec / 1e9) +
	       (double)ticks / ticks_per_second;
}

void xa_process_render(struct xa_exposition *expo)
{
	double ticks_per_second = (double)sysconf(_SC_CLK_TCK);
	struct stat_fields stat;
	struct rlimit limit;
	int fds = count_fds();

	if (!read_stat(&stat)) {
		xa_exposition_begin(expo, XA_METRIC_PROCESS_CPU);
		xa_exposition_double(expo, NULL,
				     (double)(stat.utime + stat.stime) / ticks_per_second);
		xa_exposition_begin(expo, XA_METRIC_PROCESS_RESIDENT);
		xa_exposition_u64(expo, NULL, (uint64_t)stat.rss * (uint64_t)sysconf(_SC_PAGESIZE));
		xa_exposition_begin(expo, XA_METRIC_PROCESS_VIRTUAL);
		xa_exposition_u64(expo, NULL, stat.vsize);
		xa_exposition_begin(expo, XA_METRIC_PROCESS_START_TIME);
		xa_exposition_double(expo, NULL, start_time(stat.starttime, ticks_per_second));
	}
	if (fds >= 0) {
		xa_exposition_begin(expo, XA_METRIC_PROCESS_OPEN_FDS);
		xa_exposition_u64(expo, NULL, (uint64_t)fds);
	}
	if (!getrlimit(RLIMIT_NOFILE, &limit)) {
		xa_exposition_begin(expo, XA_METRIC_PROCESS_MAX_FDS);
		xa_exposition_u64(expo, NULL, limit.rlim_cur);
	}
}
