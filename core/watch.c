/* SPDX-License-Identifier: GPL-2.0-or-later */

/*
 * Events are only a bell. Every name on the way to a file is watched in the directory in which it
 * stands, links and their targets too; when one of them rings, and there was silence for a while,
 * the way is followed anew and the files are looked at. Whether they are others than before
 * decides, so that a lost event loses nothing and an event for nothing does nothing.
 */

#include "core/watch.h"

#include <dirent.h>
#include <limits.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/inotify.h>
#include <sys/stat.h>
#include <sys/timerfd.h>

#define XXH_INLINE_ALL
#include <xxhash.h>

#include "config/files.h"
#include "config/path.h"

#define SETTLE_NS     (200 * XA_NS_PER_MS)
#define SETTLE_MAX_NS (2 * XA_NS_PER_S)
#define EMPTY_NS      (30 * XA_NS_PER_S)

/* How often to look where there is no word to be had: a directory that cannot be read, too many
 * watches for fs.inotify.max_user_watches or for us, a file that is waited for. */
#define RETRY_NS (2 * XA_NS_PER_S)

#define SPOTS_MAX 256
#define LINKS_MAX 40 /* path_resolution(7) */
#define EVENTS	  (IN_ATTRIB | IN_CLOSE_WRITE | IN_CREATE | IN_DELETE | IN_MOVE | IN_ONLYDIR)

/* A name that matters, in a directory that is watched. */
struct spot {
	int wd;
	char name[NAME_MAX + 1]; /* empty: all names that files of a configuration have */
};

/* A file, or a directory of them. The states are hashes, 0 if there is none. */
struct place {
	const char *path;
	uint64_t taken; /* as of the last load */
	uint64_t seen; /* as of the last look */
	uint64_t newest_ns; /* the last change of any file, wall time */
	bool known; /* before the last xa_watch_set() */
};

struct xa_watch {
	int epoll_fd, inotify_fd, timer_fd;
	struct xa_arena *arena; /* of the places */
	struct place *places;
	size_t place_count;
	struct spot spots[SPOTS_MAX];
	size_t spot_count;
	uint64_t first_ns; /* of the events that have not settled; 0: there are none */
	uint64_t taken_ns; /* wall time */
	bool partial; /* something is on the way that could not be watched */
	bool writing; /* something is empty that was not long ago */
};

static int open_all(struct xa_watch *watch)
{
	struct epoll_event event = {.events = EPOLLIN};

	watch->inotify_fd = inotify_init1(IN_NONBLOCK | IN_CLOEXEC);
	if (watch->inotify_fd < 0)
		return -errno;
	watch->timer_fd = timerfd_create(CLOCK_MONOTONIC, TFD_CLOEXEC | TFD_NONBLOCK);
	watch->epoll_fd = epoll_create1(EPOLL_CLOEXEC);
	if (watch->timer_fd < 0 || watch->epoll_fd < 0 ||
	    epoll_ctl(watch->epoll_fd, EPOLL_CTL_ADD, watch->inotify_fd, &event) ||
	    epoll_ctl(watch->epoll_fd, EPOLL_CTL_ADD, watch->timer_fd, &event))
		return -errno;
	return 0;
}

int xa_watch_new(struct xa_watch **ret)
{
	_cleanup_xa_watch_ struct xa_watch *watch = calloc(1, sizeof(*watch));
	int error;

	if (!watch)
		return -ENOMEM;
	watch->epoll_fd = watch->inotify_fd = watch->timer_fd = -1;
	watch->taken_ns = xa_wall_ns();
	error = open_all(watch);
	if (!error)
		*ret = take_ptr(watch);
	return error;
}

void xa_watch_free(struct xa_watch *watch)
{
	if (!watch)
		return;
	xa_cleanup_fd(&watch->epoll_fd);
	xa_cleanup_fd(&watch->inotify_fd);
	xa_cleanup_fd(&watch->timer_fd);
	xa_arena_free(watch->arena);
	free(watch);
}

int xa_watch_fd(const struct xa_watch *watch)
{
	return watch->epoll_fd;
}

/* --- the bell --- */

static void arm(const struct xa_watch *watch, uint64_t at_ns)
{
	const struct itimerspec spec = {
		.it_value = {(time_t)(at_ns / XA_NS_PER_S), (long)(at_ns % XA_NS_PER_S)}};

	(void)timerfd_settime(watch->timer_fd, TFD_TIMER_ABSTIME, &spec, NULL);
}

static void ring(struct xa_watch *watch)
{
	uint64_t now_ns = xa_now_ns(), at_ns = now_ns + SETTLE_NS;

	if (!watch->first_ns)
		watch->first_ns = now_ns;
	if (at_ns > watch->first_ns + SETTLE_MAX_NS)
		at_ns = watch->first_ns + SETTLE_MAX_NS;
	arm(watch, at_ns);
}

static bool is_meant(const struct spot *spot, const char *name)
{
	if (spot->name[0])
		return !strcmp(spot->name, name);
	return xa_files_is_config(name) || !strcmp(name, XA_FILES_CURRENT);
}

/* What comes without a name is about the directory itself. */
static bool matters(const struct xa_watch *watch, const struct inotify_event *event)
{
	if (event->mask & IN_Q_OVERFLOW)
		return true;
	for (size_t i = 0; i < watch->spot_count; i++)
		if (watch->spots[i].wd == event->wd &&
		    (!event->len || is_meant(&watch->spots[i], event->name)))
			return true;
	return false;
}

static bool has_rung(const struct xa_watch *watch)
{
	_Alignas(struct inotify_event) char buffer[4096];
	bool rung = false;
	ssize_t len;

	while ((len = read(watch->inotify_fd, buffer, sizeof(buffer))) > 0) {
		for (ssize_t at = 0; at < len;) {
			const struct inotify_event *event = (const void *)(buffer + at);

			rung |= matters(watch, event);
			at += (ssize_t)(sizeof(*event) + event->len);
		}
	}
	return rung;
}

/* --- the way to a file --- */

static bool has_spot(const struct xa_watch *watch, int wd, const char *name)
{
	for (size_t i = 0; i < watch->spot_count; i++)
		if (watch->spots[i].wd == wd && (!name || !strcmp(watch->spots[i].name, name)))
			return true;
	return false;
}

/* A directory that is not there is missed by name in the one above it. */
static void spot_add(struct xa_watch *watch, const char *folder, const char *name)
{
	struct spot *spot = &watch->spots[watch->spot_count];
	int wd;

	if (watch->spot_count == SPOTS_MAX) {
		watch->partial = true;
		return;
	}
	wd = inotify_add_watch(watch->inotify_fd, folder, EVENTS);
	if (wd < 0) {
		watch->partial |= errno != ENOENT && errno != ENOTDIR;
		return;
	}
	if (has_spot(watch, wd, name))
		return;
	spot->wd = wd;
	(void)snprintf(spot->name, sizeof(spot->name), "%s", name);
	watch->spot_count++;
}

/* How far a path was followed: `at` is no link, `rest` is what is left to go. */
struct way {
	char at[PATH_MAX], rest[PATH_MAX];
	char name[NAME_MAX + 1]; /* the first one of the rest, when taken off it */
};

static bool way_begin(struct way *way, const char *path)
{
	(void)snprintf(way->at, sizeof(way->at), "%s", path[0] == '/' ? "/" : ".");
	return snprintf(way->rest, sizeof(way->rest), "%s", path) < (int)sizeof(way->rest);
}

static bool way_next(struct way *way)
{
	const char *name = way->rest + strspn(way->rest, "/");
	const size_t len = strcspn(name, "/");

	if (!len || len >= sizeof(way->name))
		return false;
	memcpy(way->name, name, len);
	way->name[len] = '\0';
	memmove(way->rest, name + len, strlen(name + len) + 1);
	return true;
}

/* Goes to the name, or to where it leads if it is a link. False: too far. */
static bool way_enter(struct way *way, unsigned *links)
{
	char target[PATH_MAX], rest[PATH_MAX];
	const size_t len = strlen(way->at), room = sizeof(way->at) - len;
	ssize_t target_len;

	if (snprintf(way->at + len, room, "/%s", way->name) >= (int)room)
		return false;
	target_len = readlink(way->at, target, sizeof(target) - 1);
	if (target_len < 0)
		return true;
	target[target_len] = '\0';
	memcpy(rest, way->rest, sizeof(rest));
	way->at[len] = '\0';
	if (target[0] == '/')
		(void)snprintf(way->at, sizeof(way->at), "/");
	return ++*links <= LINKS_MAX && snprintf(way->rest, sizeof(way->rest), "%s/%s", target,
						 rest) < (int)sizeof(way->rest);
}

static void follow(struct xa_watch *watch, const char *path)
{
	struct way way;
	unsigned links = 0;
	bool is_near = way_begin(&way, path);

	while (is_near && way_next(&way)) {
		spot_add(watch, way.at, way.name);
		is_near = way_enter(&way, &links);
	}
	watch->partial |= !is_near;
}

/* --- what is there --- */

static uint64_t time_ns(const struct timespec *time)
{
	return (uint64_t)time->tv_sec * XA_NS_PER_S + (uint64_t)time->tv_nsec;
}

/* Not the time of the last change of status, which `touch -a` moves as well. */
static uint64_t identity(const struct stat *status)
{
	const uint64_t parts[] = {
		status->st_dev,
		status->st_ino,
		(uint64_t)status->st_size,
		time_ns(&status->st_mtim),
		status->st_mode,
		status->st_uid,
		status->st_gid,
	};

	return XXH3_64bits(parts, sizeof(parts));
}

static uint64_t file_state(struct xa_watch *watch, struct place *place, const char *path)
{
	struct stat status;
	uint64_t now_ns = xa_wall_ns(), written_ns, changed_ns;

	follow(watch, path);
	if (stat(path, &status))
		return 0;
	written_ns = time_ns(&status.st_mtim);
	changed_ns = time_ns(&status.st_ctim);
	if (place->newest_ns < changed_ns)
		place->newest_ns = changed_ns;
	watch->writing |= S_ISREG(status.st_mode) && !status.st_size && written_ns <= now_ns &&
			  now_ns - written_ns < EMPTY_NS;
	return identity(&status);
}

static void close_dir(DIR **dir)
{
	if (*dir)
		(void)closedir(*dir);
}

/* A sum, since names come in any order. */
static uint64_t folder_state(struct xa_watch *watch, struct place *place, const char *folder)
{
	XA_CLEANUP(close_dir) DIR *dir = opendir(folder);
	const struct dirent *entry;
	char path[PATH_MAX];
	uint64_t sum = 0;

	while (dir && (entry = readdir(dir))) {
		const char *name = entry->d_name;
		const int len = snprintf(path, sizeof(path), "%s/%s", folder, name);

		if (xa_files_is_config(name) && len < (int)sizeof(path))
			sum += XXH3_64bits_withSeed(name, strlen(name),
						    file_state(watch, place, path));
	}
	return sum;
}

static bool is_folder(const char *path)
{
	struct stat status;

	return !stat(path, &status) && S_ISDIR(status.st_mode);
}

static void place_look(struct xa_watch *watch, struct place *place)
{
	char current[PATH_MAX];

	follow(watch, place->path);
	place->newest_ns = 0;
	if (!is_folder(place->path)) {
		place->seen = file_state(watch, place, place->path);
		return;
	}
	spot_add(watch, place->path, "");
	(void)snprintf(current, sizeof(current), "%s/" XA_FILES_CURRENT, place->path);
	place->seen = folder_state(watch, place, is_folder(current) ? current : place->path);
}

/* Watches first, looks then: what changes in between rings. */
static void look(struct xa_watch *watch)
{
	int before[SPOTS_MAX];
	const size_t count = watch->spot_count;

	for (size_t i = 0; i < count; i++)
		before[i] = watch->spots[i].wd;
	watch->spot_count = 0;
	watch->partial = watch->writing = false;
	for (size_t i = 0; i < watch->place_count; i++)
		place_look(watch, &watch->places[i]);
	for (size_t i = 0; i < count; i++)
		if (!has_spot(watch, before[i], NULL))
			(void)inotify_rm_watch(watch->inotify_fd, before[i]);
	if ((watch->partial || watch->writing) && !watch->first_ns)
		arm(watch, xa_now_ns() + RETRY_NS);
}

static bool has_changed(const struct xa_watch *watch)
{
	for (size_t i = 0; i < watch->place_count; i++)
		if (watch->places[i].seen != watch->places[i].taken)
			return true;
	return false;
}

static void take(struct xa_watch *watch)
{
	for (size_t i = 0; i < watch->place_count; i++)
		watch->places[i].taken = watch->places[i].seen;
}

void xa_watch_take(struct xa_watch *watch)
{
	if (!watch)
		return;
	watch->taken_ns = xa_wall_ns();
	look(watch);
	take(watch);
}

bool xa_watch_read(struct xa_watch *watch)
{
	uint64_t expirations;

	if (!watch)
		return false;
	if (has_rung(watch))
		ring(watch);
	if (read(watch->timer_fd, &expirations, sizeof(expirations)) < 0)
		return false;
	watch->first_ns = 0;
	look(watch);
	if (watch->writing || !has_changed(watch))
		return false;
	take(watch);
	return true;
}

/* --- what is watched --- */

static int list_places(struct xa_arena *arena, const char *path, const struct xa_config *config,
		       struct place *places, size_t *ret_count)
{
	const char *web = config->http.web_config_file;
	size_t count = 0;

	places[count++].path = xa_arena_strndup(arena, path, strlen(path));
	if (*web)
		places[count++].path = xa_arena_strndup(arena, web, strlen(web));
	for (size_t i = 0; i < config->policy.stage_count; i++) {
		const struct xa_stage *stage = &config->policy.stages[i];
		const char *file = xa_stage_file(stage);

		if (file)
			places[count++].path = xa_path_resolve(arena, stage->file, file);
	}
	for (size_t i = 0; i < count; i++)
		if (!places[i].path)
			return -ENOMEM;
	*ret_count = count;
	return 0;
}

static const struct place *find_place(const struct xa_watch *watch, const char *path)
{
	for (size_t i = 0; i < watch->place_count; i++)
		if (!strcmp(watch->places[i].path, path))
			return &watch->places[i];
	return NULL;
}

/* What is known goes on to be what it was. What is new was loaded meanwhile: as it is, unless it
 * has changed since then. */
static void adopt(struct xa_watch *watch, struct place *places, size_t count)
{
	for (size_t i = 0; i < count; i++) {
		const struct place *before = find_place(watch, places[i].path);

		places[i].known = before != NULL;
		places[i].taken = before ? before->taken : 0;
	}
	watch->places = places;
	watch->place_count = count;
	look(watch);
	for (size_t i = 0; i < count; i++)
		if (!places[i].known && places[i].newest_ns <= watch->taken_ns)
			places[i].taken = places[i].seen;
}

int xa_watch_set(struct xa_watch *watch, const char *path, const struct xa_config *config)
{
	_cleanup_xa_arena_ struct xa_arena *arena = NULL;
	struct xa_arena *before = watch->arena;
	struct place *places;
	size_t count;
	int error = xa_arena_new(&arena);

	if (error)
		return error;
	places = xa_arena_alloc(arena, (2 + config->policy.stage_count) * sizeof(*places));
	if (!places)
		return -ENOMEM;
	error = list_places(arena, path, config, places, &count);
	if (error)
		return error;
	adopt(watch, places, count);
	watch->arena = take_ptr(arena);
	xa_arena_free(before);
	if (has_changed(watch))
		ring(watch);
	return 0;
}
